"""Numbers brought to a scale, put into bins, or turned into vectors.

scaling             by a given scale, or by the mean and the variance of data
categories          bins, and numbers of categories as vectors
quantile_summaries  the quantiles of data that come in batches
batches             the batches that a layer adapts to
"""

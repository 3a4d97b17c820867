"""Samples of a batch that do not count: which graphs can leave them out, and how.

row_axes     which axis of a value counts the samples
row_rules    what each op does to it
examination  whether no sample sees another, but for sums over all of them
masking      the pass that leaves padding out of those sums
"""

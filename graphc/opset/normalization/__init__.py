"""Normalisations: of features, of groups of channels, over a batch, to length 1.

All are computed at least in float32, and have their gradients in closed form.
"""

from graphc.opset.normalization import batches, features, groups, lengths

__all__ = ["batches", "features", "groups", "lengths"]

"""Softmax, its logarithms, sparsemax, and the cross-entropies that are made of them.

All subtract the maximum first, so that no exponential overflows; XLA does none of this by itself.
"""

from graphc.opset.softmax_family import cross_entropy, softmax, sparsemax

__all__ = ["cross_entropy", "softmax", "sparsemax"]

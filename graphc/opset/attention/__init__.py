"""Attention by scaled dot products, and its gradient under a name of its own.

Both are written out in full where nothing better is known. A pass that has a form which needs less
memory finds them by name, with everything that such a form must know: scale, masks and bias.
"""

from graphc.opset.attention import flash, gradient, weighted_values

__all__ = ["flash", "gradient", "weighted_values"]

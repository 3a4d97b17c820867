"""Reading and writing windows of a tensor at positions that are computed: `gather`, `scatter`."""

from graphc.opset.gather_scatter import gather, scatter

__all__ = ["gather", "scatter"]

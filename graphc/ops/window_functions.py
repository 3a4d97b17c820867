"""Window functions of signal processing: vectors that fall off towards both ends.

The number of points must be known while the graph is built; the result is a constant of the default
float. Source: Harris 1978, "On the use of windows for harmonic analysis with the discrete Fourier
transform", https://doi.org/10.1109/PROC.1978.10837.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import constant_tensor, floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.sizes import as_size
from graphc.ops.tensor import Tensor


def _points(x: Any, what: str) -> int:
    """The number of points, none for a negative one, as in NumPy."""
    count = as_size(x, f"the number of points of {what}()")
    if not isinstance(count, int):
        raise ShapeError(
            f"{what}() needs a number of points that is known while the graph is built",
            given=str(count),
            expected="an integer",
            origin=capture_origin(),
        )
    return count


def _window(numbers: np.ndarray[Any, Any], name: str) -> Tensor:
    dtype = floatx()
    return constant_tensor(get_default_graph(), numbers.astype(dtype.numpy), dtype, name)


def bartlett(x: Any, name: str | None = None) -> Tensor:
    """A triangle over x points that is 0 at both ends: f[x]."""
    return _window(np.bartlett(_points(x, "bartlett")), name or "bartlett")


def blackman(x: Any, name: str | None = None) -> Tensor:
    """Blackman's sum of three cosines over x points: f[x]."""
    return _window(np.blackman(_points(x, "blackman")), name or "blackman")


def hamming(x: Any, name: str | None = None) -> Tensor:
    """0.54 - 0.46 cos over x points, not 0 at the ends: f[x]."""
    return _window(np.hamming(_points(x, "hamming")), name or "hamming")


def hanning(x: Any, name: str | None = None) -> Tensor:
    """0.5 - 0.5 cos over x points, 0 at the ends: f[x]."""
    return _window(np.hanning(_points(x, "hanning")), name or "hanning")


def kaiser(x: Any, beta: float, name: str | None = None) -> Tensor:
    """Kaiser's window over x points, of Bessel functions: f[x].

    Args:
        x: the number of points.
        beta: its shape; 0 is a rectangle, 8.6 is near Blackman's.
        name: of the result.
    """
    return _window(np.kaiser(_points(x, "kaiser"), float(beta)), name or "kaiser")

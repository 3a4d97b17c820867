"""Kernels with which a convolution computes Fourier transforms of windows of a signal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np

from graphc.dtypes import F32, I64, as_dtype
from graphc.errors import GraphcError, ShapeError, did_you_mean
from graphc.initializers.initializer import Initializer
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import fmod, multiply
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to, constant_tensor, floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import cos, sin

Numbers = np.ndarray[Any, Any]


def _cosines(*weights: float) -> Callable[[Numbers], Numbers]:
    """A window that is a sum of cosines, of positions from -1 to 1."""
    return lambda x: sum(  # pyright: ignore[reportReturnType]
        weight * np.cos(number * math.pi * x) for number, weight in enumerate(weights)
    )


def _parzen(steps: Numbers, size: int) -> Numbers:
    x = np.abs(steps) * 2 / size
    inner = 1 - 6 * x**2 * (1 - x)
    return np.where(np.abs(steps) <= (size - 1) / 4, inner, 2 * (1 - x) ** 3)


def _tukey(x: Numbers) -> Numbers:
    return np.where(np.abs(x) <= 0.5, 1.0, 0.5 + 0.5 * np.cos(2 * math.pi * (np.abs(x) - 0.5)))


_SHAPES: Final[dict[str, Callable[[Numbers], Numbers]]] = {
    "barthann": lambda x: 0.62 - 0.24 * np.abs(x) + 0.38 * np.cos(math.pi * x),
    "bartlett": lambda x: 1 - np.abs(x),
    "blackman": _cosines(0.42, 0.5, 0.08),
    "blackmanharris": _cosines(0.35875, 0.48829, 0.14128, 0.01168),
    "bohman": lambda x: (
        (1 - np.abs(x)) * np.cos(math.pi * np.abs(x)) + np.sin(math.pi * np.abs(x)) / math.pi
    ),
    "boxcar": np.ones_like,
    "flattop": _cosines(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "hamming": _cosines(0.54, 0.46),
    "hann": _cosines(0.5, 0.5),
    "lanczos": np.sinc,
    "nuttall": _cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "tukey": _tukey,
}
"""Windows as functions of the position, -1 at the first point and 1 at the last."""

_WITH_SIZE: Final[dict[str, Callable[[Numbers, int], Numbers]]] = {
    "cosine": lambda steps, size: np.cos(math.pi * steps / size),
    "parzen": _parzen,
    "triang": lambda steps, size: 1 - np.abs(steps) * 2 / (size + size % 2),
}
"""Windows as functions of the distance from the middle, in points, and the number of points."""


def window(name: str, size: int, periodic: bool) -> Numbers:
    """A window of signal processing, as SciPy names and computes them: float64[size].

    Args:
        name: "hann", "blackman", …
        size: the number of points.
        periodic: whether the point behind the last is the first again; else the last point
            mirrors the first.

    Source: Harris 1978, https://doi.org/10.1109/PROC.1978.10837; Nuttall 1981,
    https://doi.org/10.1109/TASSP.1981.1163506.
    """
    if size <= 1:
        return np.ones(size)
    points = size + 1 if periodic else size
    steps = np.arange(points) - (points - 1) / 2
    if name in _SHAPES:
        made = _SHAPES[name](steps * 2 / (points - 1))
    else:
        made = _WITH_SIZE[name](steps, points)
    return made[:size]


class STFT(Initializer, names=("STFTInitializer",)):
    """Cosines or sines of all frequencies, for a convolution that transforms windows of a signal.

    The variable is [frame length, 1, frequencies], with frequencies = transform length / 2 + 1.

    Args:
        side: "real" for cosines, "imag" for minus the sines.
        window: what frames are multiplied by: a name of SciPy's ("hann", "blackman", …), a vector,
            or None.
        scaling: "density" divides by the root of the sum of the window's squares, "spectrum" by
            the sum of the window, None by nothing; without a window nothing is divided.
        periodic: whether a window that is named is periodic.

    Raises:
        GraphcError: an argument is none of these.
        ShapeError: the variable or the window has another shape.
    """

    def __init__(
        self,
        side: Literal["real", "imag"] = "real",
        window: Any = "hann",
        scaling: Literal["density", "spectrum"] | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag") or scaling not in ("density", "spectrum", None):
            raise GraphcError(
                "this is no kernel of a Fourier transform",
                given=f"side={side!r}, scaling={scaling!r}",
                expected='side="real" or "imag", scaling="density", "spectrum" or None',
                origin=capture_origin(),
            )
        known = (*_SHAPES, *_WITH_SIZE)
        if isinstance(window, str) and window not in known:
            raise GraphcError(
                f"there is no window {window!r}",
                fix=f"{did_you_mean(window, known)} Or give its numbers.",
                origin=capture_origin(),
            )
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ShapeError(
                "this is not the shape of a kernel of a Fourier transform",
                given=f"a variable of shape {tuple(shape)}",
                expected="(frame length, 1, frequencies), at least two frequencies",
                origin=capture_origin(),
            )
        length, _, frequencies = shape
        target = floatx() if dtype is None else as_dtype(dtype)
        wide = target if target.itemsize >= F32.itemsize else F32
        period = 2 * (frequencies - 1)
        times = apply("iota", dtype=I64, shape=tuple(shape), iota_dimension=0)
        numbers = apply("iota", dtype=I64, shape=tuple(shape), iota_dimension=2)
        # whole turns are taken off as integers: angles stay small, and exact
        turns = cast_to(fmod(multiply(times, numbers), period), wide)
        angles = multiply(turns, -2 * math.pi / period)
        kernel = cos(angles) if self.side == "real" else sin(angles)
        if self.window is not None:
            factors = self._factors(length).reshape(length, 1, 1)
            kernel = multiply(kernel, constant_tensor(get_default_graph(), factors, wide))
        return cast_to(kernel, target)

    def _factors(self, length: int) -> Numbers:
        """The window, scaled."""
        if isinstance(self.window, str):
            made = window(self.window, length, self.periodic)
        else:
            made = np.asarray(self.window, np.float64)
        if made.shape != (length,):
            raise ShapeError(
                "a window has as many numbers as a frame",
                given=f"a window of shape {made.shape}",
                expected=f"({length},)",
                origin=capture_origin(),
            )
        if self.scaling is None:
            return made
        return made / (
            np.sqrt(np.sum(made**2)) if self.scaling == "density" else np.sum(np.abs(made))
        )

"""Images, signals and volumes: which axes are spatial, and the margins that windows need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

import graphc.settings as settings
from graphc.dimensions import Dimension
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor

FORMATS: Final = ("channels_last", "channels_first")


@dataclass(frozen=True)
class Layout:
    """Where the axes of a batch of images are.

    Attributes:
        rank: number of spatial axes.
        is_last: whether channels come last.
    """

    rank: int
    is_last: bool

    @property
    def spatial(self) -> tuple[int, ...]:
        """The spatial axes."""
        start = 1 if self.is_last else 2
        return tuple(range(start, start + self.rank))

    @property
    def channels(self) -> int:
        """The axis of the channels."""
        return self.rank + 1 if self.is_last else 1

    @property
    def text(self) -> str:
        """The axes as a convolution writes them: `b01f`."""
        digits = "".join(str(axis) for axis in range(self.rank))
        return f"b{digits}f" if self.is_last else f"bf{digits}"


def channels_come_last(data_format: str | None) -> bool:
    """Whether a data format puts channels last; `backend.image_data_format()` if None.

    Raises:
        GraphcError: there is no such format.
    """
    given = data_format or settings.image_data_format.get()
    if given not in FORMATS:
        raise GraphcError(
            f"there is no data format {given!r}",
            expected=" or ".join(FORMATS),
            origin=capture_origin(),
        )
    return given == "channels_last"


def layout_of(tensor: Tensor, data_format: str | None, function: str) -> Layout:
    """The layout of a batch of images with channels.

    Args:
        tensor: [batch, …spatial, channels], or [batch, channels, …spatial].
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        function: what errors call the caller.

    Raises:
        ShapeError: there is no spatial axis.
        GraphcError: there is no such format.
    """
    is_last = channels_come_last(data_format)
    if tensor.ndim < 3:
        raise ShapeError(
            f"{function}() takes a batch with at least one spatial axis",
            given=tensor.value.type,
            expected="[batch, …spatial, channels], or channels first",
            fix="add the axis of the batch, or that of the channels, with expand_dims",
            origin=capture_origin(),
        )
    return Layout(tensor.ndim - 2, is_last)


def per_axis(given: Any, rank: int, what: str, least: int = 1) -> tuple[int, ...]:
    """A whole number for each spatial axis, from one for all or from as many as there are.

    Raises:
        GraphcError: there are more or fewer, or one is too small.
    """
    listed: Sequence[Any] = given if isinstance(given, (tuple, list)) else [given] * rank
    numbers = [int(n) for n in listed if isinstance(n, (int, np.integer))]
    if len(numbers) != rank or len(listed) != rank or any(number < least for number in numbers):
        raise GraphcError(
            f"{what} does not fit {rank} spatial axes",
            given=repr(given),
            expected=f"a whole number from {least} on, or one per spatial axis",
            origin=capture_origin(),
        )
    return tuple(numbers)


def margins(
    padding: str,
    sizes: Sequence[Dimension],
    windows: Sequence[Dimension],
    strides: Sequence[int],
) -> tuple[list[Dimension], list[Dimension]]:
    """What is added before and after each spatial axis.

    Args:
        padding: "valid" adds nothing; "same" adds so much that a stride of 1 keeps the size.
        sizes: of the spatial axes.
        windows: how far a window reaches along each, holes included.
        strides: how far it moves.

    Raises:
        GraphcError: there is no such padding.
        ShapeError: the sizes of an axis and of its window are not known.
    """
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind == "valid":
        return [0] * len(sizes), [0] * len(sizes)
    if kind != "same":
        raise GraphcError(
            f"there is no padding {padding!r}",
            expected='"valid" or "same"',
            origin=capture_origin(),
        )
    low: list[Dimension] = []
    high: list[Dimension] = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        total = _margin(size, window, stride)
        low.append(total // 2)
        high.append(total - total // 2)
    return low, high


def _margin(size: Dimension, window: Dimension, stride: int) -> Dimension:
    """The margin that gives ceil(size / stride) windows."""
    if stride == 1:
        return window - 1
    needed = ((size + stride - 1) // stride - 1) * stride + window - size
    if isinstance(needed, int):
        return max(needed, 0)
    if isinstance(window, int):
        if window >= stride:
            return needed  # never below zero
        # It is above -stride and below the window: the numbers from 1 on that it reaches.
        return sum([(needed + stride - least) // stride for least in range(1, window)], start=0)
    raise ShapeError(
        "the margins of a size that is not known cannot be told",
        given=f"size {size}, window {window}, stride {stride}",
        expected="a window of known size",
        fix='give its size, or use padding="valid"',
        origin=capture_origin(),
    )

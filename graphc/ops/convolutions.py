"""Convolutions under keras.ops' names: kernels moved over signals, images and volumes.

A kernel is [*window, input channels, output channels]; what it multiplies is not reversed, as
everywhere in neural networks. Both layouts of images work, and so do sizes that are known only when
they are fed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimensions import Dimension, equal
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import promoted
from graphc.ops.shaping import flip, reshape
from graphc.ops.spatial_layouts import Layout, layout_of, margins, per_axis
from graphc.ops.tensor import Tensor

Numbers = int | Sequence[int]


def conv(
    inputs: Any,
    kernel: Any,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """A convolution over any number of spatial axes.

    Args:
        inputs: [batch, …spatial, channels], or [batch, channels, …spatial].
        kernel: [*window, channels / groups, output channels]; where it has fewer input channels
            than there are channels, these are divided into groups.
        strides: how far the window moves, for all axes or one per axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        name: of the result.

    Returns:
        [batch, …, output channels], or with channels first.

    Raises:
        ShapeError: kernel and inputs do not fit, or the window is larger than the input.
    """
    x, weights = promoted((inputs, kernel))
    layout = _layout(x, weights, data_format, "conv")
    groups = _groups(x, weights, layout)
    return _convolve(x, weights, layout, strides, padding, dilation_rate, groups, name or "conv")


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """A convolution of each channel by itself.

    Args:
        inputs: as of `conv`.
        kernel: [*window, channels, multiplier]: how many results each channel has.
        strides: as of `conv`.
        padding: as of `conv`.
        data_format: as of `conv`.
        dilation_rate: as of `conv`.
        name: of the result.

    Returns:
        As of `conv`, with channels · multiplier output channels.

    Raises:
        ShapeError: the kernel is not for that many channels.
    """
    x, weights = promoted((inputs, kernel))
    layout = _layout(x, weights, data_format, "depthwise_conv")
    channels, multiplier = weights.shape[-2:]
    if not isinstance(channels, int) or equal(x.shape[layout.channels], channels) is not True:
        raise _unfit(x, weights, "a kernel with as many channels as the input")
    spread = reshape(weights, (*weights.shape[:-2], 1, channels * multiplier))
    label = name or "depthwise_conv"
    return _convolve(x, spread, layout, strides, padding, dilation_rate, channels, label)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """A `depthwise_conv`, then a `conv` with a window of one element.

    Args:
        inputs: as of `conv`.
        depthwise_kernel: [*window, channels, multiplier].
        pointwise_kernel: [1, …, 1, channels · multiplier, output channels].
        strides: as of `conv`, for the first convolution.
        padding: likewise.
        data_format: as of `conv`.
        dilation_rate: likewise.
        name: of the result.
    """
    each = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(each, pointwise_kernel, 1, "valid", data_format, 1, name or "separable_conv")


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Numbers = 1,
    padding: str = "valid",
    output_padding: Numbers | None = None,
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """The transpose of a convolution: each element of the input spreads a kernel over the result.

    Args:
        inputs: as of `conv`.
        kernel: [*window, output channels, channels].
        strides: how far apart the elements of the input spread.
        padding: "valid": the size is (n - 1) · stride + max(window, stride); "same": n · stride.
        output_padding: what is added at the end, where the size shall be another; as Keras.
        data_format: as of `conv`.
        dilation_rate: distance of neighbours in the window.
        name: of the result.

    Raises:
        ShapeError: the kernel is not for that many channels, or its window is not known.
    """
    x, weights = promoted((inputs, kernel))
    layout = _layout(x, weights, data_format, "conv_transpose")
    if equal(x.shape[layout.channels], weights.shape[-1]) is False:
        raise _unfit(x, weights, "a kernel [*window, output channels, channels of the input]")
    rank = layout.rank
    steps, holes = (
        per_axis(strides, rank, "strides"),
        per_axis(dilation_rate, rank, "dilation_rate"),
    )
    extra = None if output_padding is None else per_axis(output_padding, rank, "output_padding", 0)
    low: list[int] = []
    high: list[int] = []
    for axis in range(rank):
        window = weights.shape[axis]
        if not isinstance(window, int):
            raise _unfit(x, weights, "a kernel whose window is known")
        more = None if extra is None else extra[axis]
        before, after = _spreading_margins(
            (window - 1) * holes[axis] + 1, steps[axis], padding, more
        )
        low.append(before)
        high.append(after)
    digits = "".join(str(axis) for axis in range(rank))
    return apply(
        "convolution",
        x,
        flip(weights, tuple(range(rank))),
        dimension_numbers=f"{layout.text}_{digits}oi->{layout.text}",
        padding_low=low,
        padding_high=high,
        lhs_dilation=steps,
        rhs_dilation=holes,
        name=name or "conv_transpose",
    )


def _spreading_margins(
    window: int, stride: int, padding: str, extra: int | None
) -> tuple[int, int]:
    """What is added before and after the spread input; the sizes are Keras's."""
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind == "valid":
        more = max(stride - window, 0) if extra is None else extra
        return window - 1, window - 1 + more
    if kind != "same":
        raise GraphcError(
            f"there is no padding {padding!r}",
            expected='"valid" or "same"',
            origin=capture_origin(),
        )
    total = stride + window - 2 if extra is None else window + window % 2 - 2 + extra
    before = min(total - total // 2, window - 1)
    return before, total - before


def _layout(x: Tensor, kernel: Tensor, data_format: str | None, function: str) -> Layout:
    layout = layout_of(x, data_format, function)
    if kernel.ndim != x.ndim:
        raise _unfit(x, kernel, f"a kernel with {layout.rank} axes of the window and 2 of channels")
    return layout


def _groups(x: Tensor, kernel: Tensor, layout: Layout) -> int:
    channels, taken = x.shape[layout.channels], kernel.shape[-2]
    if equal(channels, taken) is True:
        return 1
    if isinstance(channels, int) and isinstance(taken, int) and taken and channels % taken == 0:
        return channels // taken
    raise _unfit(x, kernel, "input channels that the kernel's divide without a remainder")


def _convolve(
    x: Tensor,
    kernel: Tensor,
    layout: Layout,
    strides: Numbers,
    padding: str,
    dilation_rate: Numbers,
    groups: int,
    name: str,
) -> Tensor:
    rank = layout.rank
    steps, holes = (
        per_axis(strides, rank, "strides"),
        per_axis(dilation_rate, rank, "dilation_rate"),
    )
    sizes = [x.shape[axis] for axis in layout.spatial]
    windows: list[Dimension] = [
        (size - 1) * hole + 1 for size, hole in zip(kernel.shape[:rank], holes, strict=True)
    ]
    low, high = margins(padding, sizes, windows, steps)
    for size, window, before, after in zip(sizes, windows, low, high, strict=True):
        reach = size + before + after - window
        if isinstance(reach, int) and reach < 0:
            raise _unfit(x, kernel, "a window that is not larger than the input")
    digits = "".join(str(axis) for axis in range(rank))
    return apply(
        "convolution",
        x,
        kernel,
        dimension_numbers=f"{layout.text}_{digits}io->{layout.text}",
        window_strides=steps,
        padding_low=low,
        padding_high=high,
        rhs_dilation=holes,
        feature_group_count=groups,
        name=name,
    )


def _unfit(x: Tensor, kernel: Tensor, expected: str) -> ShapeError:
    return ShapeError(
        "the kernel does not fit the input",
        given=f"{x.value.type} with a kernel {kernel.value.type}",
        expected=expected,
        fix="mind data_format: channels come last unless it says otherwise",
        origin=capture_origin(),
    )

"""Fourier transforms, under keras.ops' names.

As in Keras, complex numbers are pairs of tensors here, the real and the imaginary parts. Sizes may
be unknown. 16-bit floats are transformed in float32 and rounded at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphc.dimensions import Dimension, equal
from graphc.dtypes import F32, DType
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import divide, mod, multiply, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import greater, less, where
from graphc.ops.complex_numbers import complex as complex_tensor
from graphc.ops.complex_numbers import imag, real
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, inexact, to_tensor
from graphc.ops.filling import filled
from graphc.ops.gathering import take
from graphc.ops.joining import slice_axis
from graphc.ops.repeating import pad
from graphc.ops.sequences import sequence_places
from graphc.ops.shaping import broadcast_to, expand_dims
from graphc.ops.sizes import as_size, dimension_size
from graphc.ops.tensor import Tensor

Window = Literal["hann", "hamming"] | Any


def _wide(tensor: Tensor) -> Tensor:
    narrow = tensor.dtype.itemsize < F32.itemsize
    return cast_to(tensor, F32) if narrow else tensor


def _reals(x: Any, what: str) -> tuple[Tensor, DType]:
    """A signal, and the element type of results."""
    tensor = inexact(x)
    if tensor.dtype.is_complex or not tensor.ndim:
        raise (DTypeError if tensor.dtype.is_complex else ShapeError)(
            f"{what} takes a signal of reals",
            given=tensor.value.type,
            expected="a tensor of floats with at least one axis",
            origin=capture_origin(),
        )
    return _wide(tensor), tensor.dtype


def _pair(x: Any, what: str, rank: int) -> tuple[Tensor, DType]:
    """Real and imaginary parts as complex numbers, and the element type of results.

    Raises:
        GraphcError: they are no pair of reals of one shape with at least `rank` axes.
    """
    given: Sequence[Any] = x if isinstance(x, (tuple, list)) else ()
    parts = [to_tensor(part, None, graph_of(given)) for part in given]
    if len(parts) != 2 or not _fit(parts[0], parts[1], rank):
        raise GraphcError(
            f"{what} takes a pair: the real and the imaginary parts",
            given=repr(x) if len(parts) != 2 else " and ".join(str(p.value.type) for p in parts),
            expected=f"two tensors of floats of one shape with at least {rank} axes",
            fix="of a tensor of complex numbers: (ops.real(x), ops.imag(x))",
            origin=capture_origin(),
        )
    parts = [inexact(part) for part in parts]
    return complex_tensor(_wide(parts[0]), _wide(parts[1])), parts[0].dtype


def _fit(left: Tensor, right: Tensor, rank: int) -> bool:
    """Whether both are reals, of shapes that may be equal, with at least `rank` axes."""
    if left.dtype.is_complex or right.dtype.is_complex or not rank <= left.ndim == right.ndim:
        return False
    return all(equal(a, b) is not False for a, b in zip(left.shape, right.shape, strict=True))


def _parts(made: Tensor, dtype: DType, name: str) -> tuple[Tensor, Tensor]:
    return cast_to(real(made, name), dtype), cast_to(imag(made, name), dtype)


def _transform(tensor: Tensor, kind: str, lengths: Sequence[Dimension], name: str) -> Tensor:
    return apply("fft", tensor, fft_type=kind, fft_length=lengths, name=name)


def fft(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last axis.

    Args:
        x: real and imaginary parts, f[…, n] both.
        name: of the results.

    Returns:
        Real and imaginary parts, f[…, n].

    Raises:
        GraphcError: x is no pair of floats of one shape.
    """
    label = name or "fft"
    tensor, dtype = _pair(x, "fft()", 1)
    return _parts(_transform(tensor, "FFT", tensor.shape[-1:], label), dtype, label)


def fft2(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The Fourier transform over the last two axes; see `fft`."""
    label = name or "fft2"
    tensor, dtype = _pair(x, "fft2()", 2)
    return _parts(_transform(tensor, "FFT", tensor.shape[-2:], label), dtype, label)


def ifft2(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`, divided by the number of elements; see `fft`."""
    label = name or "ifft2"
    tensor, dtype = _pair(x, "ifft2()", 2)
    return _parts(_transform(tensor, "IFFT", tensor.shape[-2:], label), dtype, label)


def _resized(tensor: Tensor, size: Dimension, what: str) -> Tensor:
    """The tensor cut, or with zeros at the end, along the last axis."""
    own = tensor.shape[-1]
    if own == size:
        return tensor
    if isinstance(own, int) and isinstance(size, int) and own > size:
        return slice_axis(tensor, tensor.ndim - 1, 0, size)
    if not (isinstance(own, int) and isinstance(size, int)):
        # Padding by a negative number cuts, whichever of both is larger.
        zero = constant_tensor(graph_of((tensor,)), 0, tensor.dtype)
        edges = [0] * (tensor.ndim - 1)
        return apply(
            "pad", tensor, zero, low=[*edges, 0], high=[*edges, size - own], interior=[*edges, 0]
        )
    return pad(tensor, [(0, 0)] * (tensor.ndim - 1) + [(0, size - own)])


def rfft(x: Any, fft_length: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The Fourier transform of reals along the last axis: the first half of the spectrum.

    Args:
        x: f[…, n].
        fft_length: x is cut to that length, or gets zeros at its end; n by default.
        name: of the results.

    Returns:
        Real and imaginary parts, f[…, fft_length // 2 + 1].

    Raises:
        ShapeError: the length is less than 1.
        DTypeError: x is complex.
    """
    label = name or "rfft"
    tensor, dtype = _reals(x, "rfft()")
    length = tensor.shape[-1] if fft_length is None else as_size(fft_length, "fft_length")
    made = _transform(_resized(tensor, length, label), "RFFT", [length], label)
    return _parts(made, dtype, label)


def irfft(x: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft`.

    Args:
        x: real and imaginary parts, f[…, m] both; cut to fft_length // 2 + 1 numbers, or with zeros
            at the end.
        fft_length: of the result; 2 (m - 1) by default, so an odd length has to be given.
        name: of the result.

    Returns:
        f[…, fft_length].

    Raises:
        GraphcError: x is no pair of floats of one shape, or the length is less than 1.
    """
    label = name or "irfft"
    tensor, dtype = _pair(x, "irfft()", 1)
    length: Dimension = 2 * (tensor.shape[-1] - 1)
    if fft_length is not None:
        length = as_size(fft_length, "fft_length")
    resized = _resized(tensor, length // 2 + 1, label)
    return cast_to(_transform(resized, "IRFFT", [length], label), dtype, label)


# -- short-time transforms -------------------------------------------------------------------------


def _check_lengths(what: str, sequence_length: Any, stride: Any, fft_length: Any) -> None:
    lengths = (sequence_length, stride, fft_length)
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in lengths):
        problem, expected = "lengths and stride are whole numbers", "at least 1"
    elif fft_length < sequence_length:
        problem, expected = "a sequence does not fit", "an fft_length of at least sequence_length"
    else:
        return
    raise ShapeError(
        f"{what}: {problem}",
        given=f"sequence_length={sequence_length}, sequence_stride={stride}, "
        f"fft_length={fft_length}",
        expected=expected,
        origin=capture_origin(),
    )


def _window(window: Window, length: int, fft_length: int, dtype: DType, like: Tensor) -> Tensor:
    """The window with zeros around it, up to the length of the transform."""
    if window is None:
        made = constant_tensor(graph_of((like,)), np.ones(fft_length), dtype)
        return made
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise GraphcError(
                f"there is no window {window!r}",
                expected='"hann", "hamming", a tensor, or None',
                origin=capture_origin(),
            )
        turns = np.cos(2 * np.pi * np.arange(length) / length)
        numbers = 0.5 - 0.5 * turns if window == "hann" else 0.54 - 0.46 * turns
        window = numbers if length > 1 else np.ones(1)
        own = constant_tensor(graph_of((like,)), window.astype(dtype.numpy), dtype)
    else:
        own = cast_to(to_tensor(window, None, graph_of((like, window))), dtype)
    if own.ndim != 1 or own.shape[0] != length:
        raise ShapeError(
            "a window has as many numbers as a sequence",
            given=own.value.type,
            expected=f"[{length}]",
            origin=capture_origin(),
        )
    before = (fft_length - length) // 2
    return pad(own, [(before, fft_length - length - before)])


def _mirrored(places: Tensor, tensor: Tensor, margin: int) -> Tensor:
    """Places in a signal of which both ends are mirrored, `margin` elements wide."""
    last = subtract(dimension_size(tensor, tensor.ndim - 1), 1)
    # A signal goes to and fro in 2 (n - 1) steps; one of a single element stands still.
    doubled = multiply(last, 2)
    period = where(greater(doubled, 0), doubled, 1)
    turned = mod(subtract(places, margin), period)
    return where(less(last, turned), subtract(period, turned), turned)


def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Window = "hann",
    center: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The Fourier transforms of short sequences that overlap.

    Args:
        x: f[…, n].
        sequence_length: elements of a sequence.
        sequence_stride: from the start of one sequence to that of the next.
        fft_length: of the transforms; a sequence stands in the middle, with zeros around it.
        window: what sequences are multiplied by: "hann" or "hamming" (periodic), a vector of
            `sequence_length` numbers, or None.
        center: whether x is mirrored at both ends, so that sequence t is centered at element
            t * sequence_stride.
        name: of the results.

    Returns:
        Real and imaginary parts, f[…, sequences, fft_length // 2 + 1].

    Raises:
        ShapeError: the lengths do not fit together.
        GraphcError: there is no such window.
    """
    label = name or "stft"
    _check_lengths("stft()", sequence_length, sequence_stride, fft_length)
    tensor, dtype = _reals(x, "stft()")
    factor = _window(window, sequence_length, fft_length, tensor.dtype, tensor)
    margin = fft_length // 2 if center else 0
    size = tensor.shape[-1] + 2 * margin
    if isinstance(size, int) and size < fft_length:
        raise ShapeError(
            "stft(): the signal is shorter than one transform",
            given=tensor.value.type,
            expected=f"at least {fft_length - 2 * margin} elements",
            origin=capture_origin(),
        )
    places = sequence_places(
        (size - fft_length) // sequence_stride + 1, fft_length, sequence_stride
    )
    if center:
        places = _mirrored(places, tensor, margin)
    frames = multiply(take(tensor, places, -1), factor)
    return _parts(_transform(frames, "RFFT", [fft_length], label), dtype, label)


def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    name: str | None = None,
) -> Tensor:
    """The signal of which `stft` with the same arguments gives x: the best one, if there is none.

    Sequences are multiplied by the window once more, added where they overlap, and divided by the
    sum of the squared windows (Griffin and Lim, 1984). Without a window the result is that times
    fft_length / sequence_stride, as in Keras.

    Args:
        x: real and imaginary parts, f[…, sequences, fft_length // 2 + 1].
        sequence_length: as for `stft`.
        sequence_stride: likewise.
        fft_length: likewise.
        length: of the result, from its start; all there is by default.
        window: as for `stft`.
        center: whether `stft` mirrored the ends, which are cut off then.
        name: of the result.

    Returns:
        f[…, length].

    Raises:
        ShapeError: the lengths do not fit together.
        GraphcError: x is no pair of floats of one shape, or there is no such window.
    """
    label = name or "istft"
    _check_lengths("istft()", sequence_length, sequence_stride, fft_length)
    spectrum, dtype = _pair(x, "istft()", 2)
    resized = _resized(spectrum, fft_length // 2 + 1, label)
    frames = _transform(resized, "IRFFT", [fft_length], "")
    factor = _window(window, sequence_length, fft_length, frames.dtype, frames)
    count = frames.shape[-2]
    places = sequence_places(count, fft_length, sequence_stride)
    whole: Dimension = fft_length + sequence_stride * (count - 1)
    total = _overlapped(multiply(frames, factor), places, whole)
    squares = broadcast_to(multiply(factor, factor), (count, fft_length))
    weights = _overlapped(squares, places, whole)
    signal = divide(total, where(greater(weights, 1e-10), weights, 1.0))
    if window is None:
        signal = multiply(signal, fft_length / sequence_stride)
    start = fft_length // 2 if center else 0
    stop = whole - start if length is None else start + as_size(length, "length")
    if isinstance(stop, int) and isinstance(whole, int):
        stop = min(stop, whole)
    return cast_to(slice_axis(signal, signal.ndim - 1, start, stop, name=label), dtype, label)


def _overlapped(frames: Tensor, places: Tensor, size: Dimension) -> Tensor:
    """Sequences […, count, length] added into […, size]."""
    batch = frames.shape[:-2]
    rank = len(batch)
    empty = filled(graph_of((frames,)), 0, frames.dtype, (*batch, size))
    return apply(
        "scatter",
        empty,
        expand_dims(places, 2),
        frames,
        update_window_dims=range(rank),
        inserted_window_dims=[rank],
        scatter_dims_to_operand_dims=[rank],
        update_computation="add",
        mode="promise_in_bounds",
    )

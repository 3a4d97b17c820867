"""Fourier transforms beside NumPy, short-time ones beside sums written out, and what is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError, ShapeError
from tests.ops.evaluation import called
from tests.ops.numpy_cases import floats


def close(found: Any, expected: Any, tolerance: float = 2e-5) -> None:
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def pair(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A function of a pair of tensors as one of two tensors."""
    return lambda real, imag: function((real, imag), *arguments)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("shape", [(6, 2), (2, 3, 4), (1, 1), (0, 3, 2)])
@pytest.mark.parametrize("name", ["fft", "fft2", "ifft2"])
def test_complex_transforms(name: str, shape: tuple[int, ...], symbolic: bool) -> None:
    function, expected = getattr(ops, name), getattr(np.fft, name)
    real, imag = floats(*shape), floats(*shape)
    found = called(pair(function), real, imag, symbolic=symbolic)
    want = expected(real + 1j * imag) if real.size else np.zeros(shape, complex)
    close(found[0], want.real)
    close(found[1], want.imag)


def test_a_transform_of_a_vector() -> None:
    real, imag = floats(5), floats(5)
    found = called(pair(ops.fft), real, imag)
    close(found[0], np.fft.fft(real + 1j * imag).real)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("length", [None, 4, 5, 9, 1])
@pytest.mark.parametrize("shape", [(5,), (2, 6)])
def test_transforms_of_reals(shape: tuple[int, ...], length: int | None, symbolic: bool) -> None:
    x = floats(*shape)
    found = called(lambda x: ops.rfft(x, length), x, symbolic=symbolic)
    want = np.fft.rfft(x, length)
    close(found[0], want.real)
    close(found[1], want.imag)
    spectrum = np.fft.rfft(x).astype(np.complex64)
    back = called(
        lambda z: ops.irfft((ops.real(z), ops.imag(z)), length), spectrum, symbolic=symbolic
    )
    close(back, np.fft.irfft(spectrum, length))


def test_narrow_floats_stay_narrow() -> None:
    x = ops.cast(floats(4), "bfloat16")
    assert [part.dtype for part in ops.rfft(x)] == ["bfloat16", "bfloat16"]
    assert ops.irfft(ops.rfft(x)).dtype == "bfloat16"


# -- short-time transforms -------------------------------------------------------------------------


def window_of(window: Any, length: int) -> np.ndarray[Any, Any]:
    angles = 2 * np.pi * np.arange(length) / length
    if window is None or length == 1:
        return np.ones(length)
    if isinstance(window, str):
        return {"hann": 0.5 - 0.5 * np.cos(angles), "hamming": 0.54 - 0.46 * np.cos(angles)}[window]
    return window


def transformed(
    x: np.ndarray[Any, Any], length: int, stride: int, fft_length: int, window: Any, center: bool
) -> np.ndarray[Any, Any]:
    """The transforms of slices, one after the other."""
    if center:
        edges = [(0, 0)] * (x.ndim - 1) + [(fft_length // 2,) * 2]
        x = np.pad(x, edges, mode="reflect")
    if window is None:
        factor = np.ones(fft_length)
    else:
        before = (fft_length - length) // 2
        factor = np.zeros(fft_length)
        factor[before : before + length] = window_of(window, length)
    starts = range(0, x.shape[-1] - fft_length + 1, stride)
    frames = [np.fft.rfft(x[..., start : start + fft_length] * factor) for start in starts]
    return np.stack(frames, axis=-2)


SETTINGS = [
    (4, 2, 4, "hann", True),
    (4, 2, 4, "hann", False),
    (5, 3, 8, "hamming", True),
    (4, 4, 4, None, False),
    (3, 2, 5, None, True),
    (3, 1, 3, np.float32([1, 2, 3]), True),
    (1, 1, 1, "hann", True),
]


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("shape", [(12,), (2, 9), (5,)])
def test_short_time_transforms(shape: tuple[int, ...], setting: Any, symbolic: bool) -> None:
    x = floats(*shape)
    found = called(lambda x: ops.stft(x, *setting), x, symbolic=symbolic)
    want = transformed(x, *setting)
    close(found[0], want.real)
    close(found[1], want.imag)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize(
    "setting", [(4, 2, 4, "hann"), (6, 2, 8, "hamming"), (4, 4, 4, None)], ids=str
)
def test_the_way_back_gives_the_signal(setting: Any, symbolic: bool) -> None:
    length, stride, fft_length, window = setting
    x = floats(2, 16)

    def there_and_back(x: Any) -> Any:
        spectrum = ops.stft(x, length, stride, fft_length, window)
        return ops.istft(spectrum, length, stride, fft_length, 16, window)

    close(called(there_and_back, x, symbolic=symbolic), x)


def test_a_signal_of_one_element_is_mirrored_as_numpy_does() -> None:
    found = called(lambda x: ops.stft(x, 2, 1, 4, None), floats(1))
    assert found[0].shape == (2, 3)


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_overlapping_sequences_are_weighed_as_in_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    import keras

    spectrum = (floats(5, 4), floats(5, 4))
    settings = [(None, "hann", True), (9, "hamming", True), (None, "hann", False)]
    for length, window, center in [*settings, (None, None, True), (7, None, False)]:
        want = keras.ops.istft(spectrum, 5, 2, 6, length, window, center)
        found = called(pair(ops.istft, 5, 2, 6, length, window, center), *spectrum)
        close(found, np.asarray(want), 1e-4)


# -- gradients, errors -----------------------------------------------------------------------------


def test_gradients_of_power_spectra_run_in_a_session() -> None:
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float32", [None, None])
        real, imag = ops.stft(x, 4, 2, 4, None, center=False)
        gradient = graphc.gradients(ops.sum(real * real + imag * imag), x)
        array = floats(2, 8)
        found = session.run(gradient, {x: array})
    starts, half = range(0, 5, 2), np.array([1, 2, 1])
    expected = np.zeros((2, 8))
    for start in starts:
        spectrum = np.fft.rfft(array[:, start : start + 4])
        expected[:, start : start + 4] += 2 * 4 * np.fft.irfft(spectrum / half, 4)
    close(found, expected, 1e-4)


@pytest.mark.parametrize(
    "x", [np.zeros(3, np.float32), (np.zeros(3),), (np.zeros(3), np.zeros(4)), (1j, 2j)], ids=str
)
def test_what_is_no_pair_of_reals_is_refused(x: Any) -> None:
    for function in (ops.fft, ops.irfft):
        with pytest.raises(GraphcError, match="real and the imaginary parts") as caught:
            function(x)
        assert caught.value.origin is not None
        assert caught.value.origin.file == __file__


def test_complex_signals_are_refused() -> None:
    with pytest.raises(DTypeError, match="signal of reals"):
        ops.rfft(np.zeros(3, np.complex64))
    with pytest.raises(ShapeError, match="signal of reals"):
        ops.rfft(1.0)


@pytest.mark.parametrize(
    ("lengths", "words"), [((0, 1, 4), "whole numbers"), ((4, 0, 4), "whole numbers"),
                           ((4, 1.5, 4), "whole numbers"), ((5, 1, 4), "does not fit")],
)  # fmt: skip
def test_lengths_that_do_not_fit_are_refused(lengths: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        ops.stft(np.zeros(9, np.float32), *lengths)


def test_windows_that_do_not_fit_are_refused() -> None:
    x = np.zeros(9, np.float32)
    with pytest.raises(GraphcError, match="no window 'kaiser'"):
        ops.stft(x, 4, 1, 4, "kaiser")
    with pytest.raises(ShapeError, match="as many numbers"):
        ops.stft(x, 4, 1, 4, np.ones(3, np.float32))
    with pytest.raises(ShapeError, match="shorter than one transform"):
        ops.stft(x, 4, 1, 16, center=False)

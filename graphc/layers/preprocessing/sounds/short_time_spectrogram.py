"""Fourier transforms of windows of a signal, by a convolution whose kernels can be learned."""

from __future__ import annotations

import math
from typing import Any, Final

import graphc.settings as settings
from graphc.errors import DTypeError, GraphcError
from graphc.initializers.fourier_kernels import STFT
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.reshaping.data_formats import DataFormatLayer
from graphc.ops.arithmetic import square
from graphc.ops.comparison import maximum
from graphc.ops.convolutions import conv
from graphc.ops.exponential import log, sqrt
from graphc.ops.joining import concatenate
from graphc.ops.repeating import pad
from graphc.ops.shaping import reshape, transpose
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import arctan2
from graphc.ops.variable import Variable

_CHOICES: Final[dict[str, tuple[str | None, ...]]] = {
    "mode": ("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
    "scaling": ("density", "spectrum", None),
    "padding": ("valid", "same"),
}


class STFTSpectrogram(DataFormatLayer):
    """The spectrum of each window of a signal: f[batch, time, channels] to f[batch, windows, …].

    The last axis is that of the frequencies, for each channel behind each other.

    Args:
        mode: "log" and "magnitude" of the spectrum, "psd" its power, "real", "imag", "angle" of its
            complex numbers, "stft" the real ones and the imaginary ones.
        frame_length: length of a window.
        frame_step: from the start of a window to that of the next; half of a window by default.
        fft_length: of the transform; the power of two that holds a window by default.
        window: what windows are multiplied by; see `initializers.STFT`.
        periodic: whether a window that is named is periodic.
        scaling: "density", "spectrum" or None; see `initializers.STFT`.
        padding: "valid", or "same" for windows over the ends, too.
        expand_dims: whether channels keep an axis of their own: the last one, or the second.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        for name, given in (("mode", mode), ("scaling", scaling), ("padding", padding)):
            if given not in _CHOICES[name]:
                self._refuse(name, given, ", ".join(map(str, _CHOICES[name])))
        step = frame_length // 2 if frame_step is None else frame_step
        if not 1 <= step <= frame_length:
            self._refuse("frame_step", frame_step, f"a number from 1 to {frame_length}")
        length = fft_length or 2 ** math.ceil(math.log2(frame_length))
        if length < frame_length:
            self._refuse("fft_length", fft_length, f"at least the frame_length {frame_length}")
        self.mode, self.padding, self.expand_dims = mode, padding, expand_dims
        self.frame_length, self.frame_step, self.fft_length = frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self._step, self._frequencies = step, length // 2 + 1
        self.input_spec = InputSpec(ndim=3)
        self.real_kernel: Variable
        self.imag_kernel: Variable

    def _refuse(self, name: str, given: Any, expected: str) -> None:
        raise GraphcError(
            f"{name} does not fit",
            given=repr(given)[:200],
            expected=expected,
            origin=capture_origin(),
        )

    def build(self, input_shape: Any) -> None:
        shape = (self.frame_length, 1, self._frequencies)
        options: Any = (self.window, self.scaling, self.periodic)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(shape, STFT("real", *options), name="real_kernel")
        if self.mode != "real":
            self.imag_kernel = self.add_weight(shape, STFT("imag", *options), name="imag_kernel")

    def call(self, inputs: Tensor) -> Tensor:
        if not inputs.dtype.is_floating:
            raise DTypeError(
                f"the layer {self.name!r} takes floats",
                given=inputs.value.type,
                fix="cast the signal",
                origin=capture_origin(),
            )
        signal = transpose(inputs, (0, 2, 1)) if self.is_channels_last else inputs
        return self._arranged(self._spectra(signal))

    def _spectra(self, signal: Tensor) -> Tensor:
        """f[batch, channels, windows, frequencies] of f[batch, channels, time]."""
        if self.mode == "real":
            return self._transformed(signal, self.real_kernel)
        if self.mode == "imag":
            return self._transformed(signal, self.imag_kernel)
        real = self._transformed(signal, self.real_kernel)
        imaginary = self._transformed(signal, self.imag_kernel)
        if self.mode == "angle":
            return arctan2(imaginary, real)
        if self.mode == "stft":
            return concatenate([real, imaginary], -1)
        power = square(real) + square(imaginary)
        if self.mode == "psd":  # all frequencies but the first and the last stand for two
            return power + pad(power[..., 1:-1], [(0, 0), (0, 0), (0, 0), (1, 1)])
        least = settings.epsilon.get()
        magnitude = sqrt(maximum(power, least))
        return magnitude if self.mode == "magnitude" else log(maximum(magnitude, least))

    def _transformed(self, signal: Tensor, kernel: Variable) -> Tensor:
        _, channels, time = signal.shape
        alone = reshape(signal, (-1, time, 1))
        made = conv(alone, kernel, self._step, self.padding, "channels_last")
        return reshape(made, (-1, channels, *made.shape[1:]))

    def _arranged(self, spectra: Tensor) -> Tensor:
        _, channels, windows, frequencies = spectra.shape
        if self.expand_dims:
            return transpose(spectra, (0, 2, 3, 1)) if self.is_channels_last else spectra
        if self.is_channels_last:
            return reshape(transpose(spectra, (0, 2, 1, 3)), (-1, windows, channels * frequencies))
        return reshape(transpose(spectra, (0, 1, 3, 2)), (-1, channels * frequencies, windows))

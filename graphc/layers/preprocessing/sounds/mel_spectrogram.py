"""The loudness of the bands of the mel scale, over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import F32, F64
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.arithmetic import power, square
from graphc.ops.comparison import maximum
from graphc.ops.conversion import cast_to
from graphc.ops.exponential import log10, sqrt
from graphc.ops.fourier import stft
from graphc.ops.linear_algebra import tensordot
from graphc.ops.reductions import max as most_of
from graphc.ops.shaping import swapaxes
from graphc.ops.tensor import Tensor

Array = np.ndarray[Any, Any]


class MelSpectrogram(Layer):
    """The loudness of bands that people hear as equally wide: f[…, time] to f[…, bands, windows].

    O'Shaughnessy, Speech Communication: Human and Machine (1987): mel(f) = 1127 ln(1 + f / 700).

    Args:
        fft_length: of the transforms.
        sequence_stride: from the start of a window to that of the next.
        sequence_length: of a window; `fft_length` by default.
        window: "hann", "hamming", or a vector of numbers.
        sampling_rate: samples per second.
        num_mel_bins: number of bands.
        min_freq: where the first band begins, in hertz.
        max_freq: where the last one ends; half of `sampling_rate` by default.
        power_to_db: whether loudness is in decibels.
        top_db: how many decibels below the loudest of all the faintest may be.
        mag_exp: the power of the magnitudes.
        min_power: what powers are at least.
        ref_power: the power of 0 decibels.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: a window is longer than a transform.
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sequence_length = sequence_length or fft_length
        if self.sequence_length > fft_length:
            raise GraphcError(
                "a window is longer than its transform",
                given=f"sequence_length={sequence_length}, fft_length={fft_length}",
                expected="sequence_length of at most fft_length",
                origin=capture_origin(),
            )
        self.fft_length, self.sequence_stride, self.window = fft_length, sequence_stride, window
        self.sampling_rate, self.num_mel_bins = sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Tensor) -> Tensor:
        own = self.compute_dtype
        wide = own if own in (F32, F64) else F32  # transforms have no shorter floats
        lengths = (self.sequence_length, self.sequence_stride, self.fft_length)
        real, imaginary = stft(cast_to(inputs, wide), *lengths, self.window, center=True)
        magnitudes = power(sqrt(square(real) + square(imaginary)), self.mag_exp)
        bands = tensordot(magnitudes, self._bands().astype(wide.numpy), 1)
        loudness = self._decibels(bands) if self.power_to_db else bands
        return cast_to(swapaxes(loudness, -1, -2), own)

    def _bands(self) -> Array:
        """How much each frequency belongs to each band: triangles on the mel scale."""
        frequencies = np.linspace(0, self.sampling_rate / 2, self.fft_length // 2 + 1)
        places = _mel(frequencies)[1:, None]  # the first is no sound
        edges = np.linspace(_mel(self.min_freq), _mel(self.max_freq), self.num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (places - low) / (middle - low), (high - places) / (high - middle)
        return np.pad(np.maximum(0, np.minimum(rising, falling)), [(1, 0), (0, 0)])

    def _decibels(self, powers: Tensor) -> Tensor:
        reference = max(abs(self.ref_power), self.min_power)
        decibels = 10.0 * log10(maximum(powers, self.min_power)) - 10.0 * np.log10(reference)
        return maximum(decibels, most_of(decibels) - self.top_db)


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(frequency, np.float64) / 700.0)

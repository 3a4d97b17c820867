"""Spectrograms: as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import DTypeError, GraphcError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

FIRST = {"data_format": "channels_first"}
SHORT = {"frame_length": 8, "frame_step": 3, "fft_length": 16}
SOUND = np.random.default_rng(4).uniform(-1, 1, (2, 600)).astype(np.float32)

CASES = [
    case("STFTSpectrogram", (2, 30, 2), mode=mode, window=window, scaling=scaling, **SHORT)
    for mode, window, scaling in (
        ("log", "hann", "density"),
        ("magnitude", "hamming", "spectrum"),
        ("psd", None, None),
        ("real", "hann", "density"),
        ("imag", "blackman", "density"),
        ("stft", "hann", "density"),
    )
] + [
    case("STFTSpectrogram", (2, 30, 2), frame_length=6, mode="psd", padding="same"),
    case("STFTSpectrogram", (2, 30, 2), expand_dims=True, mode="psd", periodic=True, **SHORT),
    case("STFTSpectrogram", (2, 2, 30), mode="psd", **SHORT, **FIRST),
    case("STFTSpectrogram", (2, 2, 30), mode="psd", expand_dims=True, **SHORT, **FIRST),
]
BANDS = {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 5, "sampling_rate": 400}
MELS = [
    case("MelSpectrogram", SOUND, tolerance=1e-4, **BANDS),
    case("MelSpectrogram", SOUND[0], tolerance=1e-4, static=True, max_freq=150, **BANDS),
    case(
        "MelSpectrogram",
        SOUND,
        power_to_db=False,
        mag_exp=1.0,
        window="hamming",
        sequence_length=32,
        min_freq=30.0,
        tolerance=1e-4,
        **BANDS,
    ),
    case(
        "MelSpectrogram",
        SOUND,
        top_db=20.0,
        min_power=1e-3,
        ref_power=2.0,
        tolerance=1e-4,
        **BANDS,
    ),
]


def test_spectrograms_are_those_of_keras() -> None:
    compare("spectrograms", CASES)


def test_mel_spectrograms_are_those_of_keras() -> None:
    compare("mel_spectrograms", MELS)


def test_angles_are_those_of_numpy() -> None:
    signal = np.random.default_rng(3).normal(size=(1, 32, 1)).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session() as session:
        options = {"frame_length": 16, "frame_step": 16, "window": None, "scaling": None}
        found = session.run(layers.STFTSpectrogram("angle", **options)(signal))
    for place in (0, 1):
        spectrum = np.fft.rfft(signal[0, 16 * place : 16 * place + 16, 0])
        turns = np.exp(1j * (found[0, place] - np.angle(spectrum)))
        np.testing.assert_allclose(turns[1:-1], 1, atol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"mode": "loud"}, "mode"),
        ({"scaling": "none"}, "scaling"),
        ({"padding": "causal"}, "padding"),
        ({"frame_length": 8, "frame_step": 9}, "frame_step"),
        ({"frame_length": 8, "fft_length": 4}, "fft_length"),
    ],
)
def test_arguments_that_do_not_fit_are_named(wrong, named) -> None:
    with pytest.raises(GraphcError, match=f"{named} does not fit"):
        layers.STFTSpectrogram(**wrong)


def test_wrong_sounds_are_refused() -> None:
    with pytest.raises(GraphcError, match="longer than its transform"):
        layers.MelSpectrogram(fft_length=16, sequence_length=32)
    with pytest.raises(DTypeError, match="takes floats"):
        layers.STFTSpectrogram(frame_length=4)(np.zeros((1, 8, 1), np.int32))

"""Layers that move, repeat, pad and cut elements, under every argument, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

FIRST = {"data_format": "channels_first"}
LAST = {"data_format": "channels_last"}

CASES = [
    case("Flatten", (2, 3, 4)),
    case("Flatten", (2, 3, 4, 2), **FIRST),
    case("Flatten", (3,)),
    case("Reshape", (2, 12), target_shape=(3, 4)),
    case("Reshape", (2, 3, 4), target_shape=(-1, 2, 3)),
    case("Permute", (2, 3, 4), dims=(2, 1)),
    case("Permute", (2, 3, 4, 5), dims=[3, 1, 2]),
    case("RepeatVector", (2, 3), n=4),
    case("UpSampling1D", (2, 3, 2)),
    case("UpSampling1D", (2, 3, 2), size=3),
    case("UpSampling2D", (2, 2, 3, 2)),
    case("UpSampling2D", (2, 2, 3, 2), size=3, **FIRST),
    case("UpSampling2D", (2, 2, 3, 2), size=(1, 2), interpolation="bilinear", **LAST),
    case("UpSampling2D", (2, 2, 3, 3), size=(2, 3), interpolation="bicubic", **FIRST),
    case("UpSampling3D", (1, 2, 1, 3, 2)),
    case("UpSampling3D", (1, 2, 1, 3, 2), size=(1, 3, 2), **FIRST),
    case("ZeroPadding1D", (2, 3, 2)),
    case("ZeroPadding1D", (2, 3, 2), padding=(2, 0), **FIRST),
    case("ZeroPadding2D", (2, 2, 3, 2)),
    case("ZeroPadding2D", (2, 2, 3, 2), padding=2),
    case("ZeroPadding2D", (2, 2, 3, 2), padding=((1, 0), (2, 3)), **FIRST),
    case("ZeroPadding3D", (1, 2, 1, 2, 2)),
    case("ZeroPadding3D", (1, 2, 1, 2, 2), padding=(0, 1, 2)),
    case("ZeroPadding3D", (1, 2, 1, 2, 2), padding=((1, 0), (0, 2), (0, 0)), **FIRST),
    case("Cropping1D", (2, 5, 2)),
    case("Cropping1D", (2, 5, 2), cropping=2),
    case("Cropping1D", (2, 5, 2), cropping=(3, 0)),
    case("Cropping2D", (2, 4, 5, 2)),
    case("Cropping2D", (2, 4, 5, 2), cropping=1),
    case("Cropping2D", (2, 2, 4, 5), cropping=((1, 0), (0, 2)), **FIRST),
    case("Cropping2D", (2, 4, 5, 2), cropping=(1, 2), **LAST),
    case("Cropping3D", (1, 3, 4, 5, 2)),
    case("Cropping3D", (1, 2, 3, 4, 5), cropping=((1, 0), (0, 2), (1, 1)), **FIRST),
]


def test_reshaping_layers_are_those_of_keras() -> None:
    compare("reshaping", CASES)


def test_sizes_that_are_known_when_fed_are_enough() -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 4, 3, 1)
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, None, None, 1])
        found = session.run(
            [
                layers.Flatten()(x),
                layers.UpSampling2D((2, 1))(x),
                layers.ZeroPadding2D(1)(x),
                layers.Cropping2D(((1, 2), (1, 0)))(x),
            ],
            {x: data},
        )
    np.testing.assert_array_equal(found[0], data.reshape(2, 12))
    np.testing.assert_array_equal(found[1], data.repeat(2, 1))
    np.testing.assert_array_equal(found[2], np.pad(data, ((0, 0), (1, 1), (1, 1), (0, 0))))
    np.testing.assert_array_equal(found[3], data[:, 1:-2, 1:])


def test_the_data_format_of_a_setting_is_written_with_the_layer() -> None:
    with graphc.settings.override(image_data_format="channels_first"):
        assert layers.UpSampling2D().get_config()["data_format"] == "channels_first"
    assert layers.UpSampling2D().get_config()["data_format"] == "channels_last"


def test_wrong_arguments_are_refused() -> None:
    x = graphc.constant(np.zeros((1, 3, 3, 1), np.float32))
    with pytest.raises(ShapeError, match="leave nothing"):
        layers.Cropping2D(((2, 1), (0, 0)))(x)
    with pytest.raises(ShapeError, match="each axis once"):
        layers.Permute((1, 1))
    with pytest.raises(ShapeError, match="number of steps"):
        layers.RepeatVector(0)
    for wrong in (-1, (1, 2, 3), ((1, 2), (3, -4)), "same"):
        with pytest.raises(GraphcError, match="padding"):
            layers.ZeroPadding2D(wrong)
    with pytest.raises(GraphcError, match="size"):
        layers.UpSampling1D(0)
    with pytest.raises(GraphcError, match="data format"):
        layers.UpSampling3D(data_format="NHWC")

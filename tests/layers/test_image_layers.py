"""Layers of images: sizes as in Keras, and draws within what they promise."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

X = (2, 5, 4, 3)
FIRST = {"data_format": "channels_first"}
STILL = {"training": False}

CASES = [
    case("Resizing", X, height=3, width=6),
    case("Resizing", X, height=3, width=6, interpolation="nearest", antialias=False, **FIRST),
    case("Resizing", X, height=2, width=2, antialias=True, interpolation="bicubic"),
    case("Resizing", X, height=3, width=6, crop_to_aspect_ratio=True),
    case(
        "Resizing",
        X,
        height=3,
        width=6,
        pad_to_aspect_ratio=True,
        fill_mode="constant",
        fill_value=0.5,
    ),
    case("CenterCrop", X, height=3, width=3),
    case("CenterCrop", X, height=2, width=2, **FIRST),
    case("CenterCrop", X, height=7, width=5),
    case("RandomFlip", X, mode="vertical", call=STILL),
    case("RandomFlip", X, mode="horizontal", call=STILL, **FIRST),
    case("RandomBrightness", X, factor=0.2, value_range=[0, 1], call=STILL),
    case("RandomContrast", X, factor=[0.1, 0.2], value_range=[0, 1], call=STILL),
]


def test_layers_of_images_are_those_of_keras() -> None:
    compare("images", CASES)


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """What random layers make of 400 images of rising numbers from 0.1 to 0.8."""
    image = np.linspace(0.1, 0.8, 24, dtype=np.float32).reshape(4, 3, 2)
    images = np.broadcast_to(image, (400, 4, 3, 2)).copy()
    with graphc.Graph().as_default(), graphc.Session(seed=1) as session:
        x = graphc.placeholder("float32", [None, 4, 3, 2])
        made = {
            "image": x,
            "both": layers.RandomFlip()(x, training=True),
            "rows": layers.RandomFlip("vertical", seed=1)(x, training=True),
            "columns": layers.RandomFlip("horizontal", seed=1)(x, training=True),
            "bright": layers.RandomBrightness((0.0, 0.2), (0, 1))(x, training=True),
            "contrast": layers.RandomContrast((0.5, 0.5), (0, 1))(x, training=True),
            "clipped": layers.RandomBrightness(1.0, (0, 1))(x, training=True),
            "one": layers.RandomFlip("vertical")(x[0], training=True),
        }
        return session.run(made, {x: images})


def test_half_of_the_images_are_mirrored(drawn) -> None:
    image = drawn["image"][0]
    flipped = {"both": image[::-1, ::-1], "rows": image[::-1], "columns": image[:, ::-1]}
    for name, other in flipped.items():
        is_other = np.array([(each == other).all() for each in drawn[name]])
        is_same = np.array([(each == image).all() for each in drawn[name]])
        assert (is_other ^ is_same).all(), name
        assert 0.4 < is_other.mean() < 0.6
    assert drawn["one"].shape == image.shape


def test_colors_move_as_far_as_they_may(drawn) -> None:
    image = drawn["image"]
    moved = drawn["bright"] - image
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1, :1, :1], moved.shape), atol=1e-6)
    assert 0 <= moved.min() < 0.02
    assert 0.18 < moved.max() <= 0.2 + 1e-6
    middle = image.mean((1, 2), keepdims=True)
    factors = (drawn["contrast"] - middle)[:, 1, 0] / (image - middle)[:, 1, 0]
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-4)
    assert 0.5 <= factors.min() < 0.55
    assert 1.45 < factors.max() <= 1.5 + 1e-5
    assert drawn["clipped"].min() == 0
    assert drawn["clipped"].max() == 1


def test_wrong_images_are_refused() -> None:
    with pytest.raises(GraphcError, match="way to flip"):
        layers.RandomFlip("diagonal")
    with pytest.raises(GraphcError, match="factor"):
        layers.RandomContrast(-0.5)
    with pytest.raises(GraphcError, match="value_range"):
        layers.RandomBrightness(0.5, value_range=3)
    with pytest.raises(GraphcError, match="images alone"):
        layers.RandomFlip(bounding_box_format="xyxy")
    with pytest.raises(ShapeError, match="an image or a batch"):
        layers.CenterCrop(1, 1)(graphc.constant(np.zeros((2, 2), np.float32)))
    with pytest.raises(ShapeError, match="size of its images"):
        layers.CenterCrop(1, 1)(graphc.placeholder("float32", [None, None, 2, 1]))

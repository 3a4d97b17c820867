"""Layers of images: sizes as in Keras, and draws within what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

X = (2, 5, 4, 3)
FIRST = {"data_format": "channels_first"}

SIZES = [
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
]

FACTORS: dict[str, dict[str, Any]] = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomShear": {"x_factor": 0.2},
    "RandomPerspective": {},
    "RandomCrop": {"height": 2, "width": 2},
    "RandomBrightness": {"factor": 0.2},
    "RandomContrast": {"factor": [0.1, 0.2], "value_range": [0, 1]},
    "RandomSaturation": {"factor": 0.2},
    "RandomHue": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.2},
    "RandomColorJitter": {"brightness_factor": 0.2},
    "RandomGrayscale": {},
    "RandomInvert": {},
    "RandomPosterization": {"factor": 3},
    "Solarization": {},
    "Equalization": {},
    "RandomSharpness": {"factor": 0.2},
    "RandomGaussianBlur": {},
    "RandomErasing": {},
    "RandomElasticTransform": {},
    "MixUp": {},
    "CutMix": {},
    "RandAugment": {"num_ops": 1},
    "AugMix": {"num_chains": 1, "chain_depth": 1},
}
STILL = [case(name, X, call={"training": False}, **config) for name, config in FACTORS.items()]


def test_sizes_are_those_of_keras() -> None:
    compare("images", SIZES)


def test_random_layers_leave_images_outside_of_training_as_in_keras() -> None:
    compare("images_at_rest", STILL)


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


@pytest.fixture(scope="module")
def transformations() -> dict[str, Any]:
    """What is drawn for 500 images of 8 rows and 6 columns."""
    images = np.zeros((500, 8, 6, 3), np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, 8, 6, 3])
        made = {
            "rotation": layers.RandomRotation((-0.1, 0.2)),
            "zoom": layers.RandomZoom((-0.2, 0.1), 0.5),
            "tied": layers.RandomZoom(0.3),
            "translation": layers.RandomTranslation(0.25, (0, 0.5)),
            "shear": layers.RandomShear((0.1, 0.3), 0.2),
            "perspective": layers.RandomPerspective(0.5, 0.4),
            "saturation": layers.RandomSaturation((0.2, 0.6)),
            "hue": layers.RandomHue(0.4),
            "posterization": layers.RandomPosterization((2, 6)),
            "solarization": layers.Solarization(0.2, (0.1, 0.5)),
            "erasing": layers.RandomErasing(1.0, (0.25, 0.25), 0.0),
            "mix": layers.MixUp(0.5),
            "cut": layers.CutMix(1.0),
            "augment": layers.RandAugment(),
        }
        drawn = {name: layer.get_random_transformation(x) for name, layer in made.items()}
        drawn["augment"] = drawn["augment"]["layer_idxes"]
        return session.run(drawn, {x: images})


def _spans(numbers: np.ndarray, low: float, high: float) -> None:
    """All lie between the limits, and come near to both."""
    room = 0.03 * (high - low)
    assert low <= numbers.min() <= low + room
    assert high - room <= numbers.max() <= high


def test_draws_span_what_the_factors_say(transformations) -> None:
    t = transformations
    _spans(t["rotation"]["angle"], -36, 72)
    _spans(t["zoom"]["height_zoom"], 0.8, 1.1)
    _spans(t["zoom"]["width_zoom"], 0.5, 1.5)
    np.testing.assert_array_equal(t["tied"]["height_zoom"], t["tied"]["width_zoom"])
    _spans(t["translation"]["translations"][:, 0], 0, 3)
    _spans(t["translation"]["translations"][:, 1], -2, 2)
    sheared = t["shear"]["shear_factor"]
    assert {-1.0, 1.0} == set(np.sign(sheared[:, 0]))
    _spans(np.abs(sheared[:, 0]), 0.1, 0.3)
    _spans(sheared[:, 1], -0.2, 0.2)
    moved = t["perspective"]["end_points"] - t["perspective"]["start_points"]
    assert np.abs(moved[:, 0]).max() == 0
    _spans(moved[:, 3, 0], -1, 1)
    assert 0.15 < t["perspective"]["apply_perspective"].mean() < 0.35
    _spans(t["saturation"]["factor"], 0.25, 1.5)
    _spans(t["hue"]["factor"], -0.2, 0.2)
    assert set(t["posterization"]["shift_factor"]) == {3, 4, 5, 6}
    _spans(t["solarization"]["additions"], 0, 51)
    _spans(t["solarization"]["thresholds"], 0.1, 127.5)


def test_rectangles_have_the_sides_that_were_drawn(transformations) -> None:
    inside = transformations["erasing"]["batch_masks"][..., 0]
    assert set(inside.any(2).sum(1)) == {4}
    assert set(inside.any(1).sum(1)) == {3}
    areas = transformations["cut"]["batch_masks"][..., 0].mean((1, 2))
    own = transformations["cut"]["mix_weight"].ravel()
    assert np.abs(areas - (1 - own)).mean() < 0.12
    assert 0.3 < own.mean() < 0.7


def test_partners_are_each_image_once(transformations) -> None:
    for name in ("mix", "cut"):
        order = transformations[name]["permutation_order"]
        assert sorted(order) == list(range(500))
        assert (order != np.arange(500)).mean() > 0.9
    weights = transformations["mix"]["mix_weight"]
    assert 0.45 < weights.mean() < 0.55
    assert ((weights < 0.1) | (weights > 0.9)).mean() > 0.3


def test_layers_that_draw_layers_do_what_those_do() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 6, 5, 3)).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, 6, 5, 3])
        layer = layers.RandAugment(num_ops=1)
        drawn = layer.get_random_transformation(x)["transforms"]
        one = layers.AugMix(num_chains=1, chain_depth=1)
        draws = one.get_random_transformation(x)["chain_transforms"][0][0]["transforms"]
        pairs = []
        for number in (1, 5, 9):
            name, inner = list(layer.choices.items())[number]
            fixed = {"layer_idxes": graphc.constant([number]), "transforms": drawn}
            pairs.append((layer.transform_images(x, fixed), inner.transform_images(x, drawn[name])))
        for number in (4, 11):
            name, inner = [*one.choices.items(), ("none", None)][number]
            chain = {"layer_idx": graphc.constant(number), "transforms": draws}
            fixed = {
                "chain_mixing_weights": graphc.constant([1.0]),
                "weight_sample": 0.25,
                "chain_transforms": [[chain]],
            }
            made = x if inner is None else inner.transform_images(x, draws[name])
            expected = graphc.ops.clip(0.25 * x + 0.75 * made, 0, 255)
            pairs.append((one.transform_images(x, fixed), expected))
        for mine, expected in session.run(pairs, {x: images}):
            np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-3)


ALONE = ("RandomFlip", "RandomGaussianBlur", "CutMix")
KINDS = (  # one of each kind: compiling takes time
    *("RandomFlip", "RandomRotation", "RandomCrop", "RandomHue", "RandomPosterization"),
    *("RandomGaussianBlur", "RandomElasticTransform", "MixUp", "CutMix"),
)


def test_layers_change_batches_and_images_and_what_is_beside_them() -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (4, 6, 5, 3)).astype(np.float32)
    masks = rng.integers(0, 3, (4, 6, 5, 1)).astype(np.int32)
    labels = np.eye(4, dtype=np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, 6, 5, 3])
        y = graphc.placeholder("float32", [None, 4])
        z = graphc.placeholder("int32", [None, 6, 5, 1])
        made = {}
        for name in KINDS:
            layer = getattr(layers, name)(**FACTORS[name])
            data = {"images": x, "labels": y, "segmentation_masks": z}
            made[name] = (layer(data, training=True), layer(x[0]) if name in ALONE else x[0])
        results = session.run(made, {x: images, y: labels, z: masks})
    for name, (beside, single) in results.items():
        sizes = (2, 2) if name == "RandomCrop" else (6, 5)
        assert beside["images"].shape == (4, *sizes, 3), name
        assert beside["segmentation_masks"].shape == (4, *sizes, 1), name
        assert single.shape == (6, 5, 3), name
        assert np.isfinite(beside["images"]).all(), name
        if name not in ("MixUp", "CutMix"):
            np.testing.assert_array_equal(beside["labels"], labels)
        if name != "MixUp":
            assert set(np.unique(beside["segmentation_masks"])) <= {0, 1, 2}, name


def test_bent_images_are_those_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(2)
    images = rng.uniform(0, 1, (2, 20, 30, 1)).astype(np.float32)
    noise = rng.normal(size=(2, 20, 30, 2)).astype(np.float32)
    drawn = {
        "apply_transform": np.array([True, True]),
        "distortion_factor": np.float32(0.8),
        "noise": noise,
    }
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.RandomElasticTransform(value_range=(0, 1))
        found = session.run(layer.transform_images(images, drawn))
    sigma, strength = 0.8 * 0.05 * 20, 0.8 * 0.1 * 30
    radius = int(6 * sigma) // 2
    bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    bell /= bell.sum()
    for image, own, bent in zip(images, noise, found, strict=True):
        moved = own * sigma
        for axis in (0, 1):
            moved = ndimage.convolve1d(moved, bell, axis, mode="constant")
        rows, columns = np.meshgrid(np.arange(20), np.arange(30), indexing="ij")
        places = [rows + strength * moved[..., 1], columns + strength * moved[..., 0]]
        expected = ndimage.map_coordinates(image[..., 0], places, order=1, mode="reflect")
        np.testing.assert_allclose(bent[..., 0], expected, atol=1e-4)


def test_a_layer_draws_when_nobody_says_otherwise_but_not_in_a_model() -> None:
    image = np.linspace(0, 1, 60, dtype=np.float32).reshape(1, 5, 4, 3)
    with graphc.Graph().as_default(), graphc.Session(seed=1) as session:
        turn = layers.RandomRotation((0.2, 0.3))
        inputs = graphc.Input((5, 4, 3))
        model = graphc.Model(inputs, layers.RandomRotation((0.2, 0.3))(inputs))
        alone, said, stacked = session.run(
            [turn(image), turn(image, training=False), graphc.Sequential([turn])(image)]
        )
        built = session.run(model.output, {inputs: image})
        predicted = model.predict(image, verbose=0)
    assert np.abs(alone - image).max() > 0.1
    assert np.abs(stacked - image).max() > 0.1
    for still in (said, built, predicted):
        np.testing.assert_array_equal(still, image)


def test_wrong_images_are_refused() -> None:
    with pytest.raises(GraphcError, match="way to flip"):
        layers.RandomFlip("diagonal")
    with pytest.raises(GraphcError, match="factor"):
        layers.RandomContrast(-0.5)
    with pytest.raises(GraphcError, match="value_range"):
        layers.RandomBrightness(0.5, value_range=3)
    with pytest.raises(GraphcError, match="masks alone"):
        layers.RandomFlip(bounding_box_format="xyxy")
    with pytest.raises(ShapeError, match="an image or a batch"):
        layers.CenterCrop(1, 1)(graphc.constant(np.zeros((2, 2), np.float32)))
    with pytest.raises(GraphcError, match="does not know"):
        layers.RandomFlip()({"images": np.zeros((1, 2, 2, 1)), "bounding_boxes": np.zeros((1, 4))})
    with pytest.raises(GraphcError, match="interpolation"):
        layers.RandomZoom(0.1, interpolation="bicubic")
    with pytest.raises(GraphcError, match="height_factor"):
        layers.RandomZoom(-1.0)
    with pytest.raises(GraphcError, match="has a middle"):
        layers.RandomGaussianBlur(kernel_size=4)
    labelled = {"images": np.zeros((2, 2, 2, 1)), "labels": np.zeros(2)}
    with pytest.raises(ShapeError, match="labels are vectors"):
        layers.MixUp()(labelled, training=True)
    with pytest.raises(ShapeError, match="size of its images"):
        layers.CenterCrop(1, 1)(graphc.placeholder("float32", [None, None, 2, 1]))

"""What layers make of images, given what was drawn: as in Keras, which draws other numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.layers.keras_layers import compare
from tests.layers.layer_cases import Case, case

FIRST = {"data_format": "channels_first"}
STILL = {"training": False}
UNIT = {"value_range": [0, 1]}

_numbers = np.random.default_rng(5)
RGB = _numbers.uniform(0, 1, (3, 6, 5, 3)).astype(np.float32)
BYTES = np.floor(RGB * 255)
FIRST_RGB = np.moveaxis(RGB, -1, 1).copy()
MASKS = _numbers.integers(0, 4, (3, 6, 5, 1)).astype(np.float32)
LABELS = np.eye(4, dtype=np.float32)[[0, 2, 3]]


def f(*numbers: Any) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


def b(*truths: bool) -> np.ndarray[Any, Any]:
    return np.array(truths)


def changed(layer: str, images: Any, drawn: Any, **config: Any) -> Case:
    return case(layer, images, drawn, method="transform_images", **config)


def masked(layer: str, drawn: Any, **config: Any) -> Case:
    return case(layer, MASKS, drawn, method="transform_segmentation_masks", **config)


def turned(degrees: Any, rows: int, columns: int) -> dict[str, Any]:
    """Angles, and Keras's matrix of them."""
    angle = np.radians(degrees.astype(np.float64))
    x, y = (columns - 1) / 2, (rows - 1) / 2
    c, s, nothing = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    matrix = [c, -s, x - x * c + y * s, s, c, y - x * s - y * c, nothing, nothing]
    return {"angle": degrees, "rotation_matrix": np.stack(matrix, 1).astype(np.float32)}


FLIPS = {"flips": b(True, False, True).reshape(3, 1, 1, 1)}
ANGLES = turned(f(30, -100, 0), 6, 5)
ZOOMS = {"height_zoom": f([0.7], [1.3], [1]), "width_zoom": f([1.2], [0.6], [1])}
MOVES = {"translations": f([1.5, -2], [-3, 0.25], [0, 0])}
SHEARS = {"shear_factor": f([0.3, 0], [-0.2, 0.4], [0, -0.5])}
_corners = np.tile(f([0, 0], [4, 0], [0, 5], [4, 5]), (3, 1, 1))
VIEWS = {
    "apply_perspective": b(True, True, False),
    "start_points": _corners,
    "end_points": _corners + _numbers.uniform(-0.7, 0.7, (3, 4, 2)).astype(np.float32),
}
CORNER = (np.array(2, np.int32), np.array(1, np.int32))

PLACES = [
    changed("RandomFlip", RGB, FLIPS),
    changed("RandomFlip", FIRST_RGB, FLIPS, mode="vertical", **FIRST),
    changed("RandomFlip", RGB, FLIPS, mode="horizontal", seed=3),
    masked("RandomFlip", FLIPS),
    changed("RandomRotation", RGB, ANGLES, factor=0.2),
    changed("RandomRotation", RGB, ANGLES, factor=(-0.5, 0.1), fill_mode="wrap", seed=1),
    changed("RandomRotation", RGB, ANGLES, factor=0.2, fill_mode="nearest"),
    changed("RandomRotation", RGB, ANGLES, factor=0, fill_mode="constant", fill_value=0.5),
    changed("RandomRotation", FIRST_RGB, ANGLES, factor=1, interpolation="nearest", **FIRST),
    masked("RandomRotation", ANGLES, factor=0.2),
    changed("RandomZoom", RGB, ZOOMS, height_factor=0.2),
    changed("RandomZoom", RGB, ZOOMS, height_factor=(-0.5, 0), width_factor=0.1, seed=1),
    changed("RandomZoom", FIRST_RGB, ZOOMS, height_factor=0.5, interpolation="nearest", **FIRST),
    changed("RandomZoom", RGB, ZOOMS, height_factor=1, fill_mode="constant", fill_value=2.0),
    masked("RandomZoom", ZOOMS, height_factor=0.2),
    changed("RandomTranslation", RGB, MOVES, height_factor=0.2, width_factor=(0, 1)),
    changed(
        "RandomTranslation",
        FIRST_RGB,
        MOVES,
        height_factor=0.2,
        width_factor=0.3,
        fill_mode="constant",
        fill_value=-1.0,
        interpolation="nearest",
        seed=4,
        **FIRST,
    ),
    masked("RandomTranslation", MOVES, height_factor=0.2, width_factor=0.2),
    changed("RandomShear", RGB, SHEARS, x_factor=0.3),
    changed(
        "RandomShear",
        FIRST_RGB,
        SHEARS,
        x_factor=(0.1, 0.2),
        y_factor=0.5,
        interpolation="nearest",
        fill_mode="constant",
        fill_value=0.25,
        seed=7,
        **FIRST,
    ),
    masked("RandomShear", SHEARS, y_factor=0.3),
    changed("RandomPerspective", RGB, VIEWS),
    changed(
        "RandomPerspective",
        FIRST_RGB,
        VIEWS,
        factor=(0.2, 0.5),
        scale=0.4,
        interpolation="nearest",
        fill_value=0.75,
        seed=2,
        **FIRST,
    ),
    masked("RandomPerspective", VIEWS),
    changed("RandomCrop", RGB, CORNER, height=3, width=4),
    changed("RandomCrop", FIRST_RGB, CORNER, height=2, width=2, seed=1, name="cut", **FIRST),
    changed("RandomCrop", RGB, [np.array(0), np.array(1)], height=8, width=4),
    masked("RandomCrop", CORNER, height=3, width=4),
]

DELTAS = {"rgb_delta": f(0.2, -0.3, 0).reshape(3, 1, 1, 1)}
CONTRASTS = {"contrast_factor": f(0.5, 1.4, 1).reshape(3, 1, 1, 1)}
SHARES = {"factor": f(0.3, 1, 0).reshape(3, 1, 1, 1)}
FACTORS = {"factor": f(0.3, 2, 0)}
HUES = {"factor": f(0.3, -0.45, 0)}
GRAYS = b(True, False, True).reshape(3, 1, 1, 1)
INVERSIONS = {"apply_inversion": b(True, False, True)}
BITS = {"shift_factor": np.array([1, 5, 7], np.uint8)}
SUNS = {
    "additions": f(10, 100, 0).reshape(3, 1, 1, 1),
    "thresholds": f(100, 128, 0).reshape(3, 1, 1, 1),
}
BLURS = {"should_apply_blur": b(True, False, True), "blur_factor": f(0.4, 0.9)}
HOLES = {
    "apply_erasing": b(True, False, True),
    "batch_masks": _numbers.random((3, 6, 5, 3)) < 0.3,
    "fill_value": _numbers.random((3, 6, 5, 3)).astype(np.float32),
}

COLORS = [
    changed("RandomBrightness", RGB, DELTAS, factor=0.3, **UNIT),
    changed("RandomContrast", FIRST_RGB, CONTRASTS, factor=0.5, seed=1, **UNIT, **FIRST),
    changed("RandomSaturation", RGB, FACTORS, factor=0.5, **UNIT),
    changed("RandomSaturation", FIRST_RGB, FACTORS, factor=(0.2, 0.4), seed=1, **FIRST),
    changed("RandomHue", RGB, HUES, factor=0.5, **UNIT),
    changed("RandomHue", np.moveaxis(BYTES, -1, 1).copy(), HUES, factor=1, seed=1, **FIRST),
    changed("RandomColorDegeneration", RGB, SHARES, factor=0.5, **UNIT),
    changed("RandomColorDegeneration", FIRST_RGB, SHARES, factor=(0, 1), seed=1, **FIRST),
    changed("RandomGrayscale", RGB, GRAYS),
    changed("RandomGrayscale", FIRST_RGB, GRAYS, factor=0.2, seed=1, **FIRST),
    changed("RandomInvert", RGB, INVERSIONS, **UNIT),
    changed("RandomInvert", FIRST_RGB, INVERSIONS, factor=(0.1, 0.5), seed=2, **FIRST),
    changed("RandomPosterization", BYTES, BITS, factor=3),
    changed("RandomPosterization", FIRST_RGB, BITS, factor=(1, 8), seed=1, **UNIT, **FIRST),
    changed("Solarization", BYTES, SUNS, addition_factor=0.1, threshold_factor=0.5),
    changed("Solarization", FIRST_RGB, SUNS, seed=3, **UNIT, **FIRST),
    changed("AutoContrast", RGB, None, **UNIT),
    changed("AutoContrast", np.full((2, 3, 3, 3), 7, np.float32), None),
    changed("AutoContrast", FIRST_RGB, None, **UNIT, **FIRST),
    changed("Equalization", BYTES, None, call={"training": True}),
    changed("Equalization", RGB, None, bins=16, **UNIT),
    changed("Equalization", np.moveaxis(BYTES, -1, 1).copy(), None, **FIRST),
    changed("Equalization", np.full((2, 3, 3, 3), 7, np.float32), None),
    changed("RandomSharpness", RGB, FACTORS, factor=0.5, **UNIT),
    changed("RandomSharpness", FIRST_RGB, FACTORS, factor=(0.2, 0.4), seed=2, **UNIT, **FIRST),
    changed("RandomGaussianBlur", RGB, BLURS, **UNIT),
    changed(
        "RandomGaussianBlur",
        FIRST_RGB,
        BLURS,
        factor=0.5,
        kernel_size=(5, 3),
        sigma=(0.2, 0.9),
        seed=3,
        **UNIT,
        **FIRST,
    ),
    changed("RandomErasing", RGB, HOLES, **UNIT),
    changed(
        "RandomErasing",
        RGB,
        HOLES,
        factor=(0.2, 0.5),
        scale=0.2,
        fill_value=[0, 1, 0.5],
        seed=3,
        data_format="channels_last",
    ),
]
JITTERS = [
    case(
        "RandomColorJitter",
        RGB,
        brightness_factor=[0.1, 0.1],
        contrast_factor=[0, 0],
        saturation_factor=[0.3, 0.3],
        hue_factor=0,
        value_range=[0, 1],
        data_format="channels_last",
        call={"training": True},
    )
]
CLAHE = "ContrastLimitedAdaptiveHistogramEqualization"
TILES = [
    changed(CLAHE, BYTES, None, tile_grid_size=(2, 2)),
    changed(CLAHE, BYTES, None, tile_grid_size=(4, 3), clip_limit=0),
    changed(CLAHE, FIRST_RGB, None, tile_grid_size=(2, 1), clip_limit=40.0, **UNIT, **FIRST),
]

MIXES = {"mix_weight": f(0.3, 1, 0.6), "permutation_order": np.array([2, 0, 1], np.int32)}
CUTS = {
    "permutation_order": np.array([2, 0, 1], np.int32),
    "batch_masks": HOLES["batch_masks"],
    "mix_weight": f(0.3, 1, 0.6).reshape(3, 1, 1, 1),
}
MIXED = [
    changed("MixUp", RGB, MIXES),
    changed("MixUp", FIRST_RGB, MIXES, alpha=0.7, seed=2, **FIRST),
    case("MixUp", LABELS, MIXES, method="transform_labels"),
    changed("CutMix", RGB, CUTS),
    changed("CutMix", RGB, CUTS, factor=(0.2, 0.5), seed=2, data_format="channels_last"),
    case("CutMix", LABELS, CUTS, method="transform_labels"),
]


def test_pixels_move_as_in_keras() -> None:
    compare("image_places", PLACES)


def test_colors_change_as_in_keras() -> None:
    compare("image_colors", COLORS)


def test_colors_change_one_after_the_other_as_in_keras() -> None:
    compare("image_jitters", JITTERS)


def test_tiles_are_equalized_as_in_keras() -> None:
    compare("image_tiles", TILES)


def test_images_are_mixed_as_in_keras() -> None:
    compare("image_mixing", MIXED)

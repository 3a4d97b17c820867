"""Functions of images: JAX's numbers where it has them, else what the function is defined to do."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from jax.scipy import ndimage

import graphc
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ops import image
from tests.ops.evaluation import called

GENERATOR = np.random.default_rng(3)
IMAGES = GENERATOR.random((2, 6, 7, 3)).astype(np.float32)
FORMS = {
    "batch": (IMAGES, "channels_last"),
    "single": (IMAGES[0], "channels_last"),
    "batch, channels first": (np.moveaxis(IMAGES, -1, 1), "channels_first"),
    "single, channels first": (np.moveaxis(IMAGES[0], -1, 0), "channels_first"),
}


def as_batch(array: Any, form: str) -> Any:
    """A result as a batch with channels last."""
    batch = array if form.startswith("batch") else array[None]
    return np.moveaxis(batch, 1, -1) if "first" in form else batch


def run(function: Any, form: str = "batch", **options: Any) -> Any:
    images, data_format = FORMS[form]
    found = called(lambda x: function(x, data_format=data_format, **options), images)
    return as_batch(found, form)


def given(form: str) -> Any:
    return IMAGES if form.startswith("batch") else IMAGES[:1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(3, 4), (12, 9), (6, 7)])
@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
def test_resizing_is_that_of_jax(method: str, size: tuple[int, int], form: str) -> None:
    for antialias in (False, True):
        found = run(image.resize, form, size=size, interpolation=method, antialias=antialias)
        shape = (len(given(form)), *size, 3)
        want = jax.image.resize(given(form), shape, method, antialias=antialias)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_resizing_keeps_a_ratio_by_cutting_or_by_adding() -> None:
    cut = run(image.resize, size=(4, 2), crop_to_aspect_ratio=True)
    want = jax.image.resize(IMAGES[:, :, 2:5], (2, 4, 2, 3), "bilinear", antialias=False)
    np.testing.assert_allclose(cut, want, rtol=1e-5)
    added = run(image.resize, size=(2, 4), pad_to_aspect_ratio=True, fill_value=0.5)
    wide = np.pad(IMAGES, ((0, 0), (0, 0), (2, 2), (0, 0)), constant_values=0.5)
    want = jax.image.resize(wide, (2, 2, 4, 3), "bilinear", antialias=False)
    np.testing.assert_allclose(added, want, rtol=1e-5)


def test_whole_numbers_stay_whole() -> None:
    bytes_ = (IMAGES * 255).astype(np.uint8)
    found = called(lambda x: image.resize(x, (3, 3)), bytes_)
    want = jax.image.resize(bytes_.astype(np.float32), (2, 3, 3, 3), "bilinear", antialias=False)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.rint(want))


def test_scaling_and_translating_is_that_of_jax() -> None:
    scale, shift = np.float32([1.3, 0.6]), np.float32([0.4, -0.2])
    for method in ("linear", "cubic", "lanczos3"):
        found = called(
            lambda x, m=method: image.scale_and_translate(x, (7, 4, 3), scale, shift, (0, 1), m),
            IMAGES[0],
        )
        want = jax.image.scale_and_translate(IMAGES[0], (7, 4, 3), (0, 1), scale, shift, method)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
@pytest.mark.parametrize("order", [0, 1])
def test_reading_at_coordinates_is_that_of_jax(order: int, mode: str) -> None:
    grid = IMAGES[0, ..., 0]
    places = (GENERATOR.random((2, 40)) * 14 - 4).astype(np.float32)
    for table in (grid, (grid * 9).astype(np.int32)):
        found = called(lambda x, p: image.map_coordinates(x, p, order, mode, 1), table, places)
        want = ndimage.map_coordinates(table, places, order, mode, 1)
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


def test_a_coordinate_just_below_a_half_is_nearest_to_the_lower_element() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    places = np.float32([[below, 0.5, -below, 1.5]])
    found = called(lambda x, at: image.map_coordinates(x, at, 0), np.float32([3, 5, 7]), places)
    np.testing.assert_array_equal(found, [3, 5, 3, 7])


@pytest.mark.parametrize("form", FORMS)
def test_an_affine_transform_moves_and_stretches(form: str) -> None:
    shift = np.float32([1, 0, 2, 0, 1, 1, 0, 0])  # what is 2 to the right and 1 below
    found = run(image.affine_transform, form, transform=shift)
    want = np.zeros_like(given(form))
    want[:, :-1, :-2] = given(form)[:, 1:, 2:]
    np.testing.assert_allclose(found, want, rtol=1e-6)
    same = run(image.affine_transform, form, transform=np.float32([1, 0, 0, 0, 1, 0, 0, 0]))
    np.testing.assert_allclose(same, given(form), rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_perspective_transform_takes_corners_to_corners(form: str) -> None:
    corners = np.float32([[0, 0], [6, 0], [0, 5], [6, 5]])
    mirrored = corners[[1, 0, 3, 2]]
    options = {"start_points": corners, "end_points": mirrored}
    found = run(image.perspective_transform, form, **options)
    np.testing.assert_allclose(found, given(form)[:, :, ::-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_colours_come_back(form: str) -> None:
    hsv = run(image.rgb_to_hsv, form)
    assert ((hsv >= 0) & (hsv <= 1)).all()
    np.testing.assert_allclose(hsv[..., 2], given(form).max(-1))
    back = called(image.hsv_to_rgb, hsv)
    np.testing.assert_allclose(back, given(form), rtol=1e-5, atol=1e-6)
    grey = run(image.rgb_to_grayscale, form)
    np.testing.assert_allclose(grey[..., 0], given(form) @ [0.2989, 0.587, 0.114], rtol=1e-5)


def test_pure_colours_have_known_hues() -> None:
    pixels = np.float32([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1]]])
    hue, saturation, value = np.moveaxis(called(image.rgb_to_hsv, pixels)[0], -1, 0)
    np.testing.assert_allclose(hue, [0, 1 / 3, 2 / 3, 0, 0, 5 / 6], rtol=1e-6)
    assert saturation.tolist() == [1, 1, 1, 0, 0, 1]
    assert value.tolist() == [1, 1, 1, 1, 0, 1]


@pytest.mark.parametrize("form", FORMS)
def test_borders_are_added_and_cut_off(form: str) -> None:
    options = {"top_padding": 1, "bottom_padding": 2, "left_padding": 3, "target_width": 12}
    padded = run(image.pad_images, form, **options)
    np.testing.assert_array_equal(padded, np.pad(given(form), ((0, 0), (1, 2), (3, 2), (0, 0))))
    options = {"top_cropping": 1, "target_height": 3, "left_cropping": 2, "right_cropping": 1}
    cut = run(image.crop_images, form, **options)
    np.testing.assert_array_equal(cut, given(form)[:, 1:4, 2:6])


@pytest.mark.parametrize("form", FORMS)
def test_patches_are_the_windows(form: str) -> None:
    found = run(image.extract_patches, form, size=(2, 3), strides=(2, 1))
    windows = np.lib.stride_tricks.sliding_window_view(given(form), (2, 3), (1, 2))[:, ::2]
    want = np.moveaxis(windows, 3, -1).reshape(*found.shape)
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_patches_of_volumes_are_the_windows() -> None:
    volume = GENERATOR.random((4, 4, 5, 2)).astype(np.float32)
    found = called(lambda x: image.extract_patches_3d(x, 2), volume)
    first = volume[:2, :2, :2].reshape(-1)
    np.testing.assert_allclose(found[0, 0, 0], first, rtol=1e-6)
    assert found.shape == (2, 2, 2, 16)


def test_blurring_keeps_the_brightness_and_spreads_a_point() -> None:
    point = np.zeros((1, 7, 7, 1), np.float32)
    point[0, 3, 3] = 1
    found = called(lambda x: image.gaussian_blur(x, (3, 5), (1.0, 2.0)), point)[0, ..., 0]
    assert found.sum() == pytest.approx(1, rel=1e-5)
    assert (found > 0).any(0).sum() == 3, "columns"
    assert (found > 0).any(1).sum() == 5, "rows"
    np.testing.assert_allclose(found, found[::-1, ::-1], rtol=1e-6)


def test_edges_point_to_where_it_gets_brighter() -> None:
    ramp = np.broadcast_to(np.arange(6.0), (1, 5, 6))[..., None].astype(np.float32)
    found = called(image.sobel_edges, ramp)
    np.testing.assert_allclose(found[0, 1:-1, 1:-1, 0, 1], 8)
    np.testing.assert_allclose(found[0, 1:-1, 1:-1, 0, 0], 0)


@pytest.mark.parametrize("form", FORMS)
def test_equal_images_are_alike_and_others_less(form: str) -> None:
    images, data_format = FORMS[form]
    options = {"filter_size": 3, "data_format": data_format}
    same = called(lambda x, y: image.ssim(x, y, **options), images, images)
    np.testing.assert_allclose(same, np.ones_like(same), rtol=1e-4)
    assert same.shape == ((2,) if form.startswith("batch") else ())
    assert (called(lambda x, y: image.ssim(x, y, **options), images, 1 - images) < 0.5).all()


def test_the_batch_may_be_open_and_gradients_flow() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 6, 7, 3])
        total = graphc.ops.sum(graphc.ops.square(image.resize(x, (3, 3), "bicubic")))
        mine = session.run(graphc.gradients(total, x), {x: IMAGES})

    def loss(x: Any) -> Any:
        return (jax.image.resize(x, (2, 3, 3, 3), "bicubic", antialias=False) ** 2).sum()

    np.testing.assert_allclose(mine, jax.grad(loss)(IMAGES), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: image.resize(IMAGES[0, 0], (2, 2)), ShapeError, "one image or a batch"),
        (lambda: image.resize(IMAGES, (2, 2), "cubic spline"), GraphcError, "no interpolation"),
        (lambda: image.rgb_to_hsv(IMAGES[..., :2]), ShapeError, "3 channels"),
        (lambda: image.rgb_to_hsv((IMAGES * 9).astype(np.int32)), DTypeError, "takes floats"),
        (lambda: image.pad_images(IMAGES, top_padding=1), GraphcError, "exactly two of"),
        (
            lambda: image.crop_images(
                IMAGES, top_cropping=3, bottom_cropping=3, left_cropping=0, right_cropping=0
            ),
            ShapeError,
            "leaves nothing",
        ),
        (
            lambda: image.map_coordinates(IMAGES[0, :, :, 0], [[0.5]], 1),
            ShapeError,
            "for each axis",
        ),
        (lambda: image.map_coordinates(IMAGES[0], IMAGES[0], 3), GraphcError, "no order 3"),
        (
            lambda: image.affine_transform(IMAGES, np.zeros(8, np.float32), "cubic"),
            GraphcError,
            "no interpolation 'cubic'",
        ),
    ],
)
def test_what_does_not_fit_is_named(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()

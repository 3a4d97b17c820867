"""Convolutions: JAX's numbers in both layouts, sizes that are fed, and what does not fit."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

import graphc
from graphc import ops
from graphc.errors import GraphcError, ShapeError
from tests.ops.evaluation import called

GENERATOR = np.random.default_rng(5)


def numbers(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape).astype(np.float32)


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "signals": ((2, 9, 3), (3, 3, 4), {}),
    "images": ((2, 6, 7, 3), (3, 2, 3, 4), {"padding": "same"}),
    "volumes": ((1, 4, 5, 4, 2), (2, 2, 2, 2, 3), {"padding": "same", "strides": (1, 2, 1)}),
    "strides": ((2, 7, 8, 2), (3, 3, 2, 4), {"strides": 2, "padding": "same"}),
    "strides per axis": ((2, 7, 8, 2), (3, 3, 2, 4), {"strides": (3, 1)}),
    "holes": ((1, 9, 9, 2), (3, 2, 2, 2), {"dilation_rate": (2, 3), "padding": "SAME"}),
    "groups": ((2, 5, 5, 6), (2, 2, 3, 4), {}),
    "a large stride": ((1, 7, 1), (2, 1, 1), {"strides": 5, "padding": "same"}),
    "an even window": ((1, 6, 5, 1), (4, 4, 1, 1), {"padding": "same"}),
}


def expected(x: Any, kernel: Any, options: dict[str, Any]) -> Any:
    rank = x.ndim - 2
    digits = "DHW"[-rank:]
    axes = (f"N{digits}C", f"{digits}IO", f"N{digits}C")
    strides, holes = (options.get(name, 1) for name in ("strides", "dilation_rate"))
    return lax.conv_general_dilated(
        x,
        kernel,
        (strides,) * rank if isinstance(strides, int) else strides,
        options.get("padding", "valid").upper(),
        rhs_dilation=(holes,) * rank if isinstance(holes, int) else holes,
        dimension_numbers=axes,
        feature_group_count=x.shape[-1] // kernel.shape[-2],
    )


@pytest.mark.parametrize("name", CASES)
def test_a_convolution_is_that_of_jax(name: str) -> None:
    shape, window, options = CASES[name]
    x, kernel = numbers(*shape), numbers(*window)
    want = expected(x, kernel, options)
    found = called(lambda x, kernel: ops.conv(x, kernel, **options), x, kernel)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    first = called(
        lambda x, kernel: ops.conv(x, kernel, data_format="channels_first", **options),
        np.moveaxis(x, -1, 1),
        kernel,
    )
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), want, rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_jax_on_a_batch_that_is_fed() -> None:
    shape, window, options = CASES["strides"]
    x, kernel = numbers(*shape), numbers(*window)
    with graphc.Graph().as_default(), graphc.Session() as session:
        images = graphc.placeholder("float32", [None, None, None, shape[-1]])
        weights = graphc.constant(kernel)
        total = ops.sum(ops.sin(ops.conv(images, weights, **options)))
        mine = session.run(graphc.gradients(total, [images, weights]), {images: x})
    theirs = jax.grad(lambda x, k: jax.numpy.sin(expected(x, k, options)).sum(), (0, 1))(x, kernel)
    for found, want in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)


def test_a_depthwise_convolution_looks_at_each_channel_alone() -> None:
    x, kernel = numbers(2, 6, 5, 3), numbers(3, 2, 3, 2)
    found = called(lambda x, k: ops.depthwise_conv(x, k, 1, "same"), x, kernel)
    for channel in range(3):
        alone = expected(
            x[..., channel : channel + 1], kernel[:, :, channel : channel + 1], {"padding": "same"}
        )
        mine = found[..., 2 * channel : 2 * channel + 2]
        np.testing.assert_allclose(mine, alone, rtol=1e-4, atol=1e-5)


def test_a_separable_convolution_mixes_what_a_depthwise_one_gives() -> None:
    x, each, mix = numbers(2, 6, 5, 3), numbers(3, 3, 3, 2), numbers(1, 1, 6, 4)
    found = called(lambda *given: ops.separable_conv(*given, strides=2), x, each, mix)
    apart = called(lambda x, k: ops.depthwise_conv(x, k, 2), x, each)
    np.testing.assert_allclose(found, apart @ mix[0, 0], rtol=1e-4, atol=1e-5)


TRANSPOSED: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "valid": ((3, 4), {}),
    "same": ((3, 4), {"padding": "same"}),
    "strides": ((3, 2), {"strides": (2, 3)}),
    "strides, same": ((3, 2), {"strides": 2, "padding": "same"}),
    "holes": ((2, 2), {"dilation_rate": 2}),
}


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_transpose_is_what_a_convolution_does_to_cotangents(name: str, data_format: str):
    window, options = TRANSPOSED[name]
    y, kernel = numbers(2, 4, 5, 3), numbers(*window, 2, 3)
    first = data_format == "channels_first"
    given = np.moveaxis(y, -1, 1) if first else y
    found = called(
        lambda y, k: ops.conv_transpose(y, k, data_format=data_format, **options), given, kernel
    )
    found = np.moveaxis(found, 1, -1) if first else found
    _, back = jax.vjp(lambda x: expected(x, kernel, options), np.zeros(found.shape, np.float32))
    np.testing.assert_allclose(found, back(y)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "extra", "result"),
    [
        (5, 3, 2, "valid", None, 11),
        (5, 2, 4, "valid", None, 20),
        (5, 3, 2, "same", None, 10),
        (5, 3, 2, "same", 1, 10),
        (5, 4, 3, "same", 0, 12),
        (5, 3, 2, "valid", 1, 12),
    ],
)
def test_the_transpose_has_the_size_that_keras_gives_it(
    size: int, window: int, stride: int, padding: str, extra: int | None, result: int
) -> None:
    x, kernel = numbers(1, size, 2), numbers(window, 3, 2)
    made = ops.conv_transpose(graphc.constant(x), kernel, stride, padding, output_padding=extra)
    assert made.shape == (1, result, 3)


def test_the_layout_is_the_setting_s_where_none_is_given() -> None:
    x, kernel = numbers(2, 3, 8), numbers(3, 3, 4)
    with graphc.settings.override(image_data_format="channels_first"):
        found = called(lambda x, k: ops.conv(x, k), x, kernel)
    assert found.shape == (2, 4, 6)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ops.conv(numbers(2, 5), numbers(3, 5, 4)), ShapeError, "at least one spatial"),
        (lambda: ops.conv(numbers(2, 5, 3), numbers(3, 4)), ShapeError, "axes of the window"),
        (lambda: ops.conv(numbers(2, 5, 3), numbers(3, 2, 4)), ShapeError, "without a remainder"),
        (lambda: ops.conv(numbers(2, 2, 3), numbers(3, 3, 4)), ShapeError, "not larger than"),
        (
            lambda: ops.conv(numbers(2, 5, 3), numbers(3, 3, 4), (1, 2)),
            GraphcError,
            "strides does not fit 1 spatial axes",
        ),
        (
            lambda: ops.conv(numbers(2, 5, 3), numbers(3, 3, 4), padding="full"),
            GraphcError,
            "no padding 'full'",
        ),
        (
            lambda: ops.conv(numbers(2, 5, 3), numbers(3, 3, 4), data_format="NHWC"),
            GraphcError,
            "no data format 'NHWC'",
        ),
        (
            lambda: ops.depthwise_conv(numbers(2, 5, 3), numbers(3, 2, 1)),
            ShapeError,
            "as many channels as the input",
        ),
        (
            lambda: ops.conv_transpose(numbers(2, 5, 3), numbers(3, 3, 4)),
            ShapeError,
            "output channels, channels of the input",
        ),
    ],
)
def test_what_does_not_fit_is_named(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()

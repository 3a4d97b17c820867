"""Pooling beside NumPy: sizes not yet known, layouts, element types, ties, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.backend import image_data_format, set_image_data_format
from graphc.dimensions import substitute, symbol
from graphc.dtypes import BF16
from graphc.errors import GraphcError, ShapeError
from graphc.ops.spatial_layouts import margins
from tests.ops.evaluation import called
from tests.ops.numpy_cases import floats


def pooled(x: Any, combine: Callable[..., Any], size: int, stride: int, is_same: bool) -> Any:
    """Windows along axis 1, one after the other."""
    length = x.shape[1]
    count = -(-length // stride) if is_same else max((length - size) // stride + 1, 0)
    before = max((count - 1) * stride + size - length, 0) // 2 if is_same else 0
    spans = [(max(i * stride - before, 0), i * stride - before + size) for i in range(count)]
    return np.stack([combine(x[:, first:last], axis=1) for first, last in spans], 1)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (3, 2), (1, 3), (2, 5), (4, 4)])
def test_windows_are_those_cut_out_by_hand(
    size: int, stride: int, padding: str, symbolic: bool
) -> None:
    for length in (5, 6, 8):
        x = floats(2, length, 3)
        for function, combine in ((ops.max_pool, np.max), (ops.average_pool, np.mean)):
            expected = pooled(x, combine, size, stride, padding == "same")
            found = called(
                lambda x, function=function: function(x, size, stride, padding),
                x,
                symbolic=symbolic,
            )
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_adaptive_windows_are_those_cut_out_by_hand() -> None:
    for length in (1, 4, 7, 9):
        x = floats(2, length, 3)
        for count in range(1, 9):
            spans = [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]
            for function, combine in (
                (ops.adaptive_max_pool, np.max),
                (ops.adaptive_average_pool, np.mean),
            ):
                expected = np.stack([combine(x[:, a:b], axis=1) for a, b in spans], 1)
                found = called(lambda x, function=function, count=count: function(x, count), x)
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", [ops.adaptive_max_pool, ops.adaptive_average_pool])
def test_a_whole_symbolic_axis_is_one_window(function: Callable[..., Any]) -> None:
    x = floats(2, 4, 5, 3)
    expected = called(lambda x: function(x, 1), x)
    np.testing.assert_allclose(
        called(lambda x: function(x, 1), x, symbolic=True), expected, rtol=1e-6
    )
    reduce = np.max if function is ops.adaptive_max_pool else np.mean
    np.testing.assert_allclose(expected[:, 0, 0], reduce(x, axis=(1, 2)), rtol=1e-5)
    with pytest.raises(ShapeError, match="before its size is known"):
        called(lambda x: function(x, 2), x, symbolic=True)


def test_the_gradient_of_a_symbolic_batch_is_that_of_a_known_one() -> None:
    x = floats(3, 5, 4, 2)
    found: list[Any] = []
    for batch in (None, 3):
        fed = graphc.placeholder("float32", (batch, 5, 4, 2))
        functions = (ops.max_pool, ops.average_pool)
        results = [function(fed, 2, 1, "same") for function in functions]
        gradients = [graphc.gradients(ops.sum(result**2), fed) for result in results]
        with graphc.Session() as session:
            found.append(session.run([*results, *gradients], {fed: x}))
    for symbolic, known in zip(*found, strict=True):
        np.testing.assert_allclose(symbolic, known, rtol=1e-6)
    assert found[0][2].shape == x.shape


def test_the_gradient_of_equal_maxima_goes_to_the_first() -> None:
    x = graphc.constant(np.float32([[[1], [3], [3], [1]]]))
    with graphc.Session() as session:
        for result in (ops.max_pool(x, 4), ops.adaptive_max_pool(x, 1)):
            found = session.run(graphc.gradients(ops.sum(result), x))
            np.testing.assert_array_equal(np.ravel(found), [0, 1, 0, 0])


def test_the_layout_is_that_of_the_backend_by_default() -> None:
    x = floats(2, 3, 6, 4)
    first = called(lambda x: ops.max_pool(x, 2, data_format="channels_first"), x)
    before = image_data_format()
    set_image_data_format("channels_first")
    try:
        np.testing.assert_array_equal(called(lambda x: ops.max_pool(x, 2), x), first)
    finally:
        set_image_data_format(before)
    assert first.shape == (2, 3, 3, 2)


def test_element_types() -> None:
    whole = np.int32([[[-5], [-7], [-1], [-9]]])
    np.testing.assert_array_equal(called(lambda x: ops.max_pool(x, 2), whole), [[[-5], [-1]]])
    np.testing.assert_array_equal(called(lambda x: ops.average_pool(x, 2), whole), [[[-6], [-5]]])
    # 1000 ones in bfloat16 add up to 256
    ones = np.ones((1, 1000, 1), BF16.numpy)
    for function in (ops.average_pool, ops.adaptive_average_pool):
        found = called(
            lambda x, function=function: function(x, 1000 if function is ops.average_pool else 1),
            ones,
        )
        assert found.dtype == BF16.numpy
        assert found.item() == 1


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda x: ops.max_pool(x, (2, 2)), "pool_size does not fit"),
        (lambda x: ops.max_pool(x, 0), "pool_size does not fit"),
        (lambda x: ops.max_pool(x, 2.5), "pool_size does not fit"),
        (lambda x: ops.average_pool(x, 2, (1, 1)), "strides does not fit"),
        (lambda x: ops.average_pool(x, 2, padding="full"), "no padding 'full'"),
        (lambda x: ops.max_pool(x, 2, data_format="last"), "no data format 'last'"),
        (lambda x: ops.max_pool(x[0], 2), "spatial axis"),
        (lambda x: ops.adaptive_max_pool(x, (2, 2)), "output_size does not fit"),
        (lambda x: ops.adaptive_max_pool(x[:, :0], 2), "no elements"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[..., Any], problem: str) -> None:
    with pytest.raises(GraphcError, match=problem):
        called(call, floats(2, 4, 3))


def test_same_padding_of_a_symbolic_size_is_that_of_the_size() -> None:
    for extent in range(1, 6):
        for stride in range(1, 7):
            edges = margins("same", [symbol("n")], [extent], [stride])
            for size in range(1, 14):
                known = margins("same", [size], [extent], [stride])
                assert tuple([substitute(edge, {"n": size})] for (edge,) in edges) == known

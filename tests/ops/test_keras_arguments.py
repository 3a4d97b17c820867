"""Arguments that only Keras's back ends have a use for, and functions that need known numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import GraphcError, ShapeError
from tests.ops.evaluation import called, value_of


@pytest.mark.parametrize(
    "make",
    [
        lambda: ops.one_hot([1], 3, sparse=True),
        lambda: ops.multi_hot([[1]], 3, sparse=True),
        lambda: ops.convert_to_tensor([1], sparse=True),
        lambda: ops.convert_to_tensor([1], ragged=True),
        lambda: ops.multi_hot([[1]]),
    ],
)
def test_tensors_that_xla_does_not_have_are_refused(make: Any) -> None:
    with pytest.raises(GraphcError, match=r"sparse|ragged|num_classes") as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_a_constant_has_its_numbers_before_the_graph_runs() -> None:
    np.testing.assert_array_equal(ops.convert_to_numpy(graphc.constant([1.0, 2.0])), [1, 2])
    assert ops.convert_to_numpy(3).dtype == np.int32
    assert ops.convert_to_numpy(np.float64(3)).dtype == np.float64
    assert ops.convert_to_numpy(graphc.Variable(1.5)) == 1.5
    with pytest.raises(GraphcError, match="not fed"):
        ops.convert_to_numpy(graphc.placeholder("float32", []))


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning", "kaiser"])
def test_windows_are_those_of_numpy(name: str) -> None:
    more = (8.6,) if name == "kaiser" else ()
    for points in (-1, 0, 1, 2, 5, 16):
        made = getattr(ops, name)(points, *more)
        assert made.dtype == "float32"
        np.testing.assert_allclose(value_of(made), getattr(np, name)(points, *more), atol=1e-7)
    with pytest.raises(ShapeError, match="known while the graph is built"):
        getattr(ops, name)(graphc.placeholder("float32", [None]).shape[0], *more)
    with graphc.settings.floatx.as_("float64"):
        assert getattr(ops, name)(5, *more).dtype == "float64"


def test_an_infinity_is_not_hidden_by_a_nan_before_it() -> None:
    x = np.float32([[np.nan, -np.inf], [np.nan, np.nan], [3, np.nan], [-np.inf, -np.inf]])
    assert called(lambda t: ops.nanargmax(t, 1), x).tolist() == [1, -1, 0, 0]
    assert called(lambda t: ops.nanargmin(t, 1), -x).tolist() == [1, -1, 0, 0]


def test_the_gradient_of_a_distance_of_zero_is_zero() -> None:
    x = graphc.constant(np.float32([[1, 2], [4, 6]]))
    gradient = graphc.gradients(ops.sum(ops.cdist(x, x)), x)
    with graphc.Session() as session:
        np.testing.assert_allclose(session.run(gradient), [[-1.2, -1.6], [1.2, 1.6]], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ops.extract_sequences(np.zeros(3, np.float32), 4, 1), "as long as one"),
        (lambda: ops.extract_sequences(np.zeros(3, np.float32), 2, 0), "as long as one"),
        (lambda: ops.extract_sequences(np.zeros(3, np.float32), 1.5, 1), "as long as one"),
        (lambda: ops.extract_sequences(1.0, 1, 1), "as long as one"),
        (lambda: ops.correlate([1.0], [[1.0]]), "two vectors"),
        (lambda: ops.correlate(np.zeros(0, np.float32), [1.0]), "two vectors"),
        (lambda: ops.correlate([1.0], [1.0], "middle"), "no mode"),
        (lambda: ops.corrcoef(np.zeros((2, 2, 2), np.float32)), "one row of observations"),
        (lambda: ops.cdist([1.0], [[1.0]]), "rows of vectors"),
        (lambda: ops.cdist([[1.0]], [[1.0, 2.0]]), "rows of vectors"),
        (lambda: ops.vander([[1.0]]), "takes a vector"),
        (lambda: ops.vander([1.0], N=-1), "takes a vector"),
    ],
)
def test_operands_of_another_shape_are_refused_with_the_users_line(make: Any, words: str) -> None:
    with pytest.raises(GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_the_gradient_of_a_correlation_is_that_of_its_sums() -> None:
    x = graphc.constant(np.float32([1, 2, 3, 4]))
    y = graphc.constant(np.float32([1, -1]))
    total = ops.sum(ops.square(ops.correlate(x, y, "same")))
    with graphc.Session() as session:
        slopes = session.run(graphc.gradients(total, [x, y]))
    np.testing.assert_allclose(slopes[0], [0, 0, 0, 2])
    np.testing.assert_allclose(slopes[1], [-12, -20])

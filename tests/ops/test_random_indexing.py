"""x[...] selects what NumPy selects, for random keys, and refuses what NumPy refuses."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphc
from graphc import ops
from graphc.errors import GraphcError
from tests.ops.evaluation import check_declared, value_of
from tests.ops.index_expressions import IndexExpression, index_expressions

EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples


def _x(*shape: int) -> np.ndarray[Any, Any]:
    return np.arange(1, int(np.prod(shape)) + 1, dtype=np.float32).reshape(shape)


@settings(max_examples=12 * EXAMPLES)
@given(index_expressions())
@example(IndexExpression(_x(2, 3, 4), ([0, 1], ..., [0, 1], slice(None))))
@example(IndexExpression(_x(2, 3, 4), (slice(None), [0, 1], ..., [0, 1])))
@example(IndexExpression(_x(2, 0), ([], [])))
@example(IndexExpression(_x(0, 3), ([], slice(None))))
def test_a_random_key_selects_what_numpy_selects(case: IndexExpression) -> None:
    expected = case.selected()
    x = graphc.constant(case.x)
    if expected is None:
        with pytest.raises(GraphcError) as caught:
            x[case.key]
        assert caught.value.origin is not None
        assert caught.value.origin.file == __file__
        return
    made = x[case.key]
    found = value_of(made)
    check_declared(made, found)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=4 * EXAMPLES)
@given(index_expressions(slips=False), st.randoms(use_true_random=False))
def test_index_tensors_select_what_index_arrays_select(
    case: IndexExpression, choose: random.Random
) -> None:
    expected = case.selected()
    if expected is None:
        return
    feeds: dict[Any, Any] = {}

    def computed(item: Any) -> Any:
        array = np.asarray(item) if isinstance(item, (list, np.ndarray, np.integer, int)) else None
        if array is None or array.dtype.kind not in "iu" or choose.random() < 0.3:
            return item
        tensor = graphc.placeholder(str(array.dtype), array.shape)
        feeds[tensor] = array
        return tensor

    key = case.key
    key = tuple(map(computed, key)) if isinstance(key, tuple) else computed(key)
    made = graphc.constant(case.x)[key]
    found = value_of(made, feeds)
    check_declared(made, found)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=2, database=None)
@given(st.lists(index_expressions(slips=False), min_size=25, max_size=25))
def test_compiled_keys_and_their_gradients_are_those_of_numpy(cases: list[IndexExpression]) -> None:
    cases = [case for case in cases if case.selected() is not None]
    with graphc.Session(graph=graphc.Graph()) as session:
        arrays = [graphc.placeholder("float32", case.x.shape) for case in cases]
        parts = [x[case.key] for x, case in zip(arrays, cases, strict=True)]
        total = sum(ops.sum(ops.square(part)) for part in parts)
        slopes = graphc.gradients(total, arrays, unconnected_gradients="zero")
        feeds = {x: case.x for x, case in zip(arrays, cases, strict=True)}
        values, gradients = session.run([parts, slopes], feeds)
    for value, gradient, case in zip(values, gradients, cases, strict=True):
        np.testing.assert_array_equal(value, case.selected())
        expected = np.zeros_like(case.x)
        np.add.at(expected, case.key, 2 * case.x[case.key])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6)

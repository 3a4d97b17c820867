"""Python's operators on tensors and variables, and what Python must not do with them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError
from tests.ops.evaluation import value_of, values_of

FLOATS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv]
FLOATS += [operator.mod, operator.pow, operator.lt, operator.le, operator.gt, operator.ge, divmod]
WHOLE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
X, Y = np.float32([[0.5, 2], [3, 5.25]]), np.float32([[1, 0.5], [2, 4]])
M, N = np.int32([[5, 2], [3, 12]]), np.int32([[1, 0], [2, 4]])


@pytest.mark.parametrize("function", [*FLOATS, operator.matmul, *WHOLE], ids=lambda f: f.__name__)
def test_an_operator_takes_tensors_arrays_variables_and_numbers_on_either_side(
    function: Callable[[Any, Any], Any],
) -> None:
    x, y = (M, N) if function in WHOLE else (X, Y)
    number = 2 if function in WHOLE else 2.5
    tensors = graphc.constant(x), graphc.constant(y)
    variable = graphc.Variable(y)
    pairs = [(tensors, (x, y)), ((x, tensors[1]), (x, y)), ((tensors[0], y), (x, y))]
    if function is not operator.matmul:
        pairs += [((tensors[0], number), (x, number)), ((number, tensors[1]), (number, y))]
        pairs += [((np.float32(3), tensors[1]), (np.float32(3), y))] if x is X else []
    for given, arrays in pairs:
        _compare(function(*given), function(*arrays))
    for given in ((variable, tensors[1]), (tensors[1], variable), (y, variable), (variable, y)):
        _compare(function(*given), function(y, y), {variable.name: y})


def _compare(made: Any, expected: Any, states: dict[str, Any] | None = None) -> None:
    made = made if isinstance(made, tuple) else (made,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for tensor, wanted in zip(made, expected, strict=True):
        assert isinstance(tensor, graphc.Tensor)
        np.testing.assert_allclose(values_of([tensor], states=states)[0], wanted, rtol=2e-6)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        *((each, each) for each in (operator.neg, operator.pos, operator.abs)),
        (round, np.round),
        (lambda x: round(x, 1), lambda x: np.round(x, 1)),
        (lambda x: round(x, -1), lambda x: np.round(x, -1)),
    ],
)
def test_an_operator_of_one_operand_gives_what_numpy_gives(
    function: Callable[[Any], Any], expected: Callable[[Any], Any]
) -> None:
    x = np.float32([-12.345, 0.5, 2.5, 17.06])
    np.testing.assert_allclose(value_of(function(graphc.constant(x))), expected(x), rtol=1e-6)


def test_truth_values_and_whole_numbers_are_inverted() -> None:
    np.testing.assert_array_equal(value_of(~graphc.constant(M)), ~M)
    np.testing.assert_array_equal(value_of(~graphc.constant(M > 2)), ~(M > 2))


def test_the_in_place_form_gives_a_new_tensor_under_the_old_name() -> None:
    x = first = graphc.constant(M)
    x += 1
    x *= 2
    x -= M
    x //= 2
    x <<= 1
    x **= 2
    expected = (((M + 1) * 2 - M) // 2 << 1) ** 2
    np.testing.assert_array_equal(value_of(x), expected)
    np.testing.assert_array_equal(value_of(first), M)


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv]
IN_PLACE += [operator.imod, operator.ipow, operator.imatmul, operator.iand, operator.ior]
IN_PLACE += [operator.ixor, operator.ilshift, operator.irshift]


@pytest.mark.parametrize("function", IN_PLACE, ids=lambda f: f.__name__)
def test_a_variable_is_not_changed_in_place_without_saying_so(
    function: Callable[[Any, Any], Any],
) -> None:
    with pytest.raises(GraphcError, match="assign_add") as caught:
        function(graphc.Variable(M), 1)
    _names_this_file(caught.value)


def _set_item(x: Any) -> None:
    x[0] = 1


def _delete_item(x: Any) -> None:
    del x[0]


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (bool, r"graphc\.cond"),
        (lambda x: 1 if x > 0 else 2, r"graphc\.cond"),
        (lambda x: x > 0 and x < 1, r"graphc\.cond"),
        (int, r"session\.run"),
        (float, r"session\.run"),
        (complex, r"session\.run"),
        (operator.index, r"session\.run"),
        (lambda x: list(range(x)), r"session\.run"),
        (np.asarray, r"session\.run"),
        (np.sin, r"ops\.sin"),
        (np.mean, r"ops\.mean"),
        (lambda x: np.concatenate([x, x]), r"ops\.concatenate"),
        (lambda x: np.ones(2) == x, r"ops\.equal"),
        (lambda x: np.add(np.ones(2), x, out=np.ones(2)), r"ops\.add"),
        (lambda x: f"{x:.3f}", r"numpy\(\)"),
        (lambda x: 1.0 in x, r"ops\.any"),
        (_set_item, r"ops\.slice_update"),
        (_delete_item, "slice what is to stay"),
        (lambda x: pow(x, 2, 5), "power of three"),
        (lambda x: len(x[0]), r"ops\.size"),
        (lambda x: list(x[0]), "scalar"),
    ],
)
def test_what_needs_a_value_is_refused_with_what_to_do_instead(use: Any, words: str) -> None:
    things: list[Any] = [graphc.constant(np.float32([1, 2]))]
    if not re.search("numpy|ops..(sin|mean|conc|equal|add)|session", words):
        things.append(graphc.Variable(np.float32([1, 2])))  # these need the value that it has
    for x in things:
        with pytest.raises((GraphcError, TypeError), match=words) as caught:
            use(x)
        if isinstance(caught.value, GraphcError):
            _names_this_file(caught.value)


def _names_this_file(error: GraphcError) -> None:
    assert error.origin is not None
    assert error.origin.file == __file__


def test_a_length_is_that_of_the_first_axis_where_it_is_known() -> None:
    assert len(graphc.constant(X)) == 2
    assert len(graphc.Variable(np.zeros((3, 2), np.float32))) == 3
    with pytest.raises(GraphcError, match=r"ops\.shape"):
        len(graphc.placeholder("float32", [None]))


def test_tensors_compare_by_identity() -> None:
    x, y = graphc.constant(X), graphc.constant(X)
    assert x == x
    assert x != y
    assert {x: 1}[x] == 1
    np.testing.assert_array_equal(value_of(ops.equal(x, y)), X == X)


def test_a_loop_over_a_variable_gives_its_parts() -> None:
    parts = list(graphc.Variable(X))
    assert [part.shape for part in parts] == [(2,), (2,)]


@pytest.mark.parametrize("function", [operator.add, operator.lt, operator.matmul])
def test_strings_and_strange_things_are_no_operands(function: Callable[[Any, Any], Any]) -> None:
    for other in ("a", object(), {"a": 1}):
        with pytest.raises(DTypeError) as caught:
            function(graphc.constant(X), other)
        _names_this_file(caught.value)


def test_the_shift_of_a_float_is_refused() -> None:
    with pytest.raises(DTypeError):
        _ = graphc.constant(X) << 1


def test_a_variable_has_a_value_for_numpy() -> None:
    x = graphc.Variable(np.float32([1, 4]), name="numbers")
    np.testing.assert_array_equal(np.sqrt(x), [1, 2])
    assert np.mean(x) == 2.5
    assert f"{graphc.Variable(2.5):.2f} {x}" == "2.50 <Variable 'numbers' f32[2]>"


@pytest.mark.parametrize(
    ("name", "said"),
    [("astype", r"ops\.cast"), ("mean", r"ops\.mean"), ("T", r"ops\.transpose"),
     ("get_shape", r"x\.shape"), ("nothing", "no attribute 'nothing'$")],
)  # fmt: skip
def test_a_method_of_other_tensors_is_pointed_to(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(graphc.constant(1.0), name)

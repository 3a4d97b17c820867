"""cond, switch and case: values, state, gradients, and errors that name both lines."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError, ShapeError, StateError


def this_line() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_cond_runs_one_branch_on_what_it_captures() -> None:
    x = graphc.placeholder("float32", [2])
    y = graphc.placeholder("float32", [])
    chosen = ops.cond(
        ops.sum(x) > y, lambda: {"a": x * 2, "b": [y, 1.0]}, lambda: {"a": x, "b": [0, 2.0]}
    )
    with graphc.Session() as session:
        found = session.run(chosen, {x: np.float32([1, 2]), y: 0.5})
        assert found["b"] == [0.5, 1.0]
        np.testing.assert_array_equal(found["a"], [2, 4])
        found = session.run(chosen, {x: np.float32([1, 2]), y: 9.0})
        assert found["b"] == [0.0, 2.0]


def test_a_python_predicate_chooses_while_the_graph_is_built() -> None:
    graph = graphc.Graph()
    with graph.as_default():
        made = ops.cond(True, lambda: graphc.constant(1.0), lambda: 1 / 0)
        assert made.op.type == "constant"


def test_cond_hands_operands_over_and_takes_numbers_as_predicates() -> None:
    flag = graphc.placeholder("int32", [])
    made = ops.cond(flag, lambda a, b: a + b, lambda a, b: a - b, 5.0, graphc.constant(3.0))
    with graphc.Session() as session:
        assert session.run(made, {flag: 2}) == 8.0
        assert session.run(made, {flag: 0}) == 2.0


def test_a_number_takes_the_type_that_the_other_branch_has_in_its_place() -> None:
    flag = graphc.placeholder("bool", [])
    made = ops.cond(flag, lambda: 1, lambda: graphc.constant(2.5, "float64"))
    assert made.dtype == "float64"


def test_gradients_go_through_the_branch_that_was_run() -> None:
    x, v = graphc.placeholder("float32", []), graphc.Variable(3.0)
    y = ops.cond(x > 0, lambda: x * v, lambda: -x)
    slopes = graphc.gradients(y, [x, v])
    with graphc.Session() as session:
        assert session.run(slopes, {x: 2.0}) == [3.0, 2.0]
        assert session.run(slopes, {x: -2.0}) == [-1.0, 0.0]


def test_an_assignment_in_a_branch_takes_place_though_no_result_needs_it() -> None:
    flag, v = graphc.placeholder("bool", []), graphc.Variable(1.0)

    def bump() -> Any:
        v.assign_add(10.0)
        return 7.0

    made = ops.cond(flag, bump, lambda: 8.0)
    with graphc.Session() as session:
        assert session.run(made, {flag: False}) == 8.0
        assert session.run(v) == 1.0
        assert session.run(made, {flag: True}) == 7.0
        assert session.run(v) == 11.0


def test_branches_that_only_assign_give_an_operation() -> None:
    flag, v = graphc.placeholder("bool", []), graphc.Variable(1.0)

    def bump() -> None:
        v.assign_add(10.0)

    made = ops.cond(flag, bump, lambda: None)
    assert isinstance(made, graphc.Operation)
    with graphc.Session() as session:
        assert session.run(made, {flag: True}) is None
        assert session.run(v) == 11.0
        session.run(made, {flag: False})
        assert session.run(v) == 11.0


def test_operations_are_results_too() -> None:
    flag, v = graphc.placeholder("bool", []), graphc.Variable(1.0)
    made = ops.cond(flag, lambda: graphc.group(v.assign(5.0)), graphc.no_op)
    with graphc.Session() as session:
        session.run(made, {flag: True})
        assert session.run(v) == 5.0


def test_a_branch_waits_for_control_dependencies() -> None:
    flag, v = graphc.placeholder("bool", []), graphc.Variable(1.0)
    with graphc.control_dependencies([v.assign(5.0)]):
        pair = ops.cond(flag, lambda: (v.value, 1.0), lambda: (v * 2, 2.0))
    with graphc.Session() as session:
        assert session.run(pair, {flag: False}) == (10.0, 2.0)


def test_branches_nest_and_see_everything_around_them() -> None:
    x = graphc.placeholder("float32", [])
    v = graphc.Variable(100.0)

    def outer() -> Any:
        doubled = x * 2
        return ops.cond(x > 5, lambda: doubled + v, lambda: doubled + x)

    made = ops.cond(x > 0, outer, lambda: 0.0)
    with graphc.Session() as session:
        assert [float(session.run(made, {x: n})) for n in (-1.0, 1.0, 6.0)] == [0.0, 3.0, 112.0]
        slope = graphc.gradients(made, v)
        assert session.run(slope, {x: 6.0}) == 1.0
        assert session.run(slope, {x: 1.0}) == 0.0


def test_switch_and_case_choose_among_many() -> None:
    index, x = graphc.placeholder("int32", []), graphc.constant(3.0)
    branches = [lambda a: a, lambda a: a * 10, lambda a: a * 100]
    chosen = ops.switch(index, branches, x)
    named = ops.case([(index > 5, lambda: x), (index > 1, lambda: -x)], default=lambda: x * 0)
    with graphc.Session() as session:
        assert [float(session.run(chosen, {index: n})) for n in (-1, 0, 1, 2, 9)] == [
            3,
            3,
            30,
            300,
            300,
        ]
        assert [float(session.run(named, {index: n})) for n in (9, 2, 0)] == [3, -3, 0]
    assert ops.switch(1, branches, 2.0) == 20.0


def test_other_structures_name_both_functions() -> None:
    flag = graphc.placeholder("bool", [])
    first = this_line() + 1
    on_true = lambda: (1.0, 2.0)  # noqa: E731
    on_false = lambda: [1.0]  # noqa: E731
    with pytest.raises(GraphcError, match="different structures") as caught:
        ops.cond(flag, on_true, on_false)
    assert f"{__file__}:{first}" in str(caught.value)
    assert f"{__file__}:{first + 1}" in str(caught.value)


def test_other_types_name_both_lines() -> None:
    flag, x = graphc.placeholder("bool", []), graphc.placeholder("float32", [2])
    line = this_line() + 1
    for made, error in ((lambda: ops.cast(x, "int32"), DTypeError), (lambda: x[None], ShapeError)):
        with pytest.raises(error) as caught:
            ops.cond(flag, lambda: x * 2, made)
        assert f"{__file__}:{line}" in str(caught.value)
        assert f"{__file__}:{line + 2}" in str(caught.value)


def test_a_predicate_that_is_no_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="predicate is a scalar"):
        ops.cond(graphc.placeholder("bool", [2]), lambda: 1, lambda: 2)


def test_a_tensor_of_a_branch_cannot_be_used_outside() -> None:
    kept: list[Any] = []

    def leak() -> Any:
        kept.append(graphc.constant(1.0) * 2)
        return kept[0]

    ops.cond(graphc.placeholder("bool", []), leak, lambda: 0.0)
    with pytest.raises(GraphcError, match="branch or loop body outside of it") as caught:
        kept[0] + 1
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_variables_and_placeholders_are_not_made_in_a_branch() -> None:
    flag = graphc.placeholder("bool", [])
    with pytest.raises(GraphcError, match="inside a branch"):
        ops.cond(flag, lambda: graphc.Variable(1.0).value, lambda: 0.0)
    with pytest.raises(GraphcError, match="inside a branch"):
        ops.cond(flag, lambda: graphc.placeholder("float32", []), lambda: 0.0)


def test_two_assignments_without_an_order_are_an_error_in_a_branch_too() -> None:
    flag, v = graphc.placeholder("bool", []), graphc.Variable(1.0)

    def twice() -> Any:
        v.assign(1.0)
        return v.assign(2.0)

    made = ops.cond(flag, twice, lambda: 0.0)
    with graphc.Session() as session, pytest.raises(StateError, match="no order"):
        session.run(made, {flag: True})

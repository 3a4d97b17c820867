"""Calls and specs of ops: sizes that must agree, defaults of cost, errors that show the call."""

from __future__ import annotations

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.op import Constraint, OpCall
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type

n, m = symbol("n"), symbol("m")


def call_of(name: str, *types, **attributes) -> OpCall:
    op = REGISTRY[name]
    return OpCall(op, types, op.attributes.make(attributes, name))


@pytest.mark.parametrize(
    ("left", "right", "shared", "undecided"),
    [
        (3, 3, 3, False),
        (n, n, n, False),
        (n, m, n, True),
        (n, 3, 3, True),
        (3, n, 3, True),
        (2 * n, n + n, 2 * n, False),
    ],
)
def test_sizes_that_may_be_equal_are_or_become_an_equation(left, right, shared, undecided) -> None:
    call = call_of("tanh", as_type("f32", (3,)))
    assert call.require_equal(left, right, "sizes") == shared
    assert call.constraints == ([Constraint(left, right)] if undecided else [])


@pytest.mark.parametrize(("left", "right"), [(2, 3), (n, n + 1), (2 * n, 2 * m + 1)])
def test_sizes_that_never_are_equal_are_an_error(left, right) -> None:
    call = call_of("tanh", as_type("f32", (3,)))
    with pytest.raises(ShapeError, match="tanh: rows must be equal") as caught:
        call.require_equal(left, right, "rows")
    assert caught.value.expected == f"{left} and {right}"
    assert call.constraints == []


def test_an_error_shows_operand_types_and_attributes() -> None:
    call = call_of("transpose", as_type("f32", (2, n)), permutation=[1, 0])
    error = call.error(DTypeError, "is wrong", "another", "change it")
    assert isinstance(error, DTypeError)
    assert str(error) == (
        "transpose: is wrong\n  given: transpose(f32[2, n]) {permutation=[1, 0]}\n"
        "  expected: another\n  fix: change it"
    )


def test_results_are_inferred_unless_they_are_known() -> None:
    call = call_of("transpose", as_type("f32", (2, n)), permutation=[1, 0])
    assert call.results == (as_type("f32", (n, 2)),)
    assert call.result is call.results[0]
    known = OpCall(call.op, call.types, call.attributes, (), (as_type("f32"),))
    assert known.result is as_type("f32")


def test_what_a_gradient_needs_is_by_default_what_has_one() -> None:
    call = call_of("select", as_type("bool", (3,)), as_type("f32", (3,)), as_type("f32", (3,)))
    assert [call.wants(i) for i in range(3)] == [False, True, True]
    assert call.has_cotangent(0)
    call.wanted, call.given = (False, False, True), (False,)
    assert [call.wants(i) for i in range(3)] == [False, False, True]
    assert not call.has_cotangent(0)
    argmax = call_of("argmax", as_type("f32", (3,)), axis=0)
    assert not argmax.has_cotangent(0)


def test_a_call_costs_one_operation_per_element_and_a_move_none() -> None:
    types = (as_type("f32", (2, n)),) * 2
    add = call_of("add", *types)
    assert add.op.cost_of(add) == (2 * n, 3 * 8 * n)
    move = call_of("transpose", types[0], permutation=[1, 0])
    assert move.op.cost_of(move) == (0, 2 * 8 * n)


def test_regions_are_named_and_the_last_name_serves_the_rest() -> None:
    cond = REGISTRY["cond"]
    assert [cond.region_name(i) for i in range(3)] == [
        "true_branch",
        "false_branch",
        "false_branch",
    ]


def test_nodes_and_values_say_what_they_are() -> None:
    build = GraphBuilder(name="scope/x")
    x = build.input(as_type("f32", (2, n)), "x")
    y = build.tanh(x)
    assert repr(y) == "<tanh 'scope/x' f32[2, n]>"
    assert repr(y.node) == "<node tanh 'scope/x'>"
    assert repr(REGISTRY["tanh"]) == "OpSpec(tanh)"
    call = y.node.call
    assert (call.op, call.types, call.results) == (REGISTRY["tanh"], (x.type,), (y.type,))

"""The NumPy reference: what it computes, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.dimensions import symbol
from graphc.errors import VerifyError
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpSpec, Trait
from graphc.ir.origin import Origin
from graphc.ir.parser import parse
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate, evaluate_call

ORIGIN = Origin("model.py", 12, "<module>")


def graph_of(op: OpSpec, *types: Any, **attributes: Any) -> Graph:
    build = GraphBuilder(origin=ORIGIN)
    inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    made = op.attributes.make(attributes, op.name)
    return build.finish(build.make(op, tuple(inputs), made).outputs)


def with_reference(reference: Any) -> OpSpec:
    return replace(REGISTRY["negate"], reference=reference, type_memo={})


def test_outputs_come_in_order_with_new_values_of_variables_last() -> None:
    graph = parse(
        """graphc opset 1
graph {
  input %0 : f32[2] feed "x"
  input %1 : f32[2] state "w"
  %2 = add(%0, %1) : f32[2]
  %3 = multiply(%2, %2) : f32[2]
  return %3, %0
  update "w" = %2
}"""
    )
    product, x, w = evaluate(graph, [np.float32([1, 2]), np.float32([3, 4])])
    np.testing.assert_array_equal(product, np.float32([16, 36]))
    np.testing.assert_array_equal(x, np.float32([1, 2]))
    np.testing.assert_array_equal(w, np.float32([4, 6]))


def test_a_result_is_kept_as_long_as_it_is_used() -> None:
    build = GraphBuilder()
    x = build.input(as_type("float32", (2,)), "x")
    early = build.exponential(x)
    late: Value = build.negate(x)
    for _ in range(3):
        late = build.add(late, early)
    (found,) = evaluate(build.finish([late]), [np.zeros(2, np.float32)])
    np.testing.assert_array_equal(found, np.float32([3, 3]))


def test_what_numpy_promotes_comes_back_in_the_declared_type() -> None:
    graph = graph_of(with_reference(lambda call, x: -x.astype(np.float64)), as_type("float32"))
    (found,) = evaluate(graph, [np.float32(1.5)])
    assert found.dtype == np.float32
    (summed,) = evaluate(
        graph_of(REGISTRY["reduce_sum"], as_type("int8", (3,)), axes=(0,)),
        [np.int8([100, 27, 1])],
    )
    assert summed.dtype == np.int8
    assert summed == -128


def test_narrow_floats_are_computed_in_float32_and_rounded_once() -> None:
    seen: list[np.dtype] = []

    def reference(call: Any, x: np.ndarray) -> np.ndarray:
        seen.append(x.dtype)
        return x / 3 * 3

    graph = graph_of(with_reference(reference), as_type("bfloat16"))
    (found,) = evaluate(graph, [np.asarray(1.015625, ml_dtypes.bfloat16)])
    assert seen == [np.float32]
    assert found.dtype == ml_dtypes.bfloat16
    assert float(found) == 1.015625


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (lambda call, x: x[0], "another shape"),
        (lambda call, x: x > 0, "another kind"),
        (lambda call, x: x.astype(int), "another kind"),
        (lambda call, x: x * 1j, "another kind"),
        (lambda call, x: (x, x), "gave 2 results"),
        (lambda call, x: 1 // 0, "failed: ZeroDivisionError"),
        (lambda call, x: 1 + call, "failed: TypeError"),
    ],
)
def test_a_wrong_result_is_refused_at_the_users_line(reference: Any, message: str) -> None:
    graph = graph_of(with_reference(reference), as_type("float32", (2,)))
    with pytest.raises(VerifyError, match=message) as caught:
        evaluate(graph, [np.zeros(2, np.float32)])
    assert "at: model.py:12" in str(caught.value)


def test_an_op_that_a_stage_removes_is_refused_with_the_stage() -> None:
    op = REGISTRY["read"]
    graph = graph_of(op, variable="w", dtype="float32", shape=(2,))
    with pytest.raises(VerifyError, match="the stage `functional` makes state explicit"):
        evaluate(graph, [])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "one array per input"),
        ([np.zeros(3, np.float32)], "input 'x0' has another shape"),
        ([np.zeros(2, np.int32)], "input 'x0' is of another kind"),
    ],
)
def test_arrays_that_do_not_fit_the_inputs_are_refused(arrays: list[Any], message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        evaluate(graph_of(REGISTRY["negate"], as_type("float32", (2,))), arrays)


def test_symbolic_sizes_are_taken_from_the_arrays() -> None:
    n = symbol("n")
    build = GraphBuilder()
    x = build.input(as_type("float32", (2 * n,)), "x")
    row = build.input(as_type("float32", ()), "row")
    wide = build.broadcast_in_dim(row, shape=(2 * n,), broadcast_dimensions=())
    graph = build.finish([build.add(x, wide), build.dimension_size(x, axis=0)])
    total, size = evaluate(graph, [np.ones(6, np.float32), 2.0])
    np.testing.assert_array_equal(total, np.full(6, 3, np.float32))
    assert size == 6
    with pytest.raises(VerifyError, match="another shape"):
        evaluate(graph, [np.ones(5, np.float32), 2.0])


def test_one_symbol_has_one_size() -> None:
    n = symbol("n")
    graph = graph_of(REGISTRY["add"], as_type("float32", (n,)), as_type("float32", (n,)))
    with pytest.raises(VerifyError, match="input 'x1' has another shape"):
        evaluate(graph, [np.ones(3, np.float32), np.ones(4, np.float32)])


def test_a_region_sees_the_sizes_outside_it() -> None:
    n = symbol("n")
    body = GraphBuilder()
    inside = body.input(as_type("float32"), "x")
    region = body.finish([body.broadcast_in_dim(inside, shape=(n,), broadcast_dimensions=())])
    build = GraphBuilder()
    flag = build.input(as_type("bool"), "flag")
    x = build.input(as_type("float32"), "x")
    y = build.input(as_type("float32", (n,)), "y")
    chosen = build.cond(flag, x, regions=(region, region))
    (found,) = evaluate(
        build.finish([build.add(chosen, y)]), [np.bool_(True), 2.0, np.zeros(3, np.float32)]
    )
    np.testing.assert_array_equal(found, np.full(3, 2, np.float32))


def test_a_composite_without_a_reference_of_its_own_runs_its_decomposition() -> None:
    op = replace(
        REGISTRY["negate"],
        reference=ByDecomposition(),
        decomposition=lambda build, call, x: build.subtract(build.full_like(x, 0), x),
        traits=Trait.COMPOSITE,
        type_memo={},
    )
    call = graph_of(op, as_type("float32", (2,))).nodes[-1].call
    (found,) = evaluate_call(call, [np.float32([1, -2])])
    np.testing.assert_array_equal(found, np.float32([-1, 2]))


def test_overflow_and_division_by_zero_are_as_silent_as_in_xla() -> None:
    graph = graph_of(REGISTRY["divide"], as_type("float32", (2,)), as_type("float32", (2,)))
    (found,) = evaluate(graph, [np.float32([1, 0]), np.float32([0, 0])])
    assert np.isinf(found[0])
    assert np.isnan(found[1])


def test_strings_stay_on_the_host() -> None:
    (found,) = evaluate(graph_of(REGISTRY["constant"], value="Hello World"), [])
    assert found.item() == "Hello World"

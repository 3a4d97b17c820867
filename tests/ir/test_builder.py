"""Making nodes: types at once, the user's line on errors, closed graphs, inlining."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.dtypes import BF16, F32, I32
from graphc.errors import AttributeValueError, DTypeError, GraphcError, ShapeError
from graphc.ir import builder
from graphc.ir.attributes import DIMENSION, Schema
from graphc.ir.builder import (
    Builder,
    GraphBuilder,
    call_types,
    decomposition_graph,
    infer_types,
    inline,
)
from graphc.ir.node import Node
from graphc.ir.op import Constraint, OpCall
from graphc.ir.origin import Origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import verify

n, m = symbol("n"), symbol("m")
VECTOR = as_type("float32", (3,))
HERE = Origin("model.py", 7, "build")


def test_a_node_has_its_types_attributes_and_place_at_once() -> None:
    nodes: list[Node] = []
    build = Builder(nodes.append, origin=HERE, name="scope/x")
    x = build.input(as_type("f32", (2, n)), "x", "feed")
    y = build.transpose(x, permutation=[1, 0])
    assert y.type is as_type("f32", (n, 2))
    assert [node.op.name for node in nodes] == ["input", "transpose"]
    assert y.node.inputs == (x,)
    assert (y.node.origin, y.node.name) == (HERE, "scope/x")
    assert dict(x.node.attributes) == {
        "kind": "feed",
        "name": "x",
        "dtype": F32,
        "shape": (2, n),
        "members": (),
    }


def test_names_that_are_pythons_own_are_written_with_an_underscore() -> None:
    build = GraphBuilder()
    p = build.input(as_type("bool"), "p")
    made = [build.and_(p, p), build.or_(p, p), build.not_(p)]
    assert [value.node.op.name for value in made] == ["and", "or", "not"]


def test_an_unknown_op_is_an_attribute_error_with_a_suggestion() -> None:
    with pytest.raises(AttributeError, match=r"did you mean .*'tanh'"):
        getattr(GraphBuilder(), "tahn")  # noqa: B009, the mistake is what is tested


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda b, x: b.add(x), ShapeError),
        (lambda b, x: b.add(x, x, x), ShapeError),
        (lambda b, x: b.add(x, b.full(1, F32, (2,))), ShapeError),
        (lambda b, x: b.add(x, b.full(1, I32, (3,))), DTypeError),
        (lambda b, x: b.tanh(x, axis=1), AttributeValueError),
        (lambda b, x: b.transpose(x), AttributeValueError),
        (lambda b, x: b.transpose(x, permutation=[0.5]), AttributeValueError),
        (lambda b, x: b.transpose(x, permutation=[1]), GraphcError),
    ],
)
def test_a_refused_node_names_the_users_line_and_is_not_added(mistake, error) -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    build.origin = HERE
    with pytest.raises(error) as caught:
        mistake(build, x)
    assert caught.value.origin is HERE
    assert not any(node.op.name in ("add", "tanh", "transpose") for node in build.nodes)


def test_the_line_of_the_first_use_does_not_stick_to_a_memoised_type() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    for line in (1, 2):
        build.origin = Origin("model.py", line, "build")
        with pytest.raises(ShapeError) as caught:
            build.add(x, build.full(1, F32, (4,)))
        assert caught.value.origin is build.origin


def test_undecided_equations_are_collected_once_per_node() -> None:
    build = GraphBuilder()
    x, y = (build.input(as_type("f32", (size,)), str(size)) for size in (n, m))
    graph = build.finish([build.add(x, y), build.multiply(x, y), build.add(x, x)])
    assert set(build.constraints) == {Constraint(n, m)}
    assert graph.constraints == (Constraint(n, m),)


def test_a_block_with_its_own_line_restores_the_old_one_after_an_error() -> None:
    build = GraphBuilder(origin=HERE, name="before")
    inside = Origin("other.py", 1, "f")
    x = build.input(VECTOR, "x")
    with pytest.raises(ShapeError) as caught, build.located(inside, "inside"):
        build.add(x)
    assert caught.value.origin is inside
    assert (build.origin, build.name) == (HERE, "before")
    with build.located(inside, "inside"):
        y = build.tanh(x)
    assert (y.node.origin, y.node.name) == (inside, "inside")


def test_types_are_inferred_once_per_operand_types_and_attributes(monkeypatch) -> None:
    calls: list[OpCall] = []

    def rule(call: OpCall) -> TensorType:
        calls.append(call)
        return call.types[0].with_shape((call.attributes["size"],))

    op = replace(
        REGISTRY["tanh"],
        infer=rule,
        attributes=Schema(size=DIMENSION),
        name="counted",
        type_memo={},
    )
    for size, dtype in [(n, "f32"), (n, "f32"), (3, "f32"), (n, "i32"), (3, "f32")]:
        attributes = op.attributes.make({"size": size}, "counted")
        types, constraints = infer_types(op, (as_type(dtype, (n, n)),), attributes)
        assert types == (as_type(dtype, (size,)),)
        assert constraints == ()
    assert len(calls) == 3
    monkeypatch.setattr(builder, "_MEMO_LIMIT", 2)
    for size in range(5, 15):
        infer_types(op, (VECTOR,), op.attributes.make({"size": size}, "counted"))
    assert len(op.type_memo) <= 2, "a program of ever new sizes may not fill the memory"


@pytest.mark.parametrize(
    ("number", "dtype", "shape", "op_name"),
    [
        (2, F32, (), "constant"),
        (-0.0, BF16, (), "constant"),
        (1, I32, (2, 3), "broadcast_in_dim"),
        (1, F32, (n, 0), "broadcast_in_dim"),
    ],
)
def test_a_number_at_every_position(number, dtype, shape, op_name) -> None:
    build = GraphBuilder()
    full = build.full(number, dtype, shape)
    like = build.full_like(full, number)
    for value in (full, like):
        assert value.type is as_type(dtype, shape)
        assert value.node.op.name == op_name
    scalar = build.nodes[0].attributes["value"].scalar
    assert scalar.tobytes() == np.asarray(number).astype(dtype.numpy).tobytes()


def test_arrays_become_constants() -> None:
    build = GraphBuilder()
    values = [build.array(np.int32([1, 2])), build.array([1, 2], F32), build.array("a")]
    assert [str(value.type) for value in values] == ["i32[2]", "f32[2]", "string[]"]
    assert call_types(values) == tuple(value.type for value in values)


def test_a_finished_graph_leaves_out_what_no_output_needs() -> None:
    build = GraphBuilder()
    x, unused = build.input(VECTOR, "x"), build.input(VECTOR, "unused")
    build.sine(x)
    graph = build.finish([build.tanh(build.cosine(x))])
    assert [node.op.name for node in graph.nodes] == ["input", "input", "cosine", "tanh"]
    assert graph.inputs == (x, unused)
    verify(graph)


def test_an_inlined_graph_keeps_names_and_lines_and_takes_operands_in_order() -> None:
    body = GraphBuilder(origin=HERE, name="body")
    a, b = body.input(VECTOR, "a"), body.input(VECTOR, "b")
    closed = body.finish([body.subtract(a, b), b])
    outer = GraphBuilder(name="outer")
    x, y = outer.input(VECTOR, "x"), outer.input(VECTOR, "y")
    difference, same = inline(outer, closed, [y, x])
    assert difference.node.inputs == (y, x)
    assert (difference.node.origin, difference.node.name) == (HERE, "body")
    assert same is x
    assert outer.name == "outer"
    verify(outer.finish([difference, same]))
    with pytest.raises(ValueError, match="zip"):
        inline(outer, closed, [x])


def test_a_composite_is_written_out_once_per_types() -> None:
    build = GraphBuilder()
    node = build.softmax(build.input(as_type("f32", (2, 3)), "x"), axis=1).node
    graph = decomposition_graph(node.call)
    assert decomposition_graph(node.call) is graph
    assert call_types(graph.outputs) == node.call.results
    assert graph.count("softmax") == 0
    verify(graph)
    with pytest.raises(GraphcError, match="has no decomposition"):
        decomposition_graph(build.tanh(node.output).node.call)

"""Editing: replacing every use, use lists at any moment, what is shared and where values went."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import VerifyError
from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import UNCHANGED, GraphEditor
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.origin import Origin
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate

VECTOR = as_type("float32", (3,))
n, m = symbol("n"), symbol("m")


def built(body, inputs: int = 1) -> tuple[Graph, list[Value]]:
    """A graph, and the values that `body` names."""
    build = GraphBuilder()
    named = body(build, *[build.input(VECTOR, f"x{i}") for i in range(inputs)])
    return build.finish(named[-1:]), list(named)


def chain(build, x):
    a = build.tanh(x)
    b = build.sine(a)
    return a, b, build.cosine(b)


def ops(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes if node.op.name != "input"]


def frozen(editor: GraphEditor) -> Graph:
    graph, _ = editor.freeze()
    verify(graph)
    return graph


def expected_users(editor: GraphEditor, value: Value) -> set[Node]:
    """By a walk over what the outputs need."""
    wanted = editor.resolve(value)
    return {node for node in editor.order() if wanted in editor.operands(node)}


# --- freezing -------------------------------------------------------------------------------------


def test_an_untouched_graph_is_frozen_with_the_same_nodes() -> None:
    graph, named = built(chain)
    again, values = GraphEditor(graph).freeze()
    assert again.nodes == graph.nodes
    assert (again.inputs, again.outputs) == (graph.inputs, graph.outputs)
    assert all(values[value] is value for value in named)
    assert UNCHANGED[named[0]] is named[0]


def test_only_what_stands_after_a_change_is_made_anew() -> None:
    graph, (a, b, c) = built(chain)
    editor = GraphEditor(graph)
    editor.replace(b, editor.build.exponential(a))
    again, values = editor.freeze()
    assert ops(again) == ["tanh", "exponential", "cosine"]
    assert a.node in again.nodes
    assert c.node not in again.nodes
    assert again.outputs == (values[c],)
    assert values[b] is again.nodes[2].output
    assert values[a] is a


def test_a_node_made_anew_keeps_name_line_attributes_and_regions() -> None:
    build = GraphBuilder(origin=Origin("model.py", 3, "f"), name="scope/top")
    x = build.input(as_type("f32", (2, 3)), "x")
    top = build.reduce_sum(build.tanh(x), axes=[1])
    editor = GraphEditor(build.finish([top]))
    editor.replace(top.node.inputs[0], x)
    (rebuilt,) = [node for node in frozen(editor).nodes if node.op.name == "reduce_sum"]
    assert rebuilt is not top.node
    assert (rebuilt.name, rebuilt.origin) == ("scope/top", top.node.origin)
    assert rebuilt.attributes is top.node.attributes


def test_what_no_output_needs_any_more_is_left_out_but_inputs_stay() -> None:
    graph, (_, unused, y) = built(lambda b, x, y: (x, b.tanh(y), b.sine(b.tanh(y))), inputs=2)
    editor = GraphEditor(graph)
    editor.replace(y, graph.inputs[0])
    again = frozen(editor)
    assert ops(again) == []
    assert again.inputs == graph.inputs
    assert again.outputs == (graph.inputs[0],)
    del unused


def test_an_input_that_is_replaced_stays_in_the_signature() -> None:
    graph, (x, _, _) = built(lambda b, x, y: (x, y, b.add(x, y)), inputs=2)
    editor = GraphEditor(graph)
    editor.replace(x, editor.build.array(np.float32([1, 2, 3])))
    again, values = editor.freeze()
    verify(again)
    assert again.inputs == graph.inputs
    assert values[x].node.op.name == "constant"


def test_constraints_of_the_graph_and_of_new_nodes_are_kept() -> None:
    build = GraphBuilder()
    x, y = (build.input(as_type("f32", (size,)), str(size)) for size in (n, m))
    graph = build.finish([build.add(x, y)])
    editor = GraphEditor(graph)
    z = editor.build.input(as_type("f32", (2 * n,)), "z")
    editor.build.add(x, z)
    assert [str(each) for each in frozen(editor).constraints] == ["n == m", "n == 2*n"]


# --- replacing ------------------------------------------------------------------------------------


def test_replacing_in_a_chain_reaches_the_last_one_in_any_order() -> None:
    names = ["sine", "cosine", "exponential", "negate"]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]):
        graph, (x, a, _) = built(lambda b, x: (x, b.tanh(x), b.abs(b.tanh(x))))
        editor = GraphEditor(graph)
        values = [getattr(editor.build, name)(x) for name in names]
        editor.replace(graph.outputs[0].node.inputs[0], values[0])
        for step in order:
            editor.replace(values[step], values[step + 1])
        assert all(editor.resolve(value) is values[3] for value in values)
        assert ops(frozen(editor)) == ["negate", "abs"]
        assert editor.resolve(a) is a


def test_a_long_chain_of_replacements_is_followed_without_recursion() -> None:
    graph, (x, y) = built(lambda b, x: (x, b.tanh(x)))
    editor = GraphEditor(graph)
    last = y
    for _ in range(5000):
        new = editor.build.tanh(x)
        editor.replace(last, new)
        last = new
    assert editor.resolve(y) is last
    assert len(frozen(editor)) == 2


def test_replacing_there_and_back_leaves_one_of_the_two() -> None:
    graph, (x, y) = built(lambda b, x: (x, b.tanh(x)))
    editor = GraphEditor(graph)
    new = editor.build.sine(x)
    editor.replace(y, new)
    editor.replace(new, y)
    editor.replace(y, y)
    assert editor.resolve(y) is editor.resolve(new) is new
    assert ops(frozen(editor)) == ["sine"]


def test_a_value_of_another_type_is_refused_with_the_line_of_the_old_one() -> None:
    build = GraphBuilder(origin=Origin("model.py", 3, "f"))
    y = build.tanh(build.input(VECTOR, "x"))
    editor = GraphEditor(build.finish([y]))
    with pytest.raises(VerifyError, match="same type") as caught:
        editor.replace(y, editor.build.array(np.float32(1)))
    assert caught.value.origin is y.node.origin
    assert (caught.value.given, caught.value.expected) == (
        "f32[] (constant)",
        "f32[3] (tanh)",
    )


def test_one_result_of_several_is_replaced_alone() -> None:
    body = GraphBuilder()
    a = body.input(VECTOR, "a")
    region = body.finish([body.tanh(a), body.sine(a)])
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    first, second = build.fusion(x, regions=(region,), kind="elementwise")
    graph = build.finish([build.add(first, second)])
    editor = GraphEditor(graph)
    assert not editor.is_dead(first.node)
    editor.replace(first, editor.build.tanh(x))
    assert not editor.is_dead(first.node)
    assert editor.has_one_use(second)
    assert ops(frozen(editor)) == ["tanh", "fusion", "add"]
    editor.replace(second, editor.build.sine(x))
    assert editor.is_dead(first.node)
    assert ops(frozen(editor)) == ["tanh", "sine", "add"]


# --- who uses what --------------------------------------------------------------------------------


def test_uses_are_nodes_and_outputs() -> None:
    graph, (x, a, y) = built(lambda b, x: (x, b.tanh(x), b.multiply(b.sine(x), b.sine(x))))
    sines = graph.outputs[0].node.inputs
    editor = GraphEditor(graph)
    assert set(editor.users(x)) == {value.node for value in sines}
    assert editor.count_users(x) == 2
    assert editor.is_output(y)
    assert not editor.is_output(x)
    assert editor.count_users(y) == 1
    assert editor.users(y) == []
    assert not editor.has_one_use(y), "an output is no use by a node"
    assert [editor.has_one_use(value) for value in sines] == [True, True]
    assert editor.users(a) == []


def test_both_operands_of_one_node_are_one_use() -> None:
    graph, (a, _) = built(lambda b, x: (a := b.tanh(x), b.multiply(a, a)))
    editor = GraphEditor(graph)
    assert editor.has_one_use(a)
    assert editor.count_users(a) == 1


def test_uses_move_to_the_value_that_stands_in() -> None:
    graph, (a, b, c) = built(chain)
    editor = GraphEditor(graph)
    assert editor.users(b) == [c.node]
    new = editor.build.exponential(a)
    assert set(editor.users(a)) == {b.node, new.node}
    editor.replace(b, new)
    assert editor.users(b) == editor.users(new) == [c.node]
    assert editor.users(a) == [new.node], "the replaced node uses nothing any more"
    assert editor.is_dead(b.node)
    assert editor.operands(c.node) == (new,)


def test_an_operand_that_only_a_replaced_node_used_is_unused_up_the_chain() -> None:
    for ask_before in (True, False):
        graph, (a, b, c) = built(chain)
        x = graph.inputs[0]
        editor = GraphEditor(graph)
        if ask_before:
            editor.users(x)
        editor.replace(c, editor.build.negate(x))
        assert [editor.count_users(value) for value in (a, b)] == [0, 0]
        assert [node.op.name for node in editor.users(x)] == ["negate"]
        assert editor.is_dead(a.node)


def test_a_dead_node_that_is_used_again_uses_its_operands_again() -> None:
    def body(build, x):
        a = build.tanh(x)
        b = build.sine(a)
        c = build.cosine(x)
        return a, b, c, build.add(b, c)

    for by_replacement in (True, False):
        graph, (a, b, c, _) = built(body)
        (x,) = graph.inputs
        editor = GraphEditor(graph)
        assert set(editor.users(x)) == {a.node, c.node}
        editor.replace(b, editor.build.negate(x))
        assert a.node not in editor.users(x)
        if by_replacement:
            editor.replace(c, a)
        else:
            editor.replace(c, editor.build.exponential(a))
        assert a.node in editor.users(x)
        assert not editor.is_dead(a.node)
        assert "tanh" in ops(frozen(editor))


def test_the_new_outputs_count_as_uses_and_the_old_ones_no_more() -> None:
    graph, (a, b, c) = built(chain)
    editor = GraphEditor(graph)
    assert editor.is_output(c)
    editor.set_outputs([a, b], ["w"])
    assert [editor.is_output(value) for value in (a, b, c)] == [True, True, False]
    again = frozen(editor)
    assert (again.fetches, again.updates) == ((a,), {"w": b})
    assert ops(again) == ["tanh", "sine"]


def test_a_node_that_was_taken_back_leaves_no_trace() -> None:
    graph, (a, _, _) = built(chain)
    editor = GraphEditor(graph)
    editor.users(a)
    first = editor.build.negate(a)
    second = editor.build.abs(first)
    editor.forget(second.node)
    editor.forget(first.node)
    assert editor.new_nodes == []
    assert [node.op.name for node in editor.users(a)] == ["sine"]
    assert editor.users(first) == []
    with pytest.raises(AssertionError):
        editor.forget(a.node)


@given(st.integers(0, 2**32), st.booleans())
def test_use_lists_agree_with_a_walk_after_any_replacements(seed: int, ask_first: bool) -> None:
    choose = random.Random(seed)
    build = GraphBuilder()
    values = [build.input(VECTOR, "x")]
    for _ in range(12):
        operands = choose.choices(values, k=2)
        values.append(build.add(*operands) if choose.random() < 0.7 else build.tanh(operands[0]))
    graph = build.finish([values[-1], values[-2]])
    values = [node.output for node in build.nodes if node in graph.nodes]
    editor = GraphEditor(graph)
    if ask_first:
        editor.users(values[0])
    for _ in range(5):
        index = choose.randrange(1, len(values))
        if editor.resolve(values[index]) is not values[index]:
            continue
        # older than what it replaces, so that no cycle can come about; it may be dead by now
        operand = editor.resolve(choose.choice(values[:index]))
        editor.replace(values[index], editor.build.sine(operand) if index % 2 else operand)
    order = set(editor.order())
    for value in (*values, *[node.output for node in editor.new_nodes]):
        users = {node for node in editor.users(value) if node in order}
        assert users == expected_users(editor, value)
        assert editor.is_output(value) == (
            editor.resolve(value) in [editor.resolve(output) for output in editor.outputs]
        )
    again, where = editor.freeze()
    verify(again)
    assert again.outputs == tuple(where[value] for value in graph.outputs)


# --- inserting ------------------------------------------------------------------------------------


def test_an_inserted_op_stands_between_a_value_and_all_of_its_users() -> None:
    graph, (a, _) = built(lambda b, x: (a := b.tanh(x), b.add(b.sine(a), a)))
    editor = GraphEditor(graph)
    editor.users(a)
    tap = editor.insert_after(a, "tap", label="a")
    assert {node.op.name for node in editor.users(tap)} == {"sine", "add"}
    (twin,) = tap.node.inputs
    assert twin.node.op is a.node.op
    again, values = editor.freeze()
    verify(again)
    assert ops(again) == ["tanh", "tap", "sine", "add"]
    assert values[a].node.op.name == "tap"


def test_an_op_inserted_after_an_input_leaves_the_input_in_its_place() -> None:
    graph, (x, y, _) = built(lambda b, x, y: (x, y, b.add(x, y)), inputs=2)
    editor = GraphEditor(graph)
    editor.insert_after(x, "tap", label="x")
    again, values = editor.freeze()
    verify(again)
    assert [value.node.attributes["name"] for value in again.inputs] == ["x0", "x1"]
    assert again.inputs[1] is y
    assert values[x].node.op.name == "tap"


def test_two_inserted_ops_stand_one_after_the_other() -> None:
    graph, (a, _, _) = built(chain)
    editor = GraphEditor(graph)
    editor.insert_after(a, "tap", label="first")
    editor.insert_after(a, "tap", label="second")
    again, _ = editor.freeze()
    assert ops(again) == ["tanh", "tap", "tap", "sine", "cosine"]
    assert [n.attributes["label"] for n in again.nodes if n.op.name == "tap"] == ["first", "second"]


def test_an_op_inserted_after_an_output_is_the_output() -> None:
    graph, (_, _, c) = built(chain)
    editor = GraphEditor(graph)
    tap = editor.insert_after(c, "tap", label="c")
    again, values = editor.freeze()
    assert again.outputs == (values[c],) == (tap,)
    assert again.outputs[0].node.op.name == "tap"


@pytest.mark.parametrize("label", ["x", "y"])
def test_insertion_changes_no_numbers(label: str) -> None:
    graph, named = built(lambda b, x: (a := b.tanh(x), b.add(b.sine(a), a)))
    editor = GraphEditor(graph)
    editor.insert_after(named[label == "y"], "tap", label=label)
    again = frozen(editor)
    assert first_difference(graph, again) is not None
    array = np.float32([1, 2, 3])
    np.testing.assert_array_equal(evaluate(graph, [array])[0], evaluate(again, [array])[0])


def test_the_order_is_worked_out_anew_after_every_change() -> None:
    graph, (a, b, _) = built(chain)
    editor = GraphEditor(graph)
    first = editor.order()
    assert [node.op.name for node in first] == ["input", "tanh", "sine", "cosine"]
    assert editor.order() is first
    editor.replace(b, editor.build.log(a))
    assert [node.op.name for node in editor.order()] == ["input", "tanh", "log", "cosine"]
    editor.set_outputs([a])
    assert [node.op.name for node in editor.order()] == ["input", "tanh"]
    editor.inputs.append(editor.build.input(VECTOR, "more"))
    assert [node.op.name for node in editor.order()] == ["input", "input", "tanh"]
    assert ops(frozen(editor)) == ["tanh"]

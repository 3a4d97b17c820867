"""Region ops: their type rules, their numbers, and their gradients, first and second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import DTypeError, GradientError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import append_gradients, vjp_graph
from graphc.ir.editor import GraphEditor
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.parser import parse
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import verify
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import Write, check_gradients, graph_of

F32, I32, VECTOR = as_type("float32"), as_type("int32"), as_type("float32", (2,))


# --- scan -----------------------------------------------------------------------------------------


def write_body(build: Any, count: Any, carry: Any, x: Any, w: Any) -> list[Value]:
    """carry' = carry * w + x * x; stacks exp(carry) and the counter."""
    one = build.array(np.int32(1))
    changed = build.add(build.multiply(carry, w), build.multiply(x, x))
    return [build.add(count, one), changed, build.exponential(carry), count]


def scan_graph(length: int = 4, reverse: bool = False) -> Graph:
    body = graph_of(write_body, I32, VECTOR, VECTOR, VECTOR)

    def write(build: Any, *operands: Any) -> list[Value]:
        return build.scan(
            *operands, regions=(body,), carries=2, invariants=1, length=length, reverse=reverse
        )

    return graph_of(write, I32, VECTOR, as_type("float32", (length, 2)), VECTOR)


def scan_arrays(length: int = 4) -> list[np.ndarray]:
    return [np.array(3, np.int32), draw(2, high=1), draw(length, 2, high=1), draw(2, salt=1)]


@pytest.mark.parametrize("length", [0, 1, 4])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_agrees_with_a_loop_in_numpy(length: int, reverse: bool) -> None:
    graph, arrays = scan_graph(length, reverse), scan_arrays(length)
    count, carry, xs, w = arrays
    powers, counts = np.zeros((length, 2), np.float32), np.zeros(length, np.int32)
    for step in reversed(range(length)) if reverse else range(length):
        powers[step], counts[step] = np.exp(carry), count
        count, carry = count + 1, carry * w + xs[step] ** 2
    for results in (trace_graph(graph, arrays), evaluate(graph, arrays)):
        for mine, expected in zip(results, (count, carry, powers, counts), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("length", "reverse"), [(4, False), (3, True), (0, False)])
def test_gradients_of_a_scan(order: int, length: int, reverse: bool) -> None:
    check_gradients(scan_graph(length, reverse), scan_arrays(length), [1, 2, 3], order)


def test_a_scan_computes_its_forward_part_once_when_differentiated() -> None:
    graph = scan_graph()
    editor = GraphEditor(graph)
    found = append_gradients(
        editor.build,
        graph.nodes,
        [graph.outputs[1]],
        [None],
        [graph.inputs[2]],
        operands_of=editor.operands,
        replace=editor.replace,
    )
    editor.set_outputs([*editor.outputs, *[value for value in found if value is not None]])
    made, _ = editor.freeze()
    verify(made)
    forward, back = (node for node in made.nodes if node.op.name == "scan")
    # x * x needs x and the cotangent, and carry * w needs w: no carry is saved at all
    assert len(forward.outputs) == 4
    assert back.attributes["reverse"] is True
    assert back.attributes["carries"] == 1
    assert len(back.inputs) == 3  # the carry's cotangent, x, w
    assert str(made) == str(parse(str(made)))


def test_only_carries_that_the_way_back_reads_are_saved_and_only_once() -> None:
    first = vjp_graph(scan_graph(), [1, 2, 3])
    saving, _ = (node for node in first.nodes if node.op.name == "scan")
    assert len(saving.outputs) == 4 + 1  # w's cotangent needs the float carry, not the counter
    second = vjp_graph(first, [1, 2, 3])
    widths = [len(node.outputs) for node in second.nodes if node.op.name == "scan"]
    assert max(widths) <= 5 + 2


def test_a_cotangent_travels_through_carries_that_only_feed_each_other() -> None:
    """y depends on x through a rotation of three carries: each needs the one after it."""

    def write(build: Any, a: Any, b: Any, c: Any, x: Any) -> list[Value]:
        return [build.multiply(b, x), build.exponential(c), build.multiply(a, a), a]

    body = graph_of(write, F32, F32, F32, F32)

    def write_scan(build: Any, *operands: Any) -> list[Value]:
        *_, stacked = build.scan(*operands, regions=(body,), carries=3, length=5)
        return [stacked]

    graph = graph_of(write_scan, F32, F32, F32, as_type("float32", (5,)))
    arrays = [*[np.float32(v) for v in (0.5, 0.25, 0.125)], draw(5, low=0.1, high=0.5)]
    for order in (1, 2):
        check_gradients(graph, arrays, [0, 1, 2, 3], order)
        check_gradients(graph, arrays, [2], order)


def test_operands_off_the_path_have_no_gradient() -> None:
    def write(build: Any, a: Any, b: Any, x: Any) -> list[Value]:
        return [build.exponential(a), build.multiply(b, x), build.negate(a)]

    body = graph_of(write, F32, F32, F32)
    build = GraphBuilder()
    a, b = build.input(F32, "a"), build.input(F32, "b")
    x = build.input(as_type("float32", (3,)), "x")
    final_a, _, stacked = build.scan(a, b, x, regions=(body,), carries=2, length=3)
    found = append_gradients(build, [*build.nodes], [final_a, stacked], [None, None], [a, b, x])
    assert [value is None for value in found] == [False, True, True]


def test_a_scan_inside_a_scan_and_a_branch_inside_both() -> None:
    def write_true(build: Any, carry: Any, x: Any) -> list[Value]:
        return [build.multiply(carry, x)]

    def write_false(build: Any, carry: Any, x: Any) -> list[Value]:
        return [build.add(build.exponential(carry), x)]

    branches = (graph_of(write_true, F32, F32), graph_of(write_false, F32, F32))
    flag = as_type("bool")

    def write_inner(build: Any, carry: Any, x: Any, choice: Any, factor: Any) -> list[Value]:
        chosen = build.cond(choice, carry, x, regions=branches)
        return [build.multiply(chosen, factor)]

    inner = graph_of(write_inner, F32, F32, flag, F32)

    def write_outer(build: Any, carry: Any, x: Any, choices: Any, factor: Any) -> list[Value]:
        carry = build.scan(
            carry, x, choices, factor, regions=(inner,), carries=1, invariants=1, length=3
        )
        return [carry, build.multiply(carry, factor)]

    row, flags = as_type("float32", (3,)), as_type("bool", (3,))
    outer = graph_of(write_outer, F32, row, flags, F32)

    def write(build: Any, *operands: Any) -> list[Value]:
        return build.scan(*operands, regions=(outer,), carries=1, invariants=1, length=2)

    graph = graph_of(write, F32, as_type("float32", (2, 3)), as_type("bool", (2, 3)), F32)
    choices = np.array([[True, False, True], [False, False, True]])
    arrays = [np.array(0.3, np.float32), draw(2, 3, low=-0.5, high=0.5), choices, np.float32(0.7)]
    for order in (1, 2):
        made = check_gradients(graph, arrays, [0, 1, 3], order)
    assert first_difference(parse(str(made)), made) is None


def test_sizes_of_a_scan_may_be_symbols() -> None:
    n, steps = symbol("n"), symbol("steps")
    row = as_type("float32", (n,))
    body = graph_of(lambda build, c, x: [build.multiply(c, x)], row, row)

    def write(build: Any, *operands: Any) -> list[Value]:
        return [build.scan(*operands, regions=(body,), carries=1, length=steps)]

    graph = graph_of(write, row, as_type("float32", (steps, n)))
    made = vjp_graph(graph, [0, 1])
    verify(made)
    arrays = [draw(3), draw(2, 3, salt=1), np.ones(3, np.float32)]
    first, second = evaluate(made, arrays)
    np.testing.assert_allclose(first, arrays[1][0] * arrays[1][1], rtol=1e-6)
    others = np.stack([arrays[0] * arrays[1][1], arrays[0] * arrays[1][0]])
    np.testing.assert_allclose(second, others, rtol=1e-6)


def test_a_size_that_cannot_be_compared_becomes_a_constraint() -> None:
    n, m = symbol("n"), symbol("m")
    body = graph_of(lambda build, c: [c], as_type("float32", (m,)))
    build = GraphBuilder()
    x = build.input(as_type("float32", (n,)), "x")
    result = build.scan(x, regions=(body,), carries=1, length=2)
    assert [str(c) for c in build.finish([result]).constraints] == ["m == n"]


def refuse_scan(body: Graph, *types: TensorType, **attributes: Any) -> Any:
    build = GraphBuilder()
    operands = [build.input(t, f"x{i}") for i, t in enumerate(types)]
    return build.scan(*operands, regions=(body,), **{"carries": 1, "length": 3, **attributes})


@pytest.mark.parametrize(
    ("types", "attributes", "words"),
    [
        ((F32, F32), {}, "operand 1 is scanned over, but has no axes"),
        ((F32, as_type("float32", (4,))), {}, "first size of operand 1 and the length"),
        ((F32, as_type("float32", (3,)), F32), {"invariants": 1}, "number of inputs of the body"),
        ((as_type("int32"), as_type("float32", (3,))), {}, "input 0 of the body is f32"),
        ((F32, as_type("float32", (3, 2))), {}, "input 1 of the body is f32"),
        ((F32,), {"invariants": 3}, "fewer operands"),
        ((F32, as_type("float32", (3,))), {"length": -1}, "length is -1"),
    ],
)
def test_a_scan_that_does_not_fit_its_body_is_refused(
    types: tuple[TensorType, ...], attributes: dict[str, Any], words: str
) -> None:
    body = graph_of(lambda build, c, x: [build.add(c, x)], F32, F32)
    with pytest.raises((ShapeError, DTypeError), match=words):
        refuse_scan(body, *types, **attributes)


def test_a_carry_must_keep_its_type() -> None:
    body = graph_of(lambda build, c, x: [x], F32, VECTOR)
    with pytest.raises(ShapeError, match="new value of carry 0 is f32"):
        refuse_scan(body, F32, as_type("float32", (3, 2)))
    with pytest.raises(ShapeError, match="number of results of the body: 0"):
        refuse_scan(graph_of(lambda build, c: [], F32), F32)


# --- cond -----------------------------------------------------------------------------------------


def cond_graph() -> Graph:
    flag = as_type("bool")

    def write_true(build: Any, x: Any, y: Any, w: Any) -> list[Value]:
        return [build.exponential(x), build.multiply(x, y)]

    def write_false(build: Any, x: Any, y: Any, w: Any) -> list[Value]:
        return [build.multiply(y, y), build.negate(build.multiply(x, x))]

    branches = (graph_of(write_true, *[VECTOR] * 3), graph_of(write_false, *[VECTOR] * 3))

    def write(build: Any, choice: Any, *operands: Any) -> list[Value]:
        return build.cond(choice, *operands, regions=branches)

    return graph_of(write, flag, *[VECTOR] * 3)


@pytest.mark.parametrize("choice", [True, False])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_gradients_of_a_cond(choice: bool, order: int) -> None:
    arrays = [np.array(choice), draw(2, high=1), draw(2, salt=1), draw(2, salt=2)]
    check_gradients(cond_graph(), arrays, [1, 2, 3], order)


def test_the_branches_of_a_gradient_take_only_what_one_of_them_reads() -> None:
    made = vjp_graph(cond_graph(), [2], given=[0])
    (node,) = [node for node in made.nodes if node.op.name == "cond"]
    # y and the cotangent of the first result; neither x nor w
    assert [str(value.type) for value in node.inputs] == ["bool[]", "f32[2]", "f32[2]"]
    assert made.count("exponential") == 0


def test_a_cond_does_not_connect_what_no_branch_reads() -> None:
    graph = cond_graph()
    build = GraphBuilder()
    found = append_gradients(build, graph.nodes, graph.outputs, [None, None], [graph.inputs[3]])
    assert found == [None]


@pytest.mark.parametrize(
    ("false", "words"),
    [
        (lambda build, x: [x, x], "number of results of the false branch: 2"),
        (lambda build, x: [build.array(np.int32(1))], "result 0 of the false branch is i32"),
        (lambda build, x: [build.array(np.float32(1))], "result 0 of the false branch is f32"),
    ],
)
def test_branches_must_give_the_same_types(false: Write, words: str) -> None:
    true = graph_of(lambda build, x: [x], VECTOR)
    build = GraphBuilder()
    choice, x = build.input(as_type("bool"), "choice"), build.input(VECTOR, "x")
    with pytest.raises((ShapeError, DTypeError), match=words):
        build.cond(choice, x, regions=(true, graph_of(false, VECTOR)))
    with pytest.raises(DTypeError, match="the predicate is i32"):
        build.cond(build.array(np.int32(1)), x, regions=(true, true))
    with pytest.raises(ShapeError, match="has 1 regions"):
        build.cond(choice, x, regions=(true,))


# --- while_loop -----------------------------------------------------------------------------------


def while_graph() -> Graph:
    (sample, *_) = REGISTRY["while_loop"].samples()
    assert sample.make_regions is not None
    regions = sample.make_regions()

    def write(build: Any, *operands: Any) -> list[Value]:
        return [build.while_loop(*operands, regions=regions, carries=1)]

    return graph_of(write, F32, F32, F32)


@pytest.mark.parametrize(("first", "expected"), [(1.0, 81.0), (60.0, 60.0)])
def test_a_while_loop_runs_until_its_condition_fails(first: float, expected: float) -> None:
    arrays = [np.float32(first), np.float32(50), np.float32(3)]
    graph = while_graph()
    assert float(trace_graph(graph, arrays)[0]) == float(evaluate(graph, arrays)[0]) == expected


def test_a_while_loop_says_by_name_that_it_has_no_gradient() -> None:
    with pytest.raises(GradientError, match="while_loop has no gradient: the number of iterations"):
        vjp_graph(while_graph(), [0])


def test_a_while_loop_that_does_not_fit_is_refused() -> None:
    body = graph_of(lambda build, x: [build.negate(x)], F32)
    build = GraphBuilder()
    x = build.input(F32, "x")
    with pytest.raises(DTypeError, match="the condition's result is f32"):
        build.while_loop(x, regions=(body, body), carries=1)


# --- all three ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [scan_graph, cond_graph, while_graph])
def test_text_with_regions_reads_back(make: Callable[[], Graph]) -> None:
    graph = make()
    again = parse(str(graph))
    assert str(again) == str(graph)
    assert first_difference(again, graph) is None


def test_a_region_that_updates_a_variable_is_refused() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    graph = build.finish([x])
    updating = Graph(graph.inputs, graph.outputs, graph.nodes, update_names=("w",))
    with pytest.raises(ShapeError, match="updates variables"):
        build.scan(x, regions=(updating,), carries=1, length=2)


def test_costs_follow_the_body() -> None:
    long, short = (scan_graph(length).nodes[-1] for length in (4, 1))
    assert long.op.cost_of(long.call).flops == 4 * short.op.cost_of(short.call).flops > 0
    cond = cond_graph().nodes[-1]
    assert cond.op.cost_of(cond.call).flops == 6

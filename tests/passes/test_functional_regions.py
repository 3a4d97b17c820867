"""State in the bodies of branches and loops: selected, carried, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import StateError
from graphc.ir.node import Value
from graphc.ir.op import NoGradient, OpSpec, TracedLowering, Trait
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext
from passes.functional import Functional
from tests.passes.built_programs import BOOL, F32, I32, Program, body, run, state_names

functional = Functional()


def test_a_branch_that_assigns_selects_the_state() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    yes = body(lambda b: [b.put("v", b.add(b.get("v"), b.number(1)))])
    no = body(lambda b: [b.number(0)])
    graph = functional(program.graph(program.cond(flag, regions=(yes, no)))).graph
    assert state_names(graph) == ["v"]
    assert run(graph, {"v": 5}, {"flag": True}) == ([6], {"v": 6})
    assert run(graph, {"v": 5}, {"flag": False}) == ([0], {"v": 5})


def test_branches_that_both_assign_need_no_state_from_before() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    regions = tuple(body(lambda b, n=n: [b.put("v", b.number(n))]) for n in (1, 2))
    graph = functional(program.graph(program.cond(flag, regions=regions))).graph
    assert state_names(graph) == []
    assert run(graph, feeds={"flag": False}) == ([2], {"v": 2})


def test_branches_touch_different_variables() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    yes = body(lambda b: [b.put("v", b.get("w"))])
    no = body(lambda b: [b.put("w", b.number(9))])
    graph = functional(program.graph(program.cond(flag, regions=(yes, no)))).graph
    assert run(graph, {"v": 1, "w": 2}, {"flag": True}) == ([2], {"v": 2, "w": 2})
    assert run(graph, {"v": 1, "w": 2}, {"flag": False}) == ([9], {"v": 1, "w": 9})


def test_a_branch_may_give_an_operation() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    yes = body(lambda b: [b.group(b.put("v", b.number(1))), b.number(3)])
    no = body(lambda b: [b.group(), b.number(4)])
    done, number = program.cond(flag, regions=(yes, no))
    result = functional(program.graph(program.group(done), number))
    assert result.details["tokens"] == [0]
    assert run(result.graph, {"v": 5}, {"flag": True}) == ([3], {"v": 1})
    assert run(result.graph, {"v": 5}, {"flag": False}) == ([4], {"v": 5})


def test_a_body_sees_the_state_at_the_place_of_its_op() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    assigned = program.put("v", program.number(7))
    reading = body(lambda b: [b.get("v")])
    before = program.cond(flag, regions=(reading, reading))
    waiting = program.after(flag, assigned)
    later = program.cond(waiting, regions=(reading, reading))
    graph = functional(program.graph(assigned, before, later)).graph
    assert run(graph, {"v": 1}, {"flag": True}) == ([7, 1, 7], {"v": 7})


def test_a_read_after_a_branch_sees_what_it_assigned() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    regions = tuple(body(lambda b, n=n: [b.put("v", b.number(n))]) for n in (1, 2))
    chosen = program.cond(flag, regions=regions)
    graph = functional(program.graph(program.get("v", chosen), program.get("v"))).graph
    assert run(graph, {"v": 0}, {"flag": True}) == ([1, 0], {"v": 1})


def test_an_op_whose_body_assigns_needs_an_order() -> None:
    program = Program()
    flag = program.input(BOOL, "flag", "feed")
    adding = body(lambda b: [b.put("v", b.number(1), mode="add")])
    first = program.at(4).put("v", program.number(1), mode="add")
    second = program.at(9, "choice").cond(flag, regions=(adding, adding))
    with pytest.raises(StateError, match="no order") as caught:
        functional(program.graph(first, second))
    assert "assign_add at user.py:4, cond 'choice' at user.py:9" in str(caught.value)


def test_a_loop_carries_what_it_updates_and_takes_what_it_reads_as_invariant() -> None:
    program = Program()

    def write(b: Program, total: Value, x: Value) -> list[Value]:
        b.number(0)
        count = b.put("count", b.number(1), mode="add")
        return [b.add(total, b.multiply(x, b.get("scale"))), count]

    xs = program.input(as_type("float32", (4,)), "xs", "feed")
    total, counts = program.scan(
        program.number(0), xs, regions=(body(write, "f32", "f32"),), carries=1, length=4
    )
    graph = functional(program.graph(total, counts)).graph
    (scan,) = [node for node in graph.nodes if node.op.name == "scan"]
    assert scan.attributes["carries"] == 2
    assert scan.attributes["invariants"] == 1
    names = [value.node.attributes["name"] for value in scan.regions[0].inputs]
    assert names == ["x0", "count", "x1", "scale"]
    (found, stacked), updates = run(graph, {"count": 10, "scale": 2}, {"xs": [1, 2, 3, 4]})
    assert found == 20
    np.testing.assert_array_equal(stacked, [11, 12, 13, 14])
    assert updates == {"count": 14}


def test_a_read_in_a_loop_sees_the_state_when_the_iteration_starts() -> None:
    program = Program()

    def write(b: Program, carry: Value) -> list[Value]:
        done = b.put("v", b.add(b.get("v"), b.number(1)))
        return [b.after(carry, done), b.get("v"), b.get("v", done)]

    made = program.scan(program.number(0), regions=(body(write, "f32"),), carries=1, length=3)
    graph = functional(program.graph(*made[1:])).graph
    (before, after), updates = run(graph, {"v": 5})
    np.testing.assert_array_equal(before, [5, 6, 7])
    np.testing.assert_array_equal(after, [6, 7, 8])
    assert updates == {"v": 8}


def test_a_while_loop_whose_condition_reads_what_its_body_updates() -> None:
    program = Program()
    condition = body(
        lambda b, x, step: [b.compare(b.get("v"), b.get("limit"), direction="LT")], "f32", "f32"
    )

    def write(b: Program, x: Value, step: Value) -> list[Value]:
        return [b.after(b.add(x, b.number(1)), b.put("v", step, mode="add"))]

    loops = program.while_loop(
        program.number(0),
        program.number(3),
        regions=(condition, body(write, "f32", "f32")),
        carries=1,
    )
    graph = functional(program.graph(loops)).graph
    assert run(graph, {"v": 0, "limit": 10}) == ([4], {"v": 12})


def test_a_condition_that_assigns_is_refused() -> None:
    program = Program()
    condition = body(lambda b, x: [b.compare(b.put("v", x), b.number(3), direction="LT")], "f32")
    loop = program.at(12).while_loop(
        program.number(0), regions=(condition, body(lambda b, x: [x], "f32")), carries=1
    )
    with pytest.raises(StateError, match="condition assigns the variable 'v'") as caught:
        functional(program.graph(loop))
    assert caught.value.origin is not None
    assert caught.value.origin.line == 12


def test_state_goes_through_nested_bodies() -> None:
    program = Program()
    adding = body(lambda b, x: [b.put("v", x, mode="add")], "f32")
    leaving = body(lambda b, x: [b.get("w")], "f32")

    def write(b: Program, index: Value, x: Value) -> list[Value]:
        even = b.compare(b.remainder(index, b.number(2, "i32")), b.number(0, "i32"), direction="EQ")
        return [b.add(index, b.number(1, "i32")), b.cond(even, x, regions=(adding, leaving))]

    xs = program.input(as_type("float32", (4,)), "xs", "feed")
    made = program.scan(
        program.number(0, "i32"), xs, regions=(body(write, "i32", "f32"),), carries=1, length=4
    )
    graph = functional(program.graph(made[1])).graph
    (stacked,), updates = run(graph, {"v": 100, "w": -1}, {"xs": [1, 2, 3, 4]})
    np.testing.assert_array_equal(stacked, [101, -1, 104, -1])
    assert updates == {"v": 104}
    assert state_names(graph) == ["v", "w"]


def test_a_body_that_puts_back_what_it_read_updates_nothing() -> None:
    program = Program()
    writing = body(lambda b, x: [b.after(x, b.put("v", b.get("v")))], "f32")
    made = program.scan(program.number(1), regions=(writing,), carries=1, length=2)
    graph = functional(program.graph(made)).graph
    assert graph.update_names == ()
    assert state_names(graph) == []


def test_what_a_body_does_not_need_does_not_take_place() -> None:
    program = Program()

    def write(b: Program, x: Value) -> list[Value]:
        b.put("v", b.number(1))
        return [b.add(x, b.get("w"))]

    made = program.scan(program.number(1), regions=(body(write, "f32"),), carries=1, length=2)
    graph = functional(program.graph(made)).graph
    assert run(graph, {"w": 4}) == ([9], {})


def test_an_operation_as_the_result_of_a_loop_is_refused() -> None:
    program = Program()
    writing = body(lambda b, x: [x, b.group(b.put("v", x))], "f32")
    made = program.at(5).scan(program.number(1), regions=(writing,), carries=1, length=2)
    with pytest.raises(StateError, match="an operation is among the results") as caught:
        functional(program.graph(made[0]))
    assert caught.value.origin is not None
    assert caught.value.origin.line == 5


def test_an_unknown_region_op_with_state_in_its_body_is_refused() -> None:
    registry, program = OpRegistry(), Program()
    for op in REGISTRY:
        registry.register(op)
    other = registry.register(
        OpSpec(
            name="twice",
            doc="For this test.",
            arity=0,
            infer=lambda call: F32,
            lower=TracedLowering(lambda call: None),
            gradient=NoGradient("for this test"),
            reference=lambda call: None,
            samples=tuple,
            traits=Trait.REGION,
            region_names=("body",),
        )
    )
    made = program.at(5).make(other, (), regions=(body(lambda b: [b.get("v")]),))
    with pytest.raises(StateError, match="do not go through twice"):
        functional(program.graph(made.output), PassContext(registry=registry))


def test_types_and_annotations_of_a_rewritten_loop() -> None:
    program = Program()
    writing = body(lambda b, i: [b.add(i, b.get("step", type_=I32))], "i32")
    looped = program.at(3, "loop").scan(
        program.number(0, "i32"), regions=(writing,), carries=1, length=3
    )
    result = functional(program.graph(looped))
    node = result.values[looped].node
    assert (node.name, node.origin.line, node.origin.rules) == ("loop", 3, ("functional",))
    assert node.output.type is I32
    assert run(result.graph, {"step": 4}) == ([12], {})

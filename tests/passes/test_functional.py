"""State made explicit in a program without regions: what is seen, updated and refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.dimensions import symbol
from graphc.errors import StateError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from passes.functional import Functional
from tests.passes.built_programs import F32, VECTOR, Program, op_names, run, state_names

functional = Functional()


def test_a_graph_without_effects_comes_back_as_it_is() -> None:
    program = Program()
    x = program.input(F32, "x", "feed")
    result = functional(program.graph(program.exponential(x)))
    assert not result.changed
    assert op_names(result.graph) == ["exponential"]


def test_many_reads_are_one_input() -> None:
    program = Program()
    total = program.add(program.get("v"), program.get("v"))
    graph = functional(program.graph(total)).graph
    assert str(graph) == (
        "graphc opset 1\n"
        "graph {\n"
        '  input %0 : f32[] state "v"\n'
        "  %1 = add(%0, %0) : f32[]\n"
        "  return %1\n"
        "}"
    )


def test_a_plain_read_sees_the_state_before_the_run() -> None:
    program = Program()
    assigned = program.put("v", program.number(5))
    late_read = program.get("v")
    graph = functional(program.graph(assigned, late_read)).graph
    assert run(graph, {"v": 1}) == ([5, 1], {"v": 5})


def test_a_read_under_control_sees_the_assignment() -> None:
    program = Program()
    assigned = program.put("v", program.add(program.get("v"), program.number(5)))
    graph = functional(program.graph(program.get("v", assigned))).graph
    assert op_names(graph) == ["add"]
    assert run(graph, {"v": 1}) == ([6], {"v": 6})


def test_control_dependencies_are_transitive() -> None:
    program = Program()
    assigned = program.put("v", program.number(5))
    grouped = program.group(program.group(assigned))
    waited = program.after(program.number(1), grouped)
    read = program.get("v", program.exponential(waited))
    graph = functional(program.graph(read)).graph
    assert run(graph) == ([5], {"v": 5})


def test_a_read_sees_the_latest_assignment_that_it_depends_on() -> None:
    program = Program()
    first = program.put("v", program.number(1))
    second = program.put("v", program.number(2), first)
    reads = [program.get("v"), program.get("v", first), program.get("v", second)]
    graph = functional(program.graph(second, *reads)).graph
    assert run(graph, {"v": 7}) == ([2, 7, 1, 2], {"v": 2})


def test_fetching_an_assignment_gives_the_value_at_that_point() -> None:
    program = Program()
    first = program.put("v", program.number(1))
    second = program.put("v", program.number(2), first)
    graph = functional(program.graph(first, second)).graph
    assert run(graph) == ([1, 2], {"v": 2})
    assert state_names(graph) == []  # nothing reads what it was


def test_only_what_is_fetched_takes_place() -> None:
    program = Program()
    program.put("v", program.number(1))
    second = program.put("w", program.number(2))
    graph = functional(program.graph(second)).graph
    assert graph.update_names == ("w",)
    assert graph.count("constant") == 1


def test_additions_chain_in_creation_order() -> None:
    program = Program()
    first = program.put("v", program.number(1), mode="add")
    second = program.put("v", program.number(10), mode="subtract")
    third = program.put("v", program.number(100), mode="add")
    result = functional(program.graph(third, first, second))
    assert op_names(result.graph) == ["add", "subtract", "add"]
    assert run(result.graph, {"v": 0.5}) == ([91.5, 1.5, -8.5], {"v": 91.5})


def test_averages_chain_in_creation_order() -> None:
    program = Program()
    first = program.put("v", program.number(4), mode="average", momentum=0.75)
    second = program.put("v", program.number(1), mode="average", momentum=0.5)
    result = functional(program.graph(second, first))
    assert run(result.graph, {"v": 8}) == ([4, 7], {"v": 4})
    alone = functional(program.graph(second))
    assert run(alone.graph, {"v": 8}) == ([4.5], {"v": 4.5})


def test_a_read_after_one_addition_sees_those_before_it_in_the_chain() -> None:
    program = Program()
    first = program.put("v", program.number(1), mode="add")
    second = program.put("v", program.number(10), mode="add")
    graph = functional(program.graph(first, program.get("v", second))).graph
    assert run(graph, {"v": 0}) == ([1, 11], {"v": 11})


def test_an_addition_goes_on_from_an_assignment_that_it_depends_on() -> None:
    program = Program()
    first = program.put("v", program.number(3))
    second = program.put("v", program.number(1), first, mode="add")
    graph = functional(program.graph(second)).graph
    assert run(graph) == ([4], {"v": 4})
    assert state_names(graph) == []


def test_data_orders_assignments() -> None:
    program = Program()
    first = program.put("v", program.number(3))
    second = program.put("v", program.multiply(first, first))
    graph = functional(program.graph(second)).graph
    assert run(graph) == ([9], {"v": 9})


@pytest.mark.parametrize(
    ("modes", "names"),
    [
        (("set", "set"), ("assign", "assign")),
        (("set", "add"), ("assign", "assign_add")),
        (("subtract", "set"), ("assign_sub", "assign")),
    ],
)
def test_unordered_assignments_are_an_error_that_names_both_lines(
    modes: tuple[str, str], names: tuple[str, str]
) -> None:
    program = Program()
    first = program.at(3).put("v", program.number(1), mode=modes[0])
    second = program.at(8).put("v", program.number(2), mode=modes[1])
    with pytest.raises(StateError, match="'v' have no order") as caught:
        functional(program.graph(first, second))
    assert f"{names[0]} at user.py:3, {names[1]} at user.py:8" in str(caught.value)
    assert caught.value.origin is not None
    assert caught.value.origin.line == 8


def test_an_assignment_that_is_not_fetched_conflicts_with_nothing() -> None:
    program = Program()
    program.put("v", program.number(1))
    second = program.put("v", program.number(2))
    assert run(functional(program.graph(second)).graph) == ([2], {"v": 2})


def test_a_swap_reads_before_it_writes() -> None:
    program = Program()
    a, b = program.get("a"), program.get("b")
    done = program.group(program.put("a", b), program.put("b", a))
    graph = functional(program.graph(done)).graph
    assert run(graph, {"a": 1, "b": 2}) == ([], {"a": 2, "b": 1})
    assert graph.count() == 0


def test_operations_vanish_from_the_outputs_and_the_others_keep_their_order() -> None:
    program = Program()
    done = program.group(program.put("v", program.number(1)))
    waiting = program.after(program.group(), done)
    reset = program.initialize(variables=["v"])
    x = program.number(3)
    result = functional(program.graph(done, x, waiting, reset, program.get("v", reset)))
    assert result.details["tokens"] == [0, 2, 3]
    assert run(result.graph, {"v": 9}) == ([3, 9], {"v": 1})


def test_an_unchanged_value_is_no_update() -> None:
    program = Program()
    same = program.put("v", program.get("v"))
    there = program.put("w", program.number(1))
    back = program.put("w", program.get("w"), there)
    graph = functional(program.graph(same, back)).graph
    assert graph.update_names == ()
    assert run(graph, {"v": 4, "w": 5})[0] == [4, 5]


def test_state_that_is_only_waited_for_is_no_input() -> None:
    program = Program()
    graph = functional(program.graph(program.after(program.number(1), program.get("v")))).graph
    assert state_names(graph) == []


def test_feeds_stay_whether_used_or_not() -> None:
    program = Program()
    program.input(F32, "x", "feed")
    graph = functional(program.graph(program.get("v"))).graph
    assert [value.node.attributes["name"] for value in graph.inputs] == ["x", "v"]


def test_two_types_of_one_variable_are_an_error() -> None:
    program = Program()
    a = program.at(3).get("v")
    b = program.at(4).get("v", type_=VECTOR)
    with pytest.raises(StateError, match="two types") as caught:
        functional(program.graph(a, b))
    assert "user.py:3" in str(caught.value)
    assert "user.py:4" in str(caught.value)


def test_a_value_of_unknown_size_takes_the_shape_of_the_variable() -> None:
    program = Program()
    x = program.input(as_type("float32", (symbol("n"),)), "x", "feed")
    done = program.put("v", x, type_=VECTOR)
    graph = functional(program.graph(done)).graph
    assert [value.type for value in graph.outputs] == [VECTOR, VECTOR]
    assert [str(constraint) for constraint in graph.constraints] == ["n == 3"]
    (found,), _ = run(graph, feeds={"x": [1, 2, 3]})
    np.testing.assert_array_equal(found, [1, 2, 3])


def test_old_values_are_found_in_the_new_graph() -> None:
    program = Program()
    read = program.get("v")
    doubled = program.add(read, read)
    done = program.put("v", doubled)
    result = functional(program.graph(done, doubled))
    assert result.values[read] is result.graph.inputs[0]
    assert result.values[done] is result.values[doubled] is result.graph.outputs[0]


def test_a_functional_graph_is_not_changed_again() -> None:
    program = Program()
    x = program.exponential(program.get("v"))
    y = program.multiply(x, x)
    graph = functional(program.graph(*program.differentiate([y], [x]))).graph
    again = functional(graph).graph
    assert str(again) == str(graph)
    assert str(parse(str(graph))) == str(graph)


# --- random programs against a brute-force reading of the rules -----------------------------------


Step = tuple[str, str, int, list[int]]


def build_program(steps: list[Step]) -> tuple[Graph, list[Value]]:
    program = Program()
    made: list[Value] = [program.number(1)]
    for kind, variable, data, control in steps:
        after = [made[i % len(made)] for i in control]
        value = made[data % len(made)]
        if kind == "read":
            made.append(program.get(variable, *after))
        elif kind == "work":
            made.append(program.add(value, made[-1]))
        else:
            made.append(program.put(variable, value, *after, mode=kind))
    return program.graph(*made), made


class Oracle:
    """The rules, read slowly: ancestors by walking, versions by searching."""

    def __init__(self, graph: Graph, state: dict[str, float]) -> None:
        self.state = state
        self.assigns = [node for node in graph.nodes if node.op.name == "assign"]
        self.known: dict[Node, float] = {}

    def ancestors(self, node: Node) -> set[Node]:
        parents = {value.node for value in node.inputs}
        return parents.union(*(self.ancestors(parent) for parent in parents))

    def of(self, variable: str) -> list[Node]:
        return [node for node in self.assigns if node.attributes["variable"] == variable]

    def is_ambiguous(self) -> bool:
        return any(
            first not in self.ancestors(second)
            and "set" in (first.attributes["mode"], second.attributes["mode"])
            for variable in self.state
            for first, second in itertools.combinations(self.of(variable), 2)
        )

    def value(self, node: Node) -> float:
        if node not in self.known:
            self.known[node] = self._value(node)
        return self.known[node]

    def _value(self, node: Node) -> float:
        if node.op.name == "constant":
            return 1
        if node.op.name == "add":
            return sum(self.value(operand.node) for operand in node.inputs)
        variable = node.attributes["variable"]
        if node.op.name == "read":
            seen = [one for one in self.of(variable) if one in self.ancestors(node)]
            return self.value(seen[-1]) if seen else self.state[variable]
        given = self.value(node.inputs[0].node)
        if node.attributes["mode"] == "set":
            return given
        earlier = self.of(variable)[: self.of(variable).index(node)]
        before = self.value(earlier[-1]) if earlier else self.state[variable]
        return before + given if node.attributes["mode"] == "add" else before - given


steps = st.tuples(
    st.sampled_from(["read", "work", "set", "add", "add", "subtract"]),
    st.sampled_from("ab"),
    st.integers(0, 20),
    st.lists(st.integers(0, 20), max_size=3),
)


@given(st.lists(steps, max_size=9))
def test_random_programs_do_what_the_rules_say(program: list[Any]) -> None:
    graph, made = build_program(program)
    state = {"a": 2.0, "b": 3.0}
    oracle = Oracle(graph, state)
    if oracle.is_ambiguous():
        with pytest.raises(StateError, match="have no order"):
            functional(graph)
        return
    fetched, updates = run(functional(graph).graph, state)
    assert fetched == [oracle.value(value.node) for value in made]
    for variable, before in state.items():
        last = [oracle.value(node) for node in oracle.of(variable)]
        assert updates.get(variable, before) == (last[-1] if last else before)

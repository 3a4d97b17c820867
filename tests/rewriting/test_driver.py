"""The driver: several rule sets at once, to a fixpoint, in linear time, with loops named."""

from __future__ import annotations

import sys

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc import settings
from graphc.dimensions import symbol
from graphc.errors import PassError
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.origin import Origin
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.rewriting.driver import rewrite_jointly
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.match import Match
from graphc.rewriting.rules import Equation, RewriteRule, RuleCollector, RuleSet
from graphc.rewriting.terms import Tensor, op, variables

F32 = as_type("float32", (2, 3))
x = variables("x")[0]


def equation(name: str, before, after) -> RuleSet:
    rules = RuleCollector(f"set_of_{name}")
    rules.add(name, "", (before,), after, "exact")
    return rules.rule_set()


TANH_TO_SINE = equation("tanh_to_sine", op.tanh(x), op.sine(x))
SINE_TO_COSINE = equation("sine_to_cosine", op.sine(x), op.cosine(x))
COSINE_TO_TANH = equation("cosine_to_tanh", op.cosine(x), op.tanh(x))
TWO_COSINES = equation("two_cosines", op.cosine(op.cosine(x)), x)
DOUBLE_NEGATION = equation("double_negation", op.negate(op.negate(x)), x)


def graph_of(body, *types) -> Graph:
    build = GraphBuilder()
    inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(types or (F32,))]
    results = body(build, *inputs)
    return build.finish(results if isinstance(results, (list, tuple)) else [results])


def chain(name: str, length: int) -> Graph:
    def body(build, value):
        for _ in range(length):
            value = getattr(build, name)(value)
        return value

    return graph_of(body)


def test_rules_of_several_sets_see_what_the_others_made() -> None:
    sets = [TANH_TO_SINE, TWO_COSINES, SINE_TO_COSINE]
    result = rewrite_jointly(chain("tanh", 5), sets, PassContext())
    assert first_difference(result.graph, chain("cosine", 1)) is None
    assert result.details == {
        "set_of_sine_to_cosine.sine_to_cosine": 5,
        "set_of_tanh_to_sine.tanh_to_sine": 5,
        "set_of_two_cosines.two_cosines": 2,
    }
    verify(result.graph)


def test_a_graph_on_which_nothing_fires_comes_back_itself() -> None:
    graph = chain("cosine", 1)
    result = rewrite_jointly(graph, [TANH_TO_SINE, TWO_COSINES], PassContext())
    assert result.graph is graph
    assert not result.changed


def test_new_nodes_carry_the_name_and_line_of_the_old_and_the_name_of_the_rule() -> None:
    build = GraphBuilder(origin=Origin("user.py", 7, "model"), name="block/tanh")
    graph = build.finish([build.tanh(build.input(F32, "x"))])
    result = rewrite_jointly(graph, [TANH_TO_SINE, SINE_TO_COSINE], PassContext())
    node = result.graph.outputs[0].node
    assert node.name == "block/tanh"
    assert (node.origin.file, node.origin.line) == ("user.py", 7)
    assert node.origin.rules == (
        "set_of_tanh_to_sine.tanh_to_sine",
        "set_of_sine_to_cosine.sine_to_cosine",
    )


def test_old_values_are_found_in_the_new_graph() -> None:
    graph = graph_of(lambda b, x: [b.exponential(b.negate(b.negate(b.tanh(x)))), b.tanh(x)])
    result = rewrite_jointly(graph, [TANH_TO_SINE, DOUBLE_NEGATION], PassContext())
    inner = graph.outputs[0].node.inputs[0]
    assert result.values[inner].node.op.name == "sine"
    assert [result.values[value] for value in graph.outputs] == list(result.graph.outputs)


@pytest.mark.parametrize(
    "sets",
    [
        [TANH_TO_SINE, SINE_TO_COSINE, COSINE_TO_TANH],
        [equation("grows", op.tanh(x), op.tanh(op.negate(x)))],
    ],
)
def test_rules_that_loop_are_named(sets) -> None:
    build = GraphBuilder(origin=Origin("user.py", 12, "model"))
    graph = build.finish([build.tanh(build.input(F32, "x"))])
    with settings.override(rewrite_cap=5), pytest.raises(PassError) as caught:
        rewrite_jointly(graph, sets, PassContext())
    for rules in sets:
        assert f"{rules.name}.{rules.rules[0].name}" in str(caught.value)
    assert "user.py:12" in str(caught.value)


def test_a_long_way_is_no_loop() -> None:
    # Each rewrite moves the negation one node further: 300 rewrites in one place.
    through = equation("through", op.tanh(op.negate(x)), op.negate(op.tanh(x)))
    graph = graph_of(lambda b, x: [_tower(b, b.negate(x), 300)])
    result = rewrite_jointly(graph, [through], PassContext()).graph
    assert result.outputs[0].node.op.name == "negate"


def _tower(build, value, height):
    for _ in range(height):
        value = build.tanh(value)
    return value


def body_of(*names: str) -> Graph:
    def body(build, value):
        for name in names:
            value = getattr(build, name)(value)
        return value

    return graph_of(body)


def test_bodies_are_rewritten_and_region_ops_are_made_anew_only_if_one_changed() -> None:
    def program(build, value):
        inner = body_of("tanh", "negate")
        loop = build.scan(value, carries=1, length=2, regions=(inner,))
        other = build.scan(value, carries=1, length=3, regions=(body_of("negate"),))
        nested = GraphBuilder()
        carry = nested.input(F32, "carry")
        again = nested.scan(carry, carries=1, length=2, regions=(inner,))
        outer = nested.finish([again])
        return [loop, other, build.scan(value, carries=1, length=4, regions=(outer,))]

    graph = graph_of(program)
    result = rewrite_jointly(graph, [TANH_TO_SINE], PassContext())
    loop, other, nested = [value.node for value in result.graph.outputs]
    assert first_difference(loop.regions[0], body_of("sine", "negate")) is None
    assert other is graph.outputs[1].node
    assert nested.regions[0].outputs[0].node.regions[0] is loop.regions[0]
    assert result.details == {"set_of_tanh_to_sine.tanh_to_sine": 1}
    verify(result.graph)


def test_a_rule_may_give_one_value_per_result() -> None:
    rules = RuleCollector("unroll")

    @rules.rewrite("exact", op("scan", ..., length=1))
    def unroll(match: Match):
        from_, *_ = match.operands()
        return [match.build.tanh(from_)]

    graph = graph_of(lambda b, x: b.scan(x, carries=1, length=1, regions=(body_of("tanh"),)))
    result = rewrite_jointly(graph, [rules.rule_set()], PassContext()).graph
    assert first_difference(result, body_of("tanh")) is None


BROKEN = {
    "gave f32[2] for f32[2, 3]": lambda match: match.build.reduce_sum(match["x"], axes=(1,)),
    "gave 2 values for 1": lambda match: [match["x"], match["x"]],
    "gave back the node": lambda match: match.node.output,
    "built its result on the node": lambda match: match.build.sine(match.node.output),
    "failed: ZeroDivisionError": lambda match: 1 // 0,
    "failed: reduce_sum": lambda match: match.build.reduce_sum(match["x"], axes=(7,)),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_rule_that_is_wrong_is_named_with_the_node_and_its_line(problem) -> None:
    rules = RuleSet("mine", (RewriteRule("wrong", op.tanh(x), BROKEN[problem], "exact"),))
    build = GraphBuilder(origin=Origin("user.py", 3, "model"), name="layer")
    graph = build.finish([build.tanh(build.input(F32, "x"))])
    with pytest.raises(PassError) as caught:
        rewrite_jointly(graph, [rules], PassContext())
    for words in ("mine.wrong", problem, "tanh 'layer'", "user.py:3"):
        assert words in str(caught.value)


def test_nodes_of_a_refused_rewrite_leave_no_trace_in_use_counts() -> None:
    rules = RuleCollector("mine")

    @rules.rewrite("exact", op.sine(x))
    def gives_another_size(match: Match):
        # Cannot be proved to be of the right type, so the match is refused.
        return match.build.broadcast_in_dim(
            match["x"], shape=(symbol("m"), 3), broadcast_dimensions=(0, 1)
        )

    @rules.equation("exact")
    def once(x: Tensor) -> Equation:
        return op.log(op.tanh(x).used_once()), x

    graph = graph_of(lambda b, x: [b.sine(y := b.tanh(x)), b.log(b.tanh(y))])
    context = PassContext()
    result = rewrite_jointly(graph, [rules.rule_set()], context).graph
    assert result.count("log") == 0
    assert any("cannot prove" in why for _, _, why in context.trace.refused)


def calls(graph: Graph, sets) -> int:
    """How many Python functions the driver calls: work that no busy machine changes."""
    count = 0

    def note(frame, event, argument) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        rewrite_jointly(graph, sets, PassContext())
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_with_the_number_of_nodes_and_no_faster() -> None:
    sets = [TANH_TO_SINE, DOUBLE_NEGATION]
    for name in ("exponential", "tanh", "negate"):
        small, large = chain(name, 1000), chain(name, 8000)
        assert calls(large, sets) < 8 * 1.1 * calls(small, sets)


def test_a_value_with_many_users_is_replaced_in_linear_time() -> None:
    def star(users: int) -> Graph:
        def body(build, value):
            values = [build.exponential(value)]
            for _ in range(users):
                value = build.negate(build.negate(value))
                values.append(build.exponential(value))
            return values

        return graph_of(body)

    small, large = star(500), star(4000)
    assert calls(large, [DOUBLE_NEGATION]) < 8 * 1.1 * calls(small, [DOUBLE_NEGATION])


def test_a_node_without_a_match_costs_at_most_four_calls() -> None:
    graph = chain("exponential", 10_000)
    sets = [TANH_TO_SINE, SINE_TO_COSINE, TWO_COSINES, DOUBLE_NEGATION]
    assert calls(graph, sets) < 4 * 10_000

"""Rules: their parts, sets of them, and passes made of sets."""

from __future__ import annotations

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.errors import GraphcError
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.match import Match
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import NOT_NEEDED, Equation, RewriteRule, RuleCollector, RuleSet
from graphc.rewriting.terms import (
    Captured,
    Constant,
    Operation,
    Splat,
    Tensor,
    attribute,
    op,
    variables,
)

F32 = as_type("float32", (2, 3))


def graph_of(body) -> Graph:
    build = GraphBuilder()
    return build.finish([body(build, build.input(F32, "x"))])


def rewritten(rules: RuleCollector, body) -> Graph:
    return RulePass(rules.rule_set())(graph_of(body)).graph


def same(left: Graph, right: Graph) -> bool:
    return first_difference(left, right) is None


def test_an_equation_reads_its_variables_from_its_parameters() -> None:
    rules = RuleCollector("example")

    @rules.equation("stabilises")
    def log_of_softmax(x: Tensor, axis: Captured) -> Equation:
        """log(softmax(x)) is log_softmax(x).

        More about it.
        """
        return op.log(op.softmax(x, axis=axis)), op.log_softmax(x, axis=axis)

    assert isinstance(log_of_softmax, RewriteRule)
    assert log_of_softmax.doc == "log(softmax(x)) is log_softmax(x)."
    assert str(log_of_softmax) == "log_of_softmax: log(softmax(x, axis=axis)) (stabilises)"
    result = rewritten(rules, lambda b, x: b.log(b.softmax(x, axis=1)))
    assert same(result, graph_of(lambda b, x: b.log_softmax(x, axis=1)))


def test_parameters_say_what_they_stand_for() -> None:
    rules = RuleCollector("example")

    @rules.equation("exact")
    def constants_and_splats(x: Tensor, c: Splat, k: Constant) -> Equation:
        return (x * c) + k, op.tanh(x)

    (pattern,) = constants_and_splats.patterns
    product, constant = pattern.operands or ()
    assert isinstance(constant, Constant)
    assert isinstance(product, Operation)
    assert [type(term) for term in product.operands or ()] == [Tensor, Splat]
    with pytest.raises(TypeError, match="annotate y as Tensor"):

        @rules.equation("exact")
        def untyped(x: Tensor, y) -> Equation:
            return x + y, x


def test_numbers_on_the_right_take_the_type_of_their_neighbour() -> None:
    rules = RuleCollector("example")

    @rules.equation("exact")
    def example(x: Tensor) -> Equation:
        return op.tanh(x), op.select(op.compare(x, 0, direction="GT"), 0.5, x * 2)

    def expected(build, x):
        positive = build.compare(x, build.full_like(x, 0), direction="GT")
        doubled = build.multiply(x, build.full_like(x, 2))
        return build.select(positive, build.full_like(x, 0.5), doubled)

    assert same(rewritten(rules, lambda b, x: b.tanh(x)), graph_of(expected))


def test_arithmetic_of_constants_on_the_right_is_done_at_once() -> None:
    rules = RuleCollector("example")

    @rules.equation("reassociates")
    def gather(x: Tensor, a: Splat, b: Splat) -> Equation:
        return (x + a) * b, x * b + a * -b

    def before(build, x):
        return build.multiply(build.add(x, build.full_like(x, 3)), build.full_like(x, 2))

    def after(build, x):
        return build.add(build.multiply(x, build.full_like(x, 2)), build.full_like(x, -6))

    assert same(rewritten(rules, before), graph_of(after))


def test_a_rule_in_python_looks_at_its_match() -> None:
    rules = RuleCollector("example")
    x = variables("x")[0]
    seen: list[tuple] = []

    def refuse_wide(match: Match) -> str | None:
        return "too wide" if match["x"].type.shape[1] > 5 else None

    @rules.rewrite("exact", op.reduce_sum(x, axes=attribute("axes")), check=refuse_wide)
    def example(match: Match):
        seen.append((match.node.op.name, match.attribute("axes"), match.type.shape))
        return match.build.reduce_max(match["x"], axes=match.attribute("axes"))

    assert rewritten(rules, lambda b, x: b.reduce_sum(x, axes=(1,))).count("reduce_max") == 1
    assert seen == [("reduce_sum", (1,), (2,))]


def test_refusals_are_told_unless_nobody_needs_to_hear_them() -> None:
    for reason, told in (("it is raining", 1), (NOT_NEEDED, 0)):
        rules = RuleCollector("weather")

        @rules.equation("exact", check=lambda match, reason=reason: reason)
        def example(x: Tensor) -> Equation:
            return op.tanh(x), x

        context = PassContext()
        graph = graph_of(lambda b, x: b.tanh(x))
        result = RulePass(rules.rule_set())(graph, context)
        assert not result.changed
        assert sum(context.trace.refused.values()) == told
        if told:
            assert context.trace.refused["weather", "example", reason] == 1


def test_several_spellings_are_one_rule() -> None:
    rules = RuleCollector("example")
    x = variables("x")[0]
    rules.add("one", "", (op.exponential(x) - 1, op.exponential(x) + -1), op.tanh(x), "exact")
    for body in (
        lambda b, x: b.subtract(b.exponential(x), b.full_like(x, 1)),
        lambda b, x: b.add(b.full_like(x, -1), b.exponential(x)),
    ):
        assert same(rewritten(rules, body), graph_of(lambda b, x: b.tanh(x)))


def rule(name: str, numerics="exact") -> RewriteRule:
    x = variables("x")[0]
    return RewriteRule(name, op.tanh(x), lambda match: match["x"], numerics)


def test_sets_know_their_rules_by_name() -> None:
    rules = RuleSet("set", (rule("one"), rule("two", "reassociates")))
    assert rules["two"].numerics == "reassociates"
    assert [each.name for each in rules.without("one")] == ["two"]
    assert [each.name for each in rules.keeping("exact")] == ["one"]
    with pytest.raises(GraphcError, match="did you mean 'two'"):
        rules["tow"]
    with pytest.raises(GraphcError, match="one name"):
        RuleSet("set", (rule("one"), rule("one")))


def test_a_pass_has_the_name_of_its_rules_and_shows_options_alone() -> None:
    rules = RuleSet("my_rules", (rule("one"), rule("two", "reassociates")))
    each = RulePass(rules)
    assert each.name == "my_rules"
    assert each.options() == {}
    exact = RulePass(rules, numerics=("exact",))
    assert exact.options() == {"numerics": ("exact",)}
    assert [each.name for each in exact.active_rules] == ["one"]

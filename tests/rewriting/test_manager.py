"""Running pipelines: stages, records, fixpoints, and who is blamed for what."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc import settings
from graphc.errors import GradientError, GraphcError, PassError
from graphc.garbage_collection import paused_collection
from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import Trait
from graphc.ir.origin import Origin
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RuleCollector
from graphc.rewriting.terms import op, variables

F32 = as_type("float32", (2, 3))
x = variables("x")[0]


def equation(name: str, before, after) -> RulePass:
    rules = RuleCollector(name)
    rules.add(f"{name}_rule", "", (before,), after, "exact")
    return RulePass(rules.rule_set())


TANH_TO_SINE = equation("tanh_to_sine", op.tanh(x), op.sine(x))
SINE_TO_COSINE = equation("sine_to_cosine", op.sine(x), op.cosine(x))
COSINE_TO_TANH = equation("cosine_to_tanh", op.cosine(x), op.tanh(x))


@dataclass(frozen=True)
class Doing(GraphPass):
    """A pass that does what it is told, and notes that it ran."""

    name: ClassVar[str] = "doing"

    action: Callable[[Graph], PassResult] = field(compare=False)
    runs: list[str] = field(default_factory=list, compare=False)
    label: str = "doing"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        self.runs.append(self.label)
        return self.action(graph)


def swap(before: str, after: str) -> Callable[[Graph], PassResult]:
    """Replaces ops of one name by another's, as a pass that is no rule would."""

    def action(graph: Graph) -> PassResult:
        editor = GraphEditor(graph)
        found = [node for node in graph.nodes if node.op.name == before]
        for node in found:
            with editor.build.located(node.origin, node.name):
                new = getattr(editor.build, after)(*editor.operands(node))
            editor.replace(node.output, new)
        return (
            PassResult.of(editor, {"swapped": len(found)})
            if found
            else (PassResult.unchanged(graph))
        )

    return action


def graph_of(*names: str) -> Graph:
    build = GraphBuilder(origin=Origin("user.py", 5, "model"))
    value = build.input(F32, "x")
    for name in names:
        value = getattr(build, name)(value)
    return build.finish([value])


def run(graph: Graph, *stages: Stage, **keywords):
    return PassManager(Pipeline(stages)).run(graph, **keywords)


def ops(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes if node.op.name != "input"]


# --- stages and values ----------------------------------------------------------------------------

STAGES = (
    Stage("one", (TANH_TO_SINE,)),
    Stage("two", (Doing(swap("sine", "exponential")),)),
    Stage("empty"),
    Stage("three", (Doing(swap("exponential", "log")),)),
)


def test_the_graph_after_every_stage_is_kept() -> None:
    done = run(graph_of("tanh"), *STAGES)
    assert {name: ops(graph) for name, graph in done.graphs().items()} == {
        "one": ["sine"],
        "two": ["exponential"],
        "empty": ["exponential"],
        "three": ["log"],
    }
    assert done.graph("empty") is done.graph("two")
    assert done.result is done.graph("three")


def test_values_are_followed_through_every_stage() -> None:
    graph = graph_of("tanh")
    done = run(graph, *STAGES)
    (value,) = graph.outputs
    found = {stage: done.values(stage)[value].node.op.name for stage in done.stage_names}
    assert found == {"one": "sine", "two": "exponential", "empty": "exponential", "three": "log"}
    assert done.values()[value] is done.result.outputs[0]


def test_a_run_stops_after_a_stage_and_goes_on_after_it() -> None:
    first = run(graph_of("tanh"), *STAGES, until="two")
    assert first.stage_names == ("one", "two")
    rest = run(first.result, *STAGES, start_after="two")
    assert rest.stage_names == ("empty", "three")
    assert ops(rest.result) == ["log"]


def test_unknown_stages_are_named() -> None:
    with pytest.raises(GraphcError, match="did you mean 'three'"):
        run(graph_of("tanh"), *STAGES, until="there")
    with pytest.raises(GraphcError, match="was not run"):
        run(graph_of("tanh"), *STAGES, until="one").graph("two")


# --- fixpoints ------------------------------------------------------------------------------------


def test_neighbouring_rule_passes_of_a_fixpoint_stage_run_as_one() -> None:
    done = run(graph_of("tanh"), Stage("all", (SINE_TO_COSINE, TANH_TO_SINE), fixpoint=True))
    assert ops(done.result) == ["cosine"]
    first, second = done.records
    assert first.jointly == second.jointly == ("sine_to_cosine", "tanh_to_sine")
    assert first.details == {"sine_to_cosine.sine_to_cosine_rule": 1}
    assert second.details == {"tanh_to_sine.tanh_to_sine_rule": 1}
    assert [first.runs, second.runs] == [1, 1]
    assert (first.nodes_before, first.nodes_after, first.changed) == (1, 1, True)


def test_passes_of_another_stage_run_once_each_in_order() -> None:
    done = run(graph_of("tanh"), Stage("all", (SINE_TO_COSINE, TANH_TO_SINE)))
    assert ops(done.result) == ["sine"]
    assert [record.changed for record in done.records] == [False, True]
    assert [record.jointly for record in done.records] == [(), ()]


def test_a_fixpoint_stage_repeats_until_nothing_changes() -> None:
    log_to_tanh = Doing(swap("log", "tanh"))
    stage = Stage("all", (TANH_TO_SINE, log_to_tanh), fixpoint=True)
    done = run(graph_of("log", "log"), stage)
    assert ops(done.result) == ["sine", "sine"]
    rules, swapping = done.records
    assert (rules.runs, swapping.runs) == (2, 2)
    assert swapping.details == {"swapped": 2}


def test_nothing_is_run_again_on_a_graph_that_it_is_known_to_leave_alone() -> None:
    looking = Doing(PassResult.unchanged)
    stages = [Stage(name, (TANH_TO_SINE, looking), fixpoint=True) for name in ("one", "two")]
    done = run(graph_of("tanh"), *stages)
    assert looking.runs == ["doing"]
    assert [(r.stage, r.runs, r.was_skipped) for r in done.records] == [
        ("one", 1, False),
        ("one", 1, False),
        ("two", 0, True),
        ("two", 0, True),
    ]


def test_what_another_pass_changed_is_looked_at_again() -> None:
    looking = Doing(PassResult.unchanged)
    between = Stage("between", (Doing(swap("sine", "tanh"), label="between"),))
    stages = [Stage(name, (TANH_TO_SINE, looking), fixpoint=True) for name in ("one", "two")]
    done = run(graph_of("tanh"), stages[0], between, stages[1])
    assert len(looking.runs) == 2
    assert ops(done.result) == ["sine"]


def test_passes_that_undo_each_other_are_named() -> None:
    there = Doing(swap("tanh", "sine"))
    undoing = Doing(swap("sine", "tanh"), label="back")
    with settings.override(rewrite_cap=4), pytest.raises(PassError) as caught:
        run(graph_of("tanh"), Stage("all", (there, undoing), fixpoint=True))
    assert "undo each other" in str(caught.value)
    assert "still changing: doing, doing" in str(caught.value)
    stage = Stage("all", (TANH_TO_SINE, SINE_TO_COSINE, COSINE_TO_TANH), fixpoint=True)
    with settings.override(rewrite_cap=4), pytest.raises(PassError, match="tanh_to_sine"):
        run(graph_of("tanh"), stage)


# --- blame ----------------------------------------------------------------------------------------


def failing(graph: Graph) -> PassResult:
    for node in graph.nodes:
        if node.op.name == "sine":
            raise RuntimeError("cannot cope")
    return PassResult.unchanged(graph)


def test_a_pass_that_fails_is_named_with_those_before_it_and_the_line() -> None:
    with pytest.raises(PassError) as caught:
        run(graph_of("tanh"), Stage("one", (TANH_TO_SINE, Doing(failing))))
    for words in (
        "the pass 'doing' failed in the stage 'one'",
        "RuntimeError('cannot cope')",
        "passes before it: tanh_to_sine",
        "user.py:5",
    ):
        assert words in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_mistake_of_the_user_keeps_its_class_and_says_which_pass_found_it() -> None:
    def refuse(graph: Graph) -> PassResult:
        raise GradientError("there is no gradient", origin=graph.outputs[0].node.origin)

    with pytest.raises(GradientError, match=r"user\.py:5") as caught:
        run(graph_of("tanh"), Stage("one", (Doing(refuse),)))
    assert caught.value.__notes__ == ["found by the pass 'doing' of the stage 'one'"]


def ill_typed(graph: Graph) -> PassResult:
    """A graph whose last node says that it has a type that its op does not give."""
    (output,) = graph.outputs
    node = output.node
    made = Node(
        node.op, node.inputs, node.attributes, (as_type("int32"),), (), node.name, node.origin
    )
    return PassResult(Graph(graph.inputs, made.outputs, [*graph.nodes[:-1], made]), True)


@pytest.mark.parametrize("mode", ["pass", "stage"])
def test_a_pass_that_breaks_the_graph_is_found(mode) -> None:
    stage = Stage("one", (TANH_TO_SINE, Doing(ill_typed), Doing(PassResult.unchanged)))
    with settings.override(verify_passes=mode), pytest.raises(PassError) as caught:
        run(graph_of("tanh"), stage)
    assert "broke the graph: sine has other types" in str(caught.value)
    assert "user.py:5" in str(caught.value)
    if mode == "pass":
        assert "the pass 'doing' broke" in str(caught.value)
        assert "passes before it: tanh_to_sine" in str(caught.value)
    else:
        assert "'tanh_to_sine' or 'doing' or 'doing'" in str(caught.value)


def test_nothing_is_verified_when_nobody_wants_it() -> None:
    with settings.override(verify_passes="never"):
        done = run(graph_of("tanh"), Stage("one", (Doing(ill_typed),)))
    assert str(done.result.outputs[0].type) == "i32[]"


@pytest.mark.parametrize("forbidden", ["tanh", Trait.ELEMENTWISE])
def test_an_op_that_may_not_exist_after_a_stage_is_named(forbidden) -> None:
    stages = (Stage("one"), Stage("two", (SINE_TO_COSINE,), forbidden=frozenset({forbidden})))
    with pytest.raises(PassError) as caught:
        run(graph_of("tanh"), *stages)
    assert "tanh may not exist after the stage 'two'" in str(caught.value)
    assert "user.py:5" in str(caught.value)


def test_forbidden_ops_are_found_in_bodies() -> None:
    build = GraphBuilder()
    value = build.input(F32, "x")
    loop = build.scan(value, carries=1, length=2, regions=(graph_of("tanh"),))
    with pytest.raises(PassError, match="tanh may not exist"):
        run(build.finish([loop]), Stage("one", forbidden=frozenset({"tanh"})))


# --- garbage collection ---------------------------------------------------------------------------


def test_garbage_is_collected_again_after_a_run_and_after_a_failure() -> None:
    seen: list[bool] = []

    def look(graph: Graph) -> PassResult:
        seen.append(gc.isenabled())
        raise RuntimeError

    with pytest.raises(PassError):
        run(graph_of("tanh"), Stage("one", (Doing(look),)))
    assert seen == [False]
    assert gc.isenabled()


def test_pauses_nest_and_leave_a_collector_alone_that_was_off() -> None:
    with paused_collection():
        with paused_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_starting_graph_is_never_changed() -> None:
    graph = graph_of("tanh", "tanh")
    text = str(graph)
    run(graph, *STAGES)
    assert str(graph) == text
    assert first_difference(graph, graph_of("tanh", "tanh")) is None

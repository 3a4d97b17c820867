"""Pipelines as values: changed by copying, printed, told apart by their digest."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from graphc.errors import GraphcError
from graphc.ir.graph import Graph
from graphc.ir.op import Trait
from graphc.rewriting.fingerprint import fingerprint
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RewriteRule, RuleSet
from graphc.rewriting.terms import op, variables
from passes.pipelines import default_pipeline


@dataclass(frozen=True)
class Idle(GraphPass):
    """Does nothing."""

    name: ClassVar[str] = "idle"

    strength: int = 1

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        return PassResult.unchanged(graph)


@dataclass(frozen=True)
class Other(Idle):
    name: ClassVar[str] = "other"


@dataclass(frozen=True)
class Needed(Idle):
    name: ClassVar[str] = "needed"
    required: ClassVar[bool] = True


PIPELINE = Pipeline(
    (
        Stage("first", (Needed(), Idle())),
        Stage("second", (Other(), Idle(2)), fixpoint=True, forbidden=frozenset({Trait.EFFECT})),
        Stage("empty"),
    )
)


def names(pipeline: Pipeline) -> list[list[str]]:
    return [[each.name for each in stage.passes] for stage in pipeline.stages]


def test_a_pass_is_left_out_of_every_stage() -> None:
    assert names(PIPELINE.without("idle")) == [["needed"], ["other"], []]
    assert names(PIPELINE.without("idle", "other")) == [["needed"], [], []]
    assert names(PIPELINE) == [["needed", "idle"], ["other", "idle"], []]


def test_only_keeps_what_is_named_and_what_is_required() -> None:
    assert names(PIPELINE.only("other")) == [["needed"], ["other"], []]
    assert names(PIPELINE.only()) == [["needed"], [], []]


def test_passes_are_put_before_and_after_others_wherever_those_run() -> None:
    assert names(PIPELINE.before("idle", Other(7))) == [
        ["needed", "other", "idle"],
        ["other", "other", "idle"],
        [],
    ]
    assert names(PIPELINE.after("needed", Idle(3), Other())) == [
        ["needed", "idle", "other", "idle"],
        ["other", "idle"],
        [],
    ]


def test_a_stage_is_a_place_too() -> None:
    assert names(PIPELINE.after("empty", Idle()))[2] == ["idle"]
    assert names(PIPELINE.before("second", Idle()))[1] == ["idle", "other", "idle"]
    assert names(PIPELINE.after("first", Other()))[0] == ["needed", "idle", "other"]


def test_a_pass_is_replaced_by_one_with_other_options() -> None:
    changed = PIPELINE.replacing("idle", Idle(9))
    assert [each for each in changed.passes if each.name == "idle"] == [Idle(9), Idle(9)]


@pytest.mark.parametrize(
    "call",
    [
        lambda: PIPELINE.without("idel"),
        lambda: PIPELINE.only("idel"),
        lambda: PIPELINE.before("idel", Idle()),
        lambda: PIPELINE.after("idel", Idle()),
        lambda: PIPELINE.replacing("idel", Idle()),
    ],
)
def test_an_unknown_name_is_answered_with_names_that_look_like_it(call) -> None:
    with pytest.raises(GraphcError, match="did you mean 'idle'") as caught:
        call()
    assert "needed, idle, other" in str(caught.value)


def test_an_unknown_stage_is_answered_with_the_stages() -> None:
    with pytest.raises(GraphcError, match="did you mean 'second'"):
        PIPELINE.stage("secnod")


def test_what_cannot_be_left_out_is_not() -> None:
    with pytest.raises(GraphcError, match="cannot be left out"):
        PIPELINE.without("needed")


def test_two_stages_have_two_names() -> None:
    with pytest.raises(GraphcError, match="one name"):
        Pipeline((Stage("a"), Stage("b"), Stage("a")))


def test_it_prints_as_a_table_with_options_that_were_changed() -> None:
    assert str(PIPELINE) == (
        "stage   runs           passes\n"
        "first   once           needed, idle\n"
        "second  to a fixpoint  other, idle(strength=2)\n"
        "empty"
    )


def test_the_names_of_passes_come_once_each_in_order() -> None:
    assert PIPELINE.pass_names == ("needed", "idle", "other")
    assert PIPELINE.stage_names == ("first", "second", "empty")


x = variables("x")[0]


def rule_pass(check=None, after=lambda match: match["x"]) -> RulePass:
    return RulePass(RuleSet("mine", (RewriteRule("one", op.tanh(x), after, "exact", check),)))


def test_the_digest_tells_pipelines_apart() -> None:
    limit = 3

    def pipeline(each: GraphPass) -> Pipeline:
        return Pipeline((Stage("only", (each,)),))

    variants = [
        PIPELINE,
        PIPELINE.without("idle"),
        PIPELINE.replacing("idle", Idle(9)),
        Pipeline(PIPELINE.stages[:2]),
        pipeline(Idle()),
        pipeline(Other()),
        pipeline(rule_pass()),
        pipeline(rule_pass(check=lambda match: None)),
        pipeline(rule_pass(check=lambda match: "no")),
        pipeline(rule_pass(check=lambda match: "no" if limit else None)),
        pipeline(RulePass(rule_pass().rules, numerics=("exact",))),
        default_pipeline(),
        default_pipeline().without("algebra"),
    ]
    assert len({variant.digest for variant in variants}) == len(variants)
    assert pipeline(rule_pass()).digest == pipeline(rule_pass()).digest


def test_the_digest_is_the_same_in_another_process() -> None:
    program = "from passes.pipelines import default_pipeline; print(default_pipeline().digest)"
    found = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found == [default_pipeline().digest] * 2


def test_a_fingerprint_shows_values_and_no_addresses() -> None:
    class Thing:
        pass

    def recursive(n):
        return recursive(n - 1)

    assert fingerprint(Thing()) == fingerprint(Thing())
    assert " at 0x" not in fingerprint([recursive, Thing(), max, Idle, {"a": {1, 2}}, Trait.EFFECT])
    assert fingerprint(np.ones(3)) != fingerprint(np.zeros(3))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(1) != fingerprint("1")

"""Which ops random graphs hold: every op of the registry, or the reason why not is written here."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator

import pytest

from graphc.ir.graph import topological_order
from graphc.ir.op import OpSpec
from graphc.ir.registry import REGISTRY
from tests.pipeline.graph_sketch import Choices, NotApplicableError
from tests.pipeline.random_graphs import OFTEN, Case, Plan, build_case, start_sketch
from tests.pipeline.recipe_book import RECIPES
from tests.pipeline.sample_recipes import NOT_SAMPLED, samples_of_ops, write_sample
from tests.pipeline.stage_comparison import check_numbers

SEEDS = range(40)

NOT_REACHED = NOT_SAMPLED | {
    "group": "an operation without a value, which the front end makes and host code resolves",
    "initialize": "the session does it before the run; no stage sees it",
    "random_base": "the stage `functional` makes it of a `random_key`",
    "random_fold": "the stage `functional` makes it of a `random_key`",
}
"""Ops that recipes cannot put into a graph that is built, and why."""


def _draw_plan(seed: int) -> Plan:
    generator = random.Random(seed)
    names = [name for name in sorted(RECIPES) for _ in range(OFTEN.get(name, 1))]

    def numbers() -> tuple[int, ...]:
        return tuple(generator.randrange(100) for _ in range(12))

    return Plan(
        sizes=(3, 2),
        symbolic=(seed % 2 == 0, seed % 3 == 0),
        has_float32=seed % 2 == 0,
        inputs=((0, 0), (generator.randrange(4), generator.randrange(12)), (2, 6), (3, 1), (0, 3)),
        steps=tuple((generator.choice(names), numbers()) for _ in range(16)),
        outputs=(0,),
        fetches_all=True,
        gradients=(numbers(),),
    )


def _needed_ops(case: Case) -> Iterator[str]:
    for node in topological_order(case.graph.outputs):
        yield node.op.name
        for region in node.regions:
            yield from (inner.op.name for inner in region.walk())


@functools.cache
def _reached_by_chance() -> frozenset[str]:
    """The ops in the graphs of some fixed seeds."""
    return frozenset(name for seed in SEEDS for name in _needed_ops(build_case(_draw_plan(seed))))


def _sampled_alone(op: OpSpec) -> Iterator[Case]:
    """Graphs of a sample of an op each, as it is or shifted."""
    generator = random.Random(op.name)
    for sample in samples_of_ops().get(op.name, ()) * 12:
        plan = Plan((3, 2), (False, False), False, ((0, 0), (0, 4)), (), (), False, ())
        sketch, arrays = start_sketch(plan)
        choices = Choices([generator.randrange(100) for _ in range(40)])
        try:
            made = write_sample(sketch, choices, op, sample)
        except NotApplicableError:
            continue
        sketch.settle()
        if made and all(map(sketch.is_tame, made)):
            yield Case(sketch.graph(*made), arrays, sketch.sizes, plan.has_float32)


@pytest.mark.parametrize("name", sorted(op.name for op in REGISTRY))
def test_an_op_is_in_random_graphs_or_has_a_reason(name: str) -> None:
    if name in NOT_REACHED:
        assert name not in _reached_by_chance(), "it is reached now: take it out of NOT_REACHED"
        return
    if name not in _reached_by_chance():
        found = next(_sampled_alone(REGISTRY[name]), None)
        assert found is not None, "no sample is tame, and no recipe makes it: write one"
        assert check_numbers(found).is_compared


def test_chance_alone_reaches_most_ops() -> None:
    possible = {op.name for op in REGISTRY} - set(NOT_REACHED)
    assert len(_reached_by_chance() & possible) > 0.75 * len(possible)

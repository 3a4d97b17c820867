"""A training step made a loop of steps: the last pass of a program that runs many at once.

All other passes see one step, with its variables as inputs and updates; afterwards it becomes the
body of a loop whose carries are the variables. Feeds that differ from step to step come stacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from graphc.dtypes import I32
from graphc.ir.builder import GraphBuilder, inline
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import tensor_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rules import Numerics

REPEATED: Final = "repeated"
STEPS: Final = "graphc/steps"
"""Among the sizes of a program: how many steps the stacked feeds hold."""


@dataclass(frozen=True)
class StepRepetition(GraphPass):
    """Runs the graph in a loop, from one step to before another.

    The new graph has two more inputs, the last: the first step and the number of steps, i32[]. Its
    fetches are those of the last step that ran, zeros when none did.

    Attributes:
        stacked: names of the feeds that have a further leading axis, one row per step.
    """

    name: ClassVar[str] = "step_repetition"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    stacked: tuple[str, ...] = ()

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        build = GraphBuilder(context.registry, name="step")
        outer = [self._input(build, value, context.sizes[STEPS]) for value in graph.inputs]
        scalar = tensor_type(I32, ())
        first = build.input(scalar, "first_step", "feed")
        count = build.input(scalar, "step_count", "feed")
        sites = {self._state_name(value): outer[i] for i, value in enumerate(graph.inputs)}
        updated = [
            sites.get(name) or build.full(0, new.type.dtype, new.type.shape)
            for name, new in graph.updates.items()
        ]
        fetched = [build.full(0, v.type.dtype, v.type.shape) for v in graph.fetches]
        carries = [first, *updated, *fetched]
        invariants = [value for value in outer if value not in updated]
        end = build.add(first, count)
        operands = [*carries, end, *invariants]
        places = {value: place for place, value in enumerate(operands)}
        body = self._body(graph, context, operands, [places[value] for value in outer])
        regions = _goes_on(context, operands, len(carries)), body
        made: Any = build.while_loop(*operands, regions=regions, carries=len(carries))
        results: list[Value] = [made] if isinstance(made, Value) else list(made)
        last = results[1 + len(updated) :]
        finished = build.finish([*last, *results[1 : 1 + len(updated)]])
        loop = Graph(build.inputs, finished.outputs, finished.nodes, graph.update_names)
        return PassResult(loop, True, details={"stacked": len(self.stacked)})

    def _input(self, build: GraphBuilder, value: Value, steps: int) -> Value:
        given = value.node.attributes
        type_ = value.type
        if given["kind"] == "feed" and given["name"] in self.stacked:
            type_ = type_.with_shape((steps, *type_.shape))
        with build.located(value.node.origin, value.node.name):
            return build.input(type_, given["name"], given["kind"], given["members"])

    @staticmethod
    def _state_name(value: Value) -> str | None:
        given = value.node.attributes
        return given["name"] if given["kind"] == "state" else None

    def _body(
        self, graph: Graph, context: PassContext, operands: Sequence[Value], places: list[int]
    ) -> Graph:
        """One step: takes all operands of the loop, gives the carries."""
        build = GraphBuilder(context.registry, name="step")
        inner = [build.input(value.type, f"operand{i}") for i, value in enumerate(operands)]
        step = inner[0]
        given: list[Value] = []
        for value, place in zip(graph.inputs, places, strict=True):
            attributes, whole = value.node.attributes, inner[place]
            if attributes["kind"] == "feed" and attributes["name"] in self.stacked:
                sizes = (1, *value.type.shape)
                zeros = [build.full(0, I32) for _ in value.type.shape]
                row = build.dynamic_slice(whole, step, *zeros, slice_sizes=sizes)
                whole = build.reshape(row, shape=value.type.shape)
            given.append(whole)
        results = inline(build, graph, given)
        fetches, updates = results[: len(graph.fetches)], results[len(graph.fetches) :]
        return build.finish([build.add(step, build.full(1, I32)), *updates, *fetches])


def _goes_on(context: PassContext, operands: Sequence[Value], carries: int) -> Graph:
    build = GraphBuilder(context.registry, name="step")
    inner = [build.input(value.type, f"operand{i}") for i, value in enumerate(operands)]
    return build.finish([build.compare(inner[0], inner[carries], direction="LT")])


def with_step_repetition(pipeline: Pipeline, stacked: Sequence[str]) -> Pipeline:
    """A pipeline that ends with a stage "repeated"."""
    return Pipeline((*pipeline.stages, Stage(REPEATED, (StepRepetition(tuple(stacked)),))))

"""A training step made a loop of steps: the last pass of a program that runs many at once.

All other passes see one step, with its variables as inputs and updates; afterwards it becomes the
body of a loop whose carries are the variables. Feeds that differ from step to step come stacked.
Around that loop there is another, over spans of steps such as epochs: before a span some variables
may begin anew, after it their values and the fetches are kept for whoever asks later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from graphc.dimensions import Shape
from graphc.dtypes import I32
from graphc.ir.builder import GraphBuilder, inline
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rules import Numerics

REPEATED: Final = "repeated"
STEPS: Final = "graphc/steps"
"""Among the sizes of a program: how many steps the stacked feeds hold."""

Fresh = tuple[tuple[str, Literal], ...]
"""Variables that may begin anew before a span, with the values that they have then."""


@dataclass(frozen=True)
class StepRepetition(GraphPass):
    """Runs the graph in a loop over steps, within one over spans of steps.

    The new graph has two more inputs, the last: `spans`, i32[most, 3], in each row the first step,
    the one at which it ends, and whether (1 or 0) the fresh variables begin anew; and `span_count`,
    i32[], how many rows count. Its fetches are, for each span [most, …], those of its last step,
    then the values of the fresh variables at its end; zeros for spans that did not run.

    Attributes:
        stacked: names of the feeds that have a further leading axis, one row per step.
        fresh: the variables that may begin anew.
        most: how many spans there may be.
    """

    name: ClassVar[str] = "step_repetition"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    stacked: tuple[str, ...] = ()
    fresh: Fresh = ()
    most: int = 1

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        build = GraphBuilder(context.registry, name="step")
        outer = [self._input(build, value, context.sizes[STEPS]) for value in graph.inputs]
        states = {_state_name(value): outer[i] for i, value in enumerate(graph.inputs)}
        members = _members(graph)
        packs = {row: pack for pack, rows in members.items() for row in rows}
        names = list(graph.update_names)
        for name, initial in self.fresh:  # even one that the passes found no need to set
            carrier = packs.get(name, name)
            if carrier not in names:
                names.append(carrier)
                if carrier not in states:
                    states[carrier] = build.input(initial.type, carrier, "state")
        spans = build.input(tensor_type(I32, (self.most, 3)), "spans", "feed")
        count = build.input(tensor_type(I32, ()), "span_count", "feed")
        types = [v.type for v in graph.updates.values()]
        types += [states[name].type for name in names[len(types) :]]
        updated = [
            states.get(name) or build.full(0, type_.dtype, type_.shape)
            for name, type_ in zip(names, types, strict=True)
        ]
        plan = _Spans(self, graph, context, names, members)
        kept = [build.full(0, t.dtype, (self.most, *t.shape)) for t in plan.kept_types()]
        invariants = [value for value in outer if value not in updated]
        operands = [build.full(0, I32), *updated, *kept, count, spans, *invariants]
        places = {value: place for place, value in enumerate(operands)}
        carries = 1 + len(updated) + len(kept)
        body = plan.body(operands, carries, [places[value] for value in outer])
        made: Any = build.while_loop(
            *operands, regions=(_goes_on(context, operands, carries), body), carries=carries
        )
        results: list[Value] = [made] if isinstance(made, Value) else list(made)
        last = 1 + len(updated)
        finished = build.finish([*results[last:], *results[1:last]])
        loop = Graph(build.inputs, finished.outputs, finished.nodes, names)
        return PassResult(loop, True, details={"stacked": len(self.stacked)})

    def _input(self, build: GraphBuilder, value: Value, steps: int) -> Value:
        given = value.node.attributes
        type_ = value.type
        if given["kind"] == "feed" and given["name"] in self.stacked:
            type_ = type_.with_shape((steps, *type_.shape))
        with build.located(value.node.origin, value.node.name):
            return build.input(type_, given["name"], given["kind"], given["members"])


def _state_name(value: Value) -> str | None:
    given = value.node.attributes
    return given["name"] if given["kind"] == "state" else None


def _members(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Of each pack among the inputs, the variables that are its rows."""
    found = [value.node.attributes for value in graph.inputs]
    return {each["name"]: tuple(each["members"]) for each in found if each["members"]}


@dataclass(frozen=True)
class _Spans:
    """What a span of steps is made of.

    Attributes:
        form: what was asked for.
        graph: one step.
        context: of the pass.
        names: the variables and packs that the loops carry.
        members: the rows of packs.
    """

    form: StepRepetition
    graph: Graph
    context: PassContext
    names: Sequence[str]
    members: dict[str, tuple[str, ...]]

    def kept_types(self) -> list[TensorType]:
        """Of what a span leaves: the fetches, then the fresh variables."""
        return [
            *[value.type for value in self.graph.fetches],
            *[initial.type for _, initial in self.form.fresh],
        ]

    def body(self, operands: Sequence[Value], carries: int, places: Sequence[int]) -> Graph:
        """One span: takes all operands of the loop over spans, gives its carries.

        Args:
            operands: of that loop: the span's number, variables, what is kept, how many spans there
                are, the spans, and all else.
            carries: how many of them change.
            places: where among them each input of a step is.
        """
        build = GraphBuilder(self.context.registry, name="step")
        inner = [build.input(value.type, f"operand{i}") for i, value in enumerate(operands)]
        number, spans, some = inner[0], inner[carries + 1], len(self.names)
        zero, one = build.full(0, I32), build.full(1, I32)
        row = build.reshape(
            build.dynamic_slice(spans, number, zero, slice_sizes=(1, 3)), shape=(3,)
        )
        first, end, begins = [
            build.reshape(_slice(build, row, (i,), (i + 1,)), shape=()) for i in range(3)
        ]
        is_fresh = build.compare(begins, zero, direction="NE")
        updated = [
            self._begun(build, name, value, is_fresh)
            for name, value in zip(self.names, inner[1 : 1 + some], strict=True)
        ]
        fetched = [build.full(0, v.type.dtype, v.type.shape) for v in self.graph.fetches]
        steps = [first, *updated, *fetched, end, *inner[carries + 2 :]]
        # Inputs of a step among the operands of its loop: variables keep their places, the rest
        # stands behind the fetches and the end.
        shift = 1 + some + len(fetched) + 1 - (carries + 2)
        moved = [place if place <= some else place + shift for place in places]
        changing = 1 + some + len(fetched)
        regions = _goes_on(self.context, steps, changing), self._step(steps, moved)
        made: Any = build.while_loop(*steps, regions=regions, carries=changing)
        results: list[Value] = [made] if isinstance(made, Value) else list(made)
        updated, fetched = results[1 : 1 + some], results[1 + some : changing]
        values = [*fetched, *[self._found(build, name, updated) for name, _ in self.form.fresh]]
        kept = [
            build.dynamic_update_slice(
                whole,
                build.reshape(value, shape=(1, *value.type.shape)),
                *[number, *[zero for _ in value.type.shape]],
            )
            for whole, value in zip(inner[1 + some : carries], values, strict=True)
        ]
        return build.finish([build.add(number, one), *updated, *kept])

    def _begun(self, build: GraphBuilder, name: str, value: Value, is_fresh: Value) -> Value:
        """A variable or pack before the first step of a span."""
        fresh = dict(self.form.fresh)
        rows = self.members.get(name)
        if rows is None:
            if name not in fresh:
                return value
            return build.select(is_fresh, build.literal(fresh[name]), value)
        if not any(row in fresh for row in rows):
            return value
        blank = np.zeros(value.type.shape[1:], value.type.dtype.numpy)
        initial = np.stack([fresh[row].array if row in fresh else blank for row in rows])
        chosen = np.zeros(value.type.shape, bool)
        chosen[[row in fresh for row in rows]] = True
        shape = value.type.shape
        wanted = build.broadcast_in_dim(is_fresh, shape=shape, broadcast_dimensions=())
        return build.select(build.and_(wanted, build.array(chosen)), build.array(initial), value)

    def _found(self, build: GraphBuilder, name: str, updated: Sequence[Value]) -> Value:
        """The value of a variable, perhaps a row of a pack."""
        for place, whole in zip(self.names, updated, strict=True):
            rows = self.members.get(place, ())
            if name in rows:
                row, shape = rows.index(name), whole.type.shape
                start, limit = (row, *[0] * (len(shape) - 1)), (row + 1, *shape[1:])
                return build.reshape(_slice(build, whole, start, limit), shape=shape[1:])
        return updated[self.names.index(name)]

    def _step(self, operands: Sequence[Value], places: Sequence[int]) -> Graph:
        """One step: takes all operands of the loop over steps, gives its carries."""
        graph = self.graph
        build = GraphBuilder(self.context.registry, name="step")
        inner = [build.input(value.type, f"operand{i}") for i, value in enumerate(operands)]
        step = inner[0]
        given: list[Value] = []
        for value, place in zip(graph.inputs, places, strict=True):
            attributes, whole = value.node.attributes, inner[place]
            if attributes["kind"] == "feed" and attributes["name"] in self.form.stacked:
                sizes = (1, *value.type.shape)
                zeros = [build.full(0, I32) for _ in value.type.shape]
                row = build.dynamic_slice(whole, step, *zeros, slice_sizes=sizes)
                whole = build.reshape(row, shape=value.type.shape)
            given.append(whole)
        results = inline(build, graph, given)
        fetches, updates = results[: len(graph.fetches)], results[len(graph.fetches) :]
        unchanged = inner[1 + len(updates) : 1 + len(self.names)]
        following = build.add(step, build.full(1, I32))
        return build.finish([following, *updates, *unchanged, *fetches])


def _slice(build: GraphBuilder, value: Value, start: Shape, limit: Shape) -> Value:
    strides = (1,) * len(start)
    return build.slice(value, start_indices=start, limit_indices=limit, strides=strides)


def _goes_on(context: PassContext, operands: Sequence[Value], carries: int) -> Graph:
    """Whether a number that counts up, the first operand, is below the first that is no carry."""
    build = GraphBuilder(context.registry, name="step")
    inner = [build.input(value.type, f"operand{i}") for i, value in enumerate(operands)]
    return build.finish([build.compare(inner[0], inner[carries], direction="LT")])


def with_step_repetition(
    pipeline: Pipeline, stacked: Sequence[str], fresh: Fresh = (), most: int = 1
) -> Pipeline:
    """A pipeline that ends with a stage "repeated"."""
    made = StepRepetition(tuple(stacked), fresh, most)
    return Pipeline((*pipeline.stages, Stage(REPEATED, (made,))))

"""Making one graph functional: a program, or the body of a branch or a loop."""

from __future__ import annotations

from typing import Final

from graphc.dtypes import TOKEN
from graphc.errors import StateError
from graphc.ir.editor import GraphEditor, ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from graphc.ir.types import TensorType
from passes.functional.control_flow_state import RegionSite, scope_of, write_region_op
from passes.functional.functional_graphs import BASE, ITERATION, KEY, WORD, FunctionalBody, Scope
from passes.functional.gradient_taps import TapPlan, differentiated_nodes
from passes.functional.state_ordering import BEFORE_THE_RUN, StateOrder

SEED: Final = "graphc/random_seed"
COUNTER: Final = "graphc/random_counter"

EFFECTS: Final = frozenset(
    {"read", "assign", "after", "group", "initialize", "random_key", "gradient", "jvp"}
)
"""What this stage looks at; a graph without any of them stays as it is."""


def has_effects(graph: Graph, known: dict[Graph, bool]) -> bool:
    """Whether a graph or a region in it holds one of `EFFECTS`."""
    found = known.get(graph)
    if found is None:
        found = known[graph] = any(
            node.op.name in EFFECTS or any(has_effects(region, known) for region in node.regions)
            for node in graph.nodes
        )
    return found


def needed_nodes(graph: Graph) -> list[Node]:
    """The nodes that the outputs need, in the graph's own order, which is that of creation."""
    needed = {value.node for value in graph.outputs}
    found: list[Node] = []
    for node in reversed(graph.nodes):
        if node in needed:
            found.append(node)
            for value in node.inputs:
                needed.add(value.node)
    found.reverse()
    return found


class EffectRemoval:
    """Walks a graph in creation order and puts values in place of effects.

    Args:
        graph: as built.
        registry: the ops that may be made.
        scope: what the graph is.
        memo: which graphs have effects, kept over a whole program.
    """

    def __init__(
        self, graph: Graph, registry: OpRegistry, scope: Scope, memo: dict[Graph, bool]
    ) -> None:
        self.graph = graph
        self.registry = registry
        self.scope: Scope = scope
        self.memo = memo
        self.editor = GraphEditor(graph, registry)
        self.order = StateOrder(self._take)
        self.base: Value | None = None  # what keys derive from here
        self.base_input: Value | None = None
        self.iteration: Value | None = None
        self._reads: dict[tuple[str, int], list[Node]] = {}
        self._bodies: dict[tuple[Graph, Scope], FunctionalBody] = {}
        self._handlers = {
            "read": self._read,
            "assign": self._assign,
            "after": self._after,
            "random_key": self._random_key,
        }

    # -- the walk --------------------------------------------------------------------------------

    def run(self) -> None:
        """Replace every effect in the editor; nothing is frozen yet."""
        nodes = needed_nodes(self.graph)
        self.taps = TapPlan(self.editor, nodes, self.scope)
        self._differentiated = differentiated_nodes(nodes)
        handlers, follow = self._handlers, self.order.follow
        for node in nodes:
            handler = handlers.get(node.op.name)
            if handler is not None:
                self.editor.build.origin = node.origin.with_rule("functional")
                self.editor.build.name = node.name
                handler(node)
            elif node.regions and any(has_effects(region, self.memo) for region in node.regions):
                self._region_op(node)
            else:
                follow(node, node.inputs)
        self._resolve_reads()
        self.taps.apply_to_rest()

    def _take(self, variable: str, type_: TensorType, node: Node) -> Value:
        """The input that holds a variable as it was before the run."""
        kind = "state" if self.scope == "program" else "argument"
        for value in self.graph.inputs if kind == "state" else ():
            attributes = value.node.attributes
            if attributes["kind"] == kind and attributes["name"] == variable:
                if value.type is not type_:
                    raise StateError(
                        f"the variable {variable!r} has two types",
                        given=f"{type_}, and {value.type} as an input",
                        origin=node.origin,
                    )
                return value
        with self.editor.build.located(node.origin.with_rule("functional"), variable):
            return self.editor.build.input(type_, variable, kind)

    def _read(self, node: Node) -> None:
        bits = self.order.follow(node, node.inputs)
        variable, type_ = node.attributes["variable"], node.output.type
        version = self.order.version_seen(variable, bits)
        value = self.order.value(variable, version, type_, node)
        if version == BEFORE_THE_RUN and self.scope == "program":
            self.taps.labels.pop(node.output, None)  # an input: its path is safe
            self.editor.replace(node.output, value)
        else:
            self._reads.setdefault((variable, version), []).append(node)

    def _resolve_reads(self) -> None:
        """Reads of one version are one value, so one tap serves all when one of them needs it."""
        for (variable, version), nodes in self._reads.items():
            value = self.order.value(variable, version, nodes[0].output.type, nodes[0])
            if version != BEFORE_THE_RUN and not self._differentiated.isdisjoint(nodes):
                value = self._without_gradient(value, nodes[0])
            tapped = [node for node in nodes if node.output in self.taps.labels]
            if tapped:
                value = self.taps.apply(value, tapped[0].output)
            for node in nodes:
                self.taps.labels.pop(node.output, None)
                self.editor.replace(node.output, value)

    def _assign(self, node: Node) -> None:
        bits = self.order.follow(node, node.inputs)
        variable, mode = node.attributes["variable"], node.attributes["mode"]
        type_, build = node.output.type, self.editor.build
        value = node.inputs[0]
        if value.type is not type_:  # sizes that a constraint makes equal
            value = build.reshape(value, shape=type_.shape)
        if mode != "set":
            before = self.order.latest_version(variable)
            old = self.order.value(variable, before, type_, node)
            value = self._combined(mode, old, value, node.attributes["momentum"])
        version = self.order.open_version(node, bits, (variable,), adds=mode != "set")
        self.order.set_value(variable, version, value, type_, node)
        if node in self._differentiated:
            value = self._without_gradient(value, node)
        self.editor.replace(node.output, self.taps.apply(value, node.output))

    def _without_gradient(self, value: Value, node: Node) -> Value:
        """What was assigned, as a gradient sees it: state, which hangs on nothing before it."""
        if not value.type.dtype.is_inexact:
            return value
        build = self.editor.build
        with build.located(node.origin.with_rule("functional"), node.name):
            return build.stop_gradient(value)

    def _combined(self, mode: str, old: Value, value: Value, momentum: float) -> Value:
        build, type_ = self.editor.build, old.type
        if mode == "average":
            kept = build.multiply(old, build.full(momentum, type_.dtype, type_.shape))
            share = build.full(1 - momentum, type_.dtype, type_.shape)
            return build.add(kept, build.multiply(value, share))
        return build.add(old, value) if mode == "add" else build.subtract(old, value)

    def _after(self, node: Node) -> None:
        self.order.follow(node, node.inputs)
        self.editor.replace(node.output, self.taps.apply(node.inputs[0], node.output))

    # -- random numbers --------------------------------------------------------------------------

    def _random_key(self, node: Node) -> None:
        build, base = self.editor.build, self._random_base(node)
        stream = build.full(node.attributes["stream"], WORD.dtype)
        self.editor.replace(node.output, build.random_fold(base, stream))

    def _random_base(self, node: Node) -> Value:
        """What the keys of this graph derive from; made the first time one is asked for."""
        if self.base is None:
            self.base = self._make_random_base(node)
        return self.base

    def _make_random_base(self, node: Node) -> Value:
        build = self.editor.build
        with build.located(node.origin.with_rule("functional"), BASE):
            if self.scope == "program":
                seed = self.order.value(SEED, BEFORE_THE_RUN, WORD, node)
                counter = self.order.value(COUNTER, BEFORE_THE_RUN, WORD, node)
                return build.random_base(seed, counter)
            self.base_input = build.input(KEY, BASE)
            if self.scope == "branch":
                return self.base_input
            self.iteration = build.input(WORD, ITERATION)
            return build.random_fold(self.base_input, self.iteration)

    # -- regions ---------------------------------------------------------------------------------

    def _region_op(self, node: Node) -> None:
        order, build = self.order, self.editor.build
        bits = order.follow(node, node.inputs)

        def state(variable: str, type_: TensorType) -> Value:
            return order.value(variable, order.version_seen(variable, bits), type_, node)

        bodies = [self._body(region, scope_of(node)) for region in node.regions]
        changed = list(dict.fromkeys(name for body in bodies for name in body.updates))
        with build.located(node.origin.with_rule("functional"), node.name):
            site = RegionSite(
                node,
                bodies,
                node.inputs,
                state,
                lambda: self._random_base(node),
                build,
                self.registry,
            )
            written = write_region_op(site)
        if changed:
            version = order.open_version(node, bits, changed, adds=False)
            for variable, value in written.updates.items():
                order.set_value(variable, version, value, value.type, node)
        for position, value in written.results.items():
            self.editor.replace(node.outputs[position], value)

    def _body(self, region: Graph, scope: Scope) -> FunctionalBody:
        found = self._bodies.get((region, scope))
        if found is None:
            removal = EffectRemoval(region, self.registry, scope, self.memo)
            removal.run()
            found = self._bodies[region, scope] = removal.freeze_body()
        return found

    # -- the end ---------------------------------------------------------------------------------

    def changes(self) -> dict[str, Value]:
        """What assigned variables are in the end, without those that are what they were."""
        before, resolve = self.order.taken(), self.editor.resolve
        return {
            variable: value
            for variable, value in self.order.final_values().items()
            if resolve(value) is not before.get(variable)
        }

    def freeze_body(self) -> FunctionalBody:
        """The walked graph, as the body of a region op."""
        kept = [i for i, v in enumerate(self.graph.outputs) if v.type.dtype is not TOKEN]
        changes, taken = self.changes(), self.order.taken()
        extra = [value for value in (self.base_input, self.iteration) if value is not None]
        self.editor.inputs += [*taken.values(), *extra]
        self.editor.set_outputs([*[self.graph.outputs[i] for i in kept], *changes.values()])
        graph, values = self.editor.freeze()
        used = used_values(graph)
        return FunctionalBody(
            inputs=graph.inputs[: len(self.graph.inputs)],
            results=graph.outputs[: len(kept)],
            kept=tuple(kept),
            states={name: value for name, value in taken.items() if value in used},
            updates={name: values[value] for name, value in changes.items()},
            base=self.base_input,
            iteration=self.iteration,
            constraints=graph.constraints,
        )

    def freeze_program(self) -> tuple[Graph, ValueMap, list[int]]:
        """The walked graph as a program; also the positions of the outputs that are operations."""
        fetches, known = self.graph.fetches, self.graph.updates
        kept = [value for value in fetches if value.type.dtype is not TOKEN]
        changes = self.changes()
        if both := sorted(set(changes) & set(known)):
            raise StateError(f"the variable {both[0]!r} is assigned, and updated by the graph")
        taken = self.order.taken()
        updates = {**known, **changes}
        if self.base is not None:
            updates[COUNTER] = self._next_counter(taken[COUNTER])
        own = set(self.graph.inputs)
        self.editor.inputs += [value for value in taken.values() if value not in own]
        self.editor.set_outputs([*kept, *updates.values()], list(updates))
        graph, values = self.editor.freeze()
        tokens = [i for i, value in enumerate(fetches) if value.type.dtype is TOKEN]
        return without_unused(graph, own), values, tokens

    def _next_counter(self, counter: Value) -> Value:
        build = self.editor.build
        with build.located(counter.node.origin, COUNTER):
            return build.add(counter, build.full(1, WORD.dtype))


def used_values(graph: Graph) -> set[Value]:
    """What a node reads or the graph gives back."""
    used = {value for node in graph.nodes for value in node.inputs}
    used.update(graph.outputs)
    return used


def without_unused(graph: Graph, own: set[Value]) -> Graph:
    """A graph without the inputs that nothing uses, but for its own."""
    used = used_values(graph)
    kept = [value for value in graph.inputs if value in used or value in own]
    if len(kept) == len(graph.inputs):
        return graph
    dropped = {value.node for value in graph.inputs} - {value.node for value in kept}
    nodes = [node for node in graph.nodes if node not in dropped]
    return Graph(kept, graph.outputs, nodes, graph.update_names, graph.constraints)

"""The pass that keeps stacked what is read stacked: see the package's description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.layer_rolling.node_signatures import users_of
from passes.variable_packing.row_batching import Batch, RowBatching, Rows, Shared, Variables
from passes.variable_packing.stacked_variables import StackedVariables, stacked_variables


@dataclass(frozen=True)
class VariablePacking(GraphPass):
    """Makes one input of variables that are read stacked, and one node of what is done to each."""

    name: ClassVar[str] = "variable_packing"
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        packer = _Packer(graph, context)
        for stack in stacked_variables(graph, packer.users):
            packer.pack(stack)
        if not packer.packs:
            return PassResult.unchanged(graph)
        return PassResult.of(packer.finish(), {"packs": list(packer.packs)})


class _Packer:
    """Puts packs in place of variables.

    Attributes:
        users: the uses of every node of the graph.
        packs: the names of the packs, with the variables that are their rows.
    """

    def __init__(self, graph: Graph, context: PassContext) -> None:
        self.users = users_of(graph)
        self.packs: dict[str, tuple[Value, ...]] = {}
        self._graph = graph
        self._updates = graph.updates
        self._context = context
        self._editor = GraphEditor(graph, context.registry)
        self._build = self._editor.build
        self._rows = RowBatching(self.users)
        self._inputs: dict[str, Value] = {}

    def pack(self, stack: StackedVariables) -> None:
        """Make one input of variables that are read stacked, if the session agrees."""
        pack = self._add_input(stack.variables)
        if pack is not None:
            self._editor.replace(stack.whole, pack)

    def _add_input(self, variables: tuple[Value, ...]) -> Value | None:
        names = [value.node.attributes["name"] for value in variables]
        updated = {name in self._updates for name in names}
        name = self._context.packs.claim(names) if len(updated) == 1 else None
        if name is None:
            reason = "some of the variables are updated, some are not"
            if len(updated) == 1:
                reason = "a variable is a row of another pack already"
            self._context.trace.refuse(VariablePacking.name, "pack", reason)
            return None
        first = variables[0]
        type_ = first.type.with_shape((len(variables), *first.type.shape))
        with self._build.located(first.node.origin.with_rule(VariablePacking.name), ""):
            pack = self._build.input(type_, name, "state", members=names)
        self._rows.add(pack, variables)
        self.packs[name] = variables
        self._inputs[name] = pack
        return pack

    def finish(self) -> GraphEditor:
        """Rewrite gradients and what is done to all rows, then inputs and outputs."""
        for node in self._graph.nodes:
            with self._build.located(node.origin.with_rule(VariablePacking.name), node.name):
                if node.op.name == "gradient":
                    self._rewrite_gradient(node)
                elif (batch := self._rows.batch_of(node)) is not None:
                    self._rewrite_batch(batch)
        self._set_inputs()
        self._set_outputs()
        self._cut_needed_rows()
        return self._editor

    def _cut_needed_rows(self) -> None:
        """Cut out the rows that are read one by one: few, most are read as a whole by now."""
        seen: set[Node] = set()
        pending = list(self._editor.outputs)
        while pending:
            value = self._editor.resolve(pending.pop())
            place = self._rows.place_of(value)
            if place is not None:
                self._cut_row(value, *place)
                pending.append(place[0])
            elif value.node not in seen:
                seen.add(value.node)
                pending += value.node.inputs

    def _cut_row(self, value: Value, whole: Value, row: int) -> None:
        """Let a row of an array stand for a value."""
        build, node = self._build, value.node
        with build.located(node.origin.with_rule(VariablePacking.name), node.name):
            cut = build.rows(whole, row, row + 1)
            self._editor.replace(value, build.reshape(cut, shape=whole.type.shape[1:]))

    def _rewrite_gradient(self, node: Node) -> None:
        """Take a gradient with respect to packs instead of their rows."""
        ys, xs = node.attributes["ys"], node.attributes["xs"]
        targets = node.inputs[ys : ys + xs]
        wholes = [self._whole_of(x) for x in targets]
        if wholes == list(targets):
            return
        wanted = list(dict.fromkeys(wholes))
        given = {**dict(node.attributes), "xs": len(wanted)}
        made = self._build.make(
            node.op,
            (*node.inputs[:ys], *wanted, *node.inputs[ys + xs :]),
            node.op.attributes.make(given, node.op.name),
        )
        slopes = dict(zip(wanted, made.outputs, strict=True))
        rows: dict[Value, dict[int, Value]] = {}
        for old, x in zip(node.outputs, targets, strict=True):
            place = self._rows.place_of(x)
            if place is None:
                self._editor.replace(old, slopes[x])
            else:
                rows.setdefault(place[0], {})[place[1]] = old
        for whole, found in rows.items():
            self._rows.add(slopes[whole], [found[row] for row in range(len(found))])

    def _whole_of(self, value: Value) -> Value:
        place = self._rows.place_of(value)
        return value if place is None else place[0]

    def _rewrite_batch(self, batch: Batch) -> Node | None:
        """Make one node of many, unless a variable that they read cannot be packed."""
        arrays: list[Value] = []
        for operand in batch.operands:
            if isinstance(operand, Rows):
                arrays.append(operand.whole)
            elif isinstance(operand, Shared):
                arrays.append(operand.value)
            elif isinstance(operand, Variables):
                pack = self._add_input(operand.values)
                if pack is None:
                    return None
                arrays.append(pack)
            else:
                inner = self._rewrite_batch(operand)
                if inner is None:
                    return None
                arrays.append(inner.output)
        made = batch.emit(self._build, arrays)
        for index, whole in enumerate(made.outputs):
            self._rows.add(whole, [node.outputs[index] for node in batch.nodes])
        return made

    def _set_inputs(self) -> None:
        first = {variables[0]: self._inputs[name] for name, variables in self.packs.items()}
        others = {value for variables in self.packs.values() for value in variables[1:]}
        self._editor.inputs = [
            first.get(value, value) for value in self._graph.inputs if value not in others
        ]

    def _set_outputs(self) -> None:
        """Update packs instead of their rows."""
        pack_of = {
            value.node.attributes["name"]: name
            for name, variables in self.packs.items()
            for value in variables
        }
        updates: dict[str, Value] = {}
        for variable, value in self._updates.items():
            name = pack_of.get(variable)
            if name is None:
                updates[variable] = value
            elif name not in updates:
                rows = [v.node.attributes["name"] for v in self.packs[name]]
                updates[name] = self._stack([self._updates[row] for row in rows])
        self._editor.set_outputs([*self._graph.fetches, *updates.values()], list(updates))

    def _stack(self, values: Sequence[Value]) -> Value:
        """One array of values: the one that they are the rows of, or else a new one."""
        whole = self._rows.whole_of(values)
        if whole is not None:
            return whole
        build, first = self._build, values[0].node
        with build.located(first.origin.with_rule(VariablePacking.name), first.name):
            rows = [build.reshape(value, shape=(1, *value.type.shape)) for value in values]
            return build.concatenate(*rows, dimension=0)

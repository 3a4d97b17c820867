"""Packed variables: what a loop reads stacked is kept stacked, with no stacking in the step.

A rolled loop reads the weights of its layers as one array. Stacking them at every step costs time,
memory and, most of all, time to compile. So the variables become one input of kind "state", with a
row for each; gradients are taken with respect to the whole, and the optimizer's step is one step on
it. Names, values and checkpoints stay those of the single variables: that is the session's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from graphc.update_rules.registry import find_update_rule
from passes.layer_rolling.node_signatures import Users, users_of


@dataclass(frozen=True)
class VariablePacking(GraphPass):
    """Makes one input of variables that are read stacked, and one step of their updates."""

    name: ClassVar[str] = "variable_packing"
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        users = users_of(graph)
        names: dict[Stack, str] = {}
        for stack in _stacks(graph, users):
            packed = [stack, *stack.slots]
            claimed = [context.packs.claim(part.names) for part in packed]
            if None in claimed:
                context.trace.refuse(self.name, "pack", "a variable is in another pack already")
                continue
            names.update(zip(packed, claimed, strict=True))  # type: ignore[arg-type]
        if not names:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        _Packer(editor, names).run()
        return PassResult.of(editor, {"packs": list(names.values())})


@dataclass(frozen=True, eq=False)
class Stack:
    """Variables that are read as one array.

    Attributes:
        variables: the inputs, by row.
        whole: what stacks them in the graph; None for an optimizer's slots, which nothing stacks.
        updates: their `apply_update` intents, if those can be one.
        slots: what those intents remember.
    """

    variables: tuple[Value, ...]
    whole: Value | None
    updates: tuple[Node, ...] = ()
    slots: tuple[Stack, ...] = ()

    @property
    def names(self) -> list[str]:
        return [value.node.attributes["name"] for value in self.variables]


def _stacks(graph: Graph, users: Users) -> Iterator[Stack]:
    """Every array that stacks whole variables which nothing else reads."""
    taken: set[Value] = set()
    for node in graph.nodes:
        if node.op.name != "concatenate" or node.attributes["dimension"] != 0:
            continue
        variables = [_stacked_variable(row, users) for row in node.inputs]
        found = [v for v in variables if v is not None]
        if len(found) < len(variables) or len(set(found)) < len(found) or taken & set(found):
            continue
        updates = [_updates_of(value, users) for value in found]
        is_updated = {value.node.attributes["name"] in graph.updates for value in found}
        if len(is_updated) > 1 or any(gradients_differ(found, users)):
            continue
        taken.update(found)
        yield Stack(tuple(found), node.output, *_joint_update(updates, users))


def _stacked_variable(row: Value, users: Users) -> Value | None:
    """The variable that a row of a stack is, if it is read in no other way."""
    node = row.node
    if node.op.name != "reshape" or len(users[node]) != 1:
        return None
    variable = node.inputs[0]
    source = variable.node
    if source.op.name != "input" or source.attributes["kind"] != "state":
        return None
    if row.type.shape != (1, *variable.type.shape):
        return None
    is_alone = all(user is node or _keeps_whole(user, place) for user, place in users[source])
    return variable if is_alone else None


def _keeps_whole(user: Node, place: int) -> bool:
    """Whether a use may as well be of the stack: as the x of a gradient, or to be updated."""
    if user.op.name == "gradient":
        ys, xs = user.attributes["ys"], user.attributes["xs"]
        return ys <= place < ys + xs
    return user.op.name == "apply_update" and place == 0


def gradients_differ(variables: Sequence[Value], users: Users) -> Iterator[bool]:
    """Whether some gradients are taken with respect to a part of the variables only."""
    first = _gradients_of(variables[0], users)
    for value in variables[1:]:
        yield _gradients_of(value, users) != first


def _gradients_of(value: Value, users: Users) -> list[Node]:
    return [user for user, _ in users[value.node] if user.op.name == "gradient"]


def _updates_of(value: Value, users: Users) -> list[Node]:
    return [user for user, _ in users[value.node] if user.op.name == "apply_update"]


def _joint_update(
    updates: Sequence[Sequence[Node]], users: Users
) -> tuple[tuple[Node, ...], tuple[Stack, ...]]:
    """The intents that can be one, and the slots that they have; nothing where they cannot."""
    if any(len(each) != 1 for each in updates):
        return (), ()
    intents = tuple([each[0] for each in updates])
    first = intents[0]
    if not find_update_rule(first.attributes["rule"]).is_elementwise:
        return (), ()
    for intent in intents:
        is_alike = intent.attributes is first.attributes and intent.inputs[2:4] == first.inputs[2:4]
        slots = intent.inputs[4:]
        if not is_alike or not all(_is_slot(slot, users) for slot in slots):
            return (), ()
    columns = zip(*[intent.inputs[4:] for intent in intents], strict=True)
    return intents, tuple([Stack(tuple(column), None) for column in columns])


def _is_slot(value: Value, users: Users) -> bool:
    """Whether a value is a variable that one intent alone remembers by."""
    node = value.node
    return node.op.name == "input" and node.attributes["kind"] == "state" and len(users[node]) == 1


class _Packer:
    """Puts packs in place of variables."""

    def __init__(self, editor: GraphEditor, names: Mapping[Stack, str]) -> None:
        self._editor = editor
        self._names = names
        self._packs: dict[Stack, Value] = {}
        self._row_of: dict[Value, tuple[Stack, int]] = {
            value: (stack, row) for stack in names for row, value in enumerate(stack.variables)
        }
        self._new_values: dict[Stack, Value] = {}
        self._slopes: dict[Value, tuple[Value, int]] = {}

    def run(self) -> None:
        editor = self._editor
        for stack in self._names:
            self._add_input(stack)
        editor.inputs = [
            self._packs[place[0]] if (place := self._row_of.get(value)) else value
            for value in editor.inputs
            if value not in self._row_of or self._row_of[value][1] == 0
        ]
        for node in editor.graph.nodes:
            if node.op.name == "gradient":
                self._rewrite_gradient(node)
        for stack in self._names:
            if stack.updates:
                self._update_together(stack)
        self._set_outputs()

    def _add_input(self, stack: Stack) -> None:
        build, first = self._editor.build, stack.variables[0]
        build.origin, build.name = first.node.origin.with_rule(VariablePacking.name), ""
        type_ = first.type.with_shape((len(stack.variables), *first.type.shape))
        pack = build.input(type_, self._names[stack], "state", members=stack.names)
        self._packs[stack] = pack
        if stack.whole is not None:
            self._editor.replace(stack.whole, pack)
        for row, variable in enumerate(stack.variables):
            self._editor.replace(variable, self._row(pack, row))

    def _row(self, stack: Value, row: int) -> Value:
        build, shape = self._editor.build, stack.type.shape
        cut = build.slice(
            stack,
            start_indices=[row] + [0] * (len(shape) - 1),
            limit_indices=[row + 1, *shape[1:]],
            strides=[1] * len(shape),
        )
        return build.reshape(cut, shape=shape[1:])

    def _stack(self, values: Sequence[Value]) -> Value:
        build = self._editor.build
        rows = [build.reshape(value, shape=(1, *value.type.shape)) for value in values]
        return build.concatenate(*rows, dimension=0)

    def _rewrite_gradient(self, node: Node) -> None:
        """Take the gradient with respect to packs instead of their rows."""
        ys, xs = node.attributes["ys"], node.attributes["xs"]
        targets = node.inputs[ys : ys + xs]
        if not any(x in self._row_of for x in targets):
            return
        wanted: dict[Value, None] = {}
        for x in targets:
            place = self._row_of.get(x)
            wanted[x if place is None else self._packs[place[0]]] = None
        build = self._editor.build
        with build.located(node.origin.with_rule(VariablePacking.name), node.name):
            attributes = node.op.attributes.make(
                {**dict(node.attributes), "xs": len(wanted)}, node.op.name
            )
            operands = (*node.inputs[:ys], *wanted, *node.inputs[ys + xs :])
            made = build.make(node.op, operands, attributes)
            found = dict(zip(wanted, made.outputs, strict=True))
            for old, x in zip(node.outputs, targets, strict=True):
                place = self._row_of.get(x)
                if place is None:
                    self._editor.replace(old, found[x])
                    continue
                slope = found[self._packs[place[0]]]
                self._slopes[old] = (slope, place[1])
                self._editor.replace(old, self._row(slope, place[1]))

    def _update_together(self, stack: Stack) -> None:
        """One step of the optimizer on a pack."""
        build, first = self._editor.build, stack.updates[0]
        with build.located(first.origin.with_rule(VariablePacking.name), first.name):
            slopes = [intent.inputs[1] for intent in stack.updates]
            found = [self._slopes.get(slope) for slope in slopes]
            whole = found[0][0] if found[0] else None
            is_whole = found == [(whole, row) for row in range(len(found))]
            slope = whole if whole is not None and is_whole else self._stack(slopes)
            operands = (
                self._packs[stack],
                slope,
                *first.inputs[2:4],
                *[self._packs[slot] for slot in stack.slots],
            )
            made = build.make(first.op, operands, first.attributes)
            for position, part in enumerate((stack, *stack.slots)):
                self._new_values[part] = made.outputs[position]
                for row, intent in enumerate(stack.updates):
                    self._editor.replace(
                        intent.outputs[position], self._row(made.outputs[position], row)
                    )

    def _set_outputs(self) -> None:
        """Update packs instead of their rows."""
        graph, updates = self._editor.graph, dict[str, Value]()
        pack_of = {name: stack for stack in self._names for name in stack.names}
        for name, value in graph.updates.items():
            stack = pack_of.get(name)
            if stack is None:
                updates[name] = value
            elif self._names[stack] not in updates:
                new = self._new_values.get(stack)
                if new is None:
                    new = self._stack([graph.updates[member] for member in stack.names])
                updates[self._names[stack]] = new
        self._editor.set_outputs([*graph.fetches, *updates.values()], list(updates))

"""Changing a frozen graph: one editor per pass, frozen once at its end.

Replacing every use of a value is a note in a table of forwards (union-find), not a walk over the
users, so it costs the same for one use and for ten thousand. Nodes that a pass leaves alone are
shared between the old graph and the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphc.errors import VerifyError
from graphc.ir.attributes import NO_ATTRIBUTES
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import NoGradient, NotLowered, OpSpec
from graphc.ir.registry import REGISTRY, OpRegistry

_OUTPUT: Final = Node(
    OpSpec(
        name="output",
        doc="Stands for the graph itself in use lists.",
        infer=lambda call: (),
        lower=NotLowered("it is in no graph"),
        gradient=NoGradient("it is in no graph"),
        reference=NotLowered("it is in no graph"),
        samples=tuple,
        arity=None,
    ),
    (),
    NO_ATTRIBUTES,
    (),
)


class ValueMap:
    """Where the values of the graph before a pass are in the graph after it."""

    __slots__ = ("_editor", "_rebuilt")

    def __init__(
        self, editor: GraphEditor | None = None, rebuilt: dict[Node, Node] | None = None
    ) -> None:
        self._editor = editor
        self._rebuilt = rebuilt or {}

    def __getitem__(self, value: Value) -> Value:
        """The value that stands for an old one; itself where the pass left it alone."""
        found = value if self._editor is None else self._editor.resolve(value)
        node = self._rebuilt.get(found.node)
        return found if node is None else node.outputs[found.index]


class ChainedMap(ValueMap):
    """Where values are after one pass, or edit, and then another."""

    __slots__ = ("_first", "_then")

    def __init__(self, first: ValueMap, then: ValueMap) -> None:
        super().__init__()
        self._first, self._then = first, then

    def __getitem__(self, value: Value) -> Value:
        return self._then[self._first[value]]


UNCHANGED = ValueMap()


class GraphEditor:
    """A graph being changed.

    Attributes:
        graph: the graph as it was.
        build: makes new nodes; set its `origin` and `name` first.
        inputs: the new graph's inputs; a pass may change the list.
        outputs: the new graph's outputs, updates last; changed by `set_outputs`.
        update_names: the variables that the last outputs update.
    """

    def __init__(self, graph: Graph, registry: OpRegistry = REGISTRY) -> None:
        self.graph = graph
        self.inputs: list[Value] = list(graph.inputs)
        self.outputs: list[Value] = list(graph.outputs)
        self.update_names: list[str] = list(graph.update_names)
        self.build = Builder(self._added, registry)
        self.new_nodes: list[Node] = []
        self._forward: dict[Value, Value] = {}
        self._none_replaced = self._forward.keys().isdisjoint
        self._users: dict[Value, dict[Node, None]] | None = None
        # The last order, and how many values were replaced, the outputs and the inputs then.
        self._ordered: tuple[tuple[object, ...], list[Node]] | None = None
        self._dropped: set[Node] = set()  # dead nodes, which no use list holds

    def _added(self, node: Node) -> None:
        self.new_nodes.append(node)
        if self._users is not None:
            for value in node.inputs:
                operand = self.resolve(value)
                self._users.setdefault(operand, {})[node] = None
                if operand.node in self._dropped:
                    self._revive(operand.node)

    def resolve(self, value: Value) -> Value:
        """The value that stands for `value` now."""
        forward = self._forward
        target = forward.get(value)
        if target is None:
            return value
        following = forward.get(target)
        while following is not None:
            forward[value] = following
            value, target = target, following
            following = forward.get(target)
        return target

    def operands(self, node: Node) -> tuple[Value, ...]:
        """The operands of a node as they are now."""
        inputs = node.inputs
        if self._none_replaced(inputs):
            return inputs
        return tuple([self.resolve(operand) for operand in inputs])

    def replace(self, old: Value, new: Value) -> None:
        """Let `new` stand for `old` wherever it is used.

        Raises:
            VerifyError: their types differ, or `new` would stand for itself.
        """
        old, new = self.resolve(old), self.resolve(new)
        if old is new:
            return
        if old.type is not new.type:
            raise VerifyError(
                "a value may only be replaced by one of the same type",
                given=f"{new.type} ({new.node.op.name})",
                expected=f"{old.type} ({old.node.op.name})",
                origin=old.node.origin,
            )
        self._forward[old] = new
        if self._users is not None:
            self._move_users(old, new)

    def _move_users(self, old: Value, new: Value) -> None:
        users = self._users
        assert users is not None
        moved, kept = users.pop(old, {}), users.get(new, {})
        if len(moved) > len(kept):
            moved, kept = kept, moved
        kept.update(moved)
        users[new] = kept
        if kept and new.node in self._dropped:
            self._revive(new.node)
        self._drop_replaced(old.node)

    def _drop_replaced(self, node: Node) -> None:
        if all(output in self._forward for output in node.outputs):
            self._drop(node)

    def _drop(self, dead: Node) -> None:
        """Forget that a replaced node uses its operands, and so on upwards."""
        users = self._users
        assert users is not None
        stack = [dead]
        while stack:
            node = stack.pop()
            self._dropped.add(node)
            for operand in self.operands(node):
                remaining = users.get(operand)
                if remaining is None or node not in remaining:
                    continue
                del remaining[node]
                if not remaining and not any(users.get(out) for out in operand.node.outputs):
                    stack.append(operand.node)

    def _revive(self, dead: Node) -> None:
        """Let a dead node that is used again use its operands again, and so on upwards."""
        users = self._users
        assert users is not None
        stack = [dead]
        while stack:
            node = stack.pop()
            if node in self._dropped:
                self._dropped.remove(node)
                for operand in self.operands(node):
                    users.setdefault(operand, {})[node] = None
                    stack.append(operand.node)

    def _use_table(self) -> dict[Value, dict[Node, None]]:
        """Users by value; the graph's own outputs count as a use by `_OUTPUT`."""
        if self._users is None:
            self._users = users = dict[Value, dict[Node, None]]()
            self._dropped.clear()
            for node in (*self.graph.nodes, *self.new_nodes):
                for operand in self.operands(node):
                    users.setdefault(operand, {})[node] = None
            for output in self.outputs:
                users.setdefault(self.resolve(output), {})[_OUTPUT] = None
            for value in list(self._forward):
                self._drop_replaced(value.node)
        return self._users

    def users(self, value: Value) -> Sequence[Node]:
        """The nodes that use a value now."""
        found = self._use_table().get(self.resolve(value), ())
        return [node for node in found if node is not _OUTPUT]

    def is_output(self, value: Value) -> bool:
        """Whether a value is an output of the graph now."""
        return _OUTPUT in self._use_table().get(self.resolve(value), ())

    def has_one_use(self, value: Value) -> bool:
        """Whether exactly one node uses a value and it is no output."""
        found = self._use_table().get(self.resolve(value), ())
        return len(found) == 1 and _OUTPUT not in found

    def count_users(self, value: Value) -> int:
        """How many nodes use a value now; being an output counts as one."""
        return len(self._use_table().get(self.resolve(value), ()))

    def is_dead(self, node: Node) -> bool:
        """Whether nothing uses a result of a node any more: it was replaced, or its users were."""
        users = self._use_table()
        return not any(users.get(out) for out in node.outputs if out not in self._forward)

    def forget(self, node: Node) -> None:
        """Take back the node made last, which nothing may use: a rule that changed its mind."""
        assert self.new_nodes[-1:] == [node], "only the node made last"
        self.new_nodes.pop()
        if self._users is not None:
            self._drop(node)

    def set_outputs(self, outputs: Sequence[Value], update_names: Sequence[str] = ()) -> None:
        """Give the graph other outputs; the last `len(update_names)` are updates."""
        self.outputs = list(outputs)
        self.update_names = list(update_names)
        self._users = None

    def insert_after(self, value: Value, op_name: str, **attributes: object) -> Value:
        """Put a one-operand op between a value and all of its users; gives its result."""
        value = self.resolve(value)
        node = value.node
        with self.build.located(node.origin, node.name):
            twin = self.build.make(node.op, self.operands(node), node.attributes, node.regions)
            result: Value = getattr(self.build, op_name)(twin.outputs[value.index], **attributes)
        self.inputs = [twin.outputs[0] if v is value else v for v in self.inputs]
        for old, new in zip(node.outputs, twin.outputs, strict=True):
            self.replace(old, result if old is value else new)
        return result

    def order(self) -> Sequence[Node]:
        """The nodes that the outputs need now, operands first."""
        ends = [self.resolve(value) for value in self.outputs], list(self.inputs)
        state = (len(self._forward), *ends)
        if self._ordered is None or self._ordered[0] != state:
            self._ordered = state, topological_order(*ends, self.operands)
        return self._ordered[1]

    def freeze(self) -> tuple[Graph, ValueMap]:
        """The new graph, without what its outputs do not need, and where old values went."""
        rebuilt: dict[Node, Node] = {}
        moved: dict[Value, Value] = {}
        get, none_moved = moved.get, moved.keys().isdisjoint
        nodes: list[Node] = []
        for node in self.order():
            operands = self.operands(node)
            if not none_moved(operands):
                operands = tuple([get(value, value) for value in operands])
            if operands is not node.inputs and operands != node.inputs:
                types = tuple([value.type for value in node.outputs])
                made = Node(
                    node.op, operands, node.attributes, types, node.regions, node.name, node.origin
                )
                moved.update(zip(node.outputs, made.outputs, strict=True))
                rebuilt[node] = made
                node = made
            nodes.append(node)
        values = ValueMap(self, rebuilt)
        graph = Graph(
            self.inputs,
            [values[value] for value in self.outputs],
            nodes,
            self.update_names,
            (*self.graph.constraints, *self.build.constraints),
        )
        return graph, values

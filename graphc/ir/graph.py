"""The frozen graph that passes exchange."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint
from graphc.ir.text import format_graph


class Graph:
    """Inputs, nodes in topological order, outputs. Never changed after it is made.

    The last `len(update_names)` outputs are the new values of those variables; those before them
    are the fetches. A region's body is a graph too, closed: what it needs from outside are inputs.

    Attributes:
        inputs: values of `input` nodes, in calling order.
        outputs: fetches, then new values of variables.
        nodes: every node, operands before users; inputs included.
        update_names: the variables whose new values the last outputs are.
        constraints: equations between symbolic sizes, checked when symbols get values.
    """

    __slots__ = (
        "__weakref__",
        "_digest",
        "constraints",
        "inputs",
        "nodes",
        "outputs",
        "update_names",
    )

    def __init__(
        self,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        nodes: Sequence[Node],
        update_names: Sequence[str] = (),
        constraints: Sequence[Constraint] = (),
    ) -> None:
        self.inputs: tuple[Value, ...] = tuple(inputs)
        self.outputs: tuple[Value, ...] = tuple(outputs)
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.update_names: tuple[str, ...] = tuple(update_names)
        self.constraints: tuple[Constraint, ...] = tuple(dict.fromkeys(constraints))
        self._digest: str | None = None

    @property
    def fetches(self) -> tuple[Value, ...]:
        """The outputs that are not new values of variables."""
        return self.outputs[: len(self.outputs) - len(self.update_names)]

    @property
    def updates(self) -> dict[str, Value]:
        """New values of variables, by name."""
        new_values = self.outputs[len(self.outputs) - len(self.update_names) :]
        return dict(zip(self.update_names, new_values, strict=True))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal: equal for equal graphs."""
        if self._digest is None:
            self._digest = hashlib.sha256(str(self).encode()).hexdigest()
        return self._digest

    def walk(self) -> Iterator[Node]:
        """Every node, those of regions included."""
        for node in self.nodes:
            yield node
            for region in node.regions:
                yield from region.walk()

    def count(self, op_name: str | None = None) -> int:
        """Number of nodes without the inputs, or of one op, regions included."""
        if op_name is None:
            return sum(node.op.name != "input" for node in self.walk())
        return sum(node.op.name == op_name for node in self.walk())

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return format_graph(self)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.inputs)} inputs, {self.count()} nodes>"

    def __reduce__(self) -> Any:
        raise TypeError("a Graph is not pickled; use str(graph) and graphc.parse(text)")


def node_inputs(node: Node) -> tuple[Value, ...]:
    """The operands that a node was made with."""
    return node.inputs


def users_of(graph: Graph) -> dict[Value, list[Node]]:
    """The nodes that read each value, once each, in order; nothing of values that none reads."""
    users: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        for value in dict.fromkeys(node.inputs):
            users.setdefault(value, []).append(node)
    return users


def topological_order(
    outputs: Sequence[Value],
    inputs: Sequence[Value] = (),
    operands_of: Callable[[Node], tuple[Value, ...]] = node_inputs,
) -> list[Node]:
    """The nodes that `outputs` need, operands first: a depth-first walk in operand order.

    The order depends on the graph alone, not on the order in which nodes were made. The nodes of
    `inputs` come first, used or not.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    for value in inputs:
        if value.node not in seen:
            seen.add(value.node)
            order.append(value.node)
    for output in outputs:
        root = output.node
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(operands_of(root)))]
        while stack:
            node, remaining = stack[-1]
            for operand in remaining:
                producer = operand.node
                if producer not in seen:
                    seen.add(producer)
                    stack.append((producer, iter(operands_of(producer))))
                    break
            else:
                stack.pop()
                order.append(node)
    return order

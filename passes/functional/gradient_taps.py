"""Taps: identities that keep the path through a value which a gradient is taken at.

Passes keep values, while a gradient needs the *path*: once log∘softmax is one op, no gradient with
respect to the softmax is left to find. So every interior tensor that a `gradient` or `jvp` intent
names as an x or a stop gets a `tap`, through which all its users go; nothing is merged, moved or
matched through one. The inputs of a program need none, for nothing can become of them. Those of a
body do: two may get the same operand, or the body may be put in place of its op.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from passes.functional.functional_graphs import Scope

DERIVATIVES: Final = ("gradient", "jvp")
"""The intents that stand for derivatives."""


class TapPlan:
    """The values of one graph that need a tap, with a label for each.

    Args:
        editor: the graph being changed.
        nodes: the nodes that its outputs need, operands first.
        scope: what the graph is.
    """

    def __init__(self, editor: GraphEditor, nodes: Iterable[Node], scope: Scope) -> None:
        self.editor = editor
        safe = {"tap", "input"} if scope == "program" else {"tap"}
        self.labels: dict[Value, str] = {}
        taken: set[str] = set()
        for node in nodes:
            if node.op.name in DERIVATIVES:
                for value in differentiated_values(node):
                    if value not in self.labels and value.node.op.name not in safe:
                        self.labels[value] = _unused_label(value, taken)

    def apply(self, value: Value, old: Value) -> Value:
        """`value`, which is about to replace `old`: behind a tap where `old` needs one."""
        label = self.labels.pop(old, None)
        if label is None:
            return value
        build = self.editor.build
        with build.located(old.node.origin.with_rule("functional"), old.node.name):
            return build.tap(value, label=label)

    def apply_to_rest(self) -> None:
        """Tap the values that stay what they are."""
        for value, label in self.labels.items():
            self.editor.insert_after(value, "tap", label=label)
        self.labels.clear()


def differentiated_values(intent: Node) -> tuple[Value, ...]:
    """The xs of an intent, and the stops of a `gradient` intent."""
    ys, xs = intent.attributes["ys"], intent.attributes["xs"]
    if intent.op.name == "jvp":
        return intent.inputs[ys : ys + xs]
    stops = intent.attributes["stops"]
    first_stop = len(intent.inputs) - stops
    return (*intent.inputs[ys : ys + xs], *intent.inputs[first_stop:])


def differentiated_nodes(nodes: Sequence[Node]) -> set[Node]:
    """The nodes that a derivative looks at: those that the operands of an intent need."""
    found: set[Node] = set()
    for node in reversed(nodes):
        if node in found or node.op.name in DERIVATIVES:
            found.update(value.node for value in node.inputs)
    return found


def _unused_label(value: Value, taken: set[str]) -> str:
    label = wanted = value.node.name or value.node.op.name
    if len(value.node.outputs) > 1:
        label = wanted = f"{wanted}:{value.index}"
    count = 1
    while label in taken:
        label = f"{wanted}_{count}"
        count += 1
    taken.add(label)
    return label

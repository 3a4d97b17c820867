"""What a loop keeps for its way back, besides its carries: what would be dear to compute again.

An iteration of the way back reads values of the same iteration of the way forth. Products,
convolutions and draws among them are stacked; all others are computed again from those, from the
carries and from what the loop reads anyway. In a Transformer's block that is less memory than what
an unrolled program holds, and less time: elementwise work inside a loop costs little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait

_DEAR: Final = Trait.CONTRACTION | Trait.RANDOM


class Divided(NamedTuple):
    """An iteration with its vector-Jacobian product, as two graphs.

    Attributes:
        forth: takes what the body takes; gives what it gives, then the kept values.
        back: takes what the body takes, cotangents, then the kept values; gives gradients.
    """

    forth: Graph
    back: Graph


def divide(joint: Graph, inputs: int, outputs: int) -> Divided:
    """Divide an iteration with its vector-Jacobian product.

    Args:
        joint: takes what the body takes, then cotangents; gives what it gives, then gradients.
        inputs: how many inputs the body has.
        outputs: how many outputs.
    """
    own = joint.inputs[:inputs]
    given, gradients = joint.outputs[:outputs], joint.outputs[outputs:]
    forward = _forward_nodes(joint, joint.inputs[inputs:])
    kept = _kept_values(joint, gradients, forward)
    results = [*given, *kept]
    forth = Graph(own, results, topological_order(results, own), constraints=joint.constraints)
    editor = GraphEditor(joint)
    for number, value in enumerate(kept):
        stand_in = editor.build.input(value.type, f"kept{number}")
        editor.inputs.append(stand_in)
        editor.replace(value, stand_in)
    editor.set_outputs(list(gradients))
    return Divided(forth, editor.freeze()[0])


def _forward_nodes(joint: Graph, cotangents: Iterable[Value]) -> set[Node]:
    """The nodes that depend on no cotangent."""
    behind = {value.node for value in cotangents}
    for node in joint.nodes:
        if any(value.node in behind for value in node.inputs):
            behind.add(node)
    return set(joint.nodes) - behind


def _kept_values(joint: Graph, gradients: Sequence[Value], forward: set[Node]) -> list[Value]:
    """What the way back reads of the way forth and is dear, in the order of its nodes."""
    pending = [value for node in joint.nodes if node not in forward for value in node.inputs]
    pending += gradients
    seen: set[Value] = set()
    kept: set[Value] = set()
    while pending:
        value = pending.pop()
        if value in seen or value.node not in forward:
            continue
        seen.add(value)
        if is_dear(value.node):
            kept.add(value)
        else:
            pending += value.node.inputs
    return [value for node in joint.nodes for value in node.outputs if value in kept]


def is_dear(node: Node) -> bool:
    """Whether computing a node again costs more than keeping what it gives."""
    return node.op.has(_DEAR) or any(
        is_dear(each) for graph in node.regions for each in graph.nodes
    )

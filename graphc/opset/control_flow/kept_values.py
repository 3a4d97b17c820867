"""What a loop keeps for its way back, besides its carries: what would be dear to compute again.

An iteration of the way back reads values of the same iteration of the way forth. Products,
convolutions and draws among them are stacked; all others are computed again from those, from the
carries and from what the loop reads anyway. In a Transformer's block that is less memory than what
an unrolled program holds, and less time: elementwise work inside a loop costs little.

Where other values take fewer bytes, and all else follows from them, they are stacked instead: the
gates of a recurrent cell, not the two products whose sum they are made of; the mask of a dropout,
not the numbers that it was drawn from. They are a minimum cut between what is dear and what is
read, the one nearest to what is read: as little as can be is computed again.

What an iteration hands on as a carry is what the next one began with, and the way back has just
been there: it carries that along, and nothing is kept for it. A chain of `tanh(x @ w)` keeps one
array per iteration in this way, as an unrolled program does, not two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

import networkx as nx

from graphc.dimensions import substitute
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.networkx_view import least_cut
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait

_DEAR: Final = Trait.CONTRACTION | Trait.RANDOM
_USUAL: Final = 32
_NETWORKX: Final = cast(Any, nx)  # its types say nothing of nodes of several kinds


class Divided(NamedTuple):
    """An iteration with its vector-Jacobian product, as two graphs.

    Attributes:
        forth: takes what the body takes; gives what it gives, then the kept values.
        handed: the carries whose new values the way back reads.
        back: takes what the body takes, cotangents, the new values of `handed`, then the kept
            values; gives gradients.
    """

    forth: Graph
    handed: list[int]
    back: Graph


def divide(joint: Graph, inputs: int, outputs: int, carries: int) -> Divided:
    """Divide an iteration with its vector-Jacobian product.

    Args:
        joint: takes what the body takes, then cotangents; gives what it gives, then gradients.
        inputs: how many inputs the body has.
        outputs: how many outputs.
        carries: how many of both are carries.
    """
    own = joint.inputs[:inputs]
    given, gradients = joint.outputs[:outputs], joint.outputs[outputs:]
    forward = _forward_nodes(joint, joint.inputs[inputs:])
    search = _Search(joint, forward, own[:carries], given[:carries])
    kept, handed = search.run(gradients)
    results = [*given, *kept]
    forth = Graph(own, results, topological_order(results, own), constraints=joint.constraints)
    editor = GraphEditor(joint)
    read = [*[given[carry] for carry in handed], *kept]
    for number, value in enumerate(read):
        stand_in = editor.build.input(value.type, f"kept{number}")
        editor.inputs.append(stand_in)
        editor.replace(value, stand_in)
    editor.set_outputs(list(gradients))
    return Divided(forth, handed, editor.freeze()[0])


def _forward_nodes(joint: Graph, cotangents: Iterable[Value]) -> set[Node]:
    """The nodes that depend on no cotangent."""
    behind = {value.node for value in cotangents}
    for node in joint.nodes:
        if any(value.node in behind for value in node.inputs):
            behind.add(node)
    return set(joint.nodes) - behind


class _Search:
    """What the way back reads of the way forth.

    Attributes:
        joint: both.
        forward: the nodes of the way forth.
        carries: what carries are before the iteration.
        handed_on: and after it.
    """

    def __init__(
        self,
        joint: Graph,
        forward: set[Node],
        carries: Sequence[Value],
        handed_on: Sequence[Value],
    ) -> None:
        self.joint = joint
        self.forward = forward
        self.carries = carries
        self.handed_on = handed_on

    def run(self, gradients: Sequence[Value]) -> tuple[list[Value], list[int]]:
        """The values to keep, in the order of their nodes, and the carries to take as handed on."""
        nodes = [node for node in self.joint.nodes if node not in self.forward]
        wanted = [*gradients, *[value for node in nodes for value in node.inputs]]
        read, dear = self.needs(wanted, ())
        at_hand = list[Value]()
        handed = list[int]()
        for number, (before, after) in enumerate(zip(self.carries, self.handed_on, strict=True)):
            if after in read and after.node in self.forward and before in read:
                _, fewer = self.needs(wanted, [*at_hand, after])
                if len(fewer) < len(dear):
                    dear = fewer
                    handed.append(number)
                    at_hand.append(after)
        kept = self.least(wanted, at_hand, dear)
        return [v for node in self.joint.nodes for v in node.outputs if v in kept], handed

    def least(
        self, wanted: Sequence[Value], at_hand: Sequence[Value], dear: set[Value]
    ) -> set[Value]:
        """What to keep: the values of fewest bytes that all that is wanted follows from.

        Those that are dear, where no others take less. Carries that are read are kept anyway.
        """
        read, _ = self.needs(wanted, at_hand)
        begun = [carry for carry in self.carries if carry in read]
        cut = _NETWORKX.DiGraph()
        for value in (*begun, *dear):
            cut.add_edge("dear", (value, "here"))
        for value in read:
            cut.add_edge((value, "here"), (value, "there"), capacity=_usual_bytes(value))
            if value.node in self.forward and value not in dear:
                for operand in value.node.inputs:
                    cut.add_edge((operand, "there"), (value, "here"))
        for value in read.intersection(wanted):
            cut.add_edge((value, "there"), "wanted")
        if "dear" not in cut or "wanted" not in cut:
            return dear
        bytes_, kept = least_cut(cut, "dear", "wanted", read)
        if bytes_ >= sum(map(_usual_bytes, (*begun, *dear))):
            return dear
        return set(kept.difference(self.carries))

    def needs(
        self, values: Sequence[Value], at_hand: Sequence[Value]
    ) -> tuple[set[Value], set[Value]]:
        """Every value that computing some reads, and those among them that are dear."""
        pending = list(values)
        read: set[Value] = set()
        dear: set[Value] = set()
        while pending:
            value = pending.pop()
            if value in read or value in at_hand:
                continue
            read.add(value)
            if value.node not in self.forward:
                continue
            if is_dear(value.node):
                dear.add(value)
            else:
                pending += value.node.inputs
        return read, dear


def _usual_bytes(value: Value) -> int:
    """The bytes of a value, with a batch of usual size for sizes that are not known yet."""
    size = value.type.byte_size
    if not isinstance(size, int):
        size = substitute(size, dict.fromkeys(size.symbols, _USUAL))
    return size if isinstance(size, int) else _USUAL


def is_dear(node: Node) -> bool:
    """Whether computing a node again costs more than keeping what it gives."""
    return node.op.has(_DEAR) or any(
        is_dear(each) for graph in node.regions for each in graph.nodes
    )

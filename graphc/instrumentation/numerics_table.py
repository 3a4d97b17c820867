"""What the result of a program with numerics checks means, in a person's words.

The result is a vector of u32: the code of the first node to blame, the iteration of each loop
around it (outermost first), and the code of the first feed or variable that holds a NaN which
reaches a result. A code is a number times 4 plus the class of what was found; `NOTHING` where
nothing was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphc.errors import NumericsError
from graphc.instrumentation.peaks import NAN
from graphc.ir.node import Node, Value
from graphc.ir.origin import UNKNOWN

NOTHING: Final = 2**32 - 1
CLASSES: Final = 4
_STATE_FIX: Final = "the variables keep the values that they had before this run"


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop around a node.

    Attributes:
        node: the region op.
        length: how many iterations it has, None where nobody knows.
        is_reverse: whether it starts with the last one.
    """

    node: Node
    length: int | None = None
    is_reverse: bool = False

    def iteration(self, count: int) -> int:
        """The number of the iteration that runs after `count` others, counted from 0."""
        return self.length - 1 - count if self.is_reverse and self.length else count

    def describe(self, count: int) -> str:
        of = "" if self.length is None else f" of {self.length}"
        return f"iteration {self.iteration(count)}{of} of {_named(self.node)}"


@dataclass(frozen=True)
class CheckedNode:
    """A node that can be blamed.

    Attributes:
        node: as it stands after the last stage.
        loops: the loops around it, outermost first.
    """

    node: Node
    loops: tuple[Loop, ...]


@dataclass
class NumericsTable:
    """What the codes of one program stand for.

    Attributes:
        nodes: by number.
        inputs: the program's inputs, by number.
        depth: how deep loops are nested.
    """

    nodes: list[CheckedNode] = field(default_factory=list[CheckedNode])
    inputs: tuple[Value, ...] = ()
    depth: int = 0

    def error(self, result: Sequence[int]) -> NumericsError | None:
        """The error that a program's result stands for; None where all is well."""
        first, *counts, given = (int(word) for word in result)
        if first != NOTHING:
            return self._node_error(self.nodes[first // CLASSES], first % CLASSES, counts)
        if given != NOTHING:
            return _input_error(self.inputs[given // CLASSES])
        return None

    def _node_error(self, checked: CheckedNode, found: int, counts: Sequence[int]) -> NumericsError:
        node, loops = checked.node, checked.loops
        what = "NaN" if found == NAN else "an infinity"
        before = "no operand holds one" if found == NAN else "all operands are finite"
        places = [loop.describe(count) for loop, count in zip(loops, counts, strict=False)]
        where = f" in {', '.join(places)}" if places else ""
        return NumericsError(
            f"{_named(node)} gives {what}{where}, though {before}",
            given=_call(node),
            expected="finite numbers",
            fix=f"{_role(node)}; {_STATE_FIX}",
            origin=None if node.origin is UNKNOWN else node.origin,
            node_name=node.name,
            op_name=node.op.name,
            iterations=tuple(
                loop.iteration(count) for loop, count in zip(loops, counts, strict=False)
            ),
            in_gradient=is_in_gradient(node),
        )


def is_in_gradient(node: Node) -> bool:
    """Whether a node was written by automatic differentiation."""
    return "autodiff" in node.origin.rules


def _role(node: Node) -> str:
    if is_in_gradient(node):
        return "it belongs to the gradient of this line"
    if "optimizer_updates" in node.origin.rules:
        return "it belongs to the step of an optimizer"
    return "keep its operands away from where it has no value, or mask them before it"


def _named(node: Node) -> str:
    return f"{node.name!r} ({node.op.name})" if node.name else node.op.name


def _call(node: Node) -> str:
    operands = ", ".join(str(value.type) for value in node.inputs)
    results = ", ".join(str(value.type) for value in node.outputs)
    return f"{node.op.name}({operands}) -> {results}"


def _input_error(value: Value) -> NumericsError:
    attributes: Any = value.node.attributes
    name, kind = attributes["name"], attributes["kind"]
    what = {"feed": "the feed of", "state": "the variable"}.get(kind, "the input")
    fix = "look at the array that is fed" if kind == "feed" else "restore a checkpoint"
    return NumericsError(
        f"{what} {name!r} holds a NaN already, and it reaches a result; no node is to blame",
        given=value.type,
        expected="finite numbers",
        fix=f"{fix}; {_STATE_FIX}",
        origin=None if value.node.origin is UNKNOWN else value.node.origin,
        node_name=name,
        op_name="input",
    )

"""Values of a loop's body that follow from products alone: added, moved, put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphc.ir.cotangents import is_zero
from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from graphc.rewriting.splats import is_number, splat_of
from passes.loop_products.loop_bodies import LoopBody
from passes.loop_products.outside import Outside

_LINEAR: Final = frozenset({"add", "concatenate", "negate", "reshape", "transpose"})


def summed_over_iterations(body: LoopBody, carry: int) -> Sequence[Node] | None:
    """The products, and sums of rows, that each iteration adds to a carry; None where it does else.

    What is multiplied changes from one iteration to the next.
    """
    before = body.graph.inputs[carry]
    if not body.is_used_once(before) or not body.is_only_result(body.graph.outputs[carry]):
        return None
    found = _Search(body, before).of_sum(body.graph.outputs[carry])
    return found[0] if found is not None and found[1] else None


def products_with_invariants(body: LoopBody, result: int) -> Sequence[Node] | None:
    """The products that a stacked result is made of; None where it is made of other things too.

    One operand of each is the same in every iteration, and one is not.
    """
    value = body.graph.outputs[result]
    return _Search(body, None).of_rows(value) if body.is_only_result(value) else None


def total(outside: Outside, body: LoopBody, carry: int, editor: GraphEditor) -> Value:
    """What a carry that products are added to is after the loop."""
    before, initial = body.graph.inputs[carry], body.loop.node.inputs[carry]
    splat = splat_of(initial, editor)
    begins_at_zero = splat is not None and is_number(splat, 0)

    def of(value: Value) -> Value | None:
        if value is before:
            return None if begins_at_zero else initial
        node = value.node
        if node.op.name not in _LINEAR and node.op.name != "pad":
            return outside.sum_of_products(node)
        if node.op.name == "pad":
            operands = [of(node.inputs[0]), outside.invariant(node.inputs[1])]
        else:
            operands = [of(operand) for operand in node.inputs]
        known = [operand for operand in operands if operand is not None]
        return known[0] if len(known) < len(operands) else outside.like(node, known)

    found = of(body.graph.outputs[carry])
    assert found is not None
    return found


class _Search:
    def __init__(self, body: LoopBody, before: Value | None) -> None:
        self._body = body
        self._before = before

    def of_sum(self, value: Value, added: bool = True) -> tuple[list[Node], bool] | None:
        """The products in a value, and whether what was there before is among what is added."""
        if value is self._before:
            return ([], True) if added else None
        node = value.node
        if node.op.name in ("dot_general", "reduce_sum"):
            is_new = all(operand not in self._body.invariant for operand in node.inputs)
            return ([node], False) if is_new and value.type.dtype.is_inexact else None
        found: list[Node] = []
        has_before = False
        for operand in self._linear_operands(node):
            inner = None
            if self._is_own(operand):
                inner = self.of_sum(operand, added and node.op.name == "add")
            if inner is None:
                return None
            found += inner[0]
            has_before |= inner[1]
        return (found, has_before) if found else None

    def of_rows(self, value: Value) -> list[Node] | None:
        node = value.node
        if value in self._body.invariant:
            return []
        if node.op.name == "dot_general":
            same = [operand in self._body.invariant for operand in node.inputs]
            return [node] if same.count(True) == 1 and value.type.dtype.is_inexact else None
        found: list[Node] = []
        for operand in self._linear_operands(node):
            is_own = self._is_own(operand) or operand in self._body.invariant
            inner = self.of_rows(operand) if is_own else None
            if inner is None:
                return None
            found += inner
        return found or None

    def _is_own(self, value: Value) -> bool:
        return value is self._before or self._body.is_used_once(value)

    def _linear_operands(self, node: Node) -> Sequence[Value]:
        """The operands of which a node's result is a linear function; none for other nodes."""
        if node.op.name in _LINEAR:
            return node.inputs
        if node.op.name == "pad":
            return node.inputs[:1] if is_zero(node.inputs[1]) else ()
        return ()

"""Values of a loop's body, computed outside of the loop for all iterations at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.ir.builder import Builder
from graphc.ir.node import Node, Value
from graphc.opset.contraction import product_axes
from passes.loop_products.loop_bodies import LoopBody, computes_elements


class Outside:
    """Makes values of a body outside of its loop.

    Args:
        build: makes nodes where the loop stands.
        body: of the loop.

    Attributes:
        stacks: values of the body whose rows are there, stacked; more may be added.
    """

    def __init__(self, build: Builder, body: LoopBody) -> None:
        self._build = build
        self._body = body
        self.stacks: dict[Value, Value] = {}
        operands, end = body.loop.node.inputs, body.loop.first_invariant
        for position, value in zip(body.loop.scanned, body.scanned, strict=True):
            self.stacks[value] = operands[position]
        self._invariants = dict(zip(body.graph.inputs[end:], operands[end:], strict=True))

    def invariant(self, value: Value) -> Value:
        """A value that is the same in every iteration."""
        found = self._invariants.get(value)
        if found is None:
            node = value.node
            operands = [self.invariant(operand) for operand in node.inputs]
            found = self._invariants[value] = self._like(node, operands, {})
        return found

    def rows(self, value: Value) -> Value:
        """A value, stacked: f32[rows, …] for f32[…]."""
        found = self.stacks.get(value)
        if found is not None:
            return found
        length, node = self._body.loop.length, value.node
        if value in self._body.invariant:
            axes = range(1, value.type.rank + 1)
            shape = (length, *value.type.shape)
            with self._build.located(node.origin, node.name):
                return self._build.broadcast_in_dim(
                    self.invariant(value), shape=shape, broadcast_dimensions=axes
                )
        if node.op.name == "dot_general":
            found = self._product(node)
        elif node.op.name == "pad":
            operands = [self.rows(node.inputs[0]), self.invariant(node.inputs[1])]
            found = self._like(node, operands, _changed(node, length))
        else:
            operands = [self.rows(operand) for operand in node.inputs]
            found = self._like(node, operands, _changed(node, length))
        self.stacks[value] = found
        return found

    def sum_of_products(self, node: Node) -> Value:
        """A product, or a sum of rows, summed over all iterations."""
        operands = [self.rows(operand) for operand in node.inputs]
        if node.op.name == "reduce_sum":
            axes = (0, *[axis + 1 for axis in node.attributes["axes"]])
            return self._like(node, operands, {"axes": axes})
        later = {name: _later(node.attributes[name]) for name in _AXES}
        for side in ("lhs", "rhs"):
            later[f"{side}_contracting"] = (0, *later[f"{side}_contracting"])
        return self._like(node, operands, later)

    def like(self, node: Node, operands: Sequence[Value]) -> Value:
        """The same op as a node's, of other operands."""
        return self._like(node, operands, {})

    def _product(self, node: Node) -> Value:
        """A product of which one operand is the same in every iteration."""
        side = int(node.inputs[0] in self._body.invariant)
        name = ("lhs", "rhs")[side]
        operands = [
            self.rows(value) if place == side else self.invariant(value)
            for place, value in enumerate(node.inputs)
        ]
        later = {axes: _later(node.attributes[axes]) for axes in _AXES if axes.startswith(name)}
        made = self._like(node, operands, later)
        # The rows come after the axes of batches and, on the right, after what the left has.
        batching, _, left = product_axes(node.call, 0)
        place = len(batching) + (len(left) if side else 0)
        if place == 0:
            return made
        others = [axis for axis in range(made.type.rank) if axis != place]
        with self._build.located(node.origin, node.name):
            return self._build.transpose(made, permutation=[place, *others])

    def _like(self, node: Node, operands: Sequence[Value], changed: Mapping[str, Any]) -> Value:
        build = self._build
        attributes = node.attributes
        if changed:
            given = {name: attributes[name] for name in node.op.attributes.fields}
            attributes = node.op.attributes.make({**given, **changed}, node.op.name)
        with build.located(node.origin, node.name):
            return build.make(node.op, tuple(operands), attributes, node.regions).output


_AXES = ("lhs_batching", "lhs_contracting", "rhs_batching", "rhs_contracting")


def _later(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple([axis + 1 for axis in axes])


def _changed(node: Node, length: int) -> Mapping[str, Any]:
    """The attributes of an op on one row that are others on rows."""
    old, name = node.attributes, node.op.name
    if name == "reshape":
        return {"shape": (length, *old["shape"])}
    if name == "transpose":
        return {"permutation": (0, *_later(old["permutation"]))}
    if name == "pad":
        return {side: (0, *old[side]) for side in ("low", "high", "interior")}
    if name == "concatenate":
        return {"dimension": old["dimension"] + 1}
    assert computes_elements(node), node.op.name
    return {}

"""Which products of a loop are made outside of it, and what the loop stacks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphc.ir.node import Node, Value
from passes.loop_products.loop_bodies import LoopBody, bytes_of, sizes_of, without_moves
from passes.loop_products.loop_sums import products_with_invariants, summed_over_iterations
from passes.loop_products.when_it_pays import pays_after, pays_before


@dataclass
class Plan:
    """What a loop leaves to others.

    Attributes:
        sums: the carries that follow from one product each, or several, after the loop.
        results: the stacked results that do.
        hoisted: the products that are made before the loop.
        stacks: what the loop stacks for all of that, beside what it stacks anyway.
        refused: why other products stay.
    """

    sums: list[int] = field(default_factory=list[int])
    results: list[int] = field(default_factory=list[int])
    hoisted: list[Node] = field(default_factory=list[Node])
    stacks: dict[Value, None] = field(default_factory=dict[Value, None])
    refused: list[str] = field(default_factory=list[str])

    def __bool__(self) -> bool:
        return bool(self.sums or self.results or self.hoisted)


class Planner:
    """Decides for one loop.

    What is stacked more takes at most half as much memory as what the loop reads and writes row by
    row in any case.
    """

    def __init__(self, body: LoopBody, platform: str) -> None:
        self._body = body
        self._platform = platform
        self._room = body.stacked_bytes // 2
        self._plan = Plan()

    def plan(self) -> Plan:
        body, plan = self._body, self._plan
        added = [(carry, summed_over_iterations(body, carry)) for carry in range(body.carries)]
        sums = [(carry, found) for carry, found in added if found]
        for carry, found in sums:
            products = [node for node in found if node.op.name == "dot_general"]
            if products and self._pays(products) and self._can_stack(_multiplied(found)):
                plan.sums.append(carry)
        for carry, found in sums:
            if all(node.op.name == "reduce_sum" for node in found) and self._are_there(found):
                plan.sums.append(carry)
        plan.sums.sort()
        for result in range(body.carries, len(body.graph.outputs)):
            products = products_with_invariants(body, result)
            if products and self._pays(products) and self._can_follow(result, products):
                plan.results.append(result)
        for node in body.graph.nodes:
            if node.op.name == "dot_general" and not self._is_outside(node):
                self._hoist(node)
        return plan

    def _pays(self, products: Sequence[Node]) -> bool:
        for node in products:
            left, right, summed = sizes_of(node)
            same = [operand in self._body.invariant for operand in node.inputs]
            if not any(same):
                rows, sizes = summed, (left, right)
            else:
                rows, sizes = (right, (summed, left)) if same[0] else (left, (summed, right))
            if not pays_after(rows, sizes, self._platform):
                self._plan.refused.append("products of these sizes are as fast in the loop")
                return False
        return True

    def _can_stack(self, values: Sequence[Value]) -> bool:
        """Whether there is room for all that is not stacked yet; it is taken then."""
        missing = dict.fromkeys(value for value in values if not self._is_there(value))
        size = self._body.length * sum(bytes_of(value) for value in missing)
        if size > self._room:
            self._plan.refused.append("what would be stacked takes too much memory")
            return False
        self._room -= size
        self._plan.stacks |= missing
        return True

    def _can_follow(self, result: int, products: Sequence[Node]) -> bool:
        """Whether the factors are stacked anyway, or no larger than the result they replace."""
        value = self._body.graph.outputs[result]
        missing = {factor for factor in self._factors(products) if not self._is_there(factor)}
        if sum(map(bytes_of, missing)) > bytes_of(value):
            self._plan.refused.append("what would be stacked takes too much memory")
            return False
        self._plan.stacks |= dict.fromkeys(missing)
        return True

    def _factors(self, products: Sequence[Node]) -> list[Value]:
        """What the products multiply that changes from one iteration to the next."""
        return [value for value in _multiplied(products) if value not in self._body.invariant]

    def _is_there(self, value: Value) -> bool:
        return value in self._plan.stacks or self._body.is_stack(value)

    def _are_there(self, sums: Sequence[Node]) -> bool:
        return all(map(self._is_there, _multiplied(sums)))

    def _is_outside(self, node: Node) -> bool:
        """Whether a product leaves the loop already, as only what leaves it reads it."""
        body, seen = self._body, [node.output]
        outputs = [*self._plan.sums, *self._plan.results]
        gone = {body.graph.outputs[position] for position in outputs}
        for value in seen:
            if value in gone:
                continue
            users = body.users.get(value, ())
            if value in body.graph.outputs or value in self._plan.stacks or not users:
                return False
            seen += [user.outputs[0] for user in users if user.outputs[0] not in seen]
        return True

    def _hoist(self, node: Node) -> None:
        same = [operand in self._body.invariant for operand in node.inputs]
        if same.count(True) != 1 or not node.output.type.dtype.is_inexact:
            return
        side = same.index(False)
        if node.inputs[side] not in self._body.rows:
            return
        rows, weight = sizes_of(node)[side], node.inputs[1 - side]
        if not pays_before(rows, bytes_of(weight), self._platform):
            self._plan.refused.append("products of these sizes are as fast in the loop")
        elif self._can_stack([node.output, *self._computed(node.inputs[side])]):
            self._plan.stacks.pop(node.output, None)  # scanned, not stacked
            self._plan.hoisted.append(node)

    def _computed(self, value: Value) -> Iterator[Value]:
        """The values that are computed from what is scanned, on the way to a value."""
        if value not in self._body.scanned and value in self._body.rows:
            yield value
            for operand in value.node.inputs:
                yield from self._computed(operand)


def _multiplied(found: Sequence[Node]) -> list[Value]:
    return [without_moves(value) for node in found for value in node.inputs]

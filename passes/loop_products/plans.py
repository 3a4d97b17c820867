"""Which products of a loop are made outside of it, and what the loop stacks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from graphc.ir.node import Node, Value
from passes.loop_products.loop_bodies import LoopBody, sizes_of, without_moves
from passes.loop_products.loop_sums import products_with_invariants, summed_over_iterations
from passes.loop_products.when_it_pays import pays_after, pays_before
from passes.memory_budget.kept_sets import bytes_of


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


class Room:
    """How much memory stacks may take beyond what leaves the loops for them.

    XLA may make the products of one loop after another loop, so that the stacks of both lie in
    memory: those of a second loop take room even where as much leaves it.
    """

    def __init__(self, size: float) -> None:
        self._left = size
        self._is_first = True

    def take(self, size: int, freed: int = 0) -> bool:
        """Take so many bytes where some leave, if there is room."""
        needed = size - freed if self._is_first else max(size - freed, size // 2)
        if needed > self._left:
            return False
        self._left -= max(0, needed)
        return True

    def close(self) -> None:
        """What is taken from here on is taken by another loop."""
        self._is_first = False


@dataclass
class _Group:
    """Sums that share what would be stacked for them.

    Attributes:
        sums: their carries.
        multiplied: what they multiply.
        missing: what of it is not stacked yet.
        freed: bytes of the carries.
    """

    sums: list[int]
    multiplied: set[Value]
    missing: dict[Value, None]
    freed: int


class Planner:
    """Decides for one loop.

    Args:
        body: of the loop.
        platform: "cpu", "gpu" or "tpu".
        room: what the loops of a program share.
    """

    def __init__(self, body: LoopBody, platform: str, room: Room) -> None:
        self._body = body
        self._platform = platform
        self._room = room
        self._plan = Plan()

    def plan(self) -> Plan:
        body, plan = self._body, self._plan
        added = [(carry, summed_over_iterations(body, carry)) for carry in range(body.loop.carries)]
        sums = [(carry, found) for carry, found in added if found]
        multiplied: set[Value] = set()
        for group in self._groups(sums):
            results = self._following(group.missing)
            freed = group.freed + self._rows_bytes(body.graph.outputs[i] for i in results)
            if self._can_take(self._rows_bytes(group.missing), freed):
                plan.stacks |= group.missing
                plan.sums += group.sums
                plan.results += results
                multiplied |= group.multiplied
        for carry, found in sums:
            only_rows = all(node.op.name == "reduce_sum" for node in found)
            if only_rows and multiplied.issuperset(_multiplied(found)):
                plan.sums.append(carry)
        plan.sums.sort()
        for result, products in self._candidates.items():
            if result not in plan.results and self._can_follow(result, products):
                plan.results.append(result)
        for node in body.graph.nodes:
            if node.op.name == "dot_general" and not self._is_outside(node):
                self._hoist(node)
        if plan:
            self._room.close()
        return plan

    @cached_property
    def _candidates(self) -> dict[int, Sequence[Node]]:
        """The results that follow from products which are worth it, and those products."""
        found = dict[int, Sequence[Node]]()
        for result in self._body.loop.stacked:
            products = products_with_invariants(self._body, result)
            if products and self._pays(products):
                found[result] = products
        return found

    def _following(self, stacks: Mapping[Value, None]) -> list[int]:
        """The results that follow where some values are stacked more."""
        return [
            result
            for result, products in self._candidates.items()
            if result not in self._plan.results
            and all(v in stacks or self._is_there(v) for v in self._factors(products))
        ]

    def _groups(self, sums: Sequence[tuple[int, Sequence[Node]]]) -> list[_Group]:
        """The sums of products that are worth it."""
        groups: list[_Group] = []
        for carry, found in sums:
            products = [node for node in found if node.op.name == "dot_general"]
            if not products or not self._pays(products):
                continue
            values = set(_multiplied(found))
            missing = dict.fromkeys(v for v in _multiplied(found) if not self._is_there(v))
            made = _Group([carry], values, missing, bytes_of(self._body.graph.inputs[carry]))
            apart: list[_Group] = []
            for group in groups:
                if group.missing.keys().isdisjoint(made.missing):
                    apart.append(group)
                    continue
                made.sums = [*group.sums, *made.sums]
                made.multiplied |= group.multiplied
                made.missing = group.missing | made.missing
                made.freed += group.freed
            groups = [*apart, made]
        return groups

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

    def _rows_bytes(self, values: Iterable[Value]) -> int:
        return self._body.loop.length * sum(bytes_of(value) for value in values)

    def _can_take(self, size: int, freed: int = 0) -> bool:
        """Whether there is room for so many bytes where some leave; they are taken then."""
        if not self._room.take(size, freed):
            self._plan.refused.append("what would be stacked takes too much memory")
            return False
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
            return
        own = [] if self._is_there(node.output) else [node.output]
        if self._can_take(self._rows_bytes({*own, *self._computed(node.inputs[side])})):
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

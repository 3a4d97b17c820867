"""Computing a part of an iteration again a second time, so that not all of it is there at once.

A way back that computes its iteration again holds all of what that gives at first, though each
product of it reads but a little. Here everything after one of its products reads values that are
computed once more, after that product: what was there before can go. The values that an iteration
begins with pass through a branch that waits for the product, so XLA cannot merge what follows from
them with what it has computed already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.hidden_branches import can_anchor, run_in_branch
from passes.memory_budget.kept_sets import bytes_of, flops_of, work_of
from passes.memory_budget.recomputation import RULE, WrittenPair

_FUSED = Trait.ELEMENTWISE | Trait.SHAPE_MOVE


@dataclass(frozen=True, eq=False)
class LateBody:
    """A way to write the body of a way back.

    Attributes:
        written: the pair of loops, its body as `recomputation` wrote it.
        product: the node after which values are computed once more.
        after: the nodes that follow from it, operands first.
        again: the nodes to compute once more, operands first.
        bytes: what need not be there at once.
        work: of computing it once more, in one iteration.
        flops: of that.
    """

    written: WrittenPair
    product: Node
    after: tuple[Node, ...]
    again: tuple[Node, ...]
    bytes: int
    work: int
    flops: int

    def write(self) -> WrittenPair:
        """The pair, its way back with another body."""
        loop = self.written.back
        editor = GraphEditor(loop.body)
        build = editor.build
        again = set(self.again)
        late: dict[Value, Value] = {}
        with build.located(self.product.origin.with_rule(RULE), self.product.name):
            begin = _read_of(_first_values(self.written), self.again)
            passed = GraphBuilder(build.registry)
            given = [passed.input(v.type, f"operand{i}") for i, v in enumerate(begin)]
            made = run_in_branch(build, self.product.outputs[0], begin, passed.finish(given))
            late.update(zip(begin, made, strict=True))
        for node in (*self.again, *self.after):
            if node not in again and not any(value.node in again for value in node.inputs):
                continue
            operands = tuple([late.get(value, editor.resolve(value)) for value in node.inputs])
            with build.located(node.origin, node.name):
                copy = build.make(node.op, operands, node.attributes, node.regions)
            for old, new in zip(node.outputs, copy.outputs, strict=True):
                if node in again:
                    late[old] = new
                else:
                    editor.replace(old, new)
        body, _ = editor.freeze()
        return replace(self.written, back=replace(loop, body=body))


def late_bodies(written: WrittenPair) -> Iterator[LateBody]:
    """A way for each product of the way back that what the iteration hands on follows from."""
    loop = written.back
    body, count = loop.body, len(loop.carries)
    first = _first_values(written)
    from_back = _following(body, set(body.inputs[:count]))
    from_first = _following(body, set(first))
    handed_on = set(topological_order(body.outputs[:count]))
    for product in body.nodes:
        is_product = product.op.has(Trait.CONTRACTION) and not product.regions
        if not is_product or product not in from_back or product not in handed_on:
            continue
        if can_anchor(product.outputs[0]):
            yield from _after(written, product, from_back, from_first)


def _after(
    written: WrittenPair, product: Node, from_back: set[Node], from_first: set[Node]
) -> Iterator[LateBody]:
    body = written.back.body
    follows = _following(body, set(product.outputs))
    after = [node for node in body.nodes if node in follows]
    early = [node for node in body.nodes if node in from_back and node not in follows]
    needed_early = set(topological_order([value for node in early for value in node.inputs]))

    def is_again(node: Node) -> bool:
        return node in from_first and node not in from_back and not node.regions

    read = {value for node in after for value in node.inputs if is_again(value.node)}
    wanted = [value for value in read if value.node in needed_early]
    if not wanted:
        return
    behind = set(topological_order(list(read)))
    again = [node for node in body.nodes if node in behind and is_again(node)]
    twice = [node for node in again if node in needed_early]
    held_early, held_late = _held(early, is_again), _held(after, is_again)
    saved = sum(map(bytes_of, held_early | held_late)) - max(
        sum(map(bytes_of, held_early)), sum(map(bytes_of, held_late))
    )
    yield LateBody(
        written, product, tuple(after), tuple(again), saved,
        sum(map(work_of, twice)), sum(map(flops_of, twice)),
    )  # fmt: skip


def _held(nodes: Sequence[Node], is_again: Callable[[Node], bool]) -> set[Value]:
    """What lies in memory for nodes to read; what is elementwise is computed where it is read."""
    found: set[Value] = set()
    seen: set[Value] = set()
    pending = [value for node in nodes for value in node.inputs]
    while pending:
        value = pending.pop()
        if value in seen or not is_again(value.node):
            continue
        seen.add(value)
        if value.node.op.has(_FUSED):
            pending += value.node.inputs
        else:
            found.add(value)
    return found


def _first_values(written: WrittenPair) -> list[Value]:
    """The inputs of the way back's body that hold what is kept of an iteration."""
    body, count = written.back.body, len(written.back.carries)
    return [body.inputs[count + place] for _, place in written.kept]


def _read_of(values: Sequence[Value], nodes: Sequence[Node]) -> list[Value]:
    read = {value for node in nodes for value in node.inputs}
    return [value for value in values if value in read]


def _following(body: Graph, values: set[Value]) -> set[Node]:
    """The nodes of a body that values have a part in."""
    found: set[Node] = set()
    for node in body.nodes:
        if any(value in values or value.node in found for value in node.inputs):
            found.add(node)
    return found

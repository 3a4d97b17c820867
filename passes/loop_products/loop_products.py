"""The pass that makes products of few rows outside of loops; see the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.opset.control_flow.signatures import used_inputs, with_inputs
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.loop_products.loop_bodies import LoopBody
from passes.loop_products.loop_sums import total
from passes.loop_products.outside import Outside
from passes.loop_products.plans import Plan, Planner, Room
from passes.memory_budget.kept_sets import bytes_of
from passes.region_rewriting import NodeReplacement
from passes.scans import Scan, make_scan


@dataclass(frozen=True)
class LoopProducts(GraphPass):
    """Makes products of few rows for all iterations of a loop at once.

    Where memory is to be saved, loops stay as they are: a budget computes again what only the way
    back reads of them.

    Attributes:
        share: how much memory more stacks may take than what leaves loops for them does, as a
            share of all that the loops of the program stack. A loop in no other may take a quarter
            of that: its sums are results, which lie in memory in any case.
    """

    share: float = 1 / 8

    name: ClassVar[str] = "loop_products"
    effect_on_numbers: ClassVar[Numerics] = "reassociates"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.memory is not None and context.memory.remove > 0:
            return PassResult.unchanged(graph)
        counts = {"before": 0, "after": 0}
        stacked = self.share * sum(map(_stacked_bytes, graph.nodes))
        inside, outside = Room(stacked), Room(stacked / 4)

        def rewrite(editor: GraphEditor, loop: Node) -> None:
            length = loop.attributes["length"]
            if not isinstance(length, int) or length < 2 or not _has_products(loop):
                return
            body = LoopBody(loop)
            room = outside if editor.graph is graph else inside
            plan = Planner(body, context.platform, room).plan()
            for reason in dict.fromkeys(plan.refused):
                context.trace.refuse(self.name, "product", reason)
            if plan:
                context.trace.fire(self.name, "product", _written(editor, body, plan))
                counts["before"] += len(plan.hoisted)
                counts["after"] += len(plan.sums) + len(plan.results)

        edited = NodeReplacement(context.registry, "scan", rewrite, _has_products).edit(graph)
        if edited is None or not any(counts.values()):
            return PassResult.unchanged(graph)
        return PassResult.of(edited, counts)


def _has_products(loop: Node) -> bool:
    return any(node.op.name == "dot_general" for node in loop.regions[0].nodes)


def _stacked_bytes(node: Node) -> int:
    """What a loop stacks."""
    loop = Scan.of(node)
    return 0 if loop is None else sum(map(bytes_of, loop.stacks))


def _written(editor: GraphEditor, body: LoopBody, plan: Plan) -> Node:
    """Write a loop without some products, and those beside it."""
    loop, outputs, outside = body.loop, body.graph.outputs, Outside(editor.build, body)
    products = {node.output: outside.rows(node.output) for node in plan.hoisted}
    hoisted = [position for position in loop.stacked if outputs[position] in products]
    gone = {*plan.sums, *plan.results, *hoisted}
    left = [position for position in range(len(outputs)) if position not in gone]
    made = _without_products(editor, body, products, left, plan.stacks)
    for position, result in zip(left, made.outputs, strict=False):
        editor.replace(loop.node.outputs[position], result)
        if position in loop.stacked:
            outside.stacks.setdefault(outputs[position], result)
    outside.stacks.update(zip(plan.stacks, made.outputs[len(left) :], strict=True))
    for position in dict.fromkeys((*hoisted, *plan.results)):
        editor.replace(loop.node.outputs[position], outside.rows(outputs[position]))
    for carry in plan.sums:
        editor.replace(loop.node.outputs[carry], total(outside, body, carry, editor))
    return made


def _without_products(
    editor: GraphEditor,
    body: LoopBody,
    products: Mapping[Value, Value],
    left: Sequence[int],
    stacks: Iterable[Value],
) -> Node:
    """The loop with some of its results, and more stacks; it reads no operand in vain.

    Args:
        editor: of the graph around the loop.
        body: of the loop.
        products: values of the body that it scans over, to all rows of each.
        left: the positions of the results.
        stacks: values of the body that come after them.
    """
    loop, old = body.loop, body.graph
    inner = GraphEditor(old, editor.build.registry)
    scanned = {old.inputs[position]: loop.node.inputs[position] for position in loop.scanned}
    for number, (product, rows) in enumerate(products.items()):
        row = inner.build.input(product.type, f"product{number}")
        inner.replace(product, row)
        scanned[row] = rows
    carries = [position for position in left if position < loop.carries]
    first, end = len(carries), len(carries) + len(scanned)
    inner.inputs = [
        *[old.inputs[position] for position in carries],
        *scanned,
        *[old.inputs[position] for position in loop.invariant],
    ]
    inner.set_outputs([*[old.outputs[position] for position in left], *stacks])
    region, _ = inner.freeze()
    used = used_inputs(region)
    rows_read = [place for place in range(first, end) if place in used]
    wholes_read = [place for place in range(end, len(region.inputs)) if place in used]
    operands = [*scanned.values(), *loop.node.inputs[loop.first_invariant :]]
    return make_scan(
        editor.build,
        loop.node,
        [loop.node.inputs[position] for position in carries],
        [operands[place - first] for place in rows_read],
        [operands[place - first] for place in wholes_read],
        with_inputs(region, [*range(first), *rows_read, *wholes_read]),
    )

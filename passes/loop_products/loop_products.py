"""The pass that makes products of few rows outside of loops; see the package."""

from __future__ import annotations

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
from passes.stack_rows import write_loop


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
    if node.op.name != "scan":
        return 0
    return sum(bytes_of(value) for value in node.outputs[node.attributes["carries"] :])


def _written(editor: GraphEditor, body: LoopBody, plan: Plan) -> Node:
    """Write a loop without some products, and those beside it."""
    loop, old, outside = body.node, body.graph, Outside(editor.build, body)
    inner = GraphEditor(old, editor.build.registry)
    hoisted: dict[Value, Value] = {}
    for number, node in enumerate(plan.hoisted):
        rows = outside.rows(node.output)
        product = inner.build.input(node.output.type, f"product{number}")
        inner.replace(node.output, product)
        hoisted[product] = rows
    carries = [p for p in range(body.carries) if p not in plan.sums]
    there = {node.output for node in plan.hoisted}
    results = [
        position
        for position in range(body.carries, len(old.outputs))
        if position not in plan.results and old.outputs[position] not in there
    ]
    scanned = [*old.inputs[body.carries : body.first_invariant], *hoisted]
    operands = [*loop.inputs[body.carries : body.first_invariant], *hoisted.values()]
    inner.inputs = [
        *[old.inputs[p] for p in carries],
        *scanned,
        *old.inputs[body.first_invariant :],
    ]
    inner.set_outputs([*[old.outputs[p] for p in (*carries, *results)], *plan.stacks])
    region, _ = inner.freeze()
    operands = [
        *[loop.inputs[p] for p in carries],
        *operands,
        *loop.inputs[body.first_invariant :],
    ]
    made = _slim_loop(editor, loop, operands, region, len(carries), len(scanned))
    for place, position in enumerate((*carries, *results)):
        editor.replace(loop.outputs[position], made.outputs[place])
    for position, value in enumerate(old.outputs[body.carries :], body.carries):
        if value in there:
            editor.replace(loop.outputs[position], outside.rows(value))
        elif position in results:
            outside.stacks.setdefault(value, made.outputs[len(carries) + results.index(position)])
    for place, value in enumerate(plan.stacks, len(carries) + len(results)):
        outside.stacks[value] = made.outputs[place]
    for position in plan.results:
        editor.replace(loop.outputs[position], outside.rows(old.outputs[position]))
    for carry in plan.sums:
        editor.replace(loop.outputs[carry], total(outside, body, carry, editor))
    return made


def _slim_loop(
    editor: GraphEditor,
    loop: Node,
    operands: list[Value],
    region: Graph,
    carries: int,
    scanned: int,
) -> Node:
    """A loop of a new body, without the operands that it does not read."""
    used = used_inputs(region)
    kept = [p for p in range(len(operands)) if p < carries or p in used]
    invariants = sum(position >= carries + scanned for position in kept)
    old = loop.attributes
    return write_loop(
        editor.build,
        loop,
        [operands[p] for p in kept],
        with_inputs(region, kept),
        carries=carries - old["carries"],
        invariants=invariants - old["invariants"],
    )

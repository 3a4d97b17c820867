"""The stage `updated`: writes `apply_update` intents out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.errors import GraphcError, ShapeError
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.update_rules.registry import find_update_rule
from graphc.update_rules.update_rule import Hyperparameters, Slot, UpdateRule
from passes.region_rewriting import NodeReplacement


@dataclass(frozen=True)
class OptimizerUpdates(GraphPass):
    """Puts the formula of an update rule in place of every step of an optimizer, in regions too.

    Variables that are kept stacked are changed at once where the rule is elementwise, and else one
    by one, by a map over the rows: norms and matrices are those of one layer.
    """

    name: ClassVar[str] = "optimizer_updates"
    required: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        intents = NodeReplacement(context.registry, ["apply_update"], _write_out)
        editor = intents.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        rules = Counter(str(node.attributes["rule"]) for node in intents.found)
        return PassResult.of(editor, {"updates": dict(rules)})


def _write_out(editor: GraphEditor, intent: Node) -> None:
    try:
        rule = find_update_rule(intent.attributes["rule"])
        hyperparameters = rule.complete(dict(intent.attributes["hyperparameters"]))
        operands = editor.operands(intent)
        is_mapped = intent.attributes["stacked"] and not rule.is_elementwise
        write = _write_rows if is_mapped else _write_step
        with editor.build.located(intent.origin.with_rule(OptimizerUpdates.name), intent.name):
            made = write(editor.build, rule, hyperparameters, operands)
    except GraphcError as problem:
        raise problem.at(intent.origin) from None
    for old, new in zip(intent.outputs, made, strict=True):
        editor.replace(old, new)


def _write_step(
    build: Builder, rule: UpdateRule, hyperparameters: Hyperparameters, operands: Sequence[Value]
) -> Sequence[Value]:
    """The variable and its slots after a step."""
    variable, gradient, learning_rate, iteration, *slots = operands
    _check_slots(rule, slots, rule.slots(variable.type, hyperparameters))
    made, new_slots = rule.build(
        build, variable, gradient, learning_rate, iteration, slots, hyperparameters
    )
    return (made, *new_slots)


def _write_rows(
    build: Builder, rule: UpdateRule, hyperparameters: Hyperparameters, operands: Sequence[Value]
) -> Sequence[Value]:
    """The same of variables that are the rows of one."""
    variable, gradient, learning_rate, iteration, *slots = operands
    body = GraphBuilder(build.registry, build.origin, build.name)
    rows = [
        body.input(value.type.with_shape(value.type.shape[1:]), name)
        for value, name in ((variable, "variable"), (gradient, "gradient"))
    ]
    kept = [body.input(slot.type.with_shape(slot.type.shape[1:]), "slot") for slot in slots]
    shared = [body.input(value.type, "shared") for value in (learning_rate, iteration)]
    made = body.finish(list(_write_step(body, rule, hyperparameters, [*rows, *shared, *kept])))
    op = build.registry["vectorized_map"]
    return build.make(
        op,
        (variable, gradient, *slots, learning_rate, iteration),
        op.attributes.make({"invariants": 2, "length": variable.type.shape[0]}, op.name),
        (made,),
    ).outputs


def _check_slots(rule: UpdateRule, given: Sequence[Value], declared: Sequence[Slot]) -> None:
    if [slot.type for slot in declared] != [value.type for value in given]:
        raise ShapeError(
            f"the update rule {rule.name!r} has other slots than were handed over",
            given=", ".join(str(value.type) for value in given) or "none",
            expected=", ".join(f"{slot.name}: {slot.type}" for slot in declared) or "none",
        )

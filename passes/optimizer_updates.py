"""The stage `updated`: writes `apply_update` intents out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.errors import GraphcError, ShapeError
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.update_rules.registry import find_update_rule
from graphc.update_rules.update_rule import Slot, UpdateRule
from passes.region_rewriting import NodeReplacement


@dataclass(frozen=True)
class OptimizerUpdates(GraphPass):
    """Puts the formula of an update rule in place of every step of an optimizer, in regions too."""

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
        variable, gradient, learning_rate, iteration, *slots = editor.operands(intent)
        _check_slots(rule, slots, rule.slots(variable.type, hyperparameters))
        with editor.build.located(intent.origin.with_rule(OptimizerUpdates.name), intent.name):
            made, new_slots = rule.build(
                editor.build, variable, gradient, learning_rate, iteration, slots, hyperparameters
            )
    except GraphcError as problem:
        raise problem.at(intent.origin) from None
    for old, new in zip(intent.outputs, (made, *new_slots), strict=True):
        editor.replace(old, new)


def _check_slots(rule: UpdateRule, given: Sequence[Value], declared: Sequence[Slot]) -> None:
    if [slot.type for slot in declared] != [value.type for value in given]:
        raise ShapeError(
            f"the update rule {rule.name!r} has other slots than were handed over",
            given=", ".join(str(value.type) for value in given) or "none",
            expected=", ".join(f"{slot.name}: {slot.type}" for slot in declared) or "none",
        )

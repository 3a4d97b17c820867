"""The stage `functional`: state, control dependencies and random keys become plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from passes.functional.effect_removal import EffectRemoval, has_effects


@dataclass(frozen=True)
class Functional(GraphPass):
    """Makes state explicit, so that no later pass sees an effect.

    * A variable that is read becomes one input of kind "state" named after it; new values are the
      last outputs. A variable whose new value is what it was is not updated.
    * A plain read sees the state before the run. A read that depends on assignments of its variable
      sees the latest of them. Fetching an assignment gives the variable's value right after it.
    * No gradient passes an assignment, as in TensorFlow 1: what was assigned is state.
    * Additions and subtractions of one variable take place in creation order, which is the order
      of the graph's nodes; any other two assignments need an order by data or control dependencies.
    * Bodies of branches and loops take state as operands and give it as results. An op whose body
      assigns counts as an assignment that does not just add.
    * Only what the outputs need takes place, in bodies too.
    * Random keys derive from the states "graphc/random_seed" and "graphc/random_counter" (u32[]),
      from their stream, and from the numbers of the iterations of the loops around them. A program
      that draws adds 1 to the counter.
    * Every interior x and stop of a `gradient` or `jvp` intent gets a `tap`.

    Outputs keep their order, but those that are operations (tokens) are left out;
    `details["tokens"]` lists the positions that these had.
    """

    name: ClassVar[str] = "functional"
    required: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        memo: dict[Graph, bool] = {}
        if not has_effects(graph, memo):
            return PassResult.unchanged(graph)
        removal = EffectRemoval(graph, context.registry, "program", memo)
        removal.run()
        made, values, tokens = removal.freeze_program()
        details = {
            "tokens": tokens,
            "states": [
                value.node.attributes["name"]
                for value in made.inputs
                if value.node.attributes["kind"] == "state"
            ],
            "updates": list(made.update_names),
            "taps": made.count("tap"),
        }
        return PassResult(made, True, values, details)

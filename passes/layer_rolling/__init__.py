"""The stage `rolled`: repeated layers become one loop, so depth costs no compile time.

* node_signatures: which nodes can be copies of each other.
* succession: which node comes one block later, grown from pairs of heavy nodes.
* orbits: the copies of each node, and the edges between them.
* schedules: cycles of orbits get iterations; stretches without a break become loops.
* joining: what runs beside the cycle of a loop, and in which of its iterations.
* loops: what runs in a loop, and what each operand is there.
* stacked_rows: what a loop would have to copy of the stacks of others.
* own_beginnings: a copy of what several chains begin with, for each.
* dropout_rates: dropouts of several rates, written out to be copies of each other.
* loop_search: all of this, for every family of like nodes.
* selection: which orbits beside a cycle are worth having in its loop, where stacking costs.
* row_costs: whether the memory of training is a reason to leave layers written out.
* kept_results: what a loop keeps of its iterations for those that come after.
* loop_bodies: what an iteration reads, carries and gives.
* emission: the loop as a `scan`.
* differences: why what looks like a copy is none.
* expansion: the loop written out again, to prove that nothing changed.
* layer_rolling: the pass.
"""

from passes.layer_rolling.layer_rolling import LayerRolling

__all__ = ["LayerRolling"]

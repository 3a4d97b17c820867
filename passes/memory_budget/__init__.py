"""Meeting a memory budget: what is kept for the way back is computed again instead.

* `first_iterations` gives a loop that goes forth as many iterations as the one that goes back.
* `loop_pairs` finds a loop and the loop the other way that reads what it stacks.
* `kept_sets` decides what to keep of an iteration: a minimum cut.
* `recomputation` writes the pair anew, `blocked_loops` as loops of blocks of iterations,
  `late_bodies` so that less of an iteration is there at once.
* `long_lived_values` decides the same for what is in no loop, `late_recomputation` writes it.
* `plans` holds what the choices cost against each other.
* `axis_cuts` says along which axes an op can be computed in pieces, `piece_groups` what can be so
  together, `pieces` writes the loop, `computation_in_pieces` is the pass that decides on it.
* `largest_values` says what is left, for errors.
* `memory_budget` is the pass.
"""

from passes.memory_budget.computation_in_pieces import ComputationInPieces
from passes.memory_budget.first_iterations import FirstIterations
from passes.memory_budget.memory_budget import MemoryBudget

__all__ = ["ComputationInPieces", "FirstIterations", "MemoryBudget"]

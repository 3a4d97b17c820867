"""Optimizers' updates inside the loops that make their gradients, so that none is stacked.

* `row_updates` finds the updates that one row at a time is enough for.
* `updates_in_loops` is the pass: it writes them into the loop.
"""

from passes.updates_in_loops.updates_in_loops import UpdatesInLoops

__all__ = ["UpdatesInLoops"]

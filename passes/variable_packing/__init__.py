"""Packed variables: what a loop reads stacked is kept stacked, with no stacking in the step.

A rolled loop reads the weights of its layers as one array. Stacking them at every step costs time,
memory and, most of all, time to compile. So the variables become one input of kind "state", with a
row for each; gradients are taken with respect to the whole, and what is done to every row alike, an
optimizer's step above all, is done once to the whole. Names, values and checkpoints stay those of
the single variables: that is the session's affair.

* stacked_variables: which variables a graph reads stacked.
* row_batching: one node in place of as many as there are rows.
* variable_packing: the pass.
"""

from passes.variable_packing.variable_packing import VariablePacking

__all__ = ["VariablePacking"]

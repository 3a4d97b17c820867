"""Named rules of the clean-up passes, a module for what they are about.

`passes.algebra`, `passes.shape_simplification` and `passes.stabilisation` run them.
"""

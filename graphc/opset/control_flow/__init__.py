"""Ops that run closed graphs: choices, scans, loops, maps, reductions, custom gradients.

A body captures nothing: what it needs from outside are operands of the op and inputs of the body.
"""

from graphc.opset.control_flow import (
    branches,
    custom_gradient,
    loop_derivatives,
    reduce,
    scans,
    vectorized_map,
    while_loops,
)

__all__ = [
    "branches",
    "custom_gradient",
    "loop_derivatives",
    "reduce",
    "scans",
    "vectorized_map",
    "while_loops",
]

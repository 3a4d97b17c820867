"""Ops that run closed graphs: `scan`, `cond` and `while_loop`.

A body captures nothing: what it needs from outside are operands of the op and inputs of the body.
"""

from graphc.opset.control_flow import branches, loops, scan_gradient

__all__ = ["branches", "loops", "scan_gradient"]

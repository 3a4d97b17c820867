"""Computing in 16 bits with weights in 32, under the names of `keras.mixed_precision`."""

from graphc.config import dtype_policy, set_dtype_policy
from graphc.layers.dtype_policy import DTypePolicy
from graphc.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

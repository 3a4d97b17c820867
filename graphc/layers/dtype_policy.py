"""The element types of a layer: of its variables, and of its computation.

Source: Micikevicius and others 2017, mixed precision training, https://arxiv.org/abs/1710.03740.
"""

from __future__ import annotations

from typing import Any

import graphc.settings as settings
from graphc.configurable import Configurable
from graphc.dtypes import DType, as_dtype
from graphc.ops.conversion import floatx


class DTypePolicy(Configurable, kind="dtype_policies"):
    """What `dtype=` of a layer means.

    Args:
        name: an element type, for both; or "mixed_bfloat16" or "mixed_float16", whose variables
            are float32. None is `settings.dtype_policy`, or `floatx()`.

    Attributes:
        name: as it was given.
        variable_dtype: of the weights.
        compute_dtype: that floating inputs and weights are cast to.
    """

    def __init__(self, name: Any = None) -> None:
        if isinstance(name, DTypePolicy):
            name = name.name
        if name is None:
            name = settings.dtype_policy.get() or floatx()
        self.name: str = str(name)
        mixed = self.name.startswith("mixed_")
        self.compute_dtype: DType = as_dtype(self.name.removeprefix("mixed_"))
        self.variable_dtype: DType = as_dtype("float32") if mixed else self.compute_dtype


DTypePolicy.registry.add(DTypePolicy, "DTypePolicy")

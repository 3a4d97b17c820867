"""The element types of a layer: of its variables, and of its computation.

Source: Micikevicius and others 2017, mixed precision training, https://arxiv.org/abs/1710.03740.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import graphc.settings as settings
from graphc.configurable import Configurable
from graphc.dtypes import DType, as_dtype
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import floatx

_MIXED: Final = ("mixed_bfloat16", "mixed_float16")


class DTypePolicy(Configurable, kind="dtype_policies"):
    """What `dtype=` of a layer means.

    Args:
        name: an element type, for both; or "mixed_bfloat16" or "mixed_float16", whose variables
            are float32; or what `serialize` made of a policy. None is `settings.dtype_policy`, or
            `floatx()`.
        source_name: taken for Keras's sake: nothing is quantized.

    Attributes:
        name: as it was given.
        variable_dtype: of the weights.
        compute_dtype: that floating inputs and weights are cast to.
        quantization_mode: None.

    Raises:
        GraphcError: there is no such policy.
    """

    quantization_mode = None

    def __init__(self, name: Any = None, source_name: str | None = None) -> None:
        if isinstance(name, Mapping):
            name = name.get("config", name).get("name")
        if isinstance(name, DTypePolicy):
            name = name.name
        if name is None:
            name = settings.dtype_policy.get() or floatx()
        self.name: str = str(name)
        mixed = self.name.startswith("mixed_")
        if mixed and self.name not in _MIXED:
            raise GraphcError(
                "there is no such mixed policy",
                given=repr(self.name),
                expected=" or ".join(map(repr, _MIXED)),
                origin=capture_origin(),
            )
        self.compute_dtype: DType = as_dtype(self.name.removeprefix("mixed_"))
        self.variable_dtype: DType = as_dtype("float32") if mixed else self.compute_dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name!r}>"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same policy."""
        return {"name": self.name}


DTypePolicy.registry.add(DTypePolicy, "DTypePolicy")


def get(identifier: Any) -> DTypePolicy:
    """The policy of a name, or of what `serialize` made; a policy is itself."""
    return identifier if isinstance(identifier, DTypePolicy) else DTypePolicy(identifier)

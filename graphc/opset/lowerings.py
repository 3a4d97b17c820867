"""Shorthands for the lowering facet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import jax.extend.core.primitives as jax_primitives
from jax import lax

from graphc.ir.attributes import Attribute, choice, optional
from graphc.ir.op import OpCall, PrimitiveLowering

IS_JAX_0_11: Final = jax.__version_info__ >= (0, 11)
"""Whether this is JAX 0.11 or later, where some primitives have more parameters."""

_PRECISIONS: Final = {
    "default": lax.Precision.DEFAULT,
    "high": lax.Precision.HIGH,
    "highest": lax.Precision.HIGHEST,
}
PRECISION: Final = Attribute(optional(choice(*_PRECISIONS)), None)
"""How exactly products are taken, in every op that is made of them: None leaves it to
`jax.default_matmul_precision`, "default" is what a chip does unasked."""


def lowered_precision(call: OpCall) -> tuple[lax.Precision, lax.Precision] | None:
    """The precision of a call as JAX's products take it: for both operands."""
    name: str | None = call.attributes["precision"]
    if name is None:
        return None
    return _PRECISIONS[name], _PRECISIONS[name]


def find_primitive(name: str) -> Any:
    """The JAX primitive of that name, from JAX's public modules.

    Raises:
        LookupError: JAX has none under that name.
    """
    for module in (jax_primitives, lax):
        found = getattr(module, f"{name}_p", None)
        if found is not None:
            return found
    raise LookupError(f"JAX has no public primitive named {name!r}")


def primitive(
    name: str,
    parameters: Callable[[OpCall], dict[str, Any]] | None = None,
    since_0_11: Mapping[str, Any] | None = None,
    **fixed: Any,
) -> PrimitiveLowering:
    """One JAX primitive.

    Args:
        name: the primitive's name, without `_p`.
        parameters: its parameters for a call; added to `fixed`.
        since_0_11: those that are always the same, and unknown to JAX before 0.11.
        **fixed: parameters that are always the same.
    """
    if IS_JAX_0_11 and since_0_11 is not None:
        fixed |= since_0_11
    if parameters is None:
        return PrimitiveLowering(find_primitive(name), lambda call: fixed, fixed)
    vary = parameters
    return PrimitiveLowering(find_primitive(name), lambda call: {**fixed, **vary(call)})

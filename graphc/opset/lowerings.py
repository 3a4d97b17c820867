"""Shorthands for the lowering facet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.extend.core.primitives as jax_primitives
from jax import lax

from graphc.ir.op import OpCall, PrimitiveLowering


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
    name: str, parameters: Callable[[OpCall], dict[str, Any]] | None = None, **fixed: Any
) -> PrimitiveLowering:
    """One JAX primitive.

    Args:
        name: the primitive's name, without `_p`.
        parameters: its parameters for a call; added to `fixed`.
        **fixed: parameters that are always the same.
    """
    if parameters is None:
        return PrimitiveLowering(find_primitive(name), lambda call: fixed, fixed)
    vary = parameters
    return PrimitiveLowering(find_primitive(name), lambda call: {**fixed, **vary(call)})

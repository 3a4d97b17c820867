"""Does a jaxpr need JAX's x64 flag?

The flag is read at every call, and costs a tenth of a small one: programs without 64-bit types are
lowered and called without it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive, jaxprs_in_params

_WITHOUT_BODIES: Final[set[Primitive]] = set()
"""Primitives seen without a jaxpr among their parameters: none of their equations has one."""


def holds_wide_types(program: ClosedJaxpr) -> bool:
    """Whether a value in it, or in a jaxpr inside it, is cut to 32 bits without the x64 flag."""
    return _holds_wide_types(program.jaxpr)


def _holds_wide_types(jaxpr: Jaxpr) -> bool:
    if any(_is_wide(variable) for variable in (*jaxpr.invars, *jaxpr.constvars)):
        return True
    for equation in jaxpr.eqns:
        # operands were looked at when they were made, but for literals
        if any(map(_is_wide, equation.outvars)) or any(map(_is_wide, equation.invars)):
            return True
        if equation.primitive in _WITHOUT_BODIES:
            continue
        bodies = list(jaxprs_in_params(equation.params))
        if not bodies:
            _WITHOUT_BODIES.add(equation.primitive)
        elif any(map(_holds_wide_types, bodies)):
            return True
    return False


def _is_wide(atom: Any) -> bool:
    dtype = getattr(atom.aval, "dtype", None)
    if not isinstance(dtype, np.dtype):  # tokens have none, random keys one of their own
        return False
    return dtype.itemsize >= (16 if dtype.kind == "c" else 8)

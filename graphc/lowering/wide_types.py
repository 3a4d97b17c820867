"""Does a jaxpr need JAX's x64 flag?

The flag is read at every call, and costs a tenth of a small one: programs without 64-bit types are
lowered and called without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxprs_in_params


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
        if any(_holds_wide_types(inner) for inner in jaxprs_in_params(equation.params)):
            return True
    return False


def _is_wide(atom: Any) -> bool:
    dtype = getattr(atom.aval, "dtype", None)
    if not isinstance(dtype, np.dtype):  # tokens have none, random keys one of their own
        return False
    return dtype.itemsize >= (16 if dtype.kind == "c" else 8)

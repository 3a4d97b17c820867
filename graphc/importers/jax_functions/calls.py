"""Equations that run one jaxpr: calls, remat, functions with rules of their own."""

from __future__ import annotations

from typing import Any, Final

_CALLS: Final = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}
"""The primitives, with the parameter that holds the jaxpr."""


def called_jaxpr(equation: Any) -> Any:
    """The jaxpr that an equation calls, closed or open; None if it is no call."""
    return equation.params.get(_CALLS.get(equation.primitive.name, ""))

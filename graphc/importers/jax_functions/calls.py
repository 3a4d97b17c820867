"""Equations that run other jaxprs: calls, functions with rules of their own; loops, branches."""

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


def inner_jaxprs(equation: Any) -> list[Any]:
    """The jaxprs of a loop's body and test, or of branches, closed or open."""
    parameters = equation.params
    match equation.primitive.name:
        case "scan":
            return [parameters["jaxpr"]]
        case "while":
            return [parameters["cond_jaxpr"], parameters["body_jaxpr"]]
        case "cond":
            return list(parameters["branches"])
        case _:
            return []

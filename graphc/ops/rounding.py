"""Rounding to whole numbers. Integers keep their type, as in NumPy and JAX; Keras makes floats."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import BOOL
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import divide, multiply
from graphc.ops.broadcasting import apply, binary, unary
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.identities import named
from graphc.ops.tensor import Tensor


def _rounded(op_name: str, x: Any, name: str | None) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.is_integer or tensor.dtype is BOOL:
        return named(tensor, name)
    return unary(REGISTRY[op_name], tensor, name or op_name)


def floor(x: Any, name: str | None = None) -> Tensor:
    """The greatest whole number that is not above x, of the type of x."""
    return _rounded("floor", x, name)


def ceil(x: Any, name: str | None = None) -> Tensor:
    """The least whole number that is not below x, of the type of x."""
    return _rounded("ceil", x, name)


def trunc(x: Any, name: str | None = None) -> Tensor:
    """The tensor without its fraction, of the type of x."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_floating:
        return _rounded("floor", tensor, name)
    below = unary(REGISTRY["floor"], tensor, "floor")
    above = unary(REGISTRY["ceil"], tensor, "ceil")
    compare = REGISTRY["compare"]
    direction = compare.attributes.make({"direction": "LT"}, "compare")
    is_negative = binary(compare, tensor, filled_like(tensor, 0), "less", direction)
    return apply("select", is_negative, above, below, name=name or "trunc")


def round(x: Any, decimals: int = 0, name: str | None = None) -> Tensor:
    """The tensor rounded to a number of decimals; a half to the even neighbour, as in NumPy.

    Args:
        x: floats, or complex numbers, whose parts are rounded; integers are rounded where
            `decimals` is negative.
        decimals: how many digits after the point, or before it where negative.
        name: of the result.

    Returns:
        A tensor of the type of x.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.is_complex:
        parts = [unary(REGISTRY[part], tensor, part) for part in ("real", "imag")]
        parts = [round(part, decimals) for part in parts]
        return binary(REGISTRY["complex"], *parts, name or "round")
    if decimals == 0:
        return _rounded("round_nearest_even", tensor, name or "round")
    scale = 10.0 ** abs(decimals)
    if not tensor.dtype.is_floating:
        if decimals > 0:
            return named(tensor, name)
        whole = unary(REGISTRY["round_nearest_even"], divide(tensor, scale), "round")
        return apply("convert", multiply(whole, scale), dtype=tensor.dtype, name=name or "round")
    up, down = (multiply, divide) if decimals > 0 else (divide, multiply)
    whole = unary(REGISTRY["round_nearest_even"], up(tensor, scale), "round")
    return down(whole, scale, name=name or "round")

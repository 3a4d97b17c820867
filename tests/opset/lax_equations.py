"""The parameters that JAX's own functions give their primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax import lax

from graphc.ir.op import OpCall, Trait
from graphc.lowering.jax_internals import scoped_x64

Parameters = Mapping[str, Any]


def _convert(p: Parameters, x: Any) -> Any:
    target = p["new_dtype"]
    # the function warns of what the primitive does in silence
    discards = np.iscomplexobj(x) and target.kind != "c"
    return lax.convert_element_type(lax.real(x) if discards else x, target)


def _dot_general(p: Parameters, x: Any, y: Any) -> Any:
    keywords = {name: p[name] for name in ("precision", "preferred_element_type")}
    return lax.dot_general(x, y, p["dimension_numbers"], **keywords)


def _gather(p: Parameters, x: Any, indices: Any) -> Any:
    names = ("dimension_numbers", "slice_sizes", "unique_indices", "indices_are_sorted", "mode")
    return lax.gather(x, indices, fill_value=p["fill_value"], **{name: p[name] for name in names})


# What calls each primitive in public. A function takes the parameters that we give the primitive,
# to say which call is meant, then one array per operand. Elementwise primitives without a line here
# are looked up by their names; the others are not compared.
LAX_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": lambda p, x, y: lax.bitwise_and(x, y),
    "argmax": lambda p, x: lax.argmax(x, *p["axes"], p["index_dtype"]),
    "argmin": lambda p, x: lax.argmin(x, *p["axes"], p["index_dtype"]),
    "bitcast_convert_type": lambda p, x: lax.bitcast_convert_type(x, p["new_dtype"]),
    "broadcast_in_dim": lambda p, x: lax.broadcast_in_dim(x, p["shape"], p["broadcast_dimensions"]),
    "concatenate": lambda p, *xs: lax.concatenate(xs, p["dimension"]),
    "convert_element_type": _convert,
    "cummax": lambda p, x: lax.cummax(x, p["axis"], p["reverse"]),
    "cummin": lambda p, x: lax.cummin(x, p["axis"], p["reverse"]),
    "cumprod": lambda p, x: lax.cumprod(x, p["axis"], p["reverse"]),
    "cumsum": lambda p, x: lax.cumsum(x, p["axis"], p["reverse"]),
    "dot_general": _dot_general,
    "dynamic_slice": lambda p, x, *starts: lax.dynamic_slice(x, starts, p["slice_sizes"]),
    "dynamic_update_slice": lambda p, x, y, *starts: lax.dynamic_update_slice(x, y, starts),
    "gather": _gather,
    "iota": lambda p: lax.broadcasted_iota(p["dtype"], p["shape"], p["dimension"]),
    "not": lambda p, x: lax.bitwise_not(x),
    "or": lambda p, x, y: lax.bitwise_or(x, y),
    "pad": lambda p, x, filling: lax.pad(x, filling, p["padding_config"]),
    "reduce_and": lambda p, x: lax.reduce_and(x, p["axes"]),
    "reduce_max": lambda p, x: lax.reduce_max(x, p["axes"]),
    "reduce_min": lambda p, x: lax.reduce_min(x, p["axes"]),
    "reduce_or": lambda p, x: lax.reduce_or(x, p["axes"]),
    "reduce_precision": lambda p, x: lax.reduce_precision(x, **p),
    "reduce_prod": lambda p, x: lax.reduce_prod(x, p["axes"]),
    "reduce_sum": lambda p, x: lax.reduce_sum(x, p["axes"]),
    "regularized_incomplete_beta": lambda p, a, b, x: lax.betainc(a, b, x),
    "reshape": lambda p, x: lax.reshape(x, p["new_sizes"]),
    "rev": lambda p, x: lax.rev(x, p["dimensions"]),
    "round": lambda p, x: lax.round(x, p["rounding_method"]),
    "slice": lambda p, x: lax.slice(x, p["start_indices"], p["limit_indices"], p["strides"]),
    "sort": lambda p, *xs: lax.sort(xs, p["dimension"], p["is_stable"], p["num_keys"]),
    "top_k": lambda p, x: lax.top_k(x, p["k"]),
    "transpose": lambda p, x: lax.transpose(x, p["permutation"]),
    "xor": lambda p, x, y: lax.bitwise_xor(x, y),
}


def find_lax_parameters(call: OpCall, primitive: Any, given: Parameters) -> dict[str, Any] | None:
    """What JAX's function for a primitive gives it; None where none is known.

    A function may also leave the primitive out, as a transposition that moves nothing does.

    Args:
        call: the operand types.
        primitive: the primitive.
        given: what we give it.
    """
    function = LAX_FUNCTIONS.get(primitive.name)
    if function is None and call.op.has(Trait.ELEMENTWISE):
        by_name = getattr(lax, primitive.name)
        return trace_parameters(by_name, call, primitive)
    if function is None:
        return None
    return trace_parameters(lambda *operands: function(given, *operands), call, primitive)


def comparable(parameters: Parameters) -> dict[str, Any]:
    """Parameters with numbers as text: a value to fill with may be NaN, which is not itself."""
    return {
        name: str(value) if isinstance(value, (float, complex, np.inexact)) else value
        for name, value in parameters.items()
    }


def trace_parameters(
    function: Callable[..., Any], call: OpCall, primitive: Any
) -> dict[str, Any] | None:
    """The parameters of the one equation of a primitive in a function's jaxpr, if there is one."""
    specs = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in call.types]
    with scoped_x64():
        jaxpr = jax.make_jaxpr(function)(*specs)
    found = [equation for equation in jaxpr.eqns if equation.primitive is primitive]
    return dict(found[0].params) if len(found) == 1 else None

"""One equation of a JAX function: a primitive with its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.core
import numpy as np

from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.attributes import Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Forward, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.parameters import NO_PARAMETERS, PARAMETERS
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.jax_primitive.known_primitives import (
    PRIMITIVE,
    function_of,
    primitive_of,
    require_arrays,
    run_on_cpu,
    type_of,
)
from graphc.opset.jax_primitive.vjp import append_jvp, append_vjp
from graphc.opset.samples import draw

# --- jax_primitive --------------------------------------------------------------------------------


def _type(call: OpCall) -> Sequence[TensorType]:
    primitive = primitive_of(call)
    require_arrays(call)
    try:
        # 64-bit types are types here, whatever the flag of the one who builds the graph
        with jax.enable_x64(True):
            results, effects = _abstract_results(call, primitive)
    except Exception as problem:  # whatever a primitive's own checks raise
        kind = DTypeError if "dtype" in str(problem) else ShapeError
        message = f"JAX refuses {primitive.name}: {problem or repr(problem)}"
        raise call.error(kind, message) from problem
    if effects:
        listed = ", ".join(sorted(str(effect) for effect in effects))
        raise call.error(
            GraphcError,
            f"{primitive.name} has effects ({listed})",
            "a primitive that computes and does nothing else",
            "take prints, callbacks and references out of the function",
        )
    return [type_of(call, result) for result in results]


def _abstract_results(call: OpCall, primitive: Any) -> tuple[Sequence[Any], Any]:
    """JAX's types of the results, and the effects."""
    types = [jax.core.ShapedArray(type_.shape, type_.dtype.numpy) for type_ in call.types]
    try:
        results, effects = primitive.abstract_eval(*types, **dict(call.attributes["parameters"]))
    except NotImplementedError:
        # a call of a function with rules of its own has the type of what it calls
        specs = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in call.types]
        traced = cast(Any, jax).make_jaxpr(function_of(call))(*specs)
        return traced.out_avals, traced.effects
    return results if primitive.multiple_results else [results], effects


def _lower(call: OpCall, *operands: Any) -> list[Any]:
    return function_of(call)(*operands)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    return append_vjp(build, call, operands, cotangents)


def _tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    return append_jvp(build, call, operands, results, tangents)


def _reference(call: OpCall, *arrays: Any) -> list[Any]:
    return run_on_cpu(function_of(call), call, arrays)


def _samples() -> list[Sample]:
    def sample(name: str, *operands: Any, **parameters: Any) -> Sample:
        return Sample(operands, {"primitive": name, "parameters": parameters}, rtol=1e-4)

    positive = draw(2, 3, low=0.5, high=3)
    sort = {"dimension": 0, "is_stable": True, "num_keys": 1}
    whole = draw(4, low=5, high=50, dtype="int32")
    return [
        sample("lgamma", positive),
        sample("integer_pow", draw(2, 3), y=3),
        sample("cumlogsumexp", draw(4), axis=0, reverse=True),
        sample("sort", draw(5), draw(5, salt=1), **sort),
        sample("nextafter", draw(3), draw(3, salt=1)),
        sample("population_count", whole),
        sample("rem", whole, np.full(4, 7, np.int32)),
    ]


JAX_PRIMITIVE = REGISTRY.register(
    OpSpec(
        name="jax_primitive",
        doc="A JAX primitive with its parameters; its types, lowering and gradient are JAX's own, "
        "and so is its reference.",
        arity=None,
        attributes=Schema(primitive=PRIMITIVE, parameters=Attribute(PARAMETERS, NO_PARAMETERS)),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        tangent=_tangent,
        reference=_reference,
        samples=_samples,
    )
)

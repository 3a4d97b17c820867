"""The gradient of a JAX primitive, of any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax

from graphc.errors import GradientError, ShapeError
from graphc.ir.attributes import PAIRS, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Forward, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.parameters import NO_PARAMETERS, PARAMETERS
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.jax_primitive.known_primitives import (
    PRIMITIVE,
    Function,
    function_of,
    require_arrays,
    run_on_cpu,
    type_of,
)
from graphc.opset.samples import draw

Positions = Sequence[Sequence[int]]


def append_vjp(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    cotangents: Sequence[Value],
    wanted_before: Positions = (),
    given_before: Positions = (),
) -> Sequence[Value | None]:
    """Add the gradient of a primitive, or one order more of a gradient.

    Args:
        build: adds the node.
        call: knows which operands want a cotangent, and which results have one.
        operands: those of the primitive, then the cotangents of the orders before.
        cotangents: one per result.
        wanted_before: positions of the orders before.
        given_before: likewise.
    """
    wanted = [i for i in range(len(operands)) if call.wants(i)]
    given = [i for i in range(len(cotangents)) if call.has_cotangent(i)]
    gradients: list[Value | None] = [None] * len(operands)
    if not (wanted and given):
        return gradients
    made = build.jax_vjp(
        *operands,
        *[cotangents[i] for i in given],
        primitive=call.attributes["primitive"],
        parameters=call.attributes["parameters"],
        wanted=[*wanted_before, wanted],
        given=[*given_before, given],
    )
    for position, value in zip(wanted, made if len(wanted) > 1 else [made], strict=True):
        gradients[position] = value
    return gradients


def append_jvp(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
    wanted_before: Positions = (),
    given_before: Positions = (),
) -> Forward:
    """Add the forward derivative of a primitive, or of one of its gradients.

    It is the gradient of its gradient with respect to the cotangents, in which that is linear:
    zeros do for them.
    """
    moved = [i for i, tangent in enumerate(tangents) if tangent is not None]
    given = [i for i, type_ in enumerate(call.results) if type_.dtype.is_inexact]
    found: dict[int, Value] = {}
    if moved and given:
        zeros = [build.full(0, t.dtype, t.shape) for t in (call.results[i] for i in given)]
        first = len(operands)
        made = build.jax_vjp(
            *operands,
            *zeros,
            *[tangent for tangent in tangents if tangent is not None],
            primitive=call.attributes["primitive"],
            parameters=call.attributes["parameters"],
            wanted=[*wanted_before, moved, range(first, first + len(given))],
            given=[*given_before, given, range(len(moved))],
        )
        found = dict(zip(given, made if len(given) > 1 else [made], strict=True))
    return Forward(results, [found.get(i) for i in range(len(results))])


# --- jax_vjp --------------------------------------------------------------------------------------


def _function(call: OpCall) -> Function:
    """The primitive, differentiated as often as `wanted` and `given` are long."""
    orders: list[tuple[Sequence[int], Sequence[int]]] = list(
        zip(call.attributes["wanted"], call.attributes["given"], strict=True)
    )
    function = function_of(call)
    count = len(call.types) - sum(len(given) for _, given in orders)
    for wanted, given in orders:
        function = _vjp_of(function, count, wanted, given)
        count += len(given)
    return function


def _vjp_of(
    function: Function, count: int, wanted: Sequence[int], given: Sequence[int]
) -> Function:
    """Takes what a function of `count` arrays takes, then the cotangents of the given results."""

    def pull_back(*operands: Any) -> list[Any]:
        primals, cotangents = operands[:count], operands[count:]

        def part(*changing: Any) -> list[Any]:
            changed = dict(zip(wanted, changing, strict=True))
            results = function(*[changed.get(i, primal) for i, primal in enumerate(primals)])
            return [results[i] for i in given]

        _, back = cast(Any, jax).vjp(part, *[primals[i] for i in wanted])
        return list(back(list(cotangents)))

    return pull_back


def _type(call: OpCall) -> Sequence[TensorType]:
    wanted, given = call.attributes["wanted"], call.attributes["given"]
    if len(wanted) != len(given) or not wanted:
        raise call.error(ShapeError, "needs as many lists in wanted as in given, at least one")
    if len(call.types) < sum(len(positions) for positions in given):
        raise call.error(ShapeError, "needs its own operands and a cotangent per given result")
    require_arrays(call)
    specs = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in call.types]
    function = _function(call)
    try:
        # 64-bit types are types here, whatever the flag of the one who builds the graph
        with jax.enable_x64(True):
            found = cast(Any, jax).eval_shape(function, *specs)
    except Exception as problem:  # whatever a primitive's own rules raise
        name = call.attributes["primitive"]
        message = f"JAX does not differentiate {name} here: {problem or repr(problem)}"
        raise call.error(GradientError, message) from problem
    return [type_of(call, result) for result in found]


def _lower(call: OpCall, *operands: Any) -> list[Any]:
    return _function(call)(*operands)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    before = call.attributes["wanted"], call.attributes["given"]
    return append_vjp(build, call, operands, cotangents, *before)


def _tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    before = call.attributes["wanted"], call.attributes["given"]
    return append_jvp(build, call, operands, results, tangents, *before)


def _reference(call: OpCall, *arrays: Any) -> list[Any]:
    return run_on_cpu(_function(call), call, arrays)


def _samples() -> list[Sample]:
    def sample(name: str, wanted: Any, given: Any, *operands: Any, **parameters: Any) -> Sample:
        attributes = {"primitive": name, "parameters": parameters, "wanted": wanted, "given": given}
        return Sample(operands, attributes, rtol=1e-4)

    x, positive, other = draw(2, 3), draw(2, 3, low=0.5, high=3), draw(2, 3, salt=1)
    return [
        sample("integer_pow", [[0]], [[0]], x, other, y=4),
        sample("lgamma", [[0]], [[0]], positive, other),
        sample("atan2", [[1]], [[0]], x, positive, other),
        sample("integer_pow", [[0], [0, 1]], [[0], [0]], x, positive, other, y=4),
    ]


JAX_VJP = REGISTRY.register(
    OpSpec(
        name="jax_vjp",
        doc="The gradient of a JAX primitive, by jax.vjp; or of its gradient, and so on. Operands: "
        "its own, then order by order the cotangents of the given results; gives those of the "
        "operands wanted last.",
        arity=None,
        attributes=Schema(
            primitive=PRIMITIVE,
            parameters=Attribute(PARAMETERS, NO_PARAMETERS),
            wanted=PAIRS,
            given=PAIRS,
        ),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        tangent=_tangent,
        reference=_reference,
        samples=_samples,
    )
)

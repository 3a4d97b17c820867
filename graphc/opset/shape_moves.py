"""Ops that lay the elements of whole tensors out anew, and compute nothing.

Sizes may be symbolic everywhere. A symbol is never taken to be 1: an axis is broadcast only where
its size is the number 1. Source: StableHLO specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, product
from graphc.errors import ShapeError
from graphc.ir.attributes import AXES, INTEGER, INTEGERS, SHAPE, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import NUMERIC, require_axes, require_dtype, require_same_dtype

Values = Sequence[Value]
Cotangents = Sequence[Value | None]
Array = np.ndarray[Any, Any]


# --- broadcast_in_dim -----------------------------------------------------------------------------


def _broadcast_in_dim_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    sizes = call.types[0].shape
    shape: tuple[Dimension, ...] = call.attributes["shape"]
    axes: tuple[int, ...] = call.attributes["broadcast_dimensions"]
    require_axes(call, axes, len(shape), "broadcast_dimensions")
    if len(axes) != len(sizes) or list(axes) != sorted(axes):
        raise call.error(
            ShapeError,
            f"broadcast_dimensions {list(axes)} do not fit an operand with {len(sizes)} axes",
            "one axis of the result per axis of the operand, in increasing order",
            "change the order of axes with transpose",
        )
    for position, axis in enumerate(axes):
        if sizes[position] != 1:
            what = f"the sizes of operand axis {position} and result axis {axis}"
            call.require_equal(sizes[position], shape[axis], what)
    return tensor_type(dtype, shape)


def _broadcast_in_dim_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    sizes, shape = call.types[0].shape, call.result.shape
    axes: tuple[int, ...] = call.attributes["broadcast_dimensions"]
    kept = {axis for axis, size in zip(axes, sizes, strict=True) if size != 1 or shape[axis] == 1}
    repeated = [axis for axis in range(len(shape)) if axis not in kept]
    total = build.reduce_sum(ct[0], axes=repeated) if repeated else ct[0]
    return (total if len(kept) == len(sizes) else build.reshape(total, shape=sizes),)


def _broadcast_in_dim_reference(call: OpCall, x: Array) -> Array:
    shape = call.attributes["shape"]
    aligned = [1] * len(shape)
    for axis, size in zip(call.attributes["broadcast_dimensions"], x.shape, strict=True):
        aligned[axis] = size
    return np.broadcast_to(x.reshape(aligned), shape)


def _broadcast_in_dim_samples() -> list[Sample]:
    def to(shape: tuple[int, ...], *axes: int) -> dict[str, Any]:
        return {"shape": shape, "broadcast_dimensions": axes}

    return [
        Sample((draw(3),), to((2, 3), 1)),
        Sample((draw(3),), to((3, 2), 0)),
        Sample((draw(),), to((2, 3))),
        Sample((draw(),), to(())),
        Sample((draw(2, 1, 3),), to((2, 4, 5, 3), 0, 2, 3)),
        Sample((draw(1, 1),), to((1, 2, 1), 0, 1)),
        Sample((draw(1, 2),), to((0, 2), 0, 1)),
        Sample((draw(2, dtype="bfloat16"),), to((3, 2), 1)),
        Sample((draw(2, dtype="float64"),), to((3, 2), 1)),
        Sample((draw(2, dtype="complex64"),), to((3, 2), 1)),
        Sample((draw(2, dtype="int8"),), to((3, 2), 1), differentiable=False),
        Sample((draw(2, dtype="bool"),), to((3, 2), 1), differentiable=False),
    ]


BROADCAST_IN_DIM = REGISTRY.register(
    OpSpec(
        name="broadcast_in_dim",
        doc="Operand axis i becomes result axis broadcast_dimensions[i]; the others repeat it.",
        arity=1,
        attributes=Schema(shape=SHAPE, broadcast_dimensions=INTEGERS),
        infer=_broadcast_in_dim_type,
        lower=primitive(
            "broadcast_in_dim",
            lambda call: {
                "shape": call.attributes["shape"],
                "broadcast_dimensions": call.attributes["broadcast_dimensions"],
            },
            sharding=None,
        ),
        gradient=_broadcast_in_dim_gradient,
        reference=_broadcast_in_dim_reference,
        samples=_broadcast_in_dim_samples,
        traits=Trait.SHAPE_MOVE,
    )
)


# --- reshape --------------------------------------------------------------------------------------


def _reshape_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    result = tensor_type(dtype, call.attributes["shape"])
    if result is not call.types[0]:
        what = "the numbers of elements before and after"
        call.require_equal(product(call.types[0].shape), product(result.shape), what)
    return result


def _reshape_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.reshape(ct[0], shape=call.types[0].shape),)


def _reshape_reference(call: OpCall, x: Array) -> Array:
    return x.reshape(call.attributes["shape"])


RESHAPE = REGISTRY.register(
    OpSpec(
        name="reshape",
        doc="The same elements, in row-major order, in another shape of as many elements.",
        arity=1,
        attributes=Schema(shape=SHAPE),
        infer=_reshape_type,
        lower=primitive(
            "reshape",
            lambda call: {"new_sizes": call.attributes["shape"]},
            dimensions=None,
            sharding=None,
        ),
        gradient=_reshape_gradient,
        reference=_reshape_reference,
        samples=lambda: [
            Sample((draw(2, 6),), {"shape": (3, 4)}),
            Sample((draw(2, 3),), {"shape": (2, 1, 3, 1)}),
            Sample((draw(),), {"shape": (1, 1)}),
            Sample((draw(1),), {"shape": ()}),
            Sample((draw(0, 3),), {"shape": (5, 0)}),
            Sample((draw(4, dtype="bfloat16"),), {"shape": (2, 2)}),
            Sample((draw(4, dtype="complex128"),), {"shape": (2, 2)}),
            Sample((draw(4, dtype="uint16", low=0),), {"shape": (2, 2)}, differentiable=False),
        ],
        traits=Trait.SHAPE_MOVE,
    )
)


# --- transpose ------------------------------------------------------------------------------------


def _transpose_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    sizes = call.types[0].shape
    permutation: tuple[int, ...] = call.attributes["permutation"]
    if sorted(permutation) != list(range(len(sizes))):
        raise call.error(
            ShapeError,
            f"{list(permutation)} is no permutation of the operand's axes",
            f"each of the {len(sizes)} axes once, counted from 0",
        )
    return tensor_type(dtype, tuple([sizes[axis] for axis in permutation]))


def _transpose_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    permutation: tuple[int, ...] = call.attributes["permutation"]
    inverse = sorted(range(len(permutation)), key=permutation.__getitem__)
    return (build.transpose(ct[0], permutation=inverse),)


def _transpose_reference(call: OpCall, x: Array) -> Array:
    return x.transpose(call.attributes["permutation"])


TRANSPOSE = REGISTRY.register(
    OpSpec(
        name="transpose",
        doc="Result axis i is operand axis permutation[i].",
        arity=1,
        attributes=Schema(permutation=INTEGERS),
        infer=_transpose_type,
        lower=primitive("transpose", lambda call: {"permutation": call.attributes["permutation"]}),
        gradient=_transpose_gradient,
        reference=_transpose_reference,
        samples=lambda: [
            Sample((draw(2, 3),), {"permutation": (1, 0)}),
            Sample((draw(2, 3, 4),), {"permutation": (2, 0, 1)}),
            Sample((draw(),), {"permutation": ()}),
            Sample((draw(0, 3),), {"permutation": (1, 0)}),
            Sample((draw(2, 3, dtype="complex64"),), {"permutation": (1, 0)}),
            Sample((draw(2, 3, dtype="bool"),), {"permutation": (1, 0)}, differentiable=False),
        ],
        traits=Trait.SHAPE_MOVE,
    )
)


# --- reverse --------------------------------------------------------------------------------------


def _reverse_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, NUMERIC)
    require_axes(call, call.attributes["dimensions"], call.types[0].rank, "dimensions")
    return call.types[0]


def _reverse_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.reverse(ct[0], dimensions=call.attributes["dimensions"]),)


def _reverse_reference(call: OpCall, x: Array) -> Array:
    return np.flip(x, call.attributes["dimensions"])


REVERSE = REGISTRY.register(
    OpSpec(
        name="reverse",
        doc="The elements in the opposite order along some axes.",
        arity=1,
        attributes=Schema(dimensions=AXES),
        infer=_reverse_type,
        lower=primitive("rev", lambda call: {"dimensions": call.attributes["dimensions"]}),
        gradient=_reverse_gradient,
        reference=_reverse_reference,
        samples=lambda: [
            Sample((draw(2, 3),), {"dimensions": (1,)}),
            Sample((draw(2, 3, 2),), {"dimensions": (2, 0)}),
            Sample((draw(2, 3),), {"dimensions": ()}),
            Sample((draw(),), {"dimensions": ()}),
            Sample((draw(0, 3),), {"dimensions": (0, 1)}),
            Sample((draw(3, dtype="float64"),), {"dimensions": (0,)}),
            Sample((draw(3, dtype="int64"),), {"dimensions": (0,)}, differentiable=False),
        ],
        traits=Trait.SHAPE_MOVE,
    )
)


# --- concatenate ----------------------------------------------------------------------------------


def _concatenate_type(call: OpCall) -> TensorType:
    if not call.types:
        raise call.error(ShapeError, "needs an operand", "at least one tensor")
    dtype = require_dtype(call, 0, NUMERIC)
    require_same_dtype(call)
    along: int = call.attributes["dimension"]
    rank = call.types[0].rank
    if any(type_.rank != rank for type_ in call.types):
        raise call.error(ShapeError, "operands have different numbers of axes", f"{rank} axes each")
    require_axes(call, [along], rank, "dimension")
    shape = list(call.types[0].shape)
    for type_ in call.types[1:]:
        for axis, size in enumerate(type_.shape):
            if axis == along:
                shape[axis] = shape[axis] + size
            else:
                shape[axis] = call.require_equal(shape[axis], size, f"the sizes of axis {axis}")
    return tensor_type(dtype, tuple(shape))


def _concatenate_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    along: int = call.attributes["dimension"]
    cotangents: list[Value | None] = []
    starts: list[Dimension] = [0] * call.result.rank
    limits = list(call.result.shape)
    strides = [1] * call.result.rank
    for position, type_ in enumerate(call.types):
        limits[along] = starts[along] + type_.shape[along]
        cotangents.append(
            build.slice(ct[0], start_indices=starts, limit_indices=limits, strides=strides)
            if call.wants(position)
            else None
        )
        starts[along] = limits[along]
    return cotangents


def _concatenate_samples() -> list[Sample]:
    def parts(*shapes: tuple[int, ...], dtype: str = "float32") -> tuple[Any, ...]:
        return tuple(draw(*shape, dtype=dtype, salt=salt) for salt, shape in enumerate(shapes))

    return [
        Sample(parts((2, 3), (2, 1), (2, 0)), {"dimension": 1}),
        Sample(parts((2, 3), (1, 3)), {"dimension": 0}),
        Sample(parts((2,)), {"dimension": 0}),
        Sample(parts((2, 3, 2), (2, 1, 2)), {"dimension": 1}),
        Sample(parts((2,), (1,), dtype="bfloat16"), {"dimension": 0}),
        Sample(parts((2,), (1,), dtype="complex64"), {"dimension": 0}),
        Sample(parts((2,), (1,), dtype="bool"), {"dimension": 0}, differentiable=False),
    ]


def _concatenate_reference(call: OpCall, *parts: Array) -> Array:
    return np.concatenate(parts, axis=call.attributes["dimension"])


CONCATENATE = REGISTRY.register(
    OpSpec(
        name="concatenate",
        doc="Tensors one after another along one axis.",
        arity=None,
        attributes=Schema(dimension=INTEGER),
        infer=_concatenate_type,
        lower=primitive("concatenate", lambda call: {"dimension": call.attributes["dimension"]}),
        gradient=_concatenate_gradient,
        reference=_concatenate_reference,
        samples=_concatenate_samples,
        traits=Trait.SHAPE_MOVE,
    )
)

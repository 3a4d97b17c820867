"""Parts of tensors at positions that are computed: dynamic_slice and dynamic_update_slice.

A part that would stick out is moved inside, as in StableHLO, whose specification is the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension
from graphc.errors import ShapeError
from graphc.ir.attributes import SHAPE, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import (
    INTEGER,
    NUMERIC,
    require_dtype,
    require_one_per_axis,
    require_order,
    require_rank,
)

Values = Sequence[Value]
Cotangents = Sequence[Value | None]
Array = np.ndarray[Any, Any]


# --- dynamic_slice --------------------------------------------------------------------------------


def _require_start_indices(call: OpCall, first: int) -> None:
    """Check that one integer scalar per axis of the operand follows, all of one element type."""
    rank, found = call.types[0].rank, len(call.types) - first
    if found != rank:
        raise call.error(
            ShapeError, f"has {found} start indices", f"{rank}, one per axis of the operand"
        )
    for position in range(first, len(call.types)):
        require_rank(call, position, 0)
        require_dtype(call, position, INTEGER)
        require_dtype(call, position, frozenset([call.types[first].dtype]))


def _require_part(call: OpCall, sizes: Sequence[Dimension], what: str) -> None:
    for axis, size in enumerate(sizes):
        require_order(call, 0, size, f"the {what} must be at least 0", axis)
        require_order(
            call, size, call.types[0].shape[axis], f"the {what} must be at most the size", axis
        )


def _window(x: Array, sizes: Sequence[int], starts: Sequence[Array]) -> tuple[slice, ...]:
    """The part of `x` that starts there, moved inside where it would stick out."""
    begins = [
        min(max(int(start), 0), whole - size)
        for start, whole, size in zip(starts, x.shape, sizes, strict=True)
    ]
    return tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=True))


def _dynamic_slice_type(call: OpCall) -> TensorType:
    if not call.types:
        raise call.error(ShapeError, "has no operand", "a tensor and its start indices")
    dtype = require_dtype(call, 0, NUMERIC)
    _require_start_indices(call, 1)
    require_one_per_axis(call, "slice_sizes")
    _require_part(call, call.attributes["slice_sizes"], "slice size")
    return tensor_type(dtype, call.attributes["slice_sizes"])


def _dynamic_slice_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, *starts = operands
    whole = build.dynamic_update_slice(build.full_like(x, 0), ct[0], *starts)
    return (whole, *[None] * len(starts))


def _index(*numbers: int, dtype: str = "int32") -> tuple[Array, ...]:
    return tuple(np.array(number, dtype) for number in numbers)


def _dynamic_slice_reference(call: OpCall, x: Array, *starts: Array) -> Array:
    return x[_window(x, call.attributes["slice_sizes"], starts)]


DYNAMIC_SLICE = REGISTRY.register(
    OpSpec(
        name="dynamic_slice",
        doc="slice_sizes elements from computed start indices, moved to lie inside the operand.",
        arity=None,
        attributes=Schema(slice_sizes=SHAPE),
        infer=_dynamic_slice_type,
        lower=primitive(
            "dynamic_slice", lambda call: {"slice_sizes": call.attributes["slice_sizes"]}
        ),
        gradient=_dynamic_slice_gradient,
        reference=_dynamic_slice_reference,
        cost=lambda call: Cost(0, call.result.byte_size * 2),
        samples=lambda: [
            Sample((draw(4, 5), *_index(1, 2)), {"slice_sizes": (2, 3)}),
            Sample((draw(4, 5), *_index(-3, 4)), {"slice_sizes": (2, 3)}),
            Sample((draw(4), *_index(3, dtype="uint8")), {"slice_sizes": (2,)}),
            Sample((draw(4), *_index(1, dtype="int64")), {"slice_sizes": (0,)}),
            Sample((draw(),), {"slice_sizes": ()}),
            Sample((draw(4, dtype="bfloat16"), *_index(1)), {"slice_sizes": (2,)}),
            Sample((draw(4, dtype="complex64"), *_index(1)), {"slice_sizes": (2,)}),
            Sample(
                (draw(4, dtype="bool"), *_index(1)), {"slice_sizes": (2,)}, differentiable=False
            ),
        ],
        traits=Trait.SHAPE_MOVE,
    )
)


# --- dynamic_update_slice -------------------------------------------------------------------------


def _dynamic_update_slice_type(call: OpCall) -> TensorType:
    if len(call.types) < 2:
        raise call.error(ShapeError, "lacks operands", "a tensor, an update and start indices")
    dtype = require_dtype(call, 0, NUMERIC)
    require_dtype(call, 1, frozenset([dtype]))
    _require_start_indices(call, 2)
    require_rank(call, 1, call.types[0].rank)
    _require_part(call, call.types[1].shape, "update size")
    return call.types[0]


def _dynamic_update_slice_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    _, update, *starts = operands
    shares: list[Value | None] = [None] * len(operands)
    if call.wants(0):
        shares[0] = build.dynamic_update_slice(ct[0], build.full_like(update, 0), *starts)
    if call.wants(1):
        shares[1] = build.dynamic_slice(ct[0], *starts, slice_sizes=update.type.shape)
    return shares


def _dynamic_update_slice_reference(call: OpCall, x: Array, update: Array, *starts: Array) -> Array:
    result = x.copy()
    result[_window(x, update.shape, starts)] = update
    return result


DYNAMIC_UPDATE_SLICE = REGISTRY.register(
    OpSpec(
        name="dynamic_update_slice",
        doc="The operand with a part, at computed start indices, replaced by the update.",
        arity=None,
        infer=_dynamic_update_slice_type,
        lower=primitive("dynamic_update_slice"),
        gradient=_dynamic_update_slice_gradient,
        reference=_dynamic_update_slice_reference,
        # XLA writes in place where the operand is not needed any more.
        cost=lambda call: Cost(0, call.types[1].byte_size * 2),
        samples=lambda: [
            Sample((draw(4, 5), draw(2, 3), *_index(1, 2))),
            Sample((draw(4, 5), draw(2, 3), *_index(-3, 4))),
            Sample((draw(4), draw(0), *_index(1, dtype="uint32"))),
            Sample((draw(), draw(salt=1))),
            Sample((draw(4, dtype="bfloat16"), draw(2, dtype="bfloat16"), *_index(1))),
            Sample((draw(4, dtype="complex128"), draw(2, dtype="complex128"), *_index(1))),
            Sample(
                (draw(4, dtype="int32"), draw(2, dtype="int32"), *_index(3)), differentiable=False
            ),
        ],
        traits=Trait.SHAPE_MOVE,
    )
)

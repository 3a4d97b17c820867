"""`gather`: windows of a tensor, at computed positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dimensions import Dimension
from graphc.dtypes import DType
from graphc.errors import DTypeError
from graphc.ir.attributes import (
    FLOAT,
    INTEGERS,
    SHAPE,
    TRUTH,
    Attribute,
    Attributes,
    Schema,
    optional,
)
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.gather_scatter.windows import (
    JAX_MODES,
    MODE,
    Array,
    Windows,
    check_sizes,
    check_windows,
    locate,
    spread,
)
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import NUMERIC, require_dtype, require_one_per_axis, require_order


def _windows(attributes: Attributes) -> Windows:
    return Windows(
        window_dims=attributes["offset_dims"],
        dropped_dims=attributes["collapsed_slice_dims"],
        index_map=attributes["start_index_map"],
        operand_batching_dims=attributes["operand_batching_dims"],
        indices_batching_dims=attributes["start_indices_batching_dims"],
    )


def _type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    windows = _windows(call.attributes)
    sizes: tuple[Dimension, ...] = call.attributes["slice_sizes"]
    require_one_per_axis(call, "slice_sizes")
    check_windows(call, windows, "offset_dims")
    check_sizes(call, windows, sizes)
    for axis in windows.dropped_dims:
        require_order(call, 1, call.types[0].shape[axis], "there must be an element", axis)
    try:
        fill_value(call.attributes, dtype)
    except (ValueError, OverflowError):
        given = call.attributes["fill_value"]
        raise call.error(DTypeError, f"fill_value {given} is no {dtype}") from None
    batch = list(call.types[1].shape[:-1])
    kept = [sizes[axis] for axis in windows.kept_axes(len(sizes))]
    shape: list[Dimension] = [
        kept.pop(0) if axis in windows.window_dims else batch.pop(0)
        for axis in range(len(batch) + len(kept))
    ]
    return tensor_type(dtype, tuple(shape))


def fill_value(attributes: Attributes, dtype: DType) -> complex:
    """What a window outside is filled with, by default what JAX takes.

    Raises:
        ValueError, OverflowError: the attribute is no number of the element type.
    """
    given: float | None = attributes["fill_value"]
    if given is not None:
        # Through the element type: an integer that does not fit is an error.
        return dtype.numpy.type(int(given) if dtype.is_integer else given).item()
    if dtype.is_inexact:
        return np.nan
    if dtype.kind == "bool":
        return True
    limits = np.iinfo(dtype.numpy)
    return limits.min if dtype.kind == "signed" else limits.max


def _parameters(call: OpCall) -> dict[str, Any]:
    attributes = call.attributes
    fills = attributes["mode"] == "fill"
    sizes = list(attributes["slice_sizes"])
    for axis in attributes["operand_batching_dims"]:
        if call.types[0].shape[axis] == 0:
            sizes[axis] = 0  # there are no windows; XLA wants even those to fit
    return {
        "dimension_numbers": lax.GatherDimensionNumbers(
            offset_dims=attributes["offset_dims"],
            collapsed_slice_dims=attributes["collapsed_slice_dims"],
            start_index_map=attributes["start_index_map"],
            operand_batching_dims=attributes["operand_batching_dims"],
            start_indices_batching_dims=attributes["start_indices_batching_dims"],
        ),
        "slice_sizes": tuple(sizes),
        "indices_are_sorted": attributes["indices_are_sorted"],
        "unique_indices": attributes["unique_indices"],
        "mode": JAX_MODES[attributes["mode"]],
        "fill_value": fill_value(attributes, call.result.dtype) if fills else None,
    }


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    attributes = call.attributes
    total = build.scatter(
        build.full_like(operands[0], 0),
        operands[1],
        ct[0],
        update_window_dims=attributes["offset_dims"],
        inserted_window_dims=attributes["collapsed_slice_dims"],
        scatter_dims_to_operand_dims=attributes["start_index_map"],
        operand_batching_dims=attributes["operand_batching_dims"],
        scatter_indices_batching_dims=attributes["start_indices_batching_dims"],
        update_computation="add",
        mode=attributes["mode"],
        indices_are_sorted=attributes["indices_are_sorted"],
        unique_indices=attributes["unique_indices"],
    )
    return (total, None)


def _reference(call: OpCall, x: Array, indices: Array) -> Array:
    windows = _windows(call.attributes)
    flat, inside = locate(windows, x.shape, indices, call.attributes["slice_sizes"])
    found = x.reshape(-1)[flat]
    if call.attributes["mode"] == "fill":
        fill = fill_value(call.attributes, call.result.dtype)
        found = np.where(spread(inside, flat), found, x.dtype.type(fill))
    batch = indices.ndim - 1
    return np.moveaxis(found, range(batch, found.ndim), windows.window_dims)


def _cost(call: OpCall) -> Cost:
    return Cost(0, call.result.byte_size * 2 + call.types[1].byte_size)


def _index(*rows: Any, dtype: str = "int32") -> Array:
    return np.array(rows, dtype)


def _rows(size: int, **others: Any) -> dict[str, Any]:
    """Rows of a matrix that is `size` wide."""
    return {
        "offset_dims": (1,),
        "collapsed_slice_dims": (0,),
        "start_index_map": (0,),
        "slice_sizes": (1, size),
        **others,
    }


def _samples() -> list[Sample]:
    far = _index([0], [7], [-1], [2], [2])
    block = {  # 2 by 2 blocks of a matrix, axes in front of the batch axis
        "offset_dims": (0, 1),
        "collapsed_slice_dims": (),
        "start_index_map": (1, 0),
        "slice_sizes": (2, 2),
    }
    per_batch = {  # one column index per row, as numpy.take_along_axis
        "offset_dims": (),
        "collapsed_slice_dims": (1,),
        "start_index_map": (1,),
        "operand_batching_dims": (0,),
        "start_indices_batching_dims": (0,),
        "slice_sizes": (1, 1),
        "mode": "clip",
    }
    swapped = {  # windows of a row, batched over two axes in the other order
        "offset_dims": (1,),
        "collapsed_slice_dims": (),
        "start_index_map": (2,),
        "operand_batching_dims": (0, 1),
        "start_indices_batching_dims": (1, 0),
        "slice_sizes": (1, 1, 2),
    }
    scalar = {"offset_dims": (), "collapsed_slice_dims": (), "start_index_map": ()}
    return [
        Sample((draw(5, 3), _index([4], [0], [4])), _rows(3, mode="promise_in_bounds")),
        Sample((draw(5, 3), far), _rows(3, mode="clip")),
        Sample((draw(5, 3), far), _rows(3, mode="fill", fill_value=0.5)),
        Sample((draw(5, 3), far), _rows(3, mode="fill"), differentiable=False),
        Sample((draw(5, 3), _index([1], [3], dtype="uint8")), _rows(2, mode="clip")),
        Sample(
            (draw(5, 3), _index([1], [3])),
            _rows(3, mode="clip", indices_are_sorted=True, unique_indices=True),
        ),
        Sample((draw(5, 3), np.zeros((0, 1), "int64")), _rows(3, mode="clip")),
        Sample((draw(4, 5), _index([0, 1], [3, 2], [9, -9])), {**block, "mode": "clip"}),
        Sample(
            (draw(4, 5), _index([0, 1], [3, 2], [4, 0])), {**block, "mode": "fill", "fill_value": 0}
        ),
        Sample((draw(3, 4), _index([[0], [3]], [[1], [1]], [[5], [-2]])), per_batch),
        Sample((draw(2, 3, 4), draw(3, 2, 1, low=0, dtype="int32")), {**swapped, "mode": "clip"}),
        Sample((draw(), np.zeros((1, 0), "int32")), {**scalar, "slice_sizes": (), "mode": "clip"}),
        Sample((draw(5, 3, dtype="bfloat16"), far), _rows(3, mode="clip")),
        Sample((draw(5, 3, dtype="complex64"), far), _rows(3, mode="fill", fill_value=0)),
        Sample((draw(5, 3, dtype="int16"), far), _rows(3, mode="fill"), differentiable=False),
        Sample(
            (draw(5, 3, low=0, dtype="uint32"), far), _rows(3, mode="fill"), differentiable=False
        ),
        Sample(
            (draw(5, 3, dtype="int64"), far),
            _rows(3, mode="fill", fill_value=-7),
            differentiable=False,
        ),
        Sample((draw(5, 3, dtype="bool"), far), _rows(3, mode="fill"), differentiable=False),
    ]


GATHER = REGISTRY.register(
    OpSpec(
        name="gather",
        doc="Windows of slice_sizes at the positions in the last axis of the indices.",
        arity=2,
        attributes=Schema(
            offset_dims=INTEGERS,
            collapsed_slice_dims=INTEGERS,
            start_index_map=INTEGERS,
            operand_batching_dims=Attribute(INTEGERS, ()),
            start_indices_batching_dims=Attribute(INTEGERS, ()),
            slice_sizes=SHAPE,
            mode=MODE,
            fill_value=Attribute(optional(FLOAT), None),
            indices_are_sorted=Attribute(TRUTH, False),
            unique_indices=Attribute(TRUTH, False),
        ),
        infer=_type,
        lower=primitive("gather", _parameters),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.SHAPE_MOVE,
    )
)

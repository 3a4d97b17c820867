"""`scatter`: a tensor with windows, at computed positions, replaced or combined with updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dimensions import Dimension, product
from graphc.dtypes import I32, I64
from graphc.errors import GradientError
from graphc.ir.attributes import INTEGERS, TRUTH, Attribute, Attributes, Schema, choice
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
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
from graphc.opset.samples import draw
from graphc.opset.type_rules import ARITHMETIC, NUMERIC, REAL, require_dtype, require_rank

Cotangents = Sequence[Value | None]

_COMPUTATIONS = ("set", "add", "multiply", "minimum", "maximum")
_DTYPES = {"set": NUMERIC, "add": ARITHMETIC, "multiply": ARITHMETIC}
_LOWERINGS: dict[str, Callable[..., Any]] = {
    "set": lax.scatter,
    "add": lax.scatter_add,
    "multiply": lax.scatter_mul,
    "minimum": lax.scatter_min,
    "maximum": lax.scatter_max,
}
_COMBINE: dict[str, np.ufunc] = {
    "add": np.add,
    "multiply": np.multiply,
    "minimum": np.minimum,
    "maximum": np.maximum,
}


def _windows(attributes: Attributes) -> Windows:
    return Windows(
        window_dims=attributes["update_window_dims"],
        dropped_dims=attributes["inserted_window_dims"],
        index_map=attributes["scatter_dims_to_operand_dims"],
        operand_batching_dims=attributes["operand_batching_dims"],
        indices_batching_dims=attributes["scatter_indices_batching_dims"],
    )


def _window_sizes(
    windows: Windows, rank: int, updates: Sequence[Dimension]
) -> tuple[Dimension, ...]:
    """The sizes of a window, one per axis of the operand."""
    sizes: list[Dimension] = [1] * rank
    for axis, update_axis in zip(windows.kept_axes(rank), windows.window_dims, strict=True):
        sizes[axis] = updates[update_axis]
    return tuple(sizes)


def _type(call: OpCall) -> TensorType:
    operand, indices, updates = call.types
    computation: str = call.attributes["update_computation"]
    dtype = require_dtype(call, 0, _DTYPES.get(computation, REAL))
    require_dtype(call, 2, frozenset([dtype]))
    windows = _windows(call.attributes)
    check_windows(call, windows, "update_window_dims")
    require_rank(call, 2, indices.rank - 1 + len(windows.window_dims))
    check_sizes(call, windows, _window_sizes(windows, operand.rank, updates.shape))
    for position, axis in enumerate(windows.batch_axes(updates.rank)):
        what = f"the sizes of axis {position} of the indices and axis {axis} of the updates"
        call.require_equal(indices.shape[position], updates.shape[axis], what)
    return operand


def _lower(call: OpCall, operand: Any, indices: Any, updates: Any) -> Any:
    attributes = call.attributes
    if operand.size == 0 or updates.size == 0:
        return operand  # XLA wants a window to fit even where there is none
    windows = _windows(attributes)
    if not windows.index_map:
        # XLA fails on several updates without a position: give them one, 0 on an axis of size 1.
        indices = lax.full((*indices.shape[:-1], 1), 0, indices.dtype)
        attributes = {
            **attributes,
            "inserted_window_dims": (0, *[axis + 1 for axis in windows.dropped_dims]),
            "scatter_dims_to_operand_dims": (0,),
            "operand_batching_dims": tuple([a + 1 for a in windows.operand_batching_dims]),
        }
        return _scatter(attributes, operand[None], indices, updates)[0]
    return _scatter(attributes, operand, indices, updates)


def _scatter(attributes: Mapping[str, Any], operand: Any, indices: Any, updates: Any) -> Any:
    return _LOWERINGS[attributes["update_computation"]](
        operand,
        indices,
        updates,
        lax.ScatterDimensionNumbers(
            update_window_dims=attributes["update_window_dims"],
            inserted_window_dims=attributes["inserted_window_dims"],
            scatter_dims_to_operand_dims=attributes["scatter_dims_to_operand_dims"],
            operand_batching_dims=attributes["operand_batching_dims"],
            scatter_indices_batching_dims=attributes["scatter_indices_batching_dims"],
        ),
        indices_are_sorted=attributes["indices_are_sorted"],
        unique_indices=attributes["unique_indices"],
        mode=JAX_MODES[attributes["mode"]],
    )


def _reference(call: OpCall, operand: Array, indices: Array, updates: Array) -> Array:
    windows = _windows(call.attributes)
    sizes = _window_sizes(windows, operand.ndim, updates.shape)
    flat, inside = locate(windows, operand.shape, indices, sizes)  # type: ignore[arg-type]
    batch = indices.ndim - 1
    values = np.moveaxis(updates, windows.window_dims, range(batch, updates.ndim))
    if call.attributes["mode"] != "clip":
        written = spread(inside, flat)
        flat, values = flat[written], values[written]
    result: Array = operand.copy().reshape(-1)
    combine = _COMBINE.get(call.attributes["update_computation"])
    if combine is None:
        result[flat] = values
    else:
        combine.at(result, flat, values)
    return result.reshape(operand.shape)


def _cost(call: OpCall) -> Cost:
    _, indices, updates = call.types
    computes = call.attributes["update_computation"] != "set"
    moved = updates.byte_size * (3 if computes else 2) + indices.byte_size
    return Cost(updates.size if computes else 0, moved)


# --- gradients ------------------------------------------------------------------------------------


def _read(build: Builder, call: OpCall, x: Value, indices: Value, fill: float = 0.0) -> Value:
    """From each place in `x` what an update there stands for; `fill` where none was written."""
    windows = _windows(call.attributes)
    if any(x.type.shape[axis] == 0 for axis in windows.index_map):
        # no index falls into it: nothing was written, and there is nothing to gather from
        return build.full(fill, x.type.dtype, call.types[2].shape)
    return build.gather(
        x,
        indices,
        offset_dims=windows.window_dims,
        collapsed_slice_dims=windows.dropped_dims,
        start_index_map=windows.index_map,
        operand_batching_dims=windows.operand_batching_dims,
        start_indices_batching_dims=windows.indices_batching_dims,
        slice_sizes=_window_sizes(windows, x.type.rank, call.types[2].shape),
        mode=call.attributes["mode"],
        fill_value=fill if call.attributes["mode"] == "fill" else None,
        indices_are_sorted=call.attributes["indices_are_sorted"],
        unique_indices=call.attributes["unique_indices"],
    )


def _write(
    build: Builder, call: OpCall, x: Value, indices: Value, updates: Value, computation: str
) -> Value:
    attributes = {**call.attributes, "update_computation": computation}
    return build.scatter(x, indices, updates, **attributes)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Cotangents:
    computation: str = call.attributes["update_computation"]
    if computation in ("minimum", "maximum"):
        return _extremum_gradient(build, call, operands, results[0], ct[0])
    x, indices, updates = operands
    shares: list[Value | None] = [None, None, None]
    if call.wants(0):
        if computation == "add":
            shares[0] = ct[0]
        else:
            factors = build.full_like(updates, 0) if computation == "set" else updates
            shares[0] = _write(build, call, ct[0], indices, factors, computation)
    if call.wants(2):
        if computation == "add":
            shares[2] = _read(build, call, ct[0], indices)
        elif computation == "set":
            shares[2] = _replacement_gradient(build, call, indices, ct[0])
        elif call.attributes["unique_indices"]:
            shares[2] = _read(build, call, build.multiply(ct[0], x), indices)
        else:
            raise call.error(
                GradientError,
                "has no gradient with respect to factors that may meet in one place",
                fix="pass unique_indices=True if no place is written twice",
            )
    return shares


def _replacement_gradient(build: Builder, call: OpCall, indices: Value, ct: Value) -> Value:
    """What reaches the updates that were kept: of several in one place, one is."""
    found = _read(build, call, ct, indices)
    if call.attributes["unique_indices"]:
        return found
    # Number the windows and write the numbers: XLA keeps the same one of several in both scatters.
    batch = call.types[1].shape[:-1]
    count = product(batch)
    dtype = I32 if isinstance(count, int) and count < 2**31 else I64
    numbers = build.iota(dtype=dtype, shape=(count,), iota_dimension=0)
    if len(batch) != 1:
        numbers = build.reshape(numbers, shape=batch)
    updates = call.types[2]
    axes = _windows(call.attributes).batch_axes(updates.rank)
    numbers = build.broadcast_in_dim(numbers, shape=updates.shape, broadcast_dimensions=axes)
    nobody = build.full(-1, dtype, call.types[0].shape)
    kept = _read(build, call, _write(build, call, nobody, indices, numbers, "set"), indices, -1.0)
    won = build.compare(kept, numbers, direction="EQ")
    return build.select(won, found, build.full_like(found, 0))


def _extremum_gradient(
    build: Builder, call: OpCall, operands: Sequence[Value], result: Value, ct: Value
) -> Cotangents:
    """Equal shares for the old element and all updates that are the extremum in their place."""
    x, indices, updates = operands
    wins = build.compare(x, result, direction="EQ")
    one, zero = build.full_like(x, 1), build.full_like(x, 0)
    # NaN equals nothing: an update that was not written does not win.
    there = _read(build, call, result, indices, float("nan"))
    update_wins = build.compare(updates, there, direction="EQ")
    none = build.full_like(updates, 0)
    counted = build.select(update_wins, build.full_like(updates, 1), none)
    count = _write(build, call, build.select(wins, one, zero), indices, counted, "add")
    share = build.divide(ct, count)
    return (
        build.select(wins, share, zero),
        None,
        build.select(update_wins, _read(build, call, share, indices), none),
    )


# --- samples --------------------------------------------------------------------------------------


def _index(*rows: Any, dtype: str = "int32") -> Array:
    return np.array(rows, dtype)


def _samples() -> list[Sample]:
    rows = {
        "update_window_dims": (1,),
        "inserted_window_dims": (0,),
        "scatter_dims_to_operand_dims": (0,),
    }
    blocks = {  # 2 by 2 blocks of a matrix, axes in front of the batch axis
        "update_window_dims": (0, 1),
        "inserted_window_dims": (),
        "scatter_dims_to_operand_dims": (1, 0),
    }
    per_batch = {  # one column index per row, as numpy.put_along_axis
        "update_window_dims": (),
        "inserted_window_dims": (1,),
        "scatter_dims_to_operand_dims": (1,),
        "operand_batching_dims": (0,),
        "scatter_indices_batching_dims": (0,),
    }
    scalar = {
        "update_window_dims": (),
        "inserted_window_dims": (),
        "scatter_dims_to_operand_dims": (),
    }
    far = _index([0], [7], [-1], [2])
    twice = _index([3], [0], [3], [4])
    corners = _index([0, 1], [3, 2], [9, -9])
    columns = _index([[0], [3]], [[1], [2]], [[5], [-2]])

    def sample(
        x: Array, indices: Array, updates: Array, computation: str, mode: str, numbers: Any = rows,
        differentiable: bool = True, **hints: bool,
    ) -> Sample:  # fmt: skip
        attributes = {**numbers, "update_computation": computation, "mode": mode, **hints}
        return Sample((x, indices, updates), attributes, differentiable)

    x, updates = draw(5, 3), draw(4, 3, salt=1)
    made = [
        sample(x, far, updates, computation, "fill", unique_indices=computation == "multiply")
        for computation in _COMPUTATIONS
    ]
    # JAX's gradients of minimum and maximum overlook that "clip" moves windows.
    made += [sample(x, far, updates, computation, "clip") for computation in ("set", "add")]
    made += [
        sample(x, twice, updates, computation, "promise_in_bounds")
        for computation in ("add", "minimum", "maximum")
    ]
    made += [
        sample(x, _index([3], [0]), draw(2, 3), "set", "clip", unique_indices=True),
        sample(x, _index([0], [3]), draw(2, 2), "set", "clip", indices_are_sorted=True),
        sample(x, twice, updates, "multiply", "clip", differentiable=False),
        sample(x, np.zeros((0, 1), "int64"), draw(0, 3), "add", "clip"),
        sample(draw(4, 5), corners, draw(2, 2, 3), "add", "clip", blocks),
        sample(draw(4, 5), corners, draw(2, 2, 3), "add", "fill", blocks),
        sample(draw(4, 5), corners, draw(2, 2, 3), "maximum", "fill", blocks),
        sample(draw(3, 4), columns, draw(3, 2), "add", "clip", per_batch),
        sample(draw(3, 4), columns, draw(3, 2), "set", "fill", per_batch),
        sample(draw(), np.zeros((3, 0), "int32"), draw(3), "add", "clip", scalar),
    ]
    for dtype in ("bfloat16", "complex64", "int32", "uint8", "bool"):
        for computation in _COMPUTATIONS[: 1 if dtype == "bool" else 3 if "c" in dtype else 5]:
            old = draw(5, 3, low=0, dtype=dtype)
            new = draw(2, 3, low=0, dtype=dtype, salt=1)
            inexact = dtype in ("bfloat16", "complex64") and computation in ("set", "add")
            indices = _index([3], [0], dtype="uint8")
            made.append(sample(old, indices, new, computation, "clip", differentiable=inexact))
    return made


SCATTER = REGISTRY.register(
    OpSpec(
        name="scatter",
        doc="The operand, updated in windows at the positions in the last axis of the indices.",
        arity=3,
        attributes=Schema(
            update_window_dims=INTEGERS,
            inserted_window_dims=INTEGERS,
            scatter_dims_to_operand_dims=INTEGERS,
            operand_batching_dims=Attribute(INTEGERS, ()),
            scatter_indices_batching_dims=Attribute(INTEGERS, ()),
            update_computation=choice(*_COMPUTATIONS),
            mode=MODE,
            indices_are_sorted=Attribute(TRUTH, False),
            unique_indices=Attribute(TRUTH, False),
        ),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
    )
)

"""Equations of a jaxpr that are ops of the set: what each parameter becomes.

Elementwise primitives without parameters need no entry: the registry knows which op is which
primitive. A function here gives the results of one equation, or None where the op says less than
the equation does (another precision, a sharding); that becomes a `jax_primitive`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphc.dtypes import BOOL, as_dtype
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpSpec, PrimitiveLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.opset.sliding_windows.dimension_numbers import (
    DimensionNumbers,
    write_dimension_numbers,
)

Parameters = Mapping[str, Any]
Write = Callable[[Builder, Parameters, Sequence[Value], TensorType], Value | None]
"""`write(build, parameters, operands, type of the result)`."""

EQUATIONS: Final[dict[str, Write]] = {}


def _equation(*names: str) -> Callable[[Write], Write]:
    def note(write: Write) -> Write:
        EQUATIONS.update(dict.fromkeys(names, write))
        return write

    return note


def plain_ops() -> dict[str, tuple[OpSpec, Mapping[str, Any]]]:
    """Elementwise ops without attributes by the primitive that they are, with its parameters."""
    found: dict[str, tuple[OpSpec, Mapping[str, Any]]] = {}
    for op in REGISTRY:
        lower = op.lower
        if not isinstance(lower, PrimitiveLowering) or lower.fixed is None:
            continue
        if op.has(Trait.ELEMENTWISE) and not op.attributes.fields:
            found.setdefault(lower.primitive.name, (op, lower.fixed))
    return found


def spread(build: Builder, value: Value, type_: TensorType) -> Value:
    """An operand of an elementwise equation: one number may stand for all along an axis."""
    given, wanted = value.type.shape, type_.shape
    if given == wanted:
        return value
    kept = [axis for axis, size in enumerate(given) if size == wanted[axis]]
    if len(kept) < len(given):
        value = build.reshape(value, shape=tuple(given[axis] for axis in kept))
    return build.broadcast_in_dim(value, shape=wanted, broadcast_dimensions=kept)


@_equation("convert_element_type")
def _convert(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if p.get("sharding") is not None:
        return None
    dtype = as_dtype(p["new_dtype"])
    return x[0] if dtype is x[0].type.dtype else build.convert(x[0], dtype=dtype)


@_equation("broadcast_in_dim")
def _broadcast(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    if len(x) > 1 or p.get("sharding") is not None:
        return None
    dimensions = p["broadcast_dimensions"]
    return build.broadcast_in_dim(x[0], shape=type_.shape, broadcast_dimensions=dimensions)


@_equation("reshape", "squeeze", "expand_dims")
def _reshape(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    # squeeze, too, has a parameter "dimensions": the axes that go
    is_reordered = "new_sizes" in p and p.get("dimensions") is not None
    if is_reordered or len(x) > 1 or p.get("sharding") is not None:
        return None
    return build.reshape(x[0], shape=type_.shape)


@_equation("transpose")
def _transpose(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.transpose(x[0], permutation=p["permutation"])


@_equation("rev")
def _reverse(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.reverse(x[0], dimensions=p["dimensions"])


def _define_reductions() -> None:
    def define(name: str, op_name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            if p.get("out_sharding") is not None or type_.dtype is not x[0].type.dtype:
                return None
            return getattr(build, op_name)(x[0], axes=p["axes"])

        EQUATIONS[name] = write

    for name in ("sum", "max", "min", "and", "or", "xor"):
        define(f"reduce_{name}", f"reduce_{name}")
    define("reduce_prod", "reduce_product")


_define_reductions()


def _define_cumulative() -> None:
    def define(name: str, op_name: str) -> None:
        def write(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
            return getattr(build, op_name)(x[0], axis=p["axis"], reverse=p["reverse"])

        EQUATIONS[name] = write

    for name, op_name in (("sum", "sum"), ("prod", "product"), ("max", "max"), ("min", "min")):
        define(f"cum{name}", f"cumulative_{op_name}")


_define_cumulative()


def _define_comparisons() -> None:
    def define(name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            left, right = (spread(build, each, type_) for each in x)
            return build.compare(left, right, direction=name.upper())

        EQUATIONS[name] = write

    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        define(name)


_define_comparisons()


@_equation("dot_general")
def _dot(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if p["precision"] is not None or p.get("out_sharding") is not None:
        return None
    if not x[0].type.dtype is x[1].type.dtype is type_.dtype:
        return None
    (left, right), (left_batch, right_batch) = p["dimension_numbers"]
    return build.dot_general(
        *x,
        lhs_contracting=left,
        rhs_contracting=right,
        lhs_batching=left_batch,
        rhs_batching=right_batch,
    )


@_equation("slice")
def _slice(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    starts = p["start_indices"]
    strides = p["strides"] or (1,) * len(starts)
    limits = p["limit_indices"]
    return build.slice(x[0], start_indices=starts, limit_indices=limits, strides=strides)


@_equation("pad")
def _pad(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    low, high, interior = zip(*p["padding_config"], strict=True) if x[0].type.rank else ((),) * 3
    return build.pad(*x, low=low, high=high, interior=interior)


@_equation("concatenate")
def _concatenate(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.concatenate(*x, dimension=p["dimension"])


@_equation("select_n")
def _select(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if len(x) != 3 or x[0].type.dtype is not as_type("bool").dtype:
        return None
    which, if_false, if_true = (spread(build, each, type_) for each in x)
    return build.select(which, if_true, if_false)


@_equation("clamp")
def _clamp(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.clamp(*[spread(build, each, type_) for each in x])


@_equation("iota")
def _iota(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if x or p.get("sharding") is not None:
        return None
    return build.iota(dtype=type_.dtype, shape=type_.shape, iota_dimension=p["dimension"])


@_equation("integer_pow")
def _integer_power(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    return build.multiply(x[0], x[0]) if p["y"] == 2 else None


@_equation("square")
def _square(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.multiply(x[0], x[0])


@_equation("copy", "copy_p")
def _same(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return x[0]


@_equation("stop_gradient")
def _stop(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.stop_gradient(x[0])


@_equation("add_any")
def _sum_of_cotangents(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value:
    return build.add(*x)


@_equation("conv_general_dilated")
def _convolution(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    is_plain = p["precision"] is None and p.get("out_sharding") is None
    if not is_plain or not x[0].type.dtype is x[1].type.dtype is type_.dtype:
        return None
    low, high = zip(*p["padding"], strict=True) if p["padding"] else ((), ())
    return build.convolution(
        *x,
        dimension_numbers=write_dimension_numbers(DimensionNumbers(*p["dimension_numbers"])),
        window_strides=p["window_strides"],
        padding_low=low,
        padding_high=high,
        lhs_dilation=p["lhs_dilation"],
        rhs_dilation=p["rhs_dilation"],
        feature_group_count=p["feature_group_count"],
        batch_group_count=p["batch_group_count"],
    )


def _define_window_reductions() -> None:
    def define(name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            if type_.rank == 0 or type_.dtype is BOOL:
                return None
            low, high = zip(*p["padding"], strict=True)
            return getattr(build, name)(
                x[0],
                window_dimensions=p["window_dimensions"],
                window_strides=p["window_strides"],
                padding_low=low,
                padding_high=high,
                base_dilation=p["base_dilation"],
                window_dilation=p["window_dilation"],
            )

        EQUATIONS[name] = write

    for name in ("sum", "max", "min"):
        define(f"reduce_window_{name}")


_define_window_reductions()

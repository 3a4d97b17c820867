"""Equations of a jaxpr that are elementwise ops of the set, move data about, or reduce.

Elementwise primitives without parameters need no entry: the registry knows which op is which
primitive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphc.dtypes import as_dtype
from graphc.importers.jax_functions.equation_table import (
    EquationTable,
    Parameters,
    is_sharded,
    spread,
)
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpSpec, PrimitiveLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type

ELEMENTS: Final = EquationTable()


PlainOps = Mapping[str, tuple[OpSpec, Mapping[str, Any]]]


def plain_ops() -> PlainOps:
    """Elementwise ops without attributes by the primitive that they are, with its parameters."""
    found: dict[str, tuple[OpSpec, Mapping[str, Any]]] = {}
    for op in REGISTRY:
        lower = op.lower
        if not isinstance(lower, PrimitiveLowering) or lower.fixed is None:
            continue
        if op.has(Trait.ELEMENTWISE) and not op.attributes.fields:
            found.setdefault(lower.primitive.name, (op, lower.fixed))
    return found


@ELEMENTS.writes("convert_element_type")
def _convert(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if is_sharded(p.get("sharding")):
        return None
    dtype = as_dtype(p["new_dtype"])
    return x[0] if dtype is x[0].type.dtype else build.convert(x[0], dtype=dtype)


@ELEMENTS.writes("broadcast_in_dim")
def _broadcast(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    if len(x) > 1 or is_sharded(p.get("sharding")):
        return None
    dimensions = p["broadcast_dimensions"]
    return build.broadcast_in_dim(x[0], shape=type_.shape, broadcast_dimensions=dimensions)


@ELEMENTS.writes("reshape", "squeeze", "expand_dims")
def _reshape(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if len(x) > 1 or is_sharded(p.get("sharding")):
        return None
    # squeeze, too, has a parameter "dimensions": the axes that go
    order = p.get("dimensions") if "new_sizes" in p else None
    given = x[0] if order is None else build.transpose(x[0], permutation=order)
    return build.reshape(given, shape=type_.shape)


@ELEMENTS.writes("transpose")
def _transpose(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.transpose(x[0], permutation=p["permutation"])


@ELEMENTS.writes("rev")
def _reverse(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.reverse(x[0], dimensions=p["dimensions"])


def _define_reductions() -> None:
    def define(name: str, op_name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            if is_sharded(p.get("out_sharding")) or type_.dtype is not x[0].type.dtype:
                return None
            return getattr(build, op_name)(x[0], axes=p["axes"])

        ELEMENTS[name] = write

    for name in ("sum", "max", "min", "and", "or", "xor"):
        define(f"reduce_{name}", f"reduce_{name}")
    define("reduce_prod", "reduce_product")


_define_reductions()


def _define_cumulative() -> None:
    def define(name: str, op_name: str) -> None:
        def write(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
            return getattr(build, op_name)(x[0], axis=p["axis"], reverse=p["reverse"])

        ELEMENTS[name] = write

    for name, op_name in (("sum", "sum"), ("prod", "product"), ("max", "max"), ("min", "min")):
        define(f"cum{name}", f"cumulative_{op_name}")
    define("cumlogsumexp", "cumulative_log_sum_exp")


_define_cumulative()


def _define_comparisons() -> None:
    def define(name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            left, right = (spread(build, each, type_) for each in x)
            return build.compare(left, right, direction=name.upper())

        ELEMENTS[name] = write

    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        define(name)


_define_comparisons()


@ELEMENTS.writes("slice")
def _slice(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    starts = p["start_indices"]
    strides = p["strides"] or (1,) * len(starts)
    limits = p["limit_indices"]
    return build.slice(x[0], start_indices=starts, limit_indices=limits, strides=strides)


@ELEMENTS.writes("pad")
def _pad(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    low, high, interior = zip(*p["padding_config"], strict=True) if x[0].type.rank else ((),) * 3
    return build.pad(*x, low=low, high=high, interior=interior)


@ELEMENTS.writes("concatenate")
def _concatenate(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.concatenate(*x, dimension=p["dimension"])


@ELEMENTS.writes("select_n")
def _select(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    which, *cases = (spread(build, each, type_) for each in x)
    return _choose(build, which, 0, cases)


def _choose(build: Builder, which: Value, first: int, cases: Sequence[Value]) -> Value:
    """The case that `which` numbers; the first of them has the number `first`."""
    if len(cases) == 1:
        return cases[0]
    if which.type.dtype is as_type("bool").dtype:
        return build.select(which, cases[1], cases[0])
    half = len(cases) // 2
    is_lower = build.compare(which, build.full_like(which, first + half), direction="LT")
    lower = _choose(build, which, first, cases[:half])
    return build.select(is_lower, lower, _choose(build, which, first + half, cases[half:]))


@ELEMENTS.writes("clamp")
def _clamp(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.clamp(*[spread(build, each, type_) for each in x])


@ELEMENTS.writes("iota")
def _iota(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if x or is_sharded(p.get("sharding")):
        return None
    return build.iota(dtype=type_.dtype, shape=type_.shape, iota_dimension=p["dimension"])


@ELEMENTS.writes("integer_pow")
def _integer_power(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    """By squaring, with the products that JAX takes."""
    exponent, square, total = abs(p["y"]), x[0], None
    while exponent:
        if exponent & 1:
            total = square if total is None else build.multiply(total, square)
        exponent >>= 1
        if exponent:
            square = build.multiply(square, square)
    if total is None:
        return build.full_like(x[0], 1)
    return build.divide(build.full_like(total, 1), total) if p["y"] < 0 else total


@ELEMENTS.writes("square")
def _square(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.multiply(x[0], x[0])


@ELEMENTS.writes("log2")
def _log2(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    if p["accuracy"] is not None or type_.dtype.is_complex:
        return None
    natural = build.log(x[0])
    return build.multiply(natural, build.full_like(natural, 1 / math.log(2)))


@ELEMENTS.writes("one_minus_square")
def _one_minus_square(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value:
    one = build.full_like(x[0], 1)
    return build.multiply(build.add(one, x[0]), build.subtract(one, x[0]))


@ELEMENTS.writes("copy", "copy_p")
def _same(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return x[0]


@ELEMENTS.writes("stop_gradient")
def _stop(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value:
    return build.stop_gradient(x[0])


@ELEMENTS.writes("add_any")
def _sum_of_cotangents(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value:
    return build.add(*x)


@ELEMENTS.writes("device_put")
def _stay(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Sequence[Value] | None:
    is_anywhere = all(each is None for each in (*p["devices"], *p["srcs"]))
    return x if is_anywhere else None


@ELEMENTS.writes("bitcast_convert_type")
def _bitcast(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    return build.bitcast_convert(x[0], dtype=type_.dtype)


@ELEMENTS.writes("reduce_precision")
def _reduce_precision(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value:
    bits = {name: p[name] for name in ("exponent_bits", "mantissa_bits")}
    return build.reduce_precision(x[0], **bits)


@ELEMENTS.writes("exp2")
def _exp2(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    # of narrow floats the op is more precise than JAX
    is_same = p.get("accuracy") is None and type_.dtype.itemsize >= 4
    return build.exp2(x[0]) if is_same else None


@ELEMENTS.writes("split")
def _split(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Sequence[Value]:
    axis, start, parts = p["axis"], 0, list[Value]()
    for size in p["sizes"]:
        starts, limits = [0] * type_.rank, list(x[0].type.shape)
        starts[axis], limits[axis] = start, start + size
        cut = build.slice(
            x[0], start_indices=starts, limit_indices=limits, strides=[1] * type_.rank
        )
        parts.append(cut)
        start += size
    return parts

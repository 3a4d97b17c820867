"""Sums, products, extrema and log-sum-exps of all elements up to each position along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import I32, DType
from graphc.ir.attributes import INTEGER, TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Gradient, OpCall, OpSpec, Sample
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import (
    ARITHMETIC,
    FLOATING,
    REAL_ARITHMETIC,
    require_axes,
    require_dtype,
)

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def define_cumulative(
    name: str,
    doc: str,
    allowed: frozenset[DType],
    jax_name: str,
    gradient: Gradient,
    combine: np.ufunc,
    dtypes: Sequence[str],
) -> OpSpec:
    """Register a cumulative op; see `OpSpec` for the facets.

    Args:
        name: `cumulative_` and what it does.
        doc: one line.
        allowed: the element types of the operand, and of the result.
        jax_name: the name of JAX's primitive.
        gradient: the reverse-mode rule.
        combine: NumPy's function of two elements.
        dtypes: element types for samples, the first for most of them.
    """

    def infer(call: OpCall) -> TensorType:
        require_dtype(call, 0, allowed)
        require_axes(call, [call.attributes["axis"]], call.types[0].rank, "axis")
        return call.types[0]

    def reference(call: OpCall, x: Array) -> Array:
        axis, reverse = call.attributes["axis"], call.attributes["reverse"]
        ordered = np.flip(x, axis) if reverse else x
        found = combine.accumulate(ordered, axis=axis, dtype=x.dtype)
        return np.flip(found, axis) if reverse else found

    def samples() -> list[Sample]:
        def accumulate(*shape: int, axis: int, reverse: bool, dtype: str = dtypes[0]) -> Sample:
            x = draw(*shape, dtype=dtype, low=0 if dtype.startswith("u") else -2)
            attributes = {"axis": axis, "reverse": reverse}
            return Sample((x,), attributes, differentiable=x.dtype.kind not in "ui")

        return [
            accumulate(6, axis=0, reverse=False),
            accumulate(2, 5, axis=1, reverse=True),
            accumulate(4, 2, 3, axis=0, reverse=True),
            accumulate(2, 4, 3, axis=1, reverse=False),
            accumulate(1, 2, axis=0, reverse=False),
            accumulate(0, 2, axis=0, reverse=True),
            accumulate(2, 0, axis=0, reverse=False),
            *[accumulate(3, 2, axis=0, reverse=True, dtype=dtype) for dtype in dtypes[1:]],
        ]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(axis=INTEGER, reverse=Attribute(TRUTH, False)),
            infer=infer,
            lower=primitive(
                jax_name,
                lambda call: {
                    "axis": call.attributes["axis"],
                    "reverse": call.attributes["reverse"],
                },
            ),
            gradient=gradient,
            reference=reference,
            samples=samples,
        )
    )


def _next(build: Builder, call: OpCall, value: Value, distance: int, fill: float) -> Value:
    """The elements `distance` further on, in the direction of accumulation; `fill` at the end."""
    axis, rank = call.attributes["axis"], value.type.rank
    low = [0] * rank
    low[axis] = distance if call.attributes["reverse"] else -distance
    padding = build.full(fill, value.type.dtype)
    return build.pad(value, padding, low=low, high=[-edge for edge in low], interior=[0] * rank)


# --- cumulative_sum -------------------------------------------------------------------------------


def _sum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    axis, reverse = call.attributes["axis"], call.attributes["reverse"]
    return (build.cumulative_sum(ct[0], axis=axis, reverse=not reverse),)


CUMULATIVE_SUM = define_cumulative(
    "cumulative_sum", "The sum of all elements up to each, itself included.", ARITHMETIC, "cumsum",
    _sum_gradient, np.add,
    ("float32", "bfloat16", "float64", "complex64", "int32", "uint8"),
)  # fmt: skip

# --- cumulative_max, cumulative_min ---------------------------------------------------------------


def _extremum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """All goes to the element that is the extremum; of equal ones, to the one reached last."""
    x, axis, reverse = operands[0], call.attributes["axis"], call.attributes["reverse"]
    shape, rank = x.type.shape, x.type.rank
    wins = build.compare(x, results[0], direction="EQ")
    here = build.iota(dtype=I32, shape=shape, iota_dimension=axis)
    start = build.full(np.iinfo(np.int32).max if reverse else 0, I32, shape)
    follow = build.cumulative_min if reverse else build.cumulative_max
    winner = follow(build.select(wins, here, start), axis=axis, reverse=reverse)
    others = [each for each in range(rank) if each != axis]
    total = build.scatter(
        build.full_like(x, 0),
        build.reshape(winner, shape=(*shape, 1)),
        ct[0],
        update_window_dims=(),
        inserted_window_dims=(axis,),
        scatter_dims_to_operand_dims=(axis,),
        operand_batching_dims=others,
        scatter_indices_batching_dims=others,
        update_computation="add",
        mode="fill",
    )
    return (total,)


_REAL_DTYPES = ("float32", "bfloat16", "float64", "int16", "uint8")

CUMULATIVE_MAX = define_cumulative(
    "cumulative_max", "The maximum of all elements up to each.", REAL_ARITHMETIC, "cummax",
    _extremum_gradient, np.maximum, _REAL_DTYPES,
)  # fmt: skip

CUMULATIVE_MIN = define_cumulative(
    "cumulative_min", "The minimum of all elements up to each.", REAL_ARITHMETIC, "cummin",
    _extremum_gradient, np.minimum, _REAL_DTYPES,
)  # fmt: skip

# --- cumulative_product ---------------------------------------------------------------------------


def _product_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """Without a division, so that it holds where an element is zero too.

    Element i is in all products from i on: its cotangent is the product of all elements before it
    times s[i] = ct[i] + x[i + 1] s[i + 1].
    """
    x = operands[0]
    axis: int = call.attributes["axis"]
    size: Dimension = x.type.shape[axis]
    suffix = (
        _recurrence(build, call, x, ct[0], size)
        if isinstance(size, int)
        else _weighted_suffixes(build, call, x, ct[0])
    )
    before = _next(build, call, results[0], -1, 1)
    return (build.multiply(before, suffix),)


def _recurrence(build: Builder, call: OpCall, x: Value, ct: Value, size: int) -> Value:
    """The s of a known size, by doubling: from s[i + 1], then from s[i + 2], s[i + 4], and on."""
    factor, total = _next(build, call, x, 1, 0), ct
    distance = 1
    while distance < size:
        total = build.add(total, build.multiply(factor, _next(build, call, total, distance, 0)))
        factor = build.multiply(factor, _next(build, call, factor, distance, 0))
        distance *= 2
    return total


def _weighted_suffixes(build: Builder, call: OpCall, x: Value, ct: Value) -> Value:
    """The s of an unknown size: for each i the products of x[i + 1], …, x[k].

    Takes memory that is quadratic in the size; doubling has to know when it may stop.
    """
    axis, reverse = call.attributes["axis"], call.attributes["reverse"]
    square = _Square(x, axis)
    factors = square.along_results(build, x)
    later = square.compare(build, "LT" if reverse else "GT")
    factors = build.select(later, factors, build.full_like(factors, 1))
    products = build.cumulative_product(factors, axis=axis + 1, reverse=reverse)
    terms = build.multiply(products, square.along_results(build, ct))
    counts = square.compare(build, "LE" if reverse else "GE")
    return build.reduce_sum(build.select(counts, terms, build.full_like(terms, 0)), axes=[axis + 1])


class _Square:
    """Every element i of an axis, beside every result k: on axes `axis` and `axis + 1`."""

    def __init__(self, x: Value, axis: int) -> None:
        shape = x.type.shape
        self.axis = axis
        self.shape = (*shape[:axis], shape[axis], *shape[axis:])

    def along_elements(self, build: Builder, value: Value) -> Value:
        """A value that varies with i, repeated for every k."""
        return self._repeated(build, value, self.axis + 1)

    def along_results(self, build: Builder, value: Value) -> Value:
        """A value that varies with k, repeated for every i."""
        return self._repeated(build, value, self.axis)

    def _repeated(self, build: Builder, value: Value, missing: int) -> Value:
        axes = [axis for axis in range(len(self.shape)) if axis != missing]
        return build.broadcast_in_dim(value, shape=self.shape, broadcast_dimensions=axes)

    def compare(self, build: Builder, direction: str) -> Value:
        """How k compares to i."""
        i = build.iota(dtype=I32, shape=self.shape, iota_dimension=self.axis)
        k = build.iota(dtype=I32, shape=self.shape, iota_dimension=self.axis + 1)
        return build.compare(k, i, direction=direction)


CUMULATIVE_PRODUCT = define_cumulative(
    "cumulative_product", "The product of all elements up to each, itself included.", ARITHMETIC,
    "cumprod", _product_gradient, np.multiply,
    ("float32", "bfloat16", "float64", "complex64", "int32", "uint8"),
)  # fmt: skip

# --- cumulative_log_sum_exp -----------------------------------------------------------------------


def _log_sum_exp_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """Element i has the share exp(x[i] - y[k]) in each result y[k] from i on.

    Its cotangent is exp(x[i] - y[i]) s[i] with s[i] = ct[i] + exp(y[i] - y[i + 1]) s[i + 1]. The
    results never decrease, so no exponential is above 1, however large the elements are.
    """
    x, y = operands[0], results[0]
    axis: int = call.attributes["axis"]
    size: Dimension = x.type.shape[axis]
    if isinstance(size, int):
        factor = _share(build, _next(build, call, y, -1, -np.inf), y)
        total = _recurrence(build, call, factor, ct[0], size)
        return (build.multiply(_share(build, x, y), total),)
    return (_weighted_shares(build, call, x, y, ct[0]),)


def _share(build: Builder, part: Value, whole: Value) -> Value:
    """exp(part - whole); 0 where both are minus infinity."""
    nothing = build.compare(part, build.full_like(part, -np.inf), direction="EQ")
    # Chosen before and after the exponential, so that no NaN is left in a derivative either.
    difference = build.subtract(build.select(nothing, whole, part), whole)
    zero = build.full_like(part, 0)
    safe = build.select(nothing, zero, difference)
    return build.select(nothing, zero, build.exponential(safe))


def _weighted_shares(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    """The cotangents for an unknown size, in memory that is quadratic in it."""
    axis: int = call.attributes["axis"]
    square = _Square(x, axis)
    parts = square.along_elements(build, x)
    counts = square.compare(build, "LE" if call.attributes["reverse"] else "GE")
    parts = build.select(counts, parts, build.full_like(parts, -np.inf))
    shares = _share(build, parts, square.along_results(build, y))
    terms = build.multiply(shares, square.along_results(build, ct))
    return build.reduce_sum(terms, axes=[axis + 1])


CUMULATIVE_LOG_SUM_EXP = define_cumulative(
    "cumulative_log_sum_exp", "The logarithm of the sum of the exponentials of all elements up to "
    "each, itself included.", FLOATING, "cumlogsumexp", _log_sum_exp_gradient, np.logaddexp,
    ("float32", "bfloat16", "float64"),
)  # fmt: skip

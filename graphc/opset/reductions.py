"""Ops that combine all elements along some axes into one, and remove the axes.

Over no elements the result is what the operation starts from: 0 for a sum, minus infinity for a
maximum. Source: StableHLO specification, reduce.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.dimensions import product
from graphc.dtypes import DType
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import AXES, DTYPE, INTEGER, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, Gradient, NoGradient, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import ARITHMETIC, LOGICAL, REAL, require_axes, require_dtype

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def _kept_axes(call: OpCall) -> list[int]:
    reduced: tuple[int, ...] = call.attributes["axes"]
    return [axis for axis in range(call.types[0].rank) if axis not in reduced]


def _cost(call: OpCall) -> Cost:
    operand = call.types[0]
    return Cost(operand.size, operand.byte_size + call.result.byte_size)


def define_reduction(
    name: str,
    doc: str,
    allowed: frozenset[DType],
    jax_name: str,
    gradient: Gradient,
    reference: Callable[[Array, tuple[int, ...]], Any],
    dtypes: Sequence[str],
    **fixed: Any,
) -> OpSpec:
    """Register a reduction; see `OpSpec` for the facets.

    Args:
        name: `reduce_` and what it does.
        doc: one line.
        allowed: the element types of the operand, and of the result.
        jax_name: the name of JAX's primitive.
        gradient: the reverse-mode rule, or why there is none.
        reference: takes the array and the axes.
        dtypes: element types for samples, the first for most of them.
        **fixed: parameters of the primitive besides the axes.
    """

    def infer(call: OpCall) -> TensorType:
        dtype = require_dtype(call, 0, allowed)
        operand = call.types[0]
        require_axes(call, call.attributes["axes"], operand.rank, "axes")
        return tensor_type(dtype, tuple([operand.shape[axis] for axis in _kept_axes(call)]))

    def compute(call: OpCall, x: Array) -> Any:
        return reference(x, call.attributes["axes"])

    def samples() -> list[Sample]:
        def reduce(*shape: int, axes: tuple[int, ...], dtype: str = dtypes[0]) -> Sample:
            x = draw(*shape, dtype=dtype, low=0 if dtype.startswith("u") else -2)
            # Nothing can be measured at the infinity that is the extremum of no elements.
            smooth = x.dtype.kind not in "bui" and (x.size > 0 or allowed is not REAL)
            return Sample((x,), {"axes": axes}, differentiable=smooth)

        return [
            reduce(2, 3, axes=(1,)),
            reduce(2, 3, axes=(0,)),
            reduce(2, 3, 4, axes=(2, 0)),
            reduce(2, 3, axes=(0, 1)),
            reduce(2, 3, axes=()),
            reduce(axes=()),
            reduce(2, 0, axes=(1,)),
            reduce(0, 3, axes=(1,)),
            *[reduce(3, 2, axes=(0,), dtype=dtype) for dtype in dtypes[1:]],
        ]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(axes=AXES),
            infer=infer,
            lower=primitive(jax_name, lambda call: {"axes": call.attributes["axes"]}, **fixed),
            gradient=gradient,
            reference=compute,
            cost=_cost,
            samples=samples,
            traits=Trait.REDUCTION,
        )
    )


def _repeat(build: Builder, call: OpCall, value: Value) -> Value:
    """A value of the result's shape, along the reduced axes."""
    shape = call.types[0].shape
    return build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=_kept_axes(call))


# --- reduce_sum -----------------------------------------------------------------------------------


def _sum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (_repeat(build, call, ct[0]),)


REDUCE_SUM = define_reduction(
    "reduce_sum", "The sum along axes.", ARITHMETIC, "reduce_sum", _sum_gradient,
    lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype),
    ("float32", "bfloat16", "float64", "complex64", "int8", "uint32"), out_sharding=None,
)  # fmt: skip

# --- reduce_max, reduce_min -----------------------------------------------------------------------


def _extremum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """Equal shares for all elements that are the extremum, as in JAX."""
    x = operands[0]
    wins = build.compare(x, _repeat(build, call, results[0]), direction="EQ")
    zero = build.full_like(x, 0)
    counted = build.select(wins, build.full_like(x, 1), zero)
    count = build.reduce_sum(counted, axes=call.attributes["axes"])
    share = _repeat(build, call, build.divide(ct[0], count))
    return (build.select(wins, share, zero),)


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The least and the greatest number of an element type."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    if dtype.kind == "b":
        return False, True
    return np.iinfo(dtype).min, np.iinfo(dtype).max


_REAL_DTYPES = ("float32", "bfloat16", "float64", "int16", "uint8", "bool")

REDUCE_MAX = define_reduction(
    "reduce_max", "The maximum along axes; NaN where there is one.", REAL, "reduce_max",
    _extremum_gradient,
    lambda x, axes: np.max(x, axis=axes, initial=_limits(x.dtype)[0]),
    _REAL_DTYPES, since_0_11={"out_sharding": None},
)  # fmt: skip

REDUCE_MIN = define_reduction(
    "reduce_min", "The minimum along axes; NaN where there is one.", REAL, "reduce_min",
    _extremum_gradient,
    lambda x, axes: np.min(x, axis=axes, initial=_limits(x.dtype)[1]),
    _REAL_DTYPES, since_0_11={"out_sharding": None},
)  # fmt: skip

# --- reduce_product -------------------------------------------------------------------------------


def _product_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """The products of all others, which hold where an element is zero too."""
    reduced: tuple[int, ...] = call.attributes["axes"]
    if not reduced:
        return (ct[0],)
    x, shape = operands[0], call.types[0].shape
    if len(reduced) == 1:
        others = _products_of_others(build, x, reduced[0])
    else:
        # Put the reduced axes last and make them one.
        order = (*_kept_axes(call), *reduced)
        sizes = tuple([shape[axis] for axis in order])
        kept = sizes[: -len(reduced)]
        moved = build.transpose(x, permutation=order)
        flat = build.reshape(moved, shape=(*kept, product(sizes[len(kept) :])))
        found = build.reshape(_products_of_others(build, flat, len(kept)), shape=sizes)
        back = sorted(range(len(order)), key=order.__getitem__)
        others = build.transpose(found, permutation=back)
    return (build.multiply(_repeat(build, call, ct[0]), others),)


def _products_of_others(build: Builder, x: Value, axis: int) -> Value:
    """For each element, the product of all those before it times that of all those after it."""
    one = build.full(1, x.type.dtype)
    shares: list[Value] = []
    for low, reverse in ((1, False), (-1, True)):
        edges = [low if each == axis else 0 for each in range(x.type.rank)]
        shifted = build.pad(
            x, one, low=edges, high=[-edge for edge in edges], interior=[0] * x.type.rank
        )
        shares.append(build.cumulative_product(shifted, axis=axis, reverse=reverse))
    return build.multiply(*shares)


REDUCE_PRODUCT = define_reduction(
    "reduce_product", "The product along axes.", ARITHMETIC, "reduce_prod", _product_gradient,
    lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype),
    ("float32", "bfloat16", "float64", "complex64", "int8", "uint32"),
)  # fmt: skip

# --- reduce_and, reduce_or, reduce_xor ------------------------------------------------------------

_DISCRETE = NoGradient("bits do not change smoothly")
_LOGICAL_DTYPES = ("bool", "int8", "uint16", "int64")

REDUCE_AND = define_reduction(
    "reduce_and", "Whether all are true; the common bits of integers.", LOGICAL, "reduce_and",
    _DISCRETE,
    lambda x, axes: np.bitwise_and.reduce(x, axis=axes, initial=np.invert(x.dtype.type(0))),
    _LOGICAL_DTYPES,
)  # fmt: skip

REDUCE_OR = define_reduction(
    "reduce_or", "Whether any is true; all bits of integers.", LOGICAL, "reduce_or", _DISCRETE,
    lambda x, axes: np.bitwise_or.reduce(x, axis=axes, initial=x.dtype.type(0)), _LOGICAL_DTYPES,
)  # fmt: skip

REDUCE_XOR = define_reduction(
    "reduce_xor", "Whether an odd number is true; the bits that an odd number of integers have.",
    LOGICAL, "reduce_xor", _DISCRETE,
    lambda x, axes: np.bitwise_xor.reduce(x, axis=axes, initial=x.dtype.type(0)), _LOGICAL_DTYPES,
)  # fmt: skip

# --- argmax, argmin -------------------------------------------------------------------------------


def _position_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, REAL)
    operand, axis, dtype = call.types[0], call.attributes["axis"], call.attributes["index_dtype"]
    require_axes(call, [axis], operand.rank, "axis")
    if not dtype.is_integer:
        raise call.error(DTypeError, f"positions cannot be {dtype}", "an integer type")
    if operand.shape[axis] == 0:
        raise call.error(ShapeError, f"axis {axis} has no elements", "at least one")
    return tensor_type(dtype, operand.shape[:axis] + operand.shape[axis + 1 :])


def _position_samples() -> list[Sample]:
    def position(x: Array, axis: int, dtype: str = "int32") -> Sample:
        return Sample((x,), {"axis": axis, "index_dtype": dtype}, differentiable=False)

    return [
        position(draw(2, 3), 1),
        position(draw(2, 3, 4), 0, "int64"),
        position(draw(3), 0, "uint8"),
        position(draw(0, 3), 1),
        position(np.array([1, 3, 3, 1, 1], np.float32), 0),
        position(np.array([1, np.nan, 3, np.nan], np.float32), 0),
        position(draw(2, 3, dtype="bfloat16"), 1),
        position(draw(2, 3, dtype="int8"), 0),
        position(draw(2, 3, dtype="bool"), 0),
    ]


def _define_position(name: str, doc: str, reference: Callable[..., Any]) -> OpSpec:
    def compute(call: OpCall, x: Array) -> Any:
        return reference(x, axis=call.attributes["axis"])

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(axis=INTEGER, index_dtype=Attribute(DTYPE, "int32")),
            infer=_position_type,
            lower=primitive(
                name,
                lambda call: {
                    "axes": (call.attributes["axis"],),
                    "index_dtype": call.attributes["index_dtype"].numpy,
                },
            ),
            gradient=NoGradient("a position does not change smoothly"),
            reference=compute,
            cost=_cost,
            samples=_position_samples,
            traits=Trait.REDUCTION,
        )
    )


ARGMAX = _define_position(
    "argmax", "The first position of the maximum along an axis, or of the first NaN.", np.argmax
)
ARGMIN = _define_position(
    "argmin", "The first position of the minimum along an axis, or of the first NaN.", np.argmin
)

"""dot_general: products of matrices, of vectors, and batches of them.

Source: StableHLO specification, dot_general.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, product
from graphc.dtypes import DType
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import DTYPE, INTEGERS, Attribute, Schema, optional
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import PRECISION, lowered_precision, primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import NUMERIC, require_axes, require_dtype, require_same_dtype

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

_SIDES = ("lhs", "rhs")


def product_axes(call: OpCall, side: int) -> tuple[Axes, Axes, Axes]:
    """The batching, contracting and free axes of an operand; the free ones in increasing order."""
    batching: Axes = call.attributes[f"{_SIDES[side]}_batching"]
    contracting: Axes = call.attributes[f"{_SIDES[side]}_contracting"]
    taken = {*batching, *contracting}
    free = [axis for axis in range(call.types[side].rank) if axis not in taken]
    return batching, contracting, tuple(free)


def _require_preferred(call: OpCall, dtype: DType, preferred: DType) -> None:
    """Check that results can have another element type: as wide, and of the same kind of number.

    Raises:
        DTypeError: they cannot.
    """
    same_kind = preferred.kind == dtype.kind or (dtype.is_integer and preferred.is_floating)
    if not same_kind or preferred.itemsize < dtype.itemsize:
        raise call.error(
            DTypeError,
            f"a product of {dtype} cannot give {preferred}",
            "the same kind of number, at least as wide; integers may give floats",
        )


def _type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    require_same_dtype(call)
    preferred: DType | None = call.attributes["preferred_element_type"]
    if preferred is not None:
        _require_preferred(call, dtype, preferred)
        dtype = preferred
    shapes = [type_.shape for type_ in call.types]
    (lhs_batching, lhs_contracting, lhs_free) = product_axes(call, 0)
    (rhs_batching, rhs_contracting, rhs_free) = product_axes(call, 1)
    pairs = (
        ("batching", lhs_batching, rhs_batching),
        ("contracting", lhs_contracting, rhs_contracting),
    )
    for what, left, right in pairs:
        if len(left) != len(right):
            raise call.error(
                ShapeError,
                f"lhs has {len(left)} {what} axes, rhs has {len(right)}",
                f"as many {what} axes on both sides",
            )
    require_axes(call, lhs_batching + lhs_contracting, len(shapes[0]), "axes of lhs")
    require_axes(call, rhs_batching + rhs_contracting, len(shapes[1]), "axes of rhs")

    def common(left: int, right: int) -> Dimension:
        what = f"the sizes of lhs axis {left} and rhs axis {right}"
        return call.require_equal(shapes[0][left], shapes[1][right], what)

    batch = [common(*pair) for pair in zip(lhs_batching, rhs_batching, strict=True)]
    for pair in zip(lhs_contracting, rhs_contracting, strict=True):
        common(*pair)
    free = [shapes[0][axis] for axis in lhs_free] + [shapes[1][axis] for axis in rhs_free]
    return tensor_type(dtype, (*batch, *free))


def _parameters(call: OpCall) -> dict[str, Any]:
    attributes = call.attributes
    preferred: DType | None = attributes["preferred_element_type"]
    return {
        "dimension_numbers": (
            (attributes["lhs_contracting"], attributes["rhs_contracting"]),
            (attributes["lhs_batching"], attributes["rhs_batching"]),
        ),
        "precision": lowered_precision(call),
        "preferred_element_type": None if preferred is None else preferred.numpy,
    }


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    return [
        _cotangent(build, call, side, operands[1 - side], ct[0]) if call.wants(side) else None
        for side in (0, 1)
    ]


def _cotangent(build: Builder, call: OpCall, side: int, other: Value, ct: Value) -> Value:
    """The product of the cotangent with the other operand, contracted over the latter's free axes.

    Of the two orders of a product, takes the one whose axes need no transpose, if there is one.
    """
    batching, contracting, free = product_axes(call, side)
    other_batching, other_contracting, other_free = product_axes(call, 1 - side)
    count = len(batching)
    # The cotangent's axes: batching, free of lhs, free of rhs.
    before = count + (len(free) if side == 0 else 0)
    other_in_ct = tuple(range(before, before + len(other_free)))
    if other.type.dtype is not ct.type.dtype:
        other = build.convert(other, dtype=ct.type.dtype)
    # What was contracted is free now, in the order of the other operand's axes.
    paired = tuple(contracting[other_contracting.index(axis)] for axis in sorted(other_contracting))
    ends_with_paired, ends_with_free = batching + free + paired, batching + paired + free
    ct_first = ends_with_free != tuple(sorted(ends_with_free))
    factors = [
        (ct, tuple(range(count)), other_in_ct),
        (other, other_batching, other_free),
    ]
    (lhs, lhs_batching, lhs_contracting), (rhs, rhs_batching, rhs_contracting) = (
        factors if ct_first else reversed(factors)
    )
    share = build.dot_general(
        lhs,
        rhs,
        lhs_batching=lhs_batching,
        rhs_batching=rhs_batching,
        lhs_contracting=lhs_contracting,
        rhs_contracting=rhs_contracting,
        precision=call.attributes["precision"],
    )
    axes = ends_with_paired if ct_first else ends_with_free
    if axes != tuple(sorted(axes)):
        share = build.transpose(share, permutation=sorted(range(len(axes)), key=axes.__getitem__))
    dtype = call.types[side].dtype
    return share if share.type.dtype is dtype else build.convert(share, dtype=dtype)


def _reference(call: OpCall, lhs: Array, rhs: Array) -> Array:
    preferred: DType | None = call.attributes["preferred_element_type"]
    matrices: list[Array] = []
    for side, array in enumerate((lhs, rhs)):
        if preferred is not None and preferred.itemsize >= array.dtype.itemsize:
            array = array.astype(preferred.numpy)
        batching, contracting, free = product_axes(call, side)
        order = batching + (free + contracting if side == 0 else contracting + free)
        rows, columns = (free, contracting) if side == 0 else (contracting, free)
        sizes = [int(np.prod([array.shape[axis] for axis in axes])) for axes in (rows, columns)]
        batch = [array.shape[axis] for axis in batching]
        matrices.append(array.transpose(order).reshape(*batch, *sizes))
    return np.matmul(*matrices).reshape(call.result.shape)


def _cost(call: OpCall) -> Cost:
    summed = product(tuple(call.types[0].shape[axis] for axis in product_axes(call, 0)[1]))
    # A complex multiply-add is four real multiplications and four additions.
    per_term = 8 if call.types[0].dtype.is_complex else 2
    moved: Dimension = 0
    for type_ in (*call.types, call.result):
        moved = moved + type_.byte_size
    return Cost(call.result.size * summed * per_term, moved)


def _samples() -> list[Sample]:
    def dot(
        lhs: Array,
        rhs: Array,
        contracting: tuple[Axes, Axes] = ((), ()),
        batching: tuple[Axes, Axes] = ((), ()),
        **others: Any,
    ) -> Sample:
        attributes = {
            "lhs_batching": batching[0],
            "rhs_batching": batching[1],
            "lhs_contracting": contracting[0],
            "rhs_contracting": contracting[1],
            **others,
        }
        return Sample((lhs, rhs), attributes, differentiable=lhs.dtype.kind not in "bui")

    matrices = ((1,), (0,))
    half = draw(2, 3, dtype="bfloat16"), draw(3, 4, dtype="bfloat16", salt=1)
    whole = draw(2, 3, dtype="int8"), draw(3, 4, dtype="int8", salt=1)
    return [
        dot(draw(2, 3), draw(3, 4), matrices),
        dot(draw(2, 3), draw(4, 3), ((1,), (1,))),
        dot(draw(3, 2), draw(3, 4), ((0,), (0,))),
        dot(draw(3), draw(3, salt=1), ((0,), (0,))),
        dot(draw(2), draw(3)),
        dot(draw(), draw(salt=1)),
        dot(draw(2, 3, 4), draw(2, 4, 5), ((2,), (1,)), ((0,), (0,))),
        dot(draw(2, 3, 4, 2), draw(4, 5, 2, 3), ((2, 3), (0, 2)), ((1,), (3,))),
        dot(draw(2, 3, 4), draw(4, 3, 5), ((1, 2), (1, 0))),
        dot(draw(2, 3, 4, 5), draw(3, 2, 6, 5), ((3,), (3,)), ((0, 1), (1, 0))),
        dot(draw(2, 3), draw(2, 3, salt=1), ((), ()), ((0, 1), (0, 1))),
        dot(draw(2, 0), draw(0, 3), matrices),
        dot(draw(0, 2), draw(2, 3), matrices),
        dot(draw(2, 3), draw(3, 4), matrices, precision="highest"),
        dot(*half, matrices),
        dot(*half, matrices, preferred_element_type="float32"),
        dot(draw(2, 3, dtype="float64"), draw(3, 4, dtype="float64"), matrices),
        dot(draw(2, 3, dtype="complex64"), draw(3, 4, dtype="complex64"), matrices),
        dot(*whole, matrices),
        dot(*whole, matrices, preferred_element_type="int32"),
        dot(*whole, matrices, preferred_element_type="float32"),
        dot(draw(2, 3, dtype="bool"), draw(3, 4, dtype="bool", salt=1), matrices),
    ]


DOT_GENERAL = REGISTRY.register(
    OpSpec(
        name="dot_general",
        doc="Sums of products over the contracting axes; axes: batching, free of lhs, free of rhs.",
        arity=2,
        attributes=Schema(
            lhs_batching=Attribute(INTEGERS, ()),
            rhs_batching=Attribute(INTEGERS, ()),
            lhs_contracting=INTEGERS,
            rhs_contracting=INTEGERS,
            precision=PRECISION,
            preferred_element_type=Attribute(optional(DTYPE), None),
        ),
        infer=_type,
        lower=primitive("dot_general", _parameters, out_sharding=None),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.CONTRACTION,
    )
)

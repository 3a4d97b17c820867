"""What attention and its gradient share: operands, masks, logits, weights.

Letters of shapes: B examples, T queries, S keys, N heads of queries, K heads of keys and values
(each serves G = N / K heads of queries), H and V sizes of a query and of a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import ml_dtypes
import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import BOOL, F32, I32, DType
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.attributes import FLOAT, INTEGERS, TRUTH, Attribute, Attributes, Schema, optional
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall
from graphc.ir.types import TensorType
from graphc.opset.lowerings import PRECISION
from graphc.opset.type_rules import FLOATING, require_dtype, require_rank

Array = np.ndarray[Any, Any]

SCHEMA: Final = Schema(
    scale=FLOAT,
    is_causal=Attribute(TRUTH, False),
    local_window_size=Attribute(optional(INTEGERS), None),
    hidden_logit=Attribute(optional(FLOAT), None),
    precision=PRECISION,
)
"""hidden_logit is what stands for the logits of hidden keys; None for `masked_logit`. precision is
that of every product."""


class Extras(NamedTuple):
    """The positions of the operands that may be left out."""

    bias: int | None
    mask: int | None


def find_extras(call: OpCall, count: int) -> Extras:
    """Which of the operands behind query, key and value is what.

    Args:
        call: the call.
        count: the number of operands, without those that a gradient takes besides.

    Raises:
        ShapeError: there are too many or too few.
        DTypeError: they are neither floats, which make a bias, nor truth values, which make a mask.
    """
    if not 3 <= count <= 5:
        raise call.error(
            ShapeError, f"takes 3 to 5 operands, got {count}", "query, key, value, [bias], [mask]"
        )
    kinds = ["mask" if call.types[i].dtype is BOOL else "bias" for i in range(3, count)]
    if kinds not in ([], ["bias"], ["mask"], ["bias", "mask"]):
        raise call.error(
            DTypeError, f"operands 3 and 4 are a {' and a '.join(kinds)}", "a bias, then a mask"
        )
    places = {kind: 3 + place for place, kind in enumerate(kinds)}
    return Extras(places.get("bias"), places.get("mask"))


class Sizes(NamedTuple):
    """Sizes, by the letters above."""

    B: Dimension
    T: Dimension
    S: Dimension
    N: Dimension
    K: Dimension
    G: int
    H: Dimension
    V: Dimension


def sizes_of(types: Sequence[TensorType]) -> Sizes:
    """The sizes of operands that fit."""
    batch, queries, heads, size = types[0].shape
    _, keys, key_heads, value_size = types[2].shape
    group = 1
    if isinstance(heads, int) and isinstance(key_heads, int) and key_heads:
        group = heads // key_heads
    return Sizes(batch, queries, keys, heads, key_heads, group, size, value_size)


def require_operands(call: OpCall, extras: Extras) -> TensorType:
    """Check that all operands fit, and the attributes.

    Returns:
        The type of the result.

    Raises:
        ShapeError: a shape does not fit.
        DTypeError: an element type does not.
        AttributeValueError: the window is no pair.
    """
    query, key, value = call.types[:3]
    for position in range(3):
        if require_dtype(call, position, FLOATING) is not query.dtype:
            raise call.error(DTypeError, "query, key and value differ", "one element type")
        require_rank(call, position, 4)
    for axis, what in ((0, "examples"), (1, "keys and values"), (2, "heads of keys and values")):
        call.require_equal(key.shape[axis], value.shape[axis], f"the numbers of {what}")
    batch = call.require_equal(query.shape[0], key.shape[0], "the numbers of examples")
    call.require_equal(query.shape[3], key.shape[3], "the sizes of a query and of a key")
    heads, key_heads = query.shape[2], key.shape[2]
    if isinstance(heads, int) and isinstance(key_heads, int):
        if heads != key_heads and (key_heads == 0 or heads % key_heads):
            raise call.error(
                ShapeError,
                f"{heads} heads of queries cannot share {key_heads} heads of keys",
                f"a number that divides {heads}",
            )
    else:
        call.require_equal(heads, key_heads, "the numbers of heads")
    full = (batch, query.shape[1], key.shape[1])
    wanted = (full[0], heads, full[1], full[2])
    for name, position in extras._asdict().items():
        if position is None:
            continue
        if name == "bias":
            require_dtype(call, position, FLOATING)
        given = require_rank(call, position, 4).shape
        for axis, (mine, size) in enumerate(zip(given, wanted, strict=True)):
            if mine != 1:
                call.require_equal(mine, size, f"unless 1, the sizes of axis {axis} of the {name}")
    window: tuple[int, ...] | None = call.attributes["local_window_size"]
    if window is not None and (len(window) != 2 or min(window) < 0):
        raise call.error(
            AttributeValueError,
            f"local_window_size is {list(window)}",
            "how many keys before, and how many after a query's own position",
        )
    return query.with_shape((batch, query.shape[1], heads, value.shape[3]))


def computed_in(dtype: DType) -> DType:
    """Sums of exponentials of 16-bit logits lose too much: they are computed as float32."""
    return dtype if dtype.itemsize >= F32.itemsize else F32


def masked_logit(dtype: np.dtype[Any]) -> float:
    """Stands for the logit of a masked key, as in JAX: its weight is 0 beside any other.

    Not minus infinity: where all keys of a query are masked, their weights are equal.
    """
    most = min(float(cast(Any, ml_dtypes.finfo(dtype)).max), float(np.finfo(np.float32).max))
    return -0.7 * most


def hidden_logit(attributes: Attributes, dtype: np.dtype[Any]) -> float:
    """What stands for the logits of keys that a mask, order or distance hides."""
    given: float | None = attributes.get("hidden_logit")
    return masked_logit(dtype) if given is None else given


def as_type(build: Builder, value: Value, dtype: DType) -> Value:
    """A value cast to an element type: itself where it has it."""
    return value if value.type.dtype is dtype else build.convert(value, dtype=dtype)


def heads_first(build: Builder, x: Value, sizes: Sizes) -> Value:
    """What belongs to queries, [B, T, N, X], as [B, K, G, T, X]; without G where it is 1."""
    moved: Value = build.transpose(x, permutation=(0, 2, 1, 3))
    if sizes.G == 1:
        return moved
    batch, _, queries, size = moved.type.shape
    return build.reshape(moved, shape=(batch, sizes.K, sizes.G, queries, size))


def grouped(build: Builder, x: Value, sizes: Sizes) -> Value:
    """[B, N, T, X] as [B, K, G, T, X]; as it is where G is 1."""
    if sizes.G == 1:
        return x
    batch, _, queries, size = x.type.shape
    return build.reshape(x, shape=(batch, sizes.K, sizes.G, queries, size))


def ungrouped(build: Builder, x: Value, sizes: Sizes) -> Value:
    """The inverse of `grouped`."""
    if sizes.G == 1:
        return x
    batch, _, _, queries, size = x.type.shape
    return build.reshape(x, shape=(batch, sizes.N, queries, size))


def product_with_keys(
    build: Builder, call: OpCall, left: Value, right: Value, dtype: DType | None = None
) -> Value:
    """[B, K, G, T, X] times [B, S, K, X]: [B, N, T, S]."""
    last = left.type.rank - 1
    found = build.dot_general(
        left,
        right,
        lhs_batching=(0, 1),
        rhs_batching=(0, 2),
        lhs_contracting=(last,),
        rhs_contracting=(3,),
        precision=call.attributes["precision"],
        preferred_element_type=dtype,
    )
    return ungrouped(build, found, sizes_of(call.types))


def product_over_keys(build: Builder, call: OpCall, weights: Value, right: Value) -> Value:
    """[B, N, T, S] times [B, S, K, X]: [B, T, N, X]."""
    sizes = sizes_of(call.types)
    left = grouped(build, weights, sizes)
    found = build.dot_general(
        left,
        right,
        lhs_batching=(0, 1),
        rhs_batching=(0, 2),
        lhs_contracting=(left.type.rank - 1,),
        rhs_contracting=(1,),
        precision=call.attributes["precision"],
    )
    return build.transpose(ungrouped(build, found, sizes), permutation=(0, 2, 1, 3))


def _repeated(build: Builder, value: Value, like: Value) -> Value:
    """An operand whose sizes may be 1, repeated to the shape of the logits."""
    if value.type.shape == like.type.shape:
        return value
    kept = [
        axis
        for axis, (mine, size) in enumerate(zip(value.type.shape, like.type.shape, strict=True))
        if mine != 1 or size == 1
    ]
    squeezed = build.reshape(value, shape=tuple([value.type.shape[axis] for axis in kept]))
    return build.broadcast_in_dim(squeezed, shape=like.type.shape, broadcast_dimensions=kept)


def seen_by_place(
    build: Builder, query: Value, key: Value, is_causal: bool, window: tuple[int, int] | None
) -> list[Value]:
    """What order and distance say of where a query may look at a key; all must hold.

    Args:
        build: makes the nodes.
        query: places of queries along the sequence, integers.
        key: those of keys, of the same shape.
        is_causal: whether a query sees no later keys.
        window: how many keys before and after it a query sees.
    """
    seen: list[Value] = []
    if is_causal:
        seen.append(build.compare(query, key, direction="GE"))
    if window is not None:
        before, after = (build.full_like(key, size) for size in window)
        seen.append(build.compare(query, build.add(key, before), direction="LE"))
        seen.append(build.compare(query, build.subtract(key, after), direction="GE"))
    return seen


def _allowed(build: Builder, call: OpCall, logits: Value, mask: Value | None) -> Value | None:
    """Where a query may look at a key; None where it may everywhere."""
    conditions: list[Value] = [] if mask is None else [_repeated(build, mask, logits)]
    shape, is_causal = logits.type.shape, call.attributes["is_causal"]
    window = call.attributes["local_window_size"]
    if is_causal or window is not None:
        plane = shape[2:]
        query = build.iota(dtype=I32, shape=plane, iota_dimension=0)
        key = build.iota(dtype=I32, shape=plane, iota_dimension=1)
        seen = seen_by_place(build, query, key, is_causal, window)
        conditions += [
            build.broadcast_in_dim(each, shape=shape, broadcast_dimensions=(2, 3)) for each in seen
        ]
    allowed: Value | None = None
    for condition in conditions:
        allowed = condition if allowed is None else build.and_(allowed, condition)
    return allowed


def weights_of(
    build: Builder, call: OpCall, extras: Extras, operands: Sequence[Value]
) -> tuple[Value, Value | None]:
    """How much each query takes of each value, [B, N, T, S], and where it may look.

    The weights are as wide as the softmax, at least float32.
    """
    query, key = operands[:2]
    dtype = computed_in(query.type.dtype)
    queries = heads_first(build, query, sizes_of(call.types))
    logits = product_with_keys(build, call, queries, key, dtype)
    logits = build.multiply(logits, build.full_like(logits, call.attributes["scale"]))
    if extras.bias is not None:
        bias = as_type(build, operands[extras.bias], dtype)
        logits = build.add(logits, _repeated(build, bias, logits))
    mask = None if extras.mask is None else operands[extras.mask]
    allowed = _allowed(build, call, logits, mask)
    if allowed is not None:
        hidden = build.full_like(logits, hidden_logit(call.attributes, dtype.numpy))
        logits = build.select(allowed, logits, hidden)
    return build.softmax(logits, axis=3), allowed


# --- the same in NumPy ----------------------------------------------------------------------------


def reference_weights(
    call: OpCall, extras: Extras, arrays: Sequence[Array]
) -> tuple[Array, Array, Array, Array]:
    """Weights [B, N, T, S] and where a query may look; keys and values repeated to all heads."""
    wide: list[Array] = [np.asarray(array, np.float64) for array in arrays[:3]]
    group = sizes_of(call.types).G
    query, key, value = wide[0], *(np.repeat(array, group, axis=2) for array in wide[1:])
    logits: Array = call.attributes["scale"] * np.einsum("btnh,bsnh->bnts", query, key)
    if extras.bias is not None:
        logits = logits + np.asarray(arrays[extras.bias], np.float64)
    allowed: Array = np.ones(logits.shape, bool)
    if extras.mask is not None:
        allowed = allowed & arrays[extras.mask]
    queries, keys = (np.arange(size, dtype=np.int64) for size in logits.shape[2:])
    distance: Array = np.subtract.outer(queries, keys)
    if call.attributes["is_causal"]:
        allowed = allowed & (distance >= 0)
    if (window := call.attributes["local_window_size"]) is not None:
        allowed = allowed & (distance <= window[0]) & (-distance <= window[1])
    logits = np.where(allowed, logits, hidden_logit(call.attributes, np.dtype(np.float64)))
    powers = np.exp(logits - logits.max(axis=3, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=3, keepdims=True), allowed, key, value

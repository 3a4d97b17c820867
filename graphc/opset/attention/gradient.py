"""attention_gradient: the cotangents of what attention takes, from that of what it gives.

The weights are computed again from query and key rather than kept: they are the large part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.dimensions import Dimension
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.attention.signature import (
    SCHEMA,
    Array,
    Extras,
    as_type,
    find_extras,
    grouped,
    heads_first,
    product_over_keys,
    product_with_keys,
    reference_weights,
    require_operands,
    sizes_of,
    weights_of,
)
from graphc.opset.attention.weighted_values import make_samples
from graphc.opset.samples import draw
from graphc.opset.type_rules import require_dtype, require_rank


def _extras(call: OpCall) -> Extras:
    return find_extras(call, len(call.types) - 1)


def _type(call: OpCall) -> Sequence[TensorType]:
    extras = _extras(call)
    result, given = require_operands(call, extras), call.types[-1]
    require_dtype(call, len(call.types) - 1, frozenset((result.dtype,)))
    require_rank(call, len(call.types) - 1, 4)
    for axis, (mine, size) in enumerate(zip(given.shape, result.shape, strict=True)):
        call.require_equal(mine, size, f"the sizes of axis {axis} of result and cotangent")
    found = list(call.types[:3])
    if extras.bias is not None:
        found.append(call.types[extras.bias])
    return found


def _product_over_queries(build: Builder, call: OpCall, weights: Value, right: Value) -> Value:
    """[B, N, T, S] times [B, K, G, T, X]: [B, S, K, X], summed over queries and their heads."""
    left = grouped(build, weights, sizes_of(call.types))
    summed = tuple(range(2, left.type.rank - 1))
    found = build.dot_general(
        left,
        right,
        lhs_batching=(0, 1),
        rhs_batching=(0, 1),
        lhs_contracting=summed,
        rhs_contracting=summed,
        precision=call.attributes["precision"],
    )
    return build.transpose(found, permutation=(0, 2, 1, 3))


def _decomposition(build: Builder, call: OpCall, *operands: Value) -> tuple[Value, ...]:
    extras, sizes = _extras(call), sizes_of(call.types)
    query, key, value = operands[:3]
    dtype = query.type.dtype
    weights, allowed = weights_of(build, call, extras, operands)
    wide = weights.type.dtype
    ct = heads_first(build, operands[-1], sizes)
    for_value = _product_over_queries(build, call, as_type(build, weights, dtype), ct)
    # through the softmax, then through what makes the logits
    for_weights = product_with_keys(build, call, ct, value, wide)
    shares = build.multiply(weights, for_weights)
    total = build.reduce_sum(shares, axes=(3,))
    repeated = build.broadcast_in_dim(
        total, shape=weights.type.shape, broadcast_dimensions=(0, 1, 2)
    )
    for_logits = build.multiply(weights, build.subtract(for_weights, repeated))
    if allowed is not None:
        # a masked logit is a constant, even where it has a weight: where all keys are masked
        for_logits = build.select(allowed, for_logits, build.full_like(for_logits, 0))
    scale = build.full_like(for_logits, call.attributes["scale"])
    scaled = as_type(build, build.multiply(for_logits, scale), dtype)
    for_query = product_over_keys(build, call, scaled, key)
    for_key = _product_over_queries(build, call, scaled, heads_first(build, query, sizes))
    found = [for_query, for_key, for_value]
    if extras.bias is not None:
        found.append(_summed_to(build, for_logits, operands[extras.bias]))
    return tuple(found)


def _summed_to(build: Builder, for_logits: Value, bias: Value) -> Value:
    """The cotangent of a bias: summed along the axes along which it was repeated."""
    shape = bias.type.shape
    repeated = [
        axis
        for axis, (mine, size) in enumerate(zip(shape, for_logits.type.shape, strict=True))
        if mine == 1 and size != 1
    ]
    if repeated:
        for_logits = build.reduce_sum(for_logits, axes=tuple(repeated))
        for_logits = build.reshape(for_logits, shape=shape)
    return as_type(build, for_logits, bias.type.dtype)


def reference(call: OpCall, *arrays: Array) -> Sequence[Array]:
    """The cotangents in NumPy, computed in float64."""
    extras, sizes = _extras(call), sizes_of(call.types)
    weights, allowed, key, value = reference_weights(call, extras, arrays)
    query, ct = (np.asarray(arrays[position], np.float64) for position in (0, -1))
    for_weights = np.einsum("btnv,bsnv->bnts", ct, value)
    mean = np.sum(weights * for_weights, axis=3, keepdims=True)
    for_logits = np.where(allowed, weights * (for_weights - mean), 0)
    scale = call.attributes["scale"]

    def of_groups(array: Array) -> Array:
        batch, keys, _, size = array.shape
        return array.reshape(batch, keys, call.types[1].shape[2], sizes.G, size).sum(axis=3)

    found = [
        scale * np.einsum("bnts,bsnh->btnh", for_logits, key),
        of_groups(scale * np.einsum("bnts,btnh->bsnh", for_logits, query)),
        of_groups(np.einsum("bnts,btnv->bsnv", weights, ct)),
    ]
    if extras.bias is not None:
        repeated = [axis for axis, size in enumerate(call.types[extras.bias].shape) if size == 1]
        found.append(for_logits.sum(axis=tuple(repeated), keepdims=True))
    return [
        array.astype(type_.dtype.numpy) for array, type_ in zip(found, call.results, strict=True)
    ]


def _cost(call: OpCall) -> Cost:
    sizes = sizes_of(call.types)
    pairs = sizes.B * sizes.N * sizes.T * sizes.S
    moved: Dimension = 0
    for type_ in (*call.types, *call.results):
        moved = moved + type_.byte_size
    # five products: the logits again, and one for each of weights, value, query and key
    return Cost(pairs * (6 * sizes.H + 4 * sizes.V + 12), moved + pairs * 16)


def _samples() -> list[Sample]:
    found: list[Sample] = []
    for sample in make_samples():
        query, _, value = sample.operands[:3]
        ct = draw(*query.shape[:3], value.shape[3], salt=9)
        found.append(
            Sample((*sample.operands, ct), sample.attributes, sample.differentiable, rtol=1e-4)
        )
    return found


ATTENTION_GRADIENT = REGISTRY.register(
    OpSpec(
        name="attention_gradient",
        doc="The cotangents of query, key, value and, where given, bias of attention; takes what "
        "attention takes, and the cotangent of its result.",
        arity=None,
        attributes=SCHEMA,
        infer=_type,
        lower=ByDecomposition(),
        gradient=ByDecomposition(),
        reference=reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.COMPOSITE | Trait.CONTRACTION,
        decomposition=_decomposition,
    )
)

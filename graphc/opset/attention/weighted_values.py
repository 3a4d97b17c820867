"""attention: each query's mean of values, weighted by how well their keys fit the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    product_over_keys,
    reference_weights,
    require_operands,
    sizes_of,
    weights_of,
)
from graphc.opset.samples import draw


def _extras(call: OpCall) -> Extras:
    return find_extras(call, len(call.types))


def _type(call: OpCall) -> TensorType:
    return require_operands(call, _extras(call))


def _decomposition(build: Builder, call: OpCall, *operands: Value) -> Value:
    weights, _ = weights_of(build, call, _extras(call), operands)
    value = operands[2]
    weights = as_type(build, weights, value.type.dtype)
    return product_over_keys(build, call, weights, value)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    found = list(build.attention_gradient(*operands, ct[0], **call.attributes))
    return found if _extras(call).mask is None else [*found, None]


def _reference(call: OpCall, *arrays: Array) -> Array:
    weights, _, _, value = reference_weights(call, _extras(call), arrays)
    return np.einsum("bnts,bsnv->btnv", weights, value).astype(call.result.dtype.numpy)


def _cost(call: OpCall) -> Cost:
    sizes = sizes_of(call.types)
    pairs = sizes.B * sizes.N * sizes.T * sizes.S
    moved: Dimension = call.result.byte_size
    for type_ in call.types:
        moved = moved + type_.byte_size
    # two products, and the softmax between them, which is written and read again
    return Cost(pairs * (2 * sizes.H + 2 * sizes.V + 6), moved + pairs * 8)


def make_samples() -> list[Sample]:
    """Every operand and attribute, grouped heads, one example, masks that leave nothing."""

    def sample(
        query: tuple[int, ...],
        key: tuple[int, ...],
        *extras: Any,
        value: int | None = None,
        scale: float = 0.5,
        **attributes: Any,
    ) -> Sample:
        operands = (
            draw(*query),
            draw(*key, salt=1),
            draw(*key[:3], value or key[3], salt=2),
            *extras,
        )
        return Sample(operands, {"scale": scale, **attributes}, rtol=3e-5)

    mask = draw(2, 1, 3, 4, dtype="bool", salt=3)
    mask[0, 0, 1] = False  # a query that may look at no key
    bias = draw(1, 2, 3, 4, salt=4)
    nothing = np.zeros((1, 1, 1, 2), bool)
    far = Sample(
        (draw(1, 2, 1, 2) * 500, draw(1, 3, 1, 2, salt=1) * 500, draw(1, 3, 1, 2, salt=2)),
        {"scale": 1.0},
        differentiable=False,
    )
    return [
        sample((2, 3, 2, 4), (2, 4, 2, 4)),
        sample((2, 3, 2, 4), (2, 4, 2, 4), bias, mask, value=3),
        sample((2, 3, 4, 2), (2, 4, 2, 2), mask, is_causal=True),
        sample((1, 3, 2, 2), (1, 4, 1, 2), bias),
        sample((1, 4, 1, 2), (1, 4, 1, 2), local_window_size=(1, 0), scale=-1.0),
        sample((1, 2, 1, 3), (1, 2, 1, 3), nothing),
        sample((1, 3, 2, 2), (1, 3, 2, 2), is_causal=True, hidden_logit=-1.5),
        sample((1, 3, 1, 2), (1, 3, 1, 2), is_causal=True, hidden_logit=-np.inf),
        sample((1, 3, 2, 2), (1, 4, 1, 2), precision="highest"),
        sample((1, 0, 1, 2), (1, 2, 1, 2)),
        sample((1, 2, 1, 2), (1, 0, 1, 2)),
        far,
    ]


ATTENTION = REGISTRY.register(
    OpSpec(
        name="attention",
        doc="softmax(scale * query . key + bias) . value, for query [batch, queries, heads, size], "
        "key and value [batch, keys, heads, size]; then bias and mask, where given.",
        arity=None,
        attributes=SCHEMA,
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=make_samples,
        traits=Trait.COMPOSITE | Trait.CONTRACTION,
        decomposition=_decomposition,
    )
)

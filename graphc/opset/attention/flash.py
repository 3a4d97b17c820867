"""flash_attention and its gradient: attention by a kernel that never writes all logits down.

Both call `jax.nn.dot_product_attention`, whose cuDNN kernel is that of Dao 2023
(https://arxiv.org/abs/2307.08691). The gradient computes the result again, in the kernel, rather
than keep what the softmax was divided by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

import jax

from graphc.dtypes import BF16, F16, F32
from graphc.ir.attributes import Schema, choice
from graphc.ir.node import Node
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.attention import gradient, weighted_values
from graphc.opset.attention.signature import (
    SCHEMA,
    Array,
    Extras,
    find_extras,
    require_operands,
)
from graphc.opset.type_rules import require_dtype

_JAX: Final = cast(Any, jax)  # its attention has no types

NOT_OF_KERNELS: Final = frozenset(("hidden_logit", "precision"))
"""What attention has and a kernel does without. `refusal` sees to hidden_logit; precision makes no
difference to products of 16-bit numbers, which it sums up as float32."""
_SCHEMA: Final = Schema(
    **{name: field for name, field in SCHEMA.fields.items() if name not in NOT_OF_KERNELS},
    implementation=choice("cudnn", "xla"),
)
_DTYPES: Final = frozenset((BF16, F16, F32))  # JAX computes no softmax in more than float32
_NEVER: Final = NoGradient("kernels take the place of attention after gradients", is_error=True)
_HIDDEN: Final = -1e9
"""From which logit on, downwards, hidden keys have no weight beside any other."""


def refusal(node: Node, implementation: str) -> str | None:
    """Why a kernel cannot compute a node, an attention or its gradient; None if it can.

    JAX itself is asked, for the chip that is there.

    Args:
        node: an attention or attention_gradient.
        implementation: JAX's name of the kernel.
    """
    is_gradient = node.op.name == "attention_gradient"
    types = tuple([value.type for value in node.inputs])
    extras = find_extras(node.call, len(types) - is_gradient)
    attributes = node.attributes
    if types[0].dtype not in (BF16, F16):
        return f"kernels take numbers of 16 bits, not {types[0].dtype}"
    if is_gradient and extras.bias is not None:
        return "the gradient of a bias is all logits"
    if extras.mask is not None:  # the weights are equal then, and logits have no gradient
        return "a mask may leave a query without keys, of which the kernel makes other numbers"
    hidden = attributes["hidden_logit"]
    if hidden is not None and hidden > _HIDDEN:
        return f"the kernel hides a key altogether, here its logit is {hidden}"
    queries, keys = types[0].shape[1], types[1].shape[1]
    if attributes["is_causal"] and queries != keys:
        return f"causal order of {queries} queries and {keys} keys"
    if attributes["local_window_size"] is not None and not attributes["is_causal"]:
        return "a window of keys on both sides"
    try:
        function: Any = _pulled_back if is_gradient else _attention
        arrays = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in types]
        _JAX.eval_shape(partial(function, attributes, implementation, extras), arrays)
    except (ValueError, NotImplementedError, RuntimeError) as error:
        return f"{implementation}: {error}"
    return None


def _attention(
    attributes: Mapping[str, Any], implementation: str, extras: Extras, operands: Sequence[Any]
) -> Any:
    query, key, value = operands[:3]
    if implementation == "xla" and query.dtype == F16.numpy:  # CPUs sum no products so, as JAX asks
        wide = [each.astype(F32.numpy) for each in (query, key, value)]
        found = _attention(attributes, implementation, extras, (*wide, *operands[3:]))
        return found.astype(F16.numpy)
    return _JAX.nn.dot_product_attention(
        query,
        key,
        value,
        None if extras.bias is None else operands[extras.bias],
        None if extras.mask is None else operands[extras.mask],
        scale=attributes["scale"],
        is_causal=attributes["is_causal"],
        local_window_size=attributes["local_window_size"],
        implementation=implementation,
    )


def _pulled_back(
    attributes: Mapping[str, Any], implementation: str, extras: Extras, operands: Sequence[Any]
) -> Any:
    *taken, ct = operands
    rest = taken[3:]

    def attention(*moving: Any) -> Any:
        return _attention(attributes, implementation, extras, (*moving, *rest))

    return _JAX.vjp(attention, *taken[:3])[1](ct)


def _type(call: OpCall) -> TensorType:
    require_dtype(call, 0, _DTYPES)
    return require_operands(call, find_extras(call, len(call.types)))


def _gradient_types(call: OpCall) -> Sequence[TensorType]:
    require_dtype(call, 0, _DTYPES)
    result = require_operands(call, find_extras(call, len(call.types) - 1))
    require_dtype(call, len(call.types) - 1, frozenset((result.dtype,)))
    return call.types[:3]


def _lower(call: OpCall, *operands: Any) -> Any:
    extras = find_extras(call, len(operands))
    return _attention(call.attributes, call.attributes["implementation"], extras, operands)


def _lower_gradient(call: OpCall, *operands: Any) -> Any:
    extras = find_extras(call, len(operands) - 1)
    return _pulled_back(call.attributes, call.attributes["implementation"], extras, operands)


def _gradient_reference(call: OpCall, *arrays: Array) -> Sequence[Array]:
    full = gradient.ATTENTION_GRADIENT
    attributes = {n: v for n, v in call.attributes.items() if n in full.attributes.fields}
    whole = OpCall(full, call.types, full.attributes.make(attributes, full.name))
    return gradient.reference(whole, *arrays)[:3]


def _samples(of: OpSpec) -> list[Sample]:
    """Those samples of an op that a kernel can compute, by XLA: cuDNN may not be there."""
    return [
        replace(sample, attributes={**sample.attributes, "implementation": "xla"})
        for sample in of.samples()
        if NOT_OF_KERNELS.isdisjoint(sample.attributes)
        and sample.operands[0].size
        and sample.operands[1].shape == sample.operands[2].shape
        and sample.operands[1].size
    ]


FLASH_ATTENTION = REGISTRY.register(
    OpSpec(
        name="flash_attention",
        doc="What attention gives, by a kernel; implementation is JAX's name of it.",
        arity=None,
        attributes=_SCHEMA,
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_NEVER,
        reference=weighted_values.ATTENTION.reference,
        cost=weighted_values.ATTENTION.cost,
        samples=lambda: _samples(weighted_values.ATTENTION),
        traits=Trait.CONTRACTION,
    )
)

FLASH_ATTENTION_GRADIENT = REGISTRY.register(
    OpSpec(
        name="flash_attention_gradient",
        doc="The cotangents of query, key and value of flash_attention; takes what it takes, and "
        "the cotangent of its result.",
        arity=None,
        attributes=_SCHEMA,
        infer=_gradient_types,
        lower=TracedLowering(_lower_gradient),
        gradient=_NEVER,
        reference=_gradient_reference,
        cost=gradient.ATTENTION_GRADIENT.cost,
        samples=lambda: _samples(gradient.ATTENTION_GRADIENT),
        traits=Trait.CONTRACTION,
    )
)

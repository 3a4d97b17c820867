"""Attention by scaled dot products, under the name of keras.ops and jax.nn."""

from __future__ import annotations

import math
from typing import Any

from graphc.dimensions import Dimension
from graphc.dtypes import BOOL, I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.casting import cast
from graphc.ops.comparison import less, logical_and, where
from graphc.ops.conversion import cast_to, graph_of, inexact, promoted, to_tensor
from graphc.ops.exponential import rsqrt
from graphc.ops.shaping import expand_dims, reshape
from graphc.ops.sizes import dimension_size
from graphc.ops.tensor import Tensor


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
    name: str | None = None,
    *,
    local_window_size: int | tuple[int, int] | None = None,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
) -> Tensor:
    """Softmax of scaled products of queries and keys, times values.

    Batch and lengths may be symbolic. With 16-bit floats the softmax is computed in float32. A
    query that may look at no key takes the mean of all values, as in JAX.

    Args:
        query: f[batch, queries, heads, size].
        key: f[batch, keys, key_heads, size]; key_heads divides heads: head n of the queries takes
            head n // (heads / key_heads).
        value: f[batch, keys, key_heads, value_size].
        bias: added to the scaled products; broadcasts with f[batch, heads, queries, keys].
        mask: where a query may look at a key; broadcasts with bool[batch, heads, queries, keys].
            Other types than bool are true where they are not 0.
        scale: of the products; 1 / sqrt(size) by default.
        is_causal: whether query i may look only at keys up to i, counted from 0 for both.
        flash_attention: accepted for Keras's sake: the compiler chooses the form. True is refused.
        attn_logits_soft_cap: not supported; None.
        name: of the result.
        local_window_size: how many keys before and after its own position a query may look at; one
            number for both.
        query_seq_lengths: integers[batch]: how many queries of each example count; the results of
            the others are 0.
        key_value_seq_lengths: integers[batch]: how many keys of each example count.

    Returns:
        f[batch, queries, heads, value_size].

    Raises:
        ShapeError: the shapes do not fit.
        GraphcError: a soft cap or a certain implementation is asked for.

    Source: Vaswani and others 2017, https://arxiv.org/abs/1706.03762; grouped heads: Ainslie and
    others 2023, https://arxiv.org/abs/2305.13245.
    """
    if flash_attention or attn_logits_soft_cap is not None:
        raise GraphcError(
            "dot_product_attention() has one form, which the compiler may replace",
            given=f"flash_attention={flash_attention}, attn_logits_soft_cap={attn_logits_soft_cap}",
            expected="flash_attention=None, attn_logits_soft_cap=None",
            fix="leave both out; cap the products in a function of your own",
            origin=capture_origin(),
        )
    operands = promoted([inexact(thing) for thing in (query, key, value)])
    for what, tensor in zip(("query", "key", "value"), operands, strict=True):
        if tensor.ndim != 4:
            raise ShapeError(
                f"the {what} of dot_product_attention() has {tensor.ndim} axes",
                given=tensor.value.type,
                expected="[batch, length, heads, size]",
                fix="reshape it, or add axes of size 1",
                origin=capture_origin(),
            )
    label = name or "dot_product_attention"
    zeroed = query_seq_lengths is not None
    extras: list[Tensor] = []
    if bias is not None:
        extras.append(_four_axes(inexact(bias)))
    masks = [_mask(mask)] if mask is not None else []
    for lengths, tensor, axis in ((query_seq_lengths, 0, 2), (key_value_seq_lengths, 1, 3)):
        if lengths is not None:
            masks.append(_within(lengths, operands[tensor], axis))
    if masks:
        joined = masks[0]
        for each in masks[1:]:
            joined = logical_and(joined, each)
        extras.append(joined)
    size = operands[0].shape[3]
    window = local_window_size
    if scale is not None:
        factor = float(scale)
    elif isinstance(size, int):
        factor = 1 / math.sqrt(max(size, 1))
    else:  # a size that is known only when fed: the queries are scaled instead
        root = rsqrt(cast_to(dimension_size(operands[0], 3), operands[0].dtype))
        operands[0], factor = multiply(operands[0], root), 1.0
    found = apply(
        "attention",
        *operands,
        *extras,
        scale=factor,
        is_causal=bool(is_causal),
        local_window_size=(window, window) if isinstance(window, int) else window,
        name=None if zeroed else label,
    )
    if not zeroed:
        return found
    counts = _within(query_seq_lengths, found, 1)
    return where(counts, found, 0.0, name=label)


def _four_axes(tensor: Tensor) -> Tensor:
    """A bias or a mask with axes of size 1 in front."""
    if tensor.ndim > 4:
        raise ShapeError(
            "bias and mask broadcast with [batch, heads, queries, keys]",
            given=tensor.value.type,
            expected="at most 4 axes",
            origin=capture_origin(),
        )
    missing: list[Dimension] = [1] * (4 - tensor.ndim)
    return reshape(tensor, [*missing, *tensor.shape]) if missing else tensor


def _mask(mask: Any) -> Tensor:
    tensor = to_tensor(mask, None, graph_of((mask,)))
    return _four_axes(tensor if tensor.dtype is BOOL else cast(tensor, BOOL))


def _within(lengths: Any, tensor: Tensor, axis: int) -> Tensor:
    """Which positions of a tensor's axis 1 are below the length of their example.

    Args:
        lengths: integers[batch].
        tensor: [batch, positions, …].
        axis: where the positions stand in the result, which has four axes: 1, 2 or 3.
    """
    counts = cast(lengths, I32)
    if counts.ndim != 1:
        raise ShapeError(
            "lengths are one number per example",
            given=counts.value.type,
            expected="[batch]",
            origin=capture_origin(),
        )
    positions = apply("iota", dtype=I32, shape=(tensor.shape[1],), iota_dimension=0)
    rest = [each for each in range(4) if each != axis]
    return less(expand_dims(positions, rest), expand_dims(counts, [1, 2, 3]))

"""Weights of samples, masks, and the reduction of losses to one number, by Keras's rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal, get_args

from graphc.dtypes import BOOL, DType
from graphc.errors import GraphcError, ShapeError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import squeeze_or_expand_to_same_rank, surely_broadcast
from graphc.ops.arithmetic import divide_no_nan, multiply
from graphc.ops.comparison import logical_and, where
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.filling import scalar_like
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims
from graphc.ops.sizes import element_count
from graphc.ops.tensor import Tensor

Reduction = Literal["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"]


def checked_reduction(reduction: Reduction | None) -> Reduction | None:
    """The reduction.

    Raises:
        GraphcError: there is none of that name.
    """
    if reduction is None or reduction in get_args(Reduction):
        return reduction
    raise GraphcError(
        f"there is no reduction {reduction!r}",
        fix=did_you_mean(str(reduction), get_args(Reduction)),
        origin=capture_origin(),
    )


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: Reduction | None = "sum_over_batch_size",
    dtype: DType | None = None,
) -> Tensor:
    """Losses, weighted and reduced.

    Args:
        values: f[…]: losses.
        sample_weight: numbers that broadcast with the losses; a last axis of size 1 may be there
            or not.
        mask: bool[batch, …], of as many axes as the losses or fewer: which of them count.
        reduction: "sum_over_batch_size" and "mean" divide the sum by the number of losses that
            count, "mean_with_sample_weight" by the sum of their weights, "sum" by nothing; "none"
            or None keeps one loss per sample.
        dtype: of the result; that of the losses for None.

    Raises:
        ShapeError: weights or mask do not go with the losses.
    """
    graph = graph_of((values, sample_weight, mask))
    losses = to_tensor(values, dtype, graph)
    losses = losses if dtype is None else cast_to(losses, dtype)
    weight: Tensor | None = None
    if sample_weight is not None:
        weight = cast_to(to_tensor(sample_weight, losses.dtype, graph), losses.dtype)
        losses, weight = squeeze_or_expand_to_same_rank(losses, weight)
        _require_broadcast(weight, losses, "weights of samples")
    if mask is not None:
        counts = all_of([mask], losses)
        weight = _masked(weight, counts, losses.dtype, reduction)
        # not only times 0, which leaves what is not finite
        losses = where(counts, losses, scalar_like(losses, 0))
    if weight is not None:
        losses = multiply(losses, weight)
    return _reduced(losses, weight, reduction)


def _require_broadcast(tensor: Tensor, losses: Tensor, what: str) -> None:
    if surely_broadcast(tensor.shape, losses.shape):
        return
    lower = 0 < tensor.ndim < losses.ndim
    raise ShapeError(
        f"{what} do not fit the losses",
        given=f"{tensor.value.type}, losses {losses.value.type}",
        expected="a number for each loss, or a shape that broadcasts with theirs",
        fix=f"give them {losses.ndim} axes: weights[:, None]" if lower else None,
        origin=capture_origin(),
    )


def all_of(masks: Sequence[Any], losses: Tensor) -> Tensor:
    """Where all masks are True: bool, with as many axes as the losses.

    Args:
        masks: bool[batch, …], at least one; axes that one lacks are the last.
        losses: f[…].

    Raises:
        ShapeError: a mask does not go with the losses.
    """
    graph = graph_of((*masks, losses))
    found = [_like(cast_to(to_tensor(mask, BOOL, graph), BOOL), losses) for mask in masks]
    return reduce(logical_and, found)


def _like(mask: Tensor, losses: Tensor) -> Tensor:
    if losses.ndim < mask.ndim:
        _, mask = squeeze_or_expand_to_same_rank(losses, mask, expand_rank_1=False)
    while mask.ndim < losses.ndim:
        mask = expand_dims(mask, -1)
    _require_broadcast(mask, losses, "masks")
    return mask


def _masked(
    weight: Tensor | None, counts: Tensor, dtype: DType, reduction: Reduction | None
) -> Tensor:
    """Weights that are 0 where nothing counts, and so much larger elsewhere for a mean of all."""
    kept = cast_to(counts, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = element_count(counts, range(counts.ndim), dtype)
        kept = multiply(kept, divide_no_nan(total, reduce_sum(kept)))
    return kept if weight is None else multiply(kept, weight)


def _reduced(losses: Tensor, weight: Tensor | None, reduction: Reduction | None) -> Tensor:
    if reduction in (None, "none") or not losses.ndim:
        return losses
    if reduction == "sum":
        return reduce_sum(losses)
    if reduction == "mean_with_sample_weight" and weight is not None:
        return divide_no_nan(reduce_sum(losses), reduce_sum(weight))
    if all(isinstance(size, int) and size for size in losses.shape):
        return mean(losses)
    count = element_count(losses, range(losses.ndim), losses.dtype)
    return divide_no_nan(reduce_sum(losses), count)  # 0 for a batch without samples

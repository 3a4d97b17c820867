"""What all losses share: element type, weights, masks and reduction; functions as losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc.configurable import Configurable
from graphc.dtypes import DType, as_dtype
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import squeeze_or_expand_to_same_rank, takes_class_numbers
from graphc.losses.weighting import (
    Reduction,
    all_of,
    checked_reduction,
    reduce_weighted_values,
)
from graphc.naming import snake_case
from graphc.ops.bodies import flatten
from graphc.ops.conversion import TensorLike, cast_to, floatx, graph_of, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.masks import mask_of
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure


class Loss(Configurable, kind="losses"):
    """A number that says how far predictions are from the truth.

    A subclass defines `call(y_true, y_pred)`: one loss per sample, or more; or `__call__`, with
    `sample_weight`, where it is one number for all.

    Args:
        name: scope of its nodes; the class's name by default.
        reduction: "sum_over_batch_size" and "mean" divide the sum by the number of losses,
            "mean_with_sample_weight" by the sum of the weights of samples, "sum" by nothing;
            "none" or None gives one loss per sample.
        dtype: of the computation; `floatx()` by default.

    Raises:
        GraphcError: there is no such reduction.
    """

    labels_stay_integers: bool = False
    """Whether `call` takes labels as they are; they are cast to `dtype` otherwise."""

    def __init__(
        self,
        name: str | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.reduction: Reduction | None = checked_reduction(reduction)
        # a policy of mixed types has one for computation
        given = getattr(dtype, "compute_dtype", dtype)
        self.dtype: DType = floatx() if given is None else as_dtype(given)

    @undone_on_failure
    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Tensor:
        """The loss.

        Args:
            y_true: labels; a dictionary or list of tensors if `call` takes one.
            y_pred: predictions; likewise. Their mask counts, if they have one.
            sample_weight: numbers that broadcast with the losses of the samples.
            mask: bool[batch, …]: which of the losses count, beside the mask of the predictions;
                the number that a mean divides by leaves out what does not.

        Raises:
            ShapeError: labels, predictions, weights or mask do not fit.
        """
        graph = graph_of([*flatten([y_true, y_pred])[0], sample_weight, mask])
        with graph.name_scope(self.name):
            predictions = _tensors(y_pred, self.dtype, graph)
            truth = _tensors(y_true, None if self.labels_stay_integers else self.dtype, graph)
            losses = self.call(truth, predictions)
            masks = [each for each in (mask_of(y_pred), mask_of(losses), mask) if each is not None]
            counting = all_of(masks, losses) if masks else None
            return reduce_weighted_values(
                losses, sample_weight, counting, self.reduction, self.dtype
            )

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """One loss per sample."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, y_true, y_pred)")


def _tensors(thing: Any, dtype: DType | None, graph: DataflowGraph) -> Any:
    """A tensor, or tensors in the structure that a user gave; as `dtype` unless that is None."""
    if isinstance(thing, Mapping):
        return {key: _tensors(item, dtype, graph) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)) and any(
        isinstance(item, (Tensor, TensorLike, Mapping)) for item in thing
    ):
        return [_tensors(item, dtype, graph) for item in thing]
    tensor = to_tensor(thing, dtype, graph)
    return tensor if dtype is None else cast_to(tensor, dtype)


class LossFunctionWrapper(Loss):
    """A function of labels and predictions as a loss.

    Args:
        fn: takes `y_true`, `y_pred` and the keyword arguments, gives one loss per sample; or the
            name of one.
        reduction: see `Loss`.
        name: the function's own by default.
        dtype: see `Loss`.
        **kwargs: handed on to the function.
    """

    def __init__(
        self,
        fn: Callable[..., Any] | str,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        function = Loss.registry.find(fn) if isinstance(fn, str) else fn
        own = getattr(function, "__name__", "")
        super().__init__(name or (own if own.isidentifier() else None), reduction, dtype)
        self.fn: Callable[..., Any] = function
        self.labels_stay_integers = takes_class_numbers(function)
        self._fn_arguments = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        losses = self.fn(y_true, y_pred, **self._fn_arguments)
        if losses is None:
            raise GraphcError(
                f"the loss function {self.name!r} returns nothing",
                given="None",
                expected="a tensor: a loss for each sample, or one for all",
                fix="end it with return",
                origin=capture_origin(),
            )
        return losses

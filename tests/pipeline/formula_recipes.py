"""Recipes of formulas as people write them: what stabilisation looks for, and composite ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from graphc.dtypes import I32
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe


def over_rows(b: Builder, value: Value, like: Value, axes: Sequence[int]) -> Value:
    """What was reduced over some axes, at each position along them."""
    kept = [axis for axis in range(like.type.rank) if axis not in axes]
    return b.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=kept)


def _one(b: Builder, x: Value) -> Value:
    return b.full_like(x, 1)


def _logistic(b: Builder, x: Value) -> Value:
    return b.divide(_one(b, x), b.add(_one(b, x), b.exponential(b.negate(x))))


def _softplus(b: Builder, x: Value) -> Value:
    small = b.log(b.add(b.exponential(b.negate(b.abs(x))), _one(b, x)))
    return b.add(b.maximum(x, b.full_like(x, 0)), small)


def _tanh(b: Builder, x: Value) -> Value:
    up, down = b.exponential(x), b.exponential(b.negate(x))
    return b.divide(b.subtract(up, down), b.add(up, down))


FORMULAS: Final[dict[str, Callable[[Builder, Value], Value]]] = {
    "log(1 + e^x)": lambda b, x: b.log(b.add(_one(b, x), b.exponential(x))),
    "e^x - 1": lambda b, x: b.subtract(b.exponential(x), _one(b, x)),
    "-1 + e^x": lambda b, x: b.add(b.full_like(x, -1), b.exponential(x)),
    "1 - e^x": lambda b, x: b.subtract(_one(b, x), b.exponential(x)),
    "1 / (1 + e^-x)": _logistic,
    "log of that": lambda b, x: b.log(_logistic(b, x)),
    "log(logistic(x))": lambda b, x: b.log(b.logistic(x)),
    "1 - logistic(x)": lambda b, x: b.subtract(_one(b, x), b.logistic(x)),
    "log(1 - logistic(x))": lambda b, x: b.log(b.subtract(_one(b, x), b.logistic(x))),
    "e^x / (1 + e^x)": lambda b, x: b.divide(b.exponential(x), b.add(b.exponential(x), _one(b, x))),
    "log1p(e^x)": lambda b, x: b.log_plus_one(b.exponential(x)),
    "softplus(x) - x": lambda b, x: b.subtract(b.softplus(x), x),
    "tanh of exponentials": _tanh,
    "log(e^x)": lambda b, x: b.log(b.exponential(x)),
    "e^-softplus(x)": lambda b, x: b.exponential(b.negate(b.softplus(x))),
    "-(-x)": lambda b, x: b.negate(b.negate(x)),
}
"""Formulas that hold everywhere."""

_WITH_A_KINK: Final = {"softplus of parts": _softplus}
_POSITIVE: Final[dict[str, Callable[[Builder, Value], Value]]] = {
    "log(1 + x)": lambda b, x: b.log(b.add(x, _one(b, x))),
    "sqrt(x x)": lambda b, x: b.sqrt(b.multiply(x, x)),
    "1 / sqrt(x)": lambda b, x: b.divide(_one(b, x), b.sqrt(x)),
    "x (1 / y)": lambda b, x: b.multiply(x, b.divide(_one(b, x), b.sqrt(x))),
    "e^log(x)": lambda b, x: b.exponential(b.log(x)),
    "-log(1 / x)": lambda b, x: b.negate(b.log(b.divide(_one(b, x), x))),
}


@recipe
def formula(s: Sketch, c: Choices) -> Value:
    name = c.of([*FORMULAS, *_WITH_A_KINK, *_POSITIVE])
    x = s.bounded(s.pick(c, "float"), 8.0)
    if name in _POSITIVE:
        return _POSITIVE[name](s, s.positive(x))
    return (FORMULAS | _WITH_A_KINK)[name](s, x)


def has_elements(s: Sketch, x: Value, *axes: int) -> bool:
    """Whether a tensor is sure to have elements along axes."""
    return all(s.shape(x)[axis] > 0 for axis in axes)


def _axis_of(s: Sketch, c: Choices, kind: str = "float") -> tuple[Value, int]:
    x = s.pick(c, kind, lambda x: x.type.rank > 0)
    axis = c.below(x.type.rank)
    if not has_elements(s, x, axis):
        raise NotApplicableError
    return x, axis


@recipe
def formula_over_rows(s: Sketch, c: Choices) -> Value:
    """Softmax and its relatives, written out."""
    x, axis = _axis_of(s, c)
    x, axes = s.bounded(x, 8.0), (axis,)
    if c.chance(2):
        greatest = s.reduce_max(x, axes=axes)
        greatest = s.stop_gradient(greatest) if c.chance(2) else greatest
    else:
        greatest = None
    shifted = x if greatest is None else s.subtract(x, over_rows(s, greatest, x, axes))
    exponentials = s.exponential(shifted)
    total = s.reduce_sum(exponentials, axes=axes)
    form = c.of(("softmax", "log_sum_exp", "log_softmax", "log of softmax", "reciprocal"))
    if form == "softmax":
        return s.divide(exponentials, over_rows(s, total, x, axes))
    if form == "log of softmax":
        return s.log(s.divide(exponentials, over_rows(s, total, x, axes)))
    if form == "reciprocal":
        share = s.divide(s.full_like(total, 1), total)
        return s.multiply(exponentials, over_rows(s, share, x, axes))
    if form == "log_softmax":
        return s.subtract(shifted, over_rows(s, s.log(total), x, axes))
    logarithm = s.log(total)
    return logarithm if greatest is None else s.add(logarithm, greatest)


@recipe
def normalization(s: Sketch, c: Choices) -> Value:
    x, axis = _axis_of(s, c)
    name = c.of(("softmax", "log_softmax", "log_sum_exp", "log of softmax", "layer"))
    if name == "log of softmax":
        return s.log(s.softmax(s.bounded(x, 8.0), axis=axis))
    if name == "layer":
        row = x.type.with_shape((x.type.shape[axis],))
        scale, offset = fit(s, s.pick(c, "float"), row), fit(s, s.pick(c, "float"), row)
        return s.layer_normalization(x, scale, offset, axis=axis, epsilon=0.25)
    if name == "log_sum_exp":
        return s.log_sum_exp(x, axes=(axis,))
    return getattr(s, name)(x, axis=axis)


@recipe
def cross_entropy(s: Sketch, c: Choices) -> Value:
    name = c.of(("sparse_softmax_cross_entropy", "softmax_cross_entropy", "sigmoid_cross_entropy"))
    x, _ = _axis_of(s, c)
    if name == "sparse_softmax_cross_entropy":
        if not has_elements(s, x, x.type.rank - 1):
            raise NotApplicableError
        rows = x.type.with_shape(x.type.shape[:-1]).with_dtype(I32)
        return s.sparse_softmax_cross_entropy(x, fit(s, s.pick(c, "whole"), rows))
    targets = s.logistic(fit(s, s.pick(c, "float"), x.type))
    return getattr(s, name)(x, targets)

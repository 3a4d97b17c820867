"""Recipes that combine elements: reductions, windows, running sums, products of matrices."""

from __future__ import annotations

import numpy as np

from graphc.ir.node import Value
from tests.pipeline.formula_recipes import over_rows
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch
from tests.pipeline.recipe_book import recipe


def _axes(c: Choices, x: Value) -> tuple[int, ...]:
    chosen = tuple(axis for axis in range(x.type.rank) if c.chance(2))
    return chosen or tuple(range(x.type.rank))[-1:]


@recipe
def reduction(s: Sketch, c: Choices) -> Value:
    kind = c.of(("float", "whole", "float", "truth"))
    x = s.pick(c, kind)
    axes = _axes(c, x)
    if kind == "truth":
        return getattr(s, c.of(("reduce_and", "reduce_or")))(x, axes=axes)
    name = c.of(("reduce_sum", "reduce_max", "reduce_product", "reduce_min"))
    made = getattr(s, name)(x, axes=axes)
    return over_rows(s, made, x, axes) if c.chance(4) else made


@recipe
def mean_and_variance(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "float", lambda x: x.type.rank > 0)
    axes = _axes(c, x)
    count = int(np.prod([s.shape(x)[axis] for axis in axes]))
    if count == 0:
        raise NotApplicableError

    def mean(value: Value) -> Value:
        total = s.reduce_sum(value, axes=axes)
        return s.divide(total, s.full_like(total, count))

    centred = s.subtract(x, over_rows(s, mean(x), x, axes))
    if c.chance(2):
        return centred
    variance = mean(s.multiply(centred, centred))
    root = s.rsqrt(s.add(variance, s.full_like(variance, 0.25)))
    return s.multiply(centred, over_rows(s, root, x, axes))


@recipe
def running(s: Sketch, c: Choices) -> Value:
    kind = c.of(("float", "whole", "float"))
    x = s.pick(c, kind, lambda x: x.type.rank > 0)
    name = c.of(("sum", "product", "max", "min"))
    axis = c.below(x.type.rank)
    return getattr(s, f"cumulative_{name}")(x, axis=axis, reverse=c.chance(2))


@recipe
def windows(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, c.of(("float", "whole", "float")), lambda x: x.type.rank > 0)
    window = [1 + c.below(max(1, min(size, 3))) for size in s.shape(x)]
    name = c.of(("reduce_window_max", "reduce_window_sum", "reduce_window_min"))
    # Padding is narrower than a window, so that each holds an element.
    return getattr(s, name)(
        x,
        window_dimensions=window,
        window_strides=[1 + c.below(2) for _ in window],
        padding_low=[c.below(size) for size in window],
        padding_high=[c.below(size) for size in window],
    )


@recipe
def position(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, c.of(("float", "whole")), lambda x: x.type.rank > 0)
    axis = c.below(x.type.rank)
    if s.shape(x)[axis] == 0:
        raise NotApplicableError
    return getattr(s, c.of(("argmax", "argmin")))(x, axis=axis)


@recipe
def product_of_matrices(s: Sketch, c: Choices) -> Value:
    kind = c.of(("float", "float", "whole"))
    x = s.pick(c, kind, lambda x: x.type.rank > 0)
    y = s.pick(c, kind, lambda y: y.type.rank > 0 and y.type.dtype is x.type.dtype)
    pairs = [
        (left, right)
        for left in reversed(range(x.type.rank))
        for right in range(y.type.rank)
        if x.type.shape[left] == y.type.shape[right]
    ]
    if not pairs:
        raise NotApplicableError
    contracting = c.of(pairs)
    others = [p for p in pairs if p[0] != contracting[0] and p[1] != contracting[1]]
    batching = [c.of(others)] if others and c.chance(2) else []
    if c.chance(3) and others and not batching:
        contracting, second = [contracting], c.of(others)
        contracting.append(second)
    else:
        contracting = [contracting]
    product = s.dot_general(
        x,
        y,
        lhs_contracting=[left for left, _ in contracting],
        rhs_contracting=[right for _, right in contracting],
        lhs_batching=[left for left, _ in batching],
        rhs_batching=[right for _, right in batching],
    )
    rank = product.type.rank
    if rank > 1 and c.chance(3):
        return s.transpose(product, permutation=[*range(1, rank), 0])
    return product


@recipe
def dense_layer(s: Sketch, c: Choices) -> Value:
    """Transposed or not, a product, a bias, an activation."""
    x = s.pick(c, "float", lambda x: x.type.rank == 2)
    y = s.pick(c, "float", lambda y: y.type.rank == 2 and y.type.dtype is x.type.dtype)
    if c.chance(2):
        x = s.transpose(x, permutation=(1, 0))
    if x.type.shape[1] != y.type.shape[0]:
        y = s.transpose(y, permutation=(1, 0))
    if x.type.shape[1] != y.type.shape[0]:
        raise NotApplicableError
    product = s.dot_general(x, y, lhs_contracting=(1,), rhs_contracting=(0,))
    total = s.reduce_sum(y, axes=(0,))
    biased = s.add(product, over_rows(s, total, product, (0,)))
    return getattr(s, c.of(("tanh", "softplus", "logistic", "silu")))(biased)

"""Distributions made of uniform and normal numbers, mostly under the names of jax.random.

Their quantile functions are taken of uniform numbers, at least in float32. Location and scale are
up to the caller: `3 + 2 * random.laplace([5])`; gradients pass through those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.dtypes import F32, DType
from graphc.ops.arithmetic import add, multiply, negative, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import less, where
from graphc.ops.conversion import cast_to
from graphc.ops.exponential import log, log1p
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import tan
from graphc.random.streams import Seed, drawn, float_type


def open_uniform(shape: Sequence[Any], dtype: DType, seed: Seed) -> Tensor:
    """Uniform between 0 and 1, without both; at least float32."""
    wide = dtype if dtype.itemsize >= F32.itemsize else F32
    # multiples of 2**-23 or 2**-52, from 0 on: half a step further
    half = 2.0 ** (-24 if wide is F32 else -53)
    return add(drawn("random_uniform", shape, wide, seed, None), half)


def gumbel(
    shape: Sequence[Any] = (), dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """-log(-log(u)): the distribution of the largest of many: f[shape].

    Args:
        shape: of the result.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
    """
    target = float_type(dtype)
    made = negative(log(negative(log(open_uniform(shape, target, seed)))))
    return _finished(made, target, name or "gumbel")


def exponential(
    shape: Sequence[Any] = (), dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """-log(u), of mean 1: f[shape]; see `gumbel`."""
    target = float_type(dtype)
    made = negative(log(open_uniform(shape, target, seed)))
    return _finished(made, target, name or "exponential")


def laplace(
    shape: Sequence[Any] = (), dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """Exponential on both sides of 0, of variance 2: f[shape]; see `gumbel`."""
    target = float_type(dtype)
    unit = open_uniform(shape, target, seed)
    made = where(
        less(unit, 0.5),
        log(multiply(unit, 2.0)),
        negative(log(multiply(subtract(1.0, unit), 2.0))),
    )
    return _finished(made, target, name or "laplace")


def logistic(
    shape: Sequence[Any] = (), dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """log(u / (1 - u)), of variance pi² / 3: f[shape]; see `gumbel`."""
    target = float_type(dtype)
    unit = open_uniform(shape, target, seed)
    made = subtract(log(unit), log1p(negative(unit)))
    return _finished(made, target, name or "logistic")


def cauchy(
    shape: Sequence[Any] = (), dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """tan(pi (u - 1/2)), of median 0, without a mean: f[shape]; see `gumbel`."""
    target = float_type(dtype)
    unit = open_uniform(shape, target, seed)
    made = tan(multiply(subtract(unit, 0.5), math.pi))
    return _finished(made, target, name or "cauchy")


def _finished(made: Tensor, dtype: DType, name: str) -> Tensor:
    """What was computed, as the element type that was asked for, under a name."""
    if made.dtype is not dtype:
        return cast_to(made, dtype, name)
    return apply("after", made, name=name)

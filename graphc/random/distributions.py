"""Distributions, under the names of keras.random; see `graphc.random.streams` for `seed`.

Sizes may be symbolic, or computed from sizes. Each run draws anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.dimensions import Dimension
from graphc.dtypes import F32, F64, I32, I64, U64, DType, as_dtype
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, fmod, multiply, subtract
from graphc.ops.broadcasting import apply, broadcast_shapes
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, less
from graphc.ops.conversion import cast_to, default_dtype, graph_of, inexact, to_tensor
from graphc.ops.factorizations import cholesky
from graphc.ops.linear_algebra import matmul
from graphc.ops.reductions import argmax
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.sizes import as_shape
from graphc.ops.tensor import Tensor
from graphc.random.continuous import gumbel
from graphc.random.streams import Seed, drawn, float_type


def _is_number(thing: Any, number: float) -> bool:
    return default_dtype(thing) is not None and thing == number


def uniform(
    shape: Sequence[Any],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Uniform in [minval, maxval): f[shape].

    Args:
        shape: of the result.
        minval: the least number; a number or a tensor that broadcasts with the shape.
        maxval: likewise; may come out where rounding reaches it.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
    """
    target, label = float_type(dtype), name or "uniform"
    if _is_number(minval, 0) and _is_number(maxval, 1):
        return drawn("random_uniform", shape, target, seed, label)
    unit = drawn("random_uniform", shape, target, seed, None)
    low, high = of_type(minval, target), of_type(maxval, target)
    width = (
        subtract(high, low) if isinstance(low, Tensor) or isinstance(high, Tensor) else high - low
    )
    return add(multiply(unit, width), low, label)


def of_type(thing: Any, dtype: DType) -> Any:
    """A parameter of a distribution: a Python number as it is, anything else as a tensor."""
    if default_dtype(thing) is not None and not isinstance(thing, (list, tuple)):
        return float(thing)
    return cast_to(to_tensor(thing, None, graph_of((thing,))), dtype)


def normal(
    shape: Sequence[Any],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Normal with a mean and a standard deviation: f[shape].

    Args:
        shape: of the result.
        mean: a number, or a tensor that broadcasts with the shape.
        stddev: likewise.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
    """
    target, label = float_type(dtype), name or "normal"
    if _is_number(mean, 0) and _is_number(stddev, 1):
        return drawn("random_normal", shape, target, seed, label)
    unit = drawn("random_normal", shape, target, seed, None)
    return add(multiply(unit, of_type(stddev, target)), of_type(mean, target), label)


def multivariate_normal(
    mean: Any,
    cov: Any,
    shape: Sequence[Any] = (),
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Normal vectors with a mean and a covariance: mean + L z, with cov = L Lᵀ.

    Args:
        mean: f[…, size].
        cov: f[…, size, size]: symmetric and positive definite; anything else gives NaN.
        shape: how many draws of each.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Returns:
        f[shape…, …, size], with gradients for mean and covariance.

    Raises:
        DTypeError: `dtype` is no float.
        ShapeError: the sizes of mean and covariance differ.
    """
    target = float_type(dtype)
    computed = F64 if target is F64 else F32
    graph = graph_of((mean, cov))
    centre, spread = (cast_to(to_tensor(each, None, graph), computed) for each in (mean, cov))
    batch = broadcast_shapes(centre.shape[:-1], spread.shape[:-2])
    unit = drawn(
        "random_normal", (*as_shape(shape), *batch, centre.shape[-1]), computed, seed, None
    )
    moved = squeeze(matmul(cholesky(spread), expand_dims(unit, -1)), -1)
    label = name or "multivariate_normal"
    if computed is target:
        return add(moved, centre, label)
    return cast_to(add(moved, centre), target, label)


def truncated_normal(
    shape: Sequence[Any],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Normal, without what is more than two standard deviations away from the mean: f[shape].

    The standard deviation of what is left is
    0.8796 times `stddev`.

    Args:
        shape: of the result.
        mean: a number, or a tensor that broadcasts with the shape.
        stddev: likewise.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
    """
    target = float_type(dtype)
    wide = F64 if target is F64 else F32
    bound = math.erf(2 / math.sqrt(2))
    spread = uniform(shape, -bound, bound, wide, seed)
    quantile = apply("erf_inv", spread)
    # Rounding near the ends must not step over them.
    unit = cast_to(clip(multiply(quantile, math.sqrt(2)), -2.0, 2.0), target)
    scaled = multiply(unit, of_type(stddev, target))
    return add(scaled, of_type(mean, target), name or "truncated_normal")


def randint(
    shape: Sequence[Any],
    minval: Any,
    maxval: Any,
    dtype: Any = "int32",
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Whole numbers from minval to maxval - 1, each equally likely: integers[shape].

    Args:
        shape: of the result.
        minval: the least number; an integer or a tensor of integers.
        maxval: what is not reached; likewise.
        dtype: an integer type; both bounds must fit it.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no integer.
        GraphcError: the range is known to be empty.
    """
    target = as_dtype(dtype)
    if not target.is_integer:
        raise DTypeError(
            f"randint draws integers, not {target}",
            fix="use random.uniform for floats",
            origin=capture_origin(),
        )
    is_known = isinstance(minval, int) and isinstance(maxval, int)
    if is_known and minval >= maxval:
        raise GraphcError(
            "randint needs a range that is not empty",
            given=f"minval={minval}, maxval={maxval}",
            origin=capture_origin(),
        )
    bits = drawn("random_bits", shape, U64, seed, None)
    # 64 bits modulo a range of n numbers: each is as likely as the next, but for n / 2**64.
    if is_known:
        below = fmod(bits, maxval - minval)
        return add(cast_to(cast_to(below, I64), target), minval, name or "randint")
    low, high = (cast(bound, I64) for bound in (minval, maxval))
    below = fmod(bits, cast_to(subtract(high, low), U64))
    return cast_to(add(cast_to(below, I64), low), target, name or "randint")


def bernoulli(
    shape: Sequence[Any], p: Any = 0.5, seed: Seed = None, name: str | None = None
) -> Tensor:
    """True with probability p: bool[shape].

    Args:
        shape: of the result.
        p: a number from 0 to 1, or a tensor that broadcasts with the shape.
        seed: see `graphc.random.streams`.
        name: of the result.
    """
    return less(uniform(shape, seed=seed), p, name or "bernoulli")


def categorical(
    logits: Any,
    num_samples: Dimension,
    dtype: Any = "int32",
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Classes, drawn with the probabilities softmax(logits).

    Args:
        logits: f[batch…, classes].
        num_samples: how many classes to draw for each distribution.
        dtype: an integer type.
        seed: see `graphc.random.streams`.
        name: of the result.

    Returns:
        integers[batch…, num_samples].
    """
    scores = inexact(logits)
    if not scores.ndim:
        raise ShapeError(
            "categorical() takes logits with at least one axis, that of the classes",
            given=scores.value.type,
            origin=capture_origin(),
        )
    shape = (*scores.shape[:-1], num_samples, scores.shape[-1])
    # The largest of logits with Gumbel noise is a draw from the distribution.
    wide = cast_to(scores, F32) if scores.dtype.itemsize < F32.itemsize else scores
    noise = gumbel(shape, wide.dtype, seed)
    scores = wide
    chosen = argmax(add(expand_dims(scores, -2), noise), -1)
    return cast(cast_to(chosen, I32), dtype, name or "categorical")

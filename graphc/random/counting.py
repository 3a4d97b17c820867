"""Counts: Poisson and binomial distributions. They do not change smoothly: no gradient passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import F32, F64, as_dtype
from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to
from graphc.ops.tensor import Tensor
from graphc.random.gammas import spread
from graphc.random.streams import Seed, float_type, key_of


def poisson(
    shape: Sequence[Any],
    lam: Any,
    dtype: Any = "int32",
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """How many events happen where lam are expected: whole numbers[shape].

    Args:
        shape: of the result.
        lam: at least 0; a number, or a tensor that broadcasts with the shape.
        dtype: an integer type, or a float. Counts are drawn as float32 (float64 for float64), which
            holds all numbers up to 2**24.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no type of real numbers.
        ShapeError: lam does not broadcast with the shape.
    """
    target = as_dtype(dtype)
    if not (target.is_integer or target.is_floating):
        raise DTypeError(
            f"counts cannot be {target}", expected="integers or floats", origin=capture_origin()
        )
    label = name or "poisson"
    computed = F64 if target is F64 else F32
    rates = spread(lam, shape, computed)
    if computed is target:
        return apply("random_poisson", key_of(seed), rates, name=label)
    return cast_to(apply("random_poisson", key_of(seed), rates), target, label)


def binomial(
    shape: Sequence[Any],
    counts: Any,
    probabilities: Any,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """How many of a number of trials succeed: f[shape], whole numbers.

    Args:
        shape: of the result.
        counts: of trials, at least 0; a number, or a tensor that broadcasts with the shape.
        probabilities: of success, 0 to 1; likewise. Others give NaN.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
        ShapeError: a parameter does not broadcast with the shape.
    """
    target = float_type(dtype)
    computed = F64 if target is F64 else F32
    trials, chances = (spread(each, shape, computed) for each in (counts, probabilities))
    label = name or "binomial"
    if computed is target:
        return apply("random_binomial", key_of(seed), trials, chances, name=label)
    return cast_to(apply("random_binomial", key_of(seed), trials, chances), target, label)

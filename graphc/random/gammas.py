"""Gamma distributions, and what is made of them: beta, Dirichlet, chi-squared, Student's t.

Gradients pass through the parameters: a draw moves with its shape so that the probability to be
exceeded stays (M. Figurnov and others 2018, "Implicit reparameterization gradients").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import DType
from graphc.ops.activations import sigmoid, softmax
from graphc.ops.arithmetic import divide, multiply, subtract
from graphc.ops.broadcasting import apply, broadcast_shapes, broadcast_to
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.exponential import sqrt
from graphc.ops.sizes import as_shape
from graphc.ops.tensor import Tensor
from graphc.random.streams import Seed, drawn, float_type, folded, key_of


def spread(parameter: Any, shape: Sequence[Any], dtype: DType) -> Tensor:
    """A parameter of a distribution, repeated to the shape of what is drawn.

    Raises:
        ShapeError: it does not broadcast to the shape.
    """
    tensor = cast_to(to_tensor(parameter, None, graph_of((parameter,))), dtype)
    wanted = as_shape(shape)
    broadcast_shapes(tensor.shape, wanted)
    return broadcast_to(tensor, wanted)


def gamma(
    shape: Sequence[Any],
    alpha: Any,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Gamma of shape alpha and scale 1, of mean and variance alpha: f[shape].

    Args:
        shape: of the result.
        alpha: above 0; a number, or a tensor that broadcasts with the shape. 0 gives 0, less NaN.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
        ShapeError: alpha does not broadcast with the shape.
    """
    target = float_type(dtype)
    return apply("random_gamma", key_of(seed), spread(alpha, shape, target), name=name or "gamma")


def log_gamma(
    shape: Sequence[Any],
    alpha: Any,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """The logarithm of `gamma`, which is finite where that is too small: f[shape]."""
    parameter = spread(alpha, shape, float_type(dtype))
    return apply("random_gamma", key_of(seed), parameter, is_log=True, name=name or "log_gamma")


def beta(
    shape: Sequence[Any],
    alpha: Any,
    beta: Any,
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Beta, of mean alpha / (alpha + beta): f[shape], from 0 to 1.

    Args:
        shape: of the result.
        alpha: above 0; a number, or a tensor that broadcasts with the shape.
        beta: likewise.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        DTypeError: `dtype` is no float.
        ShapeError: a parameter does not broadcast with the shape.
    """
    key = key_of(seed)
    # x / (x + y) of two gamma draws, from their logarithms: both may be too small to be numbers
    first = log_gamma(shape, alpha, dtype, folded(key, 0))
    second = log_gamma(shape, beta, dtype, folded(key, 1))
    return sigmoid(subtract(first, second), name=name or "beta")


def dirichlet(
    alpha: Any,
    shape: Sequence[Any] = (),
    dtype: Any = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Shares that sum to 1, of mean alpha / Σ alpha.

    Args:
        alpha: f[…, classes], above 0.
        shape: how many draws of each.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.

    Returns:
        f[shape…, …, classes].
    """
    target = float_type(dtype)
    tensor = cast_to(to_tensor(alpha, None, graph_of((alpha,))), target)
    logarithms = log_gamma([*as_shape(shape), *tensor.shape], tensor, target, seed)
    return softmax(logarithms, axis=-1, name=name or "dirichlet")


def chi_squared(
    shape: Sequence[Any], df: Any, dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """The sum of the squares of df normal numbers, of mean df: f[shape]; see `gamma`."""
    target = float_type(dtype)
    half = multiply(spread(df, shape, target), 0.5)
    return multiply(gamma(shape, half, target, seed), 2.0, name or "chi_squared")


def student_t(
    shape: Sequence[Any], df: Any, dtype: Any = None, seed: Seed = None, name: str | None = None
) -> Tensor:
    """Student's t with df degrees of freedom, a normal number over the root of a mean square.

    Args:
        shape: of the result, f[shape].
        df: above 0; a number, or a tensor that broadcasts with the shape.
        dtype: a float; the default one for None.
        seed: see `graphc.random.streams`.
        name: of the result.
    """
    target, key = float_type(dtype), key_of(seed)
    freedom = spread(df, shape, target)
    normal = drawn("random_normal", shape, target, folded(key, 0), None)
    square = divide(chi_squared(shape, freedom, target, folded(key, 1)), freedom)
    return divide(normal, sqrt(square), name or "student_t")

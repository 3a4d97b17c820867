"""Formulas as people write them, and their gradients, where plain XLA gives inf, nan or 0.

In float32, through a session with all passes: within 1e-5 of what closed forms give in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import nn, ops

Array = np.ndarray[Any, Any]

RTOL = 1e-5
ATOL = 1e-30  # of the least float32 with all its digits, and far below everything else

TINY = (-1e-9, 0.0, 1e-9)
POINTS = np.array([-1000, -90, -20, -1.5, *TINY, 1e-4, 0.7, 20, 90, 1000], np.float32)
ABOVE_MINUS_ONE = np.array([-0.5, -1e-4, *TINY, 1e-4, 0.7, 20, 1000], np.float32)
WITHOUT_OVERFLOW = np.array([-1000, -20, -1.5, -1e-4, *TINY, 1e-4, 0.7, 20, 80], np.float32)
ROWS = np.array(
    [
        [1000, -1000, 999],
        [-1000, -1001, -1000],
        [1000, 1000, 1000],
        TINY,
        [0.3, -1.2, 2.5],
        [88, 89, -90],
        [-1000, 0, 1e-9],
    ],
    np.float32,
)


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _log_sum_exp(x: Array) -> Array:
    return np.logaddexp.reduce(x, axis=-1)


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))


def _log_softmax_slope(x: Array, weights: Array) -> Array:
    return weights - _softmax(x) * weights.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Function:
    """A function with its truth.

    Attributes:
        points: where to look.
        value: in float64.
        slope: the gradient of the weighted sum of results, given points and weights.
        spellings: takes functions by NumPy's names, softmax and sigmoid, and x.
        stable: spellings that XLA computes well by itself.
    """

    points: Array
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    spellings: dict[str, Callable[[Any, Any], Any]]
    stable: frozenset[str] = frozenset()


def _total(f: Any, x: Any) -> Any:
    return f.sum(f.exp(x), axis=-1, keepdims=True)


def _below_maximum(f: Any, x: Any) -> Any:
    return x - f.max(x, axis=-1, keepdims=True)


LOG_SOFTMAX = Function(
    ROWS,
    lambda x: x - _log_sum_exp(x)[:, None],
    _log_softmax_slope,
    {
        "log(softmax(x))": lambda f, x: f.log(f.softmax(x)),
        "log(e^x / sum(e^x))": lambda f, x: f.log(f.exp(x) / _total(f, x)),
        "log(e^x (1 / sum(e^x)))": lambda f, x: f.log(f.exp(x) * (1 / _total(f, x))),
        "x - log(sum(e^x))": lambda f, x: x - f.log(_total(f, x)),
        "-log(sum(e^x)) + x": lambda f, x: -f.log(_total(f, x)) + x,
        "log(softmax(x - max))": lambda f, x: f.log(f.softmax(_below_maximum(f, x))),
        "log of shifted parts": lambda f, x: f.log(
            f.exp(_below_maximum(f, x)) / _total(f, _below_maximum(f, x))
        ),
    },
)
LOG_SUM_EXP = Function(
    ROWS,
    _log_sum_exp,
    lambda x, weights: weights[:, None] * _softmax(x),
    {
        "log(sum(e^x))": lambda f, x: f.log(f.sum(f.exp(x), axis=-1)),
        "kept and squeezed": lambda f, x: f.squeeze(f.log(_total(f, x)), axis=-1),
        "log(sum(e^(x - max))) + max": lambda f, x: (
            f.log(f.sum(f.exp(_below_maximum(f, x)), axis=-1)) + f.max(x, axis=-1)
        ),
    },
    frozenset({"log(sum(e^(x - max))) + max"}),
)
SOFTPLUS = Function(
    POINTS,
    lambda x: np.logaddexp(x, 0),
    lambda x, weights: weights * _sigmoid(x),
    {
        "log(1 + e^x)": lambda f, x: f.log(1 + f.exp(x)),
        "log(e^x + 1)": lambda f, x: f.log(f.exp(x) + 1),
        "log1p(e^x)": lambda f, x: f.log1p(f.exp(x)),
        "log(e^x - (-1))": lambda f, x: f.log(f.exp(x) - (-1)),
        "-log(1 - sigmoid(x))": lambda f, x: -f.log(1 - f.sigmoid(x)),
        "-log(1 / (1 + e^x))": lambda f, x: -f.log(1 / (1 + f.exp(x))),
    },
)
LOG_SIGMOID = Function(
    POINTS,
    lambda x: -np.logaddexp(-x, 0),
    lambda x, weights: weights * _sigmoid(-x),
    {
        "log(1 / (1 + e^-x))": lambda f, x: f.log(1 / (1 + f.exp(-x))),
        "log(1 / (e^-x + 1))": lambda f, x: f.log(1 / (f.exp(-x) + 1)),
        "log(sigmoid(x))": lambda f, x: f.log(f.sigmoid(x)),
        "-log(1 + e^-x)": lambda f, x: -f.log(1 + f.exp(-x)),
        "log(e^x / (1 + e^x))": lambda f, x: f.log(f.exp(x) / (1 + f.exp(x))),
        "log((1 + e^-x)^-1)": lambda f, x: f.log((1 + f.exp(-x)) ** -1.0),
        "log(reciprocal)": lambda f, x: f.log(f.reciprocal(1 + f.exp(f.negative(x)))),
    },
)
LOG_PLUS_ONE = Function(
    ABOVE_MINUS_ONE,
    np.log1p,
    lambda x, weights: weights / (1 + x),
    {
        "log(1 + x)": lambda f, x: f.log(1 + x),
        "log(x + 1)": lambda f, x: f.log(x + 1.0),
        "log(x - (-1))": lambda f, x: f.log(x - (-1)),
        "log(1 - (-x))": lambda f, x: f.log(1 - (-x)),
    },
)
EXPONENTIAL_MINUS_ONE = Function(
    WITHOUT_OVERFLOW,
    np.expm1,
    lambda x, weights: weights * np.exp(x),
    {
        "e^x - 1": lambda f, x: f.exp(x) - 1,
        "-1 + e^x": lambda f, x: -1 + f.exp(x),
        "e^x + (-1)": lambda f, x: f.exp(x) + (-1.0),
        "-(1 - e^x)": lambda f, x: -(1 - f.exp(x)),
    },
)

FUNCTIONS = {
    "log_softmax": LOG_SOFTMAX,
    "log_sum_exp": LOG_SUM_EXP,
    "softplus": SOFTPLUS,
    "log_sigmoid": LOG_SIGMOID,
    "log_plus_one": LOG_PLUS_ONE,
    "exponential_minus_one": EXPONENTIAL_MINUS_ONE,
}
SPELLINGS = [(name, text) for name, f in FUNCTIONS.items() for text in f.spellings]


class Functions:
    """Functions by NumPy's names, with softmax and sigmoid."""

    def __init__(self, module: Any, softmax: Any, sigmoid: Any) -> None:
        self._module = module
        self.softmax = softmax
        self.sigmoid = sigmoid

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


GRAPHC = Functions(ops, nn.softmax, nn.sigmoid)
JAX = Functions(jnp, jax.nn.softmax, jax.nn.sigmoid)


def weights_for(function: Function) -> Array:
    """What results are weighted by before they are summed, so that no gradient is 0 by chance."""
    shape = function.value(function.points.astype(np.float64)).shape
    return (1.5 + np.cos(np.arange(np.prod(shape)))).reshape(shape).astype(np.float32)


def truth(function: Function) -> tuple[Array, Array]:
    points = function.points.astype(np.float64)
    with np.errstate(over="ignore"):
        weights = weights_for(function).astype(np.float64)
        return function.value(points), function.slope(points, weights)


def is_true(found: Any, expected: Array) -> bool:
    close = np.isclose(np.asarray(found, np.float64), expected, rtol=RTOL, atol=ATOL)
    return bool((close | _is_below_float32(found, expected)).all())


def _is_below_float32(found: Any, expected: Array) -> Array:
    """Where the truth is no float32 with all its digits, 0 or something as small will do."""
    least = float(np.finfo(np.float32).tiny)
    return (np.abs(expected) < least) & (np.abs(np.asarray(found, np.float64)) <= least)


@pytest.mark.parametrize(("name", "text"), SPELLINGS)
def test_values_and_gradients_are_true_everywhere(name: str, text: str) -> None:
    function = FUNCTIONS[name]
    x = graphc.placeholder("float32", function.points.shape, name="x")
    y = function.spellings[text](GRAPHC, x)
    slope = graphc.gradients(y, x, grad_ys=weights_for(function))
    with graphc.Session() as session:
        found = session.run([y, slope], {x: function.points})
        alone = session.run(y, {x: function.points})
    for what, mine, theirs in zip(("value", "slope"), found, truth(function), strict=True):
        assert mine.dtype == np.float32
        assert np.isfinite(mine).all(), (what, mine)
        assert is_true(mine, theirs), f"{what}\n{mine}\n{theirs}"
    assert is_true(alone, truth(function)[0]), alone


@pytest.mark.parametrize(("name", "text"), SPELLINGS)
def test_plain_jit_is_wrong_somewhere(name: str, text: str) -> None:
    """So the test above shows what the passes do."""
    function = FUNCTIONS[name]
    weights = weights_for(function)

    def total(x: Any) -> Any:
        y = function.spellings[text](JAX, x)
        return jnp.sum(y * weights), y

    slope, value = jax.jit(jax.grad(total, has_aux=True))(function.points)
    right = [is_true(m, t) for m, t in zip((value, slope), truth(function), strict=True)]
    assert all(right) == (text in function.stable), (value, slope)

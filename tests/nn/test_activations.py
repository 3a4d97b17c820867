"""Activations against their formulas in NumPy, their gradients against differences, and names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import nn, ops
from graphc.errors import ShapeError

X = np.float64([-30.0, -4.0, -1.5, -0.7, -0.2, 0.3, 0.6, 1.7, 3.5, 7.0, 30.0])


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf)(x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FORMULAS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(x, 0),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "softmax": lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
    "log_softmax": lambda x: x - x.max() - np.log(np.exp(x - x.max()).sum()),
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "celu": _elu,
    "exponential": np.exp,
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "relu6": lambda x: np.clip(x, 0, 6),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
}


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[Any, Any]]:
    """Every activation and its gradient, weighted, from one program."""
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float64", X.shape)
        made = {name: getattr(nn, name)(x) for name in FORMULAS}
        weights = np.cos(np.arange(X.size))
        slopes = {name: graphc.gradients(ops.sum(y * weights), x) for name, y in made.items()}
        values, gradients = session.run([made, slopes], {x: X})
    return {name: (values[name], gradients[name]) for name in FORMULAS}


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_its_formula(name: str, found: dict[str, tuple[Any, Any]]) -> None:
    np.testing.assert_allclose(found[name][0], FORMULAS[name](X), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", FORMULAS)
def test_its_gradient_is_that_of_the_formula(name: str, found: dict[str, tuple[Any, Any]]) -> None:
    weights = np.cos(np.arange(X.size))
    step = 1e-5
    formula = FORMULAS[name]
    differences = [
        (formula(X + step * unit) - formula(X - step * unit)) @ weights / (2 * step)
        for unit in np.eye(X.size)
    ]
    np.testing.assert_allclose(found[name][1], differences, rtol=1e-5, atol=1e-6)


def test_exact_gelu_and_glu_and_threshold() -> None:
    x = graphc.constant(X[:10])
    made = [nn.gelu(x, approximate=False), nn.glu(x), nn.threshold(x, 1.0, -9.0)]
    with graphc.Session() as session:
        exact, gated, cut = session.run(made)
    np.testing.assert_allclose(exact, X[:10] * 0.5 * (1 + _erf(X[:10] / math.sqrt(2))), atol=1e-7)
    np.testing.assert_allclose(gated, X[:5] * _sigmoid(X[5:10]), rtol=1e-6)
    np.testing.assert_array_equal(cut, np.where(X[:10] > 1, X[:10], -9.0))


def test_softmax_goes_along_the_axis_that_is_named() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    with graphc.Session() as session:
        columns = session.run(nn.softmax(graphc.constant(x), axis=0))
    np.testing.assert_allclose(columns.sum(0), np.ones(3), rtol=1e-6)
    with pytest.raises(ShapeError, match="no axis 2"):
        nn.softmax(x, axis=2)


def test_integers_become_floats_but_for_relu() -> None:
    assert nn.sigmoid(np.int32([1])).dtype == "float32"
    assert nn.relu(np.int32([1])).dtype == "int32"


def test_glu_needs_an_even_size() -> None:
    with pytest.raises(ShapeError, match="even size"):
        nn.glu(np.zeros((2, 3), np.float32))

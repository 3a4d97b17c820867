"""Second derivatives of three small networks, through a session with all passes and XLA."""

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

ROWS = np.linspace(-1.2, 1.5, 15).reshape(5, 3)
CLASSES = np.array([0, 1, 1, 0, 1], np.int32)
TARGETS = np.sin(np.arange(10)).reshape(5, 2)


@dataclass(frozen=True)
class Network:
    """A scalar loss, written twice.

    Attributes:
        size: number of parameters.
        loss: takes the functions of one library and a vector of parameters.
    """

    size: int
    loss: Callable[[Any, Any], Any]


class Library:
    """The functions that the networks are made of, under one name each."""

    def __init__(self, functions: Any, softmax: Any, softplus: Any) -> None:
        self.f = functions
        self.softmax = softmax
        self.softplus = softplus

    def part(self, vector: Any, start: int, *shape: int) -> Any:
        return self.f.reshape(vector[start : start + int(np.prod(shape))], shape)


GRAPHC = Library(ops, nn.softmax, nn.softplus)
JAX = Library(jnp, jax.nn.softmax, jax.nn.softplus)


def perceptron(lib: Library, p: Any) -> Any:
    """Two dense layers, squared error."""
    hidden = lib.f.tanh(lib.f.matmul(ROWS, lib.part(p, 0, 3, 2)) + lib.part(p, 6, 2))
    difference = lib.f.matmul(hidden, lib.part(p, 8, 2, 2)) - TARGETS
    return lib.f.sum(lib.f.square(difference))


def classifier(lib: Library, p: Any) -> Any:
    """Normalised features, then cross-entropy as people write it: the logarithm of softmax."""
    scaled = ROWS * lib.part(p, 0, 3)
    centred = scaled - lib.f.mean(scaled, axis=1, keepdims=True)
    variance = lib.f.mean(lib.f.square(centred), axis=1, keepdims=True)
    normal = centred / lib.f.sqrt(variance + 0.1)
    probabilities = lib.softmax(lib.f.matmul(normal, lib.part(p, 3, 3, 2)), axis=-1)
    return -lib.f.sum(lib.f.log(probabilities) * np.eye(2)[CLASSES])


def attention(lib: Library, p: Any) -> Any:
    """One head of attention of rows to rows, then log(1 + exp) written out."""
    queries, keys = (lib.f.matmul(ROWS, lib.part(p, start, 3, 2)) for start in (0, 6))
    scores = lib.f.exp(lib.f.matmul(queries, lib.f.transpose(keys)) * 0.5)
    weights = scores / lib.f.sum(scores, axis=1, keepdims=True)
    mixed = lib.f.matmul(weights, lib.f.matmul(ROWS, lib.part(p, 12, 3, 1)))
    return lib.f.sum(lib.f.log(1 + lib.f.exp(mixed))) + lib.f.sum(lib.softplus(p))


NETWORKS = {
    "perceptron": Network(12, perceptron),
    "classifier": Network(9, classifier),
    "attention": Network(15, attention),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_hessians_of_networks_are_those_of_jax(name: str) -> None:
    network = NETWORKS[name]
    parameters = np.cos(np.arange(network.size) * 1.7) * 0.8
    p = graphc.placeholder("float64", [network.size], name="parameters")
    slope = graphc.gradients(network.loss(GRAPHC, p), p)
    hessian = [graphc.gradients(slope[row], p) for row in range(network.size)]
    with graphc.Session() as session:
        found_slope, found = session.run([slope, hessian], {p: parameters})
    with jax.enable_x64(True):
        loss = jax.jit(lambda p: network.loss(JAX, p))
        expected_slope, expected = jax.grad(loss)(parameters), jax.hessian(loss)(parameters)
    np.testing.assert_allclose(found_slope, expected_slope, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(np.stack(found), expected, rtol=1e-9, atol=1e-11)
    assert np.abs(expected).max() > 0.1

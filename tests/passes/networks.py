"""Small networks written twice: as nodes, and with jax.numpy. All take one vector of parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphc.ir.node import Value
from graphc.ir.types import as_type
from tests.passes.built_programs import Program, body

DATA = np.linspace(-1.2, 1.5, 12).reshape(4, 3).astype(np.float64)
TARGETS = np.eye(2)[[0, 1, 1, 0]]


@dataclass(frozen=True)
class Network:
    """A scalar loss.

    Attributes:
        size: number of parameters.
        write: the loss as nodes, from the vector of parameters (f64[size]).
        evaluate: the loss in JAX.
    """

    size: int
    write: Callable[[Program, Value], Value]
    evaluate: Callable[[Any], Any]


def part(b: Program, vector: Value, start: int, *shape: int) -> Value:
    """Some of the parameters, in a shape."""
    stop = start + int(np.prod(shape))
    cut = b.slice(vector, start_indices=(start,), limit_indices=(stop,), strides=(1,))
    return b.reshape(cut, shape=shape)


def matmul(b: Program, x: Value, y: Value) -> Value:
    return b.dot_general(x, y, lhs_contracting=(x.type.rank - 1,), rhs_contracting=(0,))


def rows(b: Program, vector: Value, like: Value) -> Value:
    """A vector, once per row."""
    return b.broadcast_in_dim(vector, shape=like.type.shape, broadcast_dimensions=(1,))


def columns(b: Program, vector: Value, like: Value) -> Value:
    return b.broadcast_in_dim(vector, shape=like.type.shape, broadcast_dimensions=(0,))


# --- tanh units, squared error --------------------------------------------------------------------


def write_perceptron(b: Program, p: Value) -> Value:
    hidden = matmul(b, b.array(DATA), part(b, p, 0, 3, 2))
    hidden = b.tanh(b.add(hidden, rows(b, part(b, p, 6, 2), hidden)))
    difference = b.subtract(matmul(b, hidden, part(b, p, 8, 2, 2)), b.array(TARGETS))
    return b.reduce_sum(b.multiply(difference, difference), axes=(0, 1))


def perceptron(p: Any) -> Any:
    hidden = jnp.tanh(DATA @ p[:6].reshape(3, 2) + p[6:8])
    return jnp.sum((hidden @ p[8:12].reshape(2, 2) - TARGETS) ** 2)


# --- normalised features, cross-entropy -----------------------------------------------------------


def write_classifier(b: Program, p: Value) -> Value:
    x = b.array(DATA)
    scaled = b.multiply(x, rows(b, part(b, p, 0, 3), x))
    third = b.full(1 / 3, as_type("float64").dtype, (4,))
    mean = b.multiply(b.reduce_sum(scaled, axes=(1,)), third)
    centered = b.subtract(scaled, columns(b, mean, scaled))
    variance = b.multiply(b.reduce_sum(b.multiply(centered, centered), axes=(1,)), third)
    slack = b.full_like(variance, 0.1)
    normal = b.multiply(centered, columns(b, b.rsqrt(b.add(variance, slack)), centered))
    logits = matmul(b, normal, part(b, p, 3, 3, 2))
    peak = b.reduce_max(logits, axes=(1,))
    shifted = b.subtract(logits, columns(b, b.stop_gradient(peak), logits))
    total = b.log(b.reduce_sum(b.exponential(shifted), axes=(1,)))
    log_probabilities = b.subtract(shifted, columns(b, total, logits))
    return b.negate(b.reduce_sum(b.multiply(log_probabilities, b.array(TARGETS)), axes=(0, 1)))


def classifier(p: Any) -> Any:
    scaled = DATA * p[:3]
    centered = scaled - scaled.mean(1, keepdims=True)
    normal = centered / jnp.sqrt((centered**2).mean(1, keepdims=True) + 0.1)
    return -jnp.sum(jax.nn.log_softmax(normal @ p[3:9].reshape(3, 2)) * TARGETS)


# --- a recurrent network with a branch in each step -----------------------------------------------


def write_recurrent(b: Program, p: Value) -> Value:
    vector = as_type("float64", (3,))

    def step(b: Program, hidden: Value, x: Value, p: Value) -> list[Value]:
        kernel, gain = part(b, p, 0, 3, 3), part(b, p, 9, 3)
        mixed = b.add(matmul(b, hidden, kernel), x)
        doubled = body(lambda c, m, g: [c.multiply(c.sine(m), g)], vector, vector)
        squashed = body(lambda c, m, g: [c.logistic(m)], vector, vector)
        first = b.reshape(
            b.slice(x, start_indices=(0,), limit_indices=(1,), strides=(1,)), shape=()
        )
        flag = b.compare(first, b.full(0, as_type("float64").dtype), direction="GT")
        new = b.cond(flag, mixed, gain, regions=(doubled, squashed))
        return [new, b.multiply(new, gain)]

    size = p.type.shape[0]
    region = body(step, vector, vector, as_type("float64", (size,)))
    start = b.full(0.1, as_type("float64").dtype, (3,))
    last, stacked = b.scan(
        start, b.array(DATA), p, regions=(region,), carries=1, invariants=1, length=4
    )
    return b.reduce_sum(b.add(b.multiply(last, last), b.reduce_sum(stacked, axes=(0,))), axes=(0,))


def recurrent(p: Any) -> Any:
    kernel, gain = p[:9].reshape(3, 3), p[9:12]

    def step(hidden: Any, x: Any) -> Any:
        mixed = hidden @ kernel + x
        new = jax.lax.cond(
            x[0] > 0, lambda m: jnp.sin(m) * gain, lambda m: jax.nn.sigmoid(m), mixed
        )
        return new, new * gain

    last, stacked = jax.lax.scan(step, jnp.full(3, 0.1, jnp.float64), DATA)
    return jnp.sum(last**2 + stacked.sum(0))


NETWORKS = {
    "perceptron": Network(12, write_perceptron, perceptron),
    "classifier": Network(9, write_classifier, classifier),
    "recurrent": Network(12, write_recurrent, recurrent),
}


def parameters(network: Network) -> np.ndarray:
    return np.cos(np.arange(network.size) * 1.7) * 0.8

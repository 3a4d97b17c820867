"""Functions of `jax.numpy`, `jax.lax` and `jax.scipy`: solvers, control flow, FFT, sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax.experimental.ode import odeint
from jax.scipy.optimize import minimize

Case = tuple[Callable[..., Any], Sequence[Any]]

_KEY: Final = jax.random.key(0)


def _normal(*shape: int, seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.fold_in(_KEY, seed), shape)


def rosenbrock() -> Case:
    """BFGS on Rosenbrock's function of five variables."""

    def value(x: jax.Array) -> jax.Array:
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return lambda x: minimize(value, x, method="BFGS").x, [jnp.zeros(5)]


def pendulum() -> Case:
    """An ordinary differential equation with adaptive steps."""

    def slope(state: jax.Array, _: jax.Array, damping: jax.Array) -> jax.Array:
        return jnp.stack([state[1], -jnp.sin(state[0]) - damping * state[1]])

    times = jnp.linspace(0, 4, 16)
    return lambda state, damping: odeint(slope, state, times, damping), [jnp.ones(2), 0.1]


def collatz() -> Case:
    """A `while_loop` and a `cond` under `vmap`."""

    def steps(n: jax.Array) -> jax.Array:
        def move(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            number, count = state
            number = jax.lax.cond(number % 2 == 0, lambda m: m // 2, lambda m: 3 * m + 1, number)
            return number, count + 1

        return jax.lax.while_loop(lambda s: s[0] > 1, move, (n, 0))[1]

    return jax.vmap(steps), [jnp.arange(1, 65)]


def recurrence() -> Case:
    """A `scan` of a tanh cell, with its gradient."""

    def loss(weights: jax.Array, series: jax.Array) -> jax.Array:
        def cell(state: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            state = jnp.tanh(state @ weights + x)
            return state, state.sum()

        return jnp.sum(jax.lax.scan(cell, jnp.zeros(32), series)[1] ** 2)

    return jax.value_and_grad(loss), [_normal(32, 32) / 8, _normal(40, 32, seed=1)]


def spectrum() -> Case:
    """A low pass by FFT, of images."""

    def low_pass(images: jax.Array) -> jax.Array:
        waves = jnp.fft.rfft2(images)
        keep = jnp.hypot(*jnp.meshgrid(jnp.arange(64), jnp.arange(33), indexing="ij")) < 12
        return jnp.fft.irfft2(waves * keep)

    return low_pass, [_normal(8, 64, 64)]


def ranking() -> Case:
    """Sorting, cumulative sums, bins and the largest elements."""

    def ranks(x: jax.Array) -> tuple[Any, ...]:
        order = jnp.argsort(x, axis=-1)
        bins = jnp.digitize(x[0], jnp.linspace(-2, 2, 9))
        return jnp.cumsum(jnp.sort(x), axis=-1), order, jax.lax.top_k(x, 5), jnp.bincount(
            bins, length=10
        )  # fmt: skip

    return ranks, [_normal(16, 256)]


def regression() -> Case:
    """A ridge regression by Cholesky's factors, with its evidence; an SVD and a QR."""

    def evidence(x: jax.Array, y: jax.Array) -> tuple[Any, ...]:
        kernel = x.T @ x + jnp.eye(x.shape[1])
        factor = jnp.linalg.cholesky(kernel)
        weights = jax.scipy.linalg.cho_solve((factor, True), x.T @ y)
        residual = y - x @ weights
        value = -0.5 * jnp.vdot(residual, residual) - jnp.sum(jnp.log(jnp.diag(factor)))
        return weights, value, jnp.linalg.svd(x, compute_uv=False), jnp.linalg.qr(x, mode="r")

    return evidence, [_normal(128, 24), _normal(128, seed=1)]


def kalman() -> Case:
    """A Kalman filter over 50 steps: small matrices in a `scan`."""

    def filtered(observed: jax.Array) -> tuple[Any, Any]:
        move, see = jnp.array([[1.0, 1.0], [0.0, 1.0]]), jnp.array([[1.0, 0.0]])

        def step(state: tuple[jax.Array, jax.Array], y: jax.Array) -> tuple[Any, jax.Array]:
            mean, spread = move @ state[0], move @ state[1] @ move.T + 0.1 * jnp.eye(2)
            gain = spread @ see.T @ jnp.linalg.inv(see @ spread @ see.T + 0.5)
            mean = mean + gain @ (y - see @ mean)
            return (mean, spread - gain @ see @ spread), mean

        return jax.lax.scan(step, (jnp.zeros(2), jnp.eye(2)), observed)

    return filtered, [_normal(50, 1)]


def attention() -> Case:
    """Causal attention of 4 heads over 256 places."""

    def attend(query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        logits = jnp.einsum("bqhd,bkhd->bhqk", query, key) / jnp.sqrt(32.0)
        places = jnp.arange(256)
        logits = jnp.where(places[:, None] >= places, logits, -jnp.inf)
        return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits), value)

    return attend, [_normal(2, 256, 4, 32, seed=seed) for seed in range(3)]


def walks() -> Case:
    """Random walks: keys, draws of several distributions, a cumulative sum."""

    def walk(key: jax.Array) -> tuple[Any, ...]:
        first, second, third = jax.random.split(key, 3)
        steps = jax.random.normal(first, (64, 128))
        return jnp.cumsum(steps, axis=1), jax.random.permutation(second, 100), jax.random.choice(
            third, 10, (5,)
        )  # fmt: skip

    return walk, [_KEY]


def mandelbrot() -> Case:
    """Complex numbers in a `fori_loop`."""

    def escape(points: jax.Array) -> jax.Array:
        def move(_: Any, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            z, count = state
            inside = jnp.abs(z) < 2
            return jnp.where(inside, z * z + points, z), count + inside

        start = jnp.zeros_like(points), jnp.zeros(points.shape, jnp.int32)
        return jax.lax.fori_loop(0, 30, move, start)[1]

    real, imaginary = jnp.meshgrid(jnp.linspace(-2, 1, 96), jnp.linspace(-1, 1, 64))
    return escape, [real + 1j * imaginary]


def normalized() -> Case:
    """A few elementwise ops: the least that there is to compile."""
    return lambda x: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-6), [
        _normal(32, 64)
    ]


PROGRAMS: Final = {
    "normalization": normalized,
    "Mandelbrot's set": mandelbrot,
    "random walks": walks,
    "low pass by FFT": spectrum,
    "sorting and bins": ranking,
    "ridge regression": regression,
    "Kalman filter": kalman,
    "Collatz under vmap": collatz,
    "recurrence and gradient": recurrence,
    "causal attention": attention,
    "BFGS": rosenbrock,
    "ODE": pendulum,
}

"""Derivatives of functions of complex numbers are JAX's: gradients without conjugation, and jvp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import ops
from tests.ops.derivative_runs import check

Z = np.array([1 + 2j, -0.5 + 0.25j, 0.3 - 1.2j])
X = np.array([0.4, -1.3, 0.9])
T = np.array([0.5 - 1j, 2 + 0.1j, -0.7j])
M = (np.arange(9.0) - 4 + 1j * np.cos(np.arange(9.0))).reshape(3, 3)

# Of a complex vector z, a real vector x; f is `graphc.ops` or `jax.numpy`.
HOLOMORPHIC: dict[str, Callable[[Any, Any, Any], Any]] = {
    "square": lambda f, z, x: z * z,
    "quotient": lambda f, z, x: (z + 1) / (z * z + 2),
    "exp sin": lambda f, z, x: f.exp(f.sin(z)),
    "log": lambda f, z, x: f.log(z),
    "sqrt": lambda f, z, x: f.sqrt(z),
    "tanh": lambda f, z, x: f.tanh(z),
    "power": lambda f, z, x: f.power(z, 3),
    "cos sum": lambda f, z, x: f.cos(z) * f.sum(z),
    "matmul": lambda f, z, x: f.matmul(M, z * z),
    "cumulative": lambda f, z, x: f.cumsum(z) * f.cumprod(z),
    "mixed with reals": lambda f, z, x: f.exp(z * x) + x,
    "moved": lambda f, z, x: f.concatenate([z[1:], z[:1]]) * z[::-1],
    "chosen": lambda f, z, x: f.where(x > 0, z * z, f.exp(z)),
}
NOT_HOLOMORPHIC: dict[str, Callable[[Any, Any, Any], Any]] = {
    "conjugate": lambda f, z, x: f.conj(z) * z,
    "real": lambda f, z, x: f.real(z * z * z),
    "imag": lambda f, z, x: f.imag(z * f.exp(z)),
    "absolute": lambda f, z, x: f.absolute(z) * x,
    "angle": lambda f, z, x: f.arctan2(f.imag(z), f.real(z)),
    "real of conj": lambda f, z, x: f.real(f.conj(z) * f.sin(z)) * f.imag(z),
    "from real": lambda f, z, x: f.exp(1j * x) * f.conj(z),
    "squared size": lambda f, z, x: f.real(z) ** 2 + f.imag(z) ** 2 * x,
}
CHAINS = HOLOMORPHIC | NOT_HOLOMORPHIC


def fed() -> tuple[Any, Any, dict[Any, Any]]:
    z, x = graphc.placeholder("complex128", [3]), graphc.placeholder("float64", [3])
    return z, x, {z: Z, x: X}


def upstream(y: Any) -> Any:
    """A cotangent of the type of y: the convention for weights is part of what is compared."""
    return T if np.issubdtype(np.dtype(str(y.dtype)), np.complexfloating) else X + 2


@pytest.mark.parametrize("name", CHAINS)
def test_vjp_and_jvp_are_those_of_jax(name: str) -> None:
    f = CHAINS[name]
    z, x, feeds = fed()
    y = f(ops, z, x)
    weights = upstream(y)
    backward = graphc.gradients(y, [z, x], weights, unconnected_gradients="zero")
    forward = graphc.jvp(y, [z, x], [T, X])
    second = graphc.gradients(backward[0], z, T, unconnected_gradients="zero")

    def expected(z: Any, x: Any) -> list[Any]:
        def g(z: Any, x: Any) -> Any:
            return f(jnp, z, x)

        def first(z: Any) -> Any:
            return jax.vjp(g, z, x)[1](jnp.asarray(weights))[0]

        pulled = jax.vjp(g, z, x)[1](jnp.asarray(weights))
        moved = jax.jvp(g, (z, x), (jnp.asarray(T), jnp.asarray(X)))[1]
        return [*pulled, moved, jax.vjp(first, z)[1](jnp.asarray(T))[0]]

    check([*backward, forward, second], feeds, expected)


@pytest.mark.parametrize("name", ["square", "exp sin", "quotient"])
def test_the_gradient_of_a_holomorphic_function_is_its_complex_derivative(name: str) -> None:
    f = HOLOMORPHIC[name]
    z = graphc.placeholder("complex128", [])
    made = graphc.gradients(f(ops, z, 1.0), z)

    def expected(z: Any) -> list[Any]:
        return [jax.grad(lambda z: f(jnp, z, 1.0), holomorphic=True)(z)]

    check([made], {z: np.complex128(0.3 + 0.8j)}, expected)


def test_a_real_loss_of_complex_weights_descends_along_the_conjugate_as_in_jax() -> None:
    z, _x, _feeds = fed()

    def loss(f: Any, z: Any) -> Any:
        residual = f.matmul(M, z) - 1
        return f.sum(f.real(residual * f.conj(residual)))

    made = graphc.gradients(loss(ops, z), z)
    check([made], {z: Z}, lambda z: [jax.grad(lambda z: loss(jnp, z))(z)])
    step = graphc.placeholder("complex128", [3])
    with graphc.Session() as session:
        slope = session.run(made, {z: Z})
        before, after = (
            session.run(loss(ops, step), {step: at}) for at in (Z, Z - 1e-4 * np.conj(slope))
        )
    assert after < before


def test_complex_numbers_through_scans_branches_and_loops() -> None:
    z, x, feeds = fed()
    y = ops.scan(lambda c, a: (c * z * a + 1, None), z, x)[0]
    y = ops.cond(ops.real(y)[0] > 0, lambda: y * y, lambda: ops.conj(y))
    y = ops.while_loop(lambda n, c: n < 2, lambda n, c: (n + 1, ops.sin(c)), (0, y), 5)[1]
    backward, forward = graphc.gradients(y, z, T), graphc.jvp(y, z, T)

    def expected(z: Any, x: Any) -> list[Any]:
        def g(z: Any) -> Any:
            y = jax.lax.scan(lambda c, a: (c * z * a + 1, None), z, x)[0]
            y = jnp.where(jnp.real(y)[0] > 0, y * y, jnp.conj(y))
            return jnp.sin(jnp.sin(y))

        t = jnp.asarray(T)
        return [jax.vjp(g, z)[1](t)[0], jax.jvp(g, (z,), (t,))[1]]

    check([backward, forward], feeds, expected)

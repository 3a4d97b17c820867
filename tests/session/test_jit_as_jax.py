"""`graphc.jit` beside `jax.jit`: the same calls, one table; what passes make, and what is left."""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from passes import default_pipeline

X = jnp.arange(6.0).reshape(2, 3) / 5
Jit = Callable[..., Any]


def everywhere(function, **options):
    """`graphc.jit` that runs what the passes make, however small the function is."""
    return graphc.jit(function, pipeline=default_pipeline(), **options)


def plain(leaf):
    """A leaf as numbers that can be compared, with its type."""
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return str(leaf.dtype), False, np.asarray(jax.random.key_data(leaf))
    array = np.asarray(leaf)
    wide = np.complex128 if jnp.issubdtype(leaf.dtype, np.complexfloating) else np.float64
    return str(leaf.dtype), getattr(leaf, "weak_type", None), array.astype(wide)


def same(mine, theirs) -> None:
    assert jax.tree.structure(mine) == jax.tree.structure(theirs)
    for left, right in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        left, right = plain(left), plain(right)
        assert left[:2] == right[:2]
        np.testing.assert_allclose(left[2], right[2], rtol=1e-5, atol=1e-6)


def power(x, exponent=2, *, mode="sum", shift=0.0):
    assert isinstance(mode, str)
    return (x**exponent + shift) if mode == "sum" else x * exponent


def nested(tree, *rest, named):
    return {"a": [tree["w"] @ tree["b"], *rest], "n": (named["z"], None), "c": 3}


class Pair:
    """A class that was registered as a pytree."""

    def __init__(self, left, right):
        self.left, self.right = left, right


jax.tree_util.register_pytree_node(Pair, lambda p: ((p.left, p.right), None), lambda _, c: Pair(*c))


def unused(x, y, z):
    return x + 1, z["k"] * 2


def keyed(key, x):
    first, second = jax.random.split(key)
    return jax.random.normal(first, x.shape, x.dtype) + x, second, jax.random.fold_in(key, 3)


def table(x):
    """Sorting, indexing, cumulating, a loop inside."""
    order = jnp.argsort(x, axis=-1)
    total = jax.lax.fori_loop(0, 3, lambda i, c: c + x[0, i % 3], 0.0)
    return order, jnp.take_along_axis(x, order, -1), jnp.cumsum(x, 0), total, x.at[0].add(2)


CALLS: dict[str, Callable[[Jit], Any]] = {
    "static by number": lambda jit: jit(power, static_argnums=(1,), static_argnames="mode")(X, 3),
    "static by name": lambda jit: jit(power, static_argnames=("exponent", "mode"))(X, exponent=3),
    "a name for a number": lambda jit: jit(power, static_argnames=["exponent", "mode"])(X, 3),
    "another mode": lambda jit: jit(power, static_argnames=("mode",))(X, mode="times"),
    "a keyword that is traced": lambda jit: jit(power, static_argnames="mode")(X, 3, shift=X),
    "a static pytree": lambda jit: jit(lambda x, c: x + c[0] - c[1], static_argnums=1)(X, (3, 2)),
    "static from the end": lambda jit: jit(lambda x, n: x.reshape(n), static_argnums=-1)(X, (6,)),
    "a tree of arguments": lambda jit: jit(nested)(
        {"w": X, "b": X.T}, 1, X[0], named={"z": np.int32(3), "y": None}
    ),
    "a class in and out": lambda jit: jax.tree.leaves(
        jit(lambda p: Pair(p.right, {"left": p.left}))(Pair(X, X[0]))
    ),
    "nothing in": lambda jit: jit(lambda: jnp.arange(4))(),
    "nothing out": lambda jit: jit(lambda x: None)(X),
    "what it is given": lambda jit: jit(lambda x, y: (x, x, y))(X, 2),
    "arguments that nothing reads": lambda jit: jit(unused)(X, X, {"k": X, "unread": X}),
    "unread ones kept": lambda jit: jit(unused, keep_unused=True)(X, X, {"k": 2.0}),
    "Python numbers": lambda jit: [jit(lambda x: x * 2)(v) for v in (3, 2.5, True, 1 + 2j)],
    "NumPy numbers": lambda jit: jit(lambda x, y: x + y)(np.float16(2), np.int8(3)),
    "weak beside bf16": lambda jit: jit(lambda x, s: x * s + 1)(X.astype(jnp.bfloat16), 0.5),
    "bf16": lambda jit: jit(lambda x: x @ x.T)(X.astype(jnp.bfloat16)),
    "f16": lambda jit: jit(lambda x: jnp.exp(x).sum(0))(X.astype(jnp.float16)),
    "i8": lambda jit: jit(lambda x: x * x + jnp.int8(100))(jnp.arange(9, dtype=jnp.int8)),
    "u8": lambda jit: jit(lambda x: (x << 5, x // 3, ~x))(jnp.arange(9, dtype=jnp.uint8)),
    "bool": lambda jit: jit(lambda x: (x & ~x[0], x.any(), x.sum()))(X > 0.5),
    "complex": lambda jit: jit(lambda x: (jnp.exp(1j * x), jnp.fft.fft(x), (x + 1j).conj()))(X),
    "new keys": lambda jit: jit(keyed)(jax.random.key(3), X),
    "keys of another kind": lambda jit: jit(keyed)(jax.random.key(3, impl="rbg"), X),
    "old keys": lambda jit: jit(keyed)(jax.random.PRNGKey(3), X),
    "keys in a batch": lambda jit: jax.vmap(jit(keyed), (0, None))(
        jax.random.split(jax.random.key(0), 4), X
    ),
    "a table": lambda jit: jit(table)(X),
    "of size zero": lambda jit: jit(lambda x: (x.sum(0), x * 2))(jnp.zeros((0, 3))),
    "infinities and NaN": lambda jit: jit(lambda x: (x - x, x * 0, x / x, x > 0))(
        jnp.array([jnp.inf, -jnp.inf, jnp.nan, -0.0, 0.0])
    ),
    "signed zeros": lambda jit: 1 / jit(lambda x: (x + 0.0) * -1.0)(jnp.array([0.0, -0.0])),
    "of itself": lambda jit: jit(jit(jit(power, static_argnames="mode")))(X),
    "a partial": lambda jit: jit(functools.partial(power, mode="times"))(X),
    "a bound method": lambda jit: jit(X.at[0].set)(3.0),
    "written out where it is called": lambda jit: jax.jit(jit(power, inline=True))(X),
    "options of XLA": lambda jit: jit(
        curved, compiler_options={"xla_backend_optimization_level": 0}
    )(X),
    "shardings": lambda jit: jit(
        curved,
        in_shardings=jax.sharding.SingleDeviceSharding(jax.devices()[0]),
        out_shardings=jax.sharding.SingleDeviceSharding(jax.devices()[0]),
    )(X),
}  # fmt: skip

TRANSFORMED: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: jax.grad(lambda x: f(x).sum())(X),
    "value_and_grad": lambda f: jax.value_and_grad(lambda x: f(x).sum())(X),
    "jvp": lambda f: jax.jvp(f, (X,), (jnp.cos(X),)),
    "vjp": lambda f: jax.vjp(f, X)[1](jnp.cos(X)),
    "linearize": lambda f: jax.linearize(f, X)[1](jnp.cos(X)),
    "jacfwd": lambda f: jax.jacfwd(f)(X),
    "jacrev": lambda f: jax.jacrev(f)(X),
    "hessian": lambda f: jax.hessian(lambda x: f(x).sum())(X),
    "third derivative": lambda f: jax.grad(
        lambda x: jax.grad(lambda y: jax.grad(lambda z: f(z).sum())(y).sum())(x).sum()
    )(X),
    "vmap": lambda f: jax.vmap(f, in_axes=1, out_axes=1)(X[None]),
    "vmap of grad": lambda f: jax.vmap(jax.grad(lambda x: f(x).sum()))(X[None]),
    "grad of vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x[None]).sum())(X),
    "jit": lambda f: jax.jit(f)(X),
    "checkpoint": lambda f: jax.grad(lambda x: jax.checkpoint(f)(x).sum())(X),
    "scan": lambda f: jax.lax.scan(lambda c, _: (f(c), c), X, None, length=2),
    "eval_shape": lambda f: str(jax.eval_shape(f, X)),
    "make_jaxpr": lambda f: [str(v) for v in jax.make_jaxpr(f)(X).out_avals],
}


def curved(x):
    return jnp.tanh(x * 1.5) * x + jax.nn.softmax(x)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_as_with_jax(name: str) -> None:
    theirs = CALLS[name](jax.jit)
    for jit in (graphc.jit, everywhere):
        same(CALLS[name](jit), theirs)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_transformation_is_as_with_jax(name: str) -> None:
    theirs = TRANSFORMED[name](jax.jit(curved))
    for jit in (graphc.jit, everywhere):
        mine = TRANSFORMED[name](jit(curved))
        if name in ("eval_shape", "make_jaxpr"):
            assert mine == theirs
        else:
            same(mine, theirs)


def test_64_bits_where_the_caller_wants_them() -> None:
    def run(jit):
        x = jnp.arange(3.0)
        assert x.dtype == jnp.float64
        return jit(lambda x, n: (jnp.sin(x) / 3, x.astype(int) * n, x.sum() + 1j))(x, 2**40)

    with jax.enable_x64(True):
        for jit in (graphc.jit, everywhere):
            same(run(jit), run(jax.jit))


@pytest.mark.parametrize("jit", [graphc.jit, everywhere])
@pytest.mark.parametrize("option", [{"donate_argnums": (0,)}, {"donate_argnames": "state"}])
def test_what_is_donated_is_gone(jit: Jit, option: dict[str, Any]) -> None:
    def step(state, x):
        return jax.tree.map(lambda leaf: leaf + x.sum(), state)

    state = {"a": jnp.ones(64), "b": jnp.zeros(64)}
    results = jit(step, **option)(state, X)
    assert all(leaf.is_deleted() for leaf in state.values())
    assert not X.is_deleted()
    same(results, step({"a": jnp.ones(64), "b": jnp.zeros(64)}, X))


MISTAKES: dict[str, Callable[[Jit], Any]] = {
    "a branch on an array": lambda jit: jit(lambda x: x if x.sum() > 0 else -x)(X),
    "a text": lambda jit: jit(lambda x: x)("text"),
    "shapes that do not fit": lambda jit: jit(lambda x: x @ x)(X),
    "an unknown name": lambda jit: jit(power, static_argnames="nothing")(X),
    "an unknown option": lambda jit: jit(power, nothing=1)(X),
    "a static array": lambda jit: jit(lambda x, y: x, static_argnums=1)(X, X),
    "too few": lambda jit: jit(unused)(X),
    "a Python size": lambda jit: jit(lambda n: jnp.zeros(n))(3),
    "its own error": lambda jit: jit(lambda x: {}["missing"])(X),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("jit", [graphc.jit, everywhere])
def test_a_mistake_is_jaxs_own(jit: Jit, name: str) -> None:
    raised = []
    for make in (jit, jax.jit):
        with pytest.raises(Exception) as error:  # noqa: PT011
            MISTAKES[name](make)
        raised.append(error.type)
    assert raised[0] is raised[1]


@pytest.mark.parametrize("jit", [graphc.jit, everywhere])
def test_the_function_is_traced_as_often_as_by_jax(jit: Jit) -> None:
    traces = []

    def function(x, mode):
        traces.append(mode)
        return x * 2

    made = jit(function, static_argnames="mode")
    for given in (X, X + 1, np.ones((2, 3), np.float32)):
        made(given, mode="a")
    assert len(traces) == 1
    made(X, mode="b")
    made(X[0], mode="a")
    made(X.astype(jnp.bfloat16), mode="a")
    assert len(traces) == 4


def test_it_runs_without_jit_where_that_is_off() -> None:
    with jax.disable_jit():
        assert float(graphc.jit(lambda x: x + 1 if x > 0 else x)(jnp.float32(2))) == 3.0


def test_what_is_small_runs_as_it_was_written_and_says_so() -> None:
    function = graphc.jit(curved)
    function(X)
    (reason,) = function.unoptimized
    assert "0 equal products" in reason
    report = function.report(X)
    assert report.as_written == reason
    assert "as it was written" in str(report)


def test_a_derivative_finds_the_function_as_it_was_written() -> None:
    primitives = str(jax.make_jaxpr(jax.grad(lambda x: graphc.jit(curved)(x).sum()))(X))
    assert "custom_jvp" not in primitives


def test_a_copy_is_the_function_itself_and_a_pickle_is_one_like_it() -> None:
    function = graphc.jit(power, static_argnames="mode", donate_argnames="shift")
    assert copy.copy(function) is function
    assert copy.deepcopy({"a": [function]})["a"][0] is function
    like = pickle.loads(pickle.dumps(function))
    assert "power" in repr(like)
    same(like(X, mode="product"), jax.jit(power, static_argnames="mode")(X, mode="product"))
    assert len(like.unoptimized) == 1

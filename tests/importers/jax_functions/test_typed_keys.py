"""Draws of imported functions: the bits of `jax.random`, by graphc's hash where that has them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
import passes
from graphc.importers.jax_functions import import_jaxpr
from graphc.lowering.executable import Executable

SHAPES = [(), (7,), (2, 0, 3), (3, 5)]
DISTRIBUTIONS = {
    "uniform": lambda key, shape: jax.random.uniform(key, shape, minval=-2.0, maxval=3.0),
    "normal": jax.random.normal,
    "truncated normal": lambda key, shape: jax.random.truncated_normal(key, -2.0, 2.0, shape),
    "bernoulli": lambda key, shape: jax.random.bernoulli(key, 0.3, shape),
    "integers": lambda key, shape: jax.random.randint(key, shape, -5, 1000),
    "bfloat16": lambda key, shape: jax.random.normal(key, shape, jnp.bfloat16),
    "float16": lambda key, shape: jax.random.uniform(key, shape, jnp.float16),
    "8 bits": lambda key, shape: jax.random.bits(key, shape, jnp.uint8),
    "16 bits": lambda key, shape: jax.random.bits(key, shape, jnp.uint16),
    "32 bits": jax.random.bits,
    "categories": lambda key, shape: jax.random.categorical(key, jnp.arange(3.0), shape=shape),
    "keys": lambda key, shape: jax.random.key_data(jax.random.split(key, shape)),
    "a batch of keys": lambda key, shape: jax.vmap(lambda k: jax.random.normal(k, shape))(
        jax.random.split(key, 3)
    ),
}


def _passed(function):
    return graphc.jit(function, pipeline=passes.default_pipeline())


def same_bits(function, *arguments):
    given, expected = (jit(function)(*arguments) for jit in (_passed, jax.jit))
    assert given.dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(given), np.asarray(expected))


def jax_loops(function, *arguments):
    """Whether the program that a function becomes has the loop over rounds of JAX's own hash."""
    graph = import_jaxpr(jax.make_jaxpr(function)(*arguments))
    return "while" in Executable(graph).stablehlo()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_have_the_bits_of_jax(name):
    def draw(key):
        return [DISTRIBUTIONS[name](jax.random.fold_in(key, i), s) for i, s in enumerate(SHAPES)]

    key = jax.random.key(2**31 + 7)
    given, expected = _passed(draw)(key), jax.jit(draw)(key)
    for left, right in zip(given, expected, strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


def test_wide_draws_have_the_bits_of_jax():
    with jax.enable_x64(True):
        key = jax.random.key(3)
        same_bits(lambda key: jax.random.bits(key, (3, 5), "uint64"), key)
        same_bits(lambda key: jax.random.normal(key, (7,), "float64"), key)
        same_bits(lambda key: jax.random.randint(key, (7,), 0, 2**40, "int64"), key)


def test_keys_in_a_batch_fold_alike():
    def folded(key):
        keys = jax.random.split(key, 4)
        return jax.random.key_data(jax.vmap(jax.random.fold_in)(keys, jnp.arange(4) + 2**30))

    same_bits(folded, jax.random.key(5))


def test_draws_in_a_loop_of_rejections_agree():
    """Their bits are those of JAX; what is computed of them is rounded as XLA fuses it."""

    def draw(key):
        return jax.random.gamma(key, 0.7, (9,))

    key = jax.random.key(1)
    np.testing.assert_allclose(_passed(draw)(key), jax.jit(draw)(key), rtol=2e-6)


def test_old_keys_are_threefry_too():
    key = jax.random.PRNGKey(9)
    same_bits(lambda key: jax.random.split(key, 5), key)
    same_bits(lambda key: jax.random.normal(key, (5,)), key)


def test_threefry_becomes_the_hash_of_graphc():
    assert not jax_loops(lambda key: jax.random.bits(key, (4, 4)), jax.random.key(0))
    assert not jax_loops(lambda key: jax.random.key_data(jax.random.split(key)), jax.random.key(0))


def test_threefry_that_is_not_partitionable_stays_that_of_jax():
    key = jax.random.key(0)
    other = jax.jit(lambda key: jax.random.bits(key, (5,)))(key)
    with jax.threefry_partitionable(False):
        assert jax_loops(lambda key: jax.random.bits(key, (5,)), key)
        given = _passed(lambda key: jax.random.bits(key, (5,)))(key)
        expected = jax.jit(lambda key: jax.random.bits(key, (5,)))(key)
    np.testing.assert_array_equal(given, expected)
    assert not np.array_equal(given, other), "the flag chooses other bits"


@pytest.mark.parametrize("generator", ["rbg", "unsafe_rbg"])
def test_other_generators_stay_those_of_jax(generator):
    key = jax.random.key(0, impl=generator)
    same_bits(lambda key: jax.random.normal(key, (5,)), key)
    same_bits(lambda key: jax.random.key_data(jax.random.split(key)), key)

"""Which functions go through the passes: those that repeat enough for loops to pay."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.importers.jax_functions.repetition import find_repetition
from graphc.session.jit_choice import (
    DRAWS,
    EQUATIONS,
    EQUATIONS_PER_PRODUCT,
    FEW_PRODUCTS,
    FLOPS_PER_BYTE,
    LOGITS,
    NODES_PER_LOOP,
    PRODUCTS,
    PRODUCTS_WITH_ATTENTION,
    nothing_to_gain,
)
from passes import default_pipeline


def deep(layers: int, ops: int):
    """Layers of one product and some other ops."""

    def function(weights, x):
        for number in range(layers):
            x = x @ weights[number]
            for _ in range(ops):
                x = jnp.sin(x)
        return x

    return function


def traced(function, *shapes):
    specs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return jax.jit(function).trace(*specs).jaxpr


WIDE = ((1024, 8, 8), (2**14, 8))
"""Weights of 1,024 layers, and so many rows that copies of weights are nothing."""
MANY = FEW_PRODUCTS + 1
"""So many layers that they are worth loops even if there is not much between their products."""
DEEP = 1024
"""So many layers that they are worth loops even if there is but little between their products."""
LITTLE = math.ceil(4 * EQUATIONS / DEEP) - 3
"""So many ops are; three more equations are the product, and what cuts out its weights."""


@pytest.mark.parametrize(
    ("layers", "ops", "shapes", "words"),
    [
        (2, 2 * EQUATIONS, WIDE, "2 equal products"),
        (PRODUCTS, 1, WIDE, "equations as fast as loops"),
        (FEW_PRODUCTS, EQUATIONS // FEW_PRODUCTS, WIDE, "equations as fast as loops"),
        (MANY, EQUATIONS // MANY, ((128, 8, 8), (1, 8)), "copying arguments"),
        (DEEP, LITTLE - 1, WIDE, "equations as fast as loops"),
    ],
)
def test_too_little_is_left_as_it_was_written(layers, ops, shapes, words) -> None:
    reason = nothing_to_gain(traced(deep(layers, ops), *shapes))
    assert reason is not None
    assert words in reason


def test_little_between_many_more_products_goes_through_the_passes() -> None:
    program = traced(deep(DEEP, LITTLE), *WIDE)
    found = find_repetition(program)
    assert found.equations < EQUATIONS_PER_PRODUCT * found.heavy
    assert nothing_to_gain(program) is None


@pytest.mark.parametrize(("layers", "equations"), [(PRODUCTS, 2 * EQUATIONS), (MANY, EQUATIONS)])
def test_many_large_layers_go_through_the_passes(layers, equations) -> None:
    assert nothing_to_gain(traced(deep(layers, equations // layers), *WIDE)) is None


def attending(layers: int, is_shared: bool, is_trained: bool = True):
    """Training of layers in which each product is of a type of its own; or their loss."""

    def loss(weights, x):
        for number in range(layers):
            joint, out, up, down = weights[0 if is_shared else number]
            query, key, value = jnp.split(x @ joint, 3, -1)
            x = x + jax.nn.softmax(query @ key.swapaxes(-1, -2)) @ value @ out
            x = x + jax.nn.gelu(x @ up) @ down
            x = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
            for _ in range(8):  # much is between products
                x = x * jnp.tanh(x) + jnp.sin(x)
        return jnp.sum(x**2)

    shapes = [(16, 48), (16, 16), (16, 64), (64, 16)]
    specs = [[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]] * layers
    given = specs[:1] if is_shared else specs, jax.ShapeDtypeStruct((4, 64, 16), jnp.float32)
    return jax.jit(jax.grad(loss) if is_trained else loss).trace(*given).jaxpr


def test_layers_of_attention_whose_products_differ_go_through_the_passes() -> None:
    program = attending(16, is_shared=False)
    found = find_repetition(program)
    assert found.equations > EQUATIONS_PER_PRODUCT * found.heavy
    assert found.products < PRODUCTS
    assert found.heavy > PRODUCTS_WITH_ATTENTION
    assert nothing_to_gain(program) is None


def test_few_layers_of_attention_and_one_that_is_used_again_are_left_alone() -> None:
    for program in (attending(7, is_shared=False), attending(16, is_shared=True)):
        assert "equal products" in str(nothing_to_gain(program))


def test_exponentials_of_products_with_weights_are_no_attention() -> None:
    """As in the couplings of a flow: as loops, their steps take a third longer."""

    def loss(weights, x):
        for scale, shift in weights:
            x = jnp.exp(jnp.tanh(x @ scale)) * x + x @ shift
        return jnp.sum(x**2)

    specs = [[jax.ShapeDtypeStruct((8, 8), jnp.float32)] * 2] * 32
    given = specs, jax.ShapeDtypeStruct((1024, 8), jnp.float32)
    assert not find_repetition(jax.jit(jax.grad(loss)).trace(*given).jaxpr).attends


def test_weights_that_are_only_read_are_not_copied_into_stacks() -> None:
    assert "keep nothing" in str(nothing_to_gain(attending(64, False, is_trained=False)))
    assert nothing_to_gain(attending(64, False)) is None


def test_long_attention_goes_through_the_passes() -> None:
    def attend(query, key):
        return jax.nn.softmax(query @ key.T) @ key

    places = math.isqrt(LOGITS // 4 - 1) + 1
    assert nothing_to_gain(traced(attend, (places, 8), (places, 8))) is None
    shorter = nothing_to_gain(traced(attend, (places - 1, 8), (places - 1, 8)))
    assert "attention over 256 MiB" in str(shorter)
    assert "attention" not in str(nothing_to_gain(traced(attend, (512, 8), (512, 8))))


def weights_of(layers: int):
    """Initial values of layers, each drawn with a key of its own."""

    def draw():
        keys = jax.random.split(jax.random.key(0), layers)
        normal = [jax.random.normal(key, (4, 6)) * 0.1 for key in keys]
        return normal, [jax.random.uniform(jax.random.fold_in(key, 1), (3,)) for key in keys]

    return draw


def test_initial_values_are_drawn_in_loops_by_jit_and_are_those_of_jax() -> None:
    made, draw = graphc.jit(weights_of(DRAWS)), weights_of(DRAWS)
    mine, theirs = made(), jax.jit(draw)()
    assert not made.unoptimized
    for left, right in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(left, right)
    loops = [node for node in made.graph(stage="rolled").nodes if node.op.name == "scan"]
    assert [loop.attributes["length"] for loop in loops] == [DRAWS, DRAWS]


def test_draws_that_no_loop_can_hold_are_compiled_by_way_of_the_passes() -> None:
    """They are all used otherwise; what is gained is the hash."""

    def draw(key):
        first, second, third, last = [
            jax.random.normal(k, (4, 6)) for k in jax.random.split(key, DRAWS)
        ]
        return jnp.tanh(first), jnp.cumsum(second, 0), jnp.sort(third), last

    made, key = graphc.jit(draw), jax.random.key(7)
    mine, theirs = made(key), jax.jit(draw)(key)
    assert not made.unoptimized
    assert made.report(key).as_written is None
    for left, right in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(left, right)


def test_few_initial_values_and_draws_beside_products_are_left_as_they_were_written() -> None:
    assert nothing_to_gain(traced(weights_of(DRAWS - 1))) is not None

    def drop(x):
        for number in range(DRAWS):
            key = jax.random.fold_in(jax.random.key(0), number)
            x = x @ jnp.ones((8, 8)) * jax.random.bernoulli(key, 0.5, (4, 8))
        return x

    assert nothing_to_gain(traced(drop, (4, 8))) is not None


def test_calls_count_wherever_they_are_made() -> None:
    layer = jax.jit(lambda x, w: jnp.tanh(x @ w))

    def function(x, w):
        for _ in range(5):
            x = jax.checkpoint(layer)(x, w)
        return x

    found = find_repetition(traced(function, (4, 8), (8, 8)))
    assert (found.products, found.equations) == (5, 10)
    assert found.flops == 5 * 2 * 4 * 8 * 8
    assert found.argument_bytes == 4 * (4 * 8 + 8 * 8)
    assert found.flops < FLOPS_PER_BYTE * found.argument_bytes


def test_bodies_of_loops_and_branches_count() -> None:
    def function(x, w):
        def step(state, now):
            return jnp.tanh(state @ w + now), state

        state, stacked = jax.lax.scan(step, x[0], x)
        return jax.lax.cond(state[0, 0] > 0, lambda: state @ w, lambda: state), stacked

    found = find_repetition(traced(function, (6, 4, 8), (8, 8)))
    assert found.heavy == 4  # the loop, the branch, and a product in each
    assert found.flops == (6 + 1) * 2 * 4 * 8 * 8  # six iterations; a branch once


def test_convolutions_count_as_products() -> None:
    def function(x, *kernels):
        for kernel in kernels:
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME")
        return x

    found = find_repetition(traced(function, (2, 3, 8, 8), *[(3, 3, 5, 5)] * 4))
    assert (found.products, found.heavy) == (4, 4)
    assert found.flops == 4 * 2 * (2 * 3 * 8 * 8) * (3 * 5 * 5)


def convolved(between: int):
    """Layers of a convolution and so many sines, through the passes; with arguments."""

    def function(x, *kernels):
        for kernel in kernels:
            x = jnp.tanh(jax.lax.conv(x, kernel, (1, 1), "SAME"))
            for _ in range(between):
                x = jnp.sin(x)
        return x

    made = graphc.jit(function)
    x, kernels = jnp.ones((1, 3, 5, 5)), [jnp.ones((3, 3, 3, 3)) / 27] * 5
    np.testing.assert_allclose(made(x, *kernels), function(x, *kernels), rtol=1e-5)
    return made


def test_layers_of_convolutions_run_in_loops(monkeypatch) -> None:
    monkeypatch.setattr("graphc.session.jit_function.nothing_to_gain", lambda program: None)
    assert not convolved(between=NODES_PER_LOOP // 3).unoptimized


def test_a_loop_in_place_of_few_nodes_runs_as_it_was_written(monkeypatch) -> None:
    monkeypatch.setattr("graphc.session.jit_function.nothing_to_gain", lambda program: None)
    (reason,) = convolved(between=0).unoptimized
    assert "as fast as the 1 loops" in reason


def test_what_passes_leave_alone_runs_as_it_was_written(monkeypatch) -> None:
    monkeypatch.setattr("graphc.session.jit_function.nothing_to_gain", lambda program: None)
    made = graphc.jit(lambda x: jnp.tanh(x) + 1)
    assert made(1.0) == jnp.tanh(1.0) + 1
    assert "no layers of it" in made.unoptimized[0]


def key_bias_step(weights, x):
    """Attention with a bias of the keys, and the first step of Adam."""

    def loss(weights):
        keys = x @ weights["key"] + weights["bias"]
        logits = (x @ weights["query"]) @ keys.T
        return jnp.sum((jax.nn.softmax(logits) @ x) ** 2)

    slopes = jax.grad(loss)(weights)
    return slopes, jax.tree.map(lambda g: 1e-3 * g / (jnp.sqrt(g * g) + 1e-8), slopes)


@pytest.mark.parametrize("wide", [False, True])
def test_a_gradient_of_nothing_but_rounding_is_why_adams_first_steps_differ(wide: bool) -> None:
    """A bias of the keys moves all logits of a query alike: its gradient is only rounding.

    Adam divides a gradient by its own size, and so makes whole steps of it. What passes reassociate
    changes them; the gradients, and the steps of all other weights, are the same.
    """
    with jax.enable_x64(wide):
        generator = np.random.default_rng(0)
        dtype = np.float64 if wide else np.float32
        shapes = {"key": (8, 8), "query": (8, 8), "bias": (8,)}
        weights = {n: jnp.asarray(generator.normal(size=s), dtype) for n, s in shapes.items()}
        x = jnp.asarray(generator.normal(size=(16, 8)), dtype)
        mine = graphc.jit(key_bias_step, pipeline=default_pipeline())(weights, x)
        theirs = jax.jit(key_bias_step)(weights, x)
        rounding = 1e-11 if wide else 1e-3
        for slopes in (mine[0], theirs[0]):
            assert np.abs(slopes["bias"]).max() < rounding
        for name in ("key", "query"):
            for left, right in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(left[name], right[name], rtol=1e-3, atol=1e-3 * rounding)

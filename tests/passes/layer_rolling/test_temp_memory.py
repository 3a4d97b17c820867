"""Programs of repeated layers take no more temporary memory than `jax.jit` of them: XLA counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from passes.pipelines import default_pipeline

pytestmark = pytest.mark.usefixtures("layers_in_loops")

_AS_ANY: Any = jax  # much of it has no types

Program = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and arguments for it."""


def normal(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def trained(loss: Callable[..., Any], gives_norm: bool = False) -> Callable[..., Any]:
    """A step of momentum; it may also give the norm of all gradients."""

    def step(weights: Any, momenta: Any, *data: Any) -> Any:
        value, slopes = _AS_ANY.value_and_grad(loss)(weights, *data)
        norm = sum(jnp.sum(g**2) for g in _AS_ANY.tree.leaves(slopes)) if gives_norm else value
        momenta = _AS_ANY.tree.map(lambda m, g: 0.9 * m + g, momenta, slopes)
        weights = _AS_ANY.tree.map(lambda w, m: w - 1e-3 * m, weights, momenta)
        return weights, momenta, value, jnp.sqrt(norm)

    return step


def encoder() -> Program:
    """Ten blocks of attention and two dense layers."""
    width, layers = 16, 10

    def normalised(x: Any) -> Any:
        mean = jnp.mean(x, -1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(jnp.mean((x - mean) ** 2, -1, keepdims=True) + 1e-6)

    def block(w: Any, x: Any) -> Any:
        a = normalised(x)
        q, k, v = (jnp.einsum("btd,dhe->bthe", a, w[name]) for name in ("q", "k", "v"))
        scores = jax.nn.softmax(jnp.einsum("bthe,bshe->bhts", q, k))
        x = x + jnp.einsum("bhts,bshe,hed->btd", scores, v, w["o"])
        return x + jax.nn.gelu(normalised(x) @ w["up"] + w["bias"]) @ w["down"]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        for number in range(layers):
            x = block(weights[f"b{number}"], x)
        return jnp.mean((x - y) ** 2)

    shapes = {
        "q": (width, 4, 4), "k": (width, 4, 4), "v": (width, 4, 4), "o": (4, 4, width),
        "up": (width, 2 * width), "bias": (2 * width,), "down": (2 * width, width),
    }  # fmt: skip
    weights = {
        f"b{number}": {name: normal(*shape, seed=number) / 4 for name, shape in shapes.items()}
        for number in range(layers)
    }
    x, y = normal(8, 32, width), normal(8, 32, width, seed=1)
    momenta = _AS_ANY.tree.map(jnp.zeros_like, weights)
    return trained(loss, gives_norm=True), (weights, momenta, x, y)


def wavenet() -> Program:
    """Gated convolutions of five dilations in turn, whose skips are added up."""
    channels, layers = 8, 30

    def convolve(x: Any, kernel: Any, dilation: int) -> Any:
        return jax.lax.conv_general_dilated(
            x, kernel, (1,), [(dilation * (kernel.shape[0] - 1), 0)],
            rhs_dilation=(dilation,), dimension_numbers=("NWC", "WIO", "NWC"),
        )  # fmt: skip

    def loss(weights: Any, x: Any) -> Any:
        skips = 0.0
        for number, w in enumerate(weights):
            dilation = 2 ** (number % 5)
            gate = jax.nn.sigmoid(convolve(x, w["gate"], dilation))
            hidden = jnp.tanh(convolve(x, w["filter"], dilation)) * gate
            skips = skips + convolve(hidden, w["skip"], 1)
            x = x + convolve(hidden, w["out"], 1)
        return jnp.mean(jax.nn.relu(skips) ** 2)

    widths = {"filter": 2, "gate": 2, "out": 1, "skip": 1}
    weights = [
        {name: normal(width, channels, channels, seed=n) / 4 for name, width in widths.items()}
        for n in range(layers)
    ]
    momenta = _AS_ANY.tree.map(jnp.zeros_like, weights)
    return trained(loss), (weights, momenta, normal(32, 40, channels))


def inner_steps() -> Program:
    """A gradient through twelve steps of training, written out (MAML)."""
    weights = [normal(1, 16), jnp.zeros(16), normal(16, 16) / 4, jnp.zeros(16), normal(16, 1) / 4]

    def loss(w: Any, x: Any, y: Any) -> Any:
        hidden = jnp.tanh(jnp.tanh(x @ w[0] + w[1]) @ w[2] + w[3])
        return jnp.mean((hidden @ w[4] - y) ** 2)

    def outer(weights: Any, x: Any, y: Any) -> Any:
        for _ in range(12):
            slopes = _AS_ANY.grad(loss)(weights, x, y)
            weights = _AS_ANY.tree.map(lambda w, g: w - 0.01 * g, weights, slopes)
        return loss(weights, x, y)

    return _AS_ANY.value_and_grad(outer), (weights, normal(8, 1), normal(8, 1, seed=1))


def coder() -> Program:
    """Encoder and decoder of six layers each."""
    width, layers = 32, 6

    def attend(w: Any, prefix: str, x: Any, source: Any) -> Any:
        query, key, value = x @ w[prefix + "q"], source @ w[prefix + "k"], source @ w[prefix + "v"]
        return x + jax.nn.softmax(query @ jnp.swapaxes(key, 1, 2)) @ value @ w[prefix + "o"]

    def feed(w: Any, x: Any) -> Any:
        return x + jax.nn.gelu(x @ w["up"]) @ w["down"]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        encoded = decoded = x
        for w in weights[:layers]:
            encoded = feed(w, attend(w, "self_", encoded, encoded))
        for w in weights[layers:]:
            decoded = attend(w, "cross_", attend(w, "self_", decoded, decoded), encoded)
            decoded = feed(w, decoded)
        return jnp.mean((decoded - y) ** 2)

    def layer(number: int) -> dict[str, Any]:
        prefixes = ["self_", "cross_"][: 1 + (number >= layers)]
        square = {p + n: normal(width, width, seed=number) / 32 for p in prefixes for n in "qkvo"}
        up, down = normal(width, 4 * width, seed=number) / 8, normal(4 * width, width) / 32
        return square | {"up": up, "down": down}

    weights = [layer(number) for number in range(2 * layers)]
    momenta = _AS_ANY.tree.map(jnp.zeros_like, weights)
    x, y = normal(2, 32, width), normal(2, 32, width, seed=1)
    return trained(loss), (weights, momenta, x, y)


def temp_bytes(compiled: Any) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize(
    "program", [encoder, pytest.param(wavenet, marks=pytest.mark.cpu), inner_steps]
)
def test_no_more_temporary_memory_than_jax(program: Any) -> None:
    function, given = program()
    mine = graphc.jit(function, pipeline=default_pipeline())
    compiled = [f.lower(*given).compile() for f in (mine, jax.jit(function))]
    temp = [temp_bytes(each) for each in compiled]
    assert temp[0] <= temp[1]
    found, expected = (_AS_ANY.tree.leaves(each(*given)) for each in compiled)
    for each, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(each, other, rtol=1e-4, atol=1e-5)


def loops(graph: Graph) -> list[tuple[int, int]]:
    """The length of each loop, and how many products it holds."""
    return [
        (
            node.attributes["length"],
            sum(each.op.name == "dot_general" for each in node.regions[0].nodes),
        )
        for node in graph.nodes
        if node.op.name == "scan"
    ]


def test_gradients_of_weights_are_beside_what_they_are_made_of_not_beside_their_norm() -> None:
    function, given = encoder()
    graph = graphc.jit(function, pipeline=default_pipeline()).graph(*given, stage="rolled")
    assert loops(graph) == [(10, 8), (9, 16)]


def test_sums_of_what_layers_give_are_carried() -> None:
    def loss(weights: Any, x: Any) -> Any:
        skips = x
        for up, skip, out in weights:
            hidden = jnp.tanh(x @ up)
            skips = skips + hidden @ skip
            x = x + hidden @ out
        return jnp.mean(skips**2)

    weights = [[normal(8, 8, seed=n) / 4] * 3 for n in range(8)]
    graph = graphc.jit(loss, pipeline=default_pipeline()).graph(
        weights, normal(4, 8), stage="rolled"
    )
    (loop,) = [node for node in graph.nodes if node.op.name == "scan"]
    assert [value.type.shape for value in loop.outputs] == [(4, 8), (4, 8)]


@pytest.mark.parametrize("program", [inner_steps, coder], ids=["inner steps", "coder"])
def test_stacks_that_loops_make_are_read_as_they_lie(program: Any) -> None:
    """No stack is put together of what loops give: not a layer later, nor turned round."""
    function, given = program()
    graph = graphc.jit(function, pipeline=default_pipeline()).graph(*given, stage="simplified")
    given_by_loops = {node for node in graph.nodes if node.op.name == "scan"}
    for node in graph.nodes:  # cut out, and laid out
        if node.op.name in ("slice", "reshape") and node.inputs[0].node in given_by_loops:
            given_by_loops.add(node)
    stacks = [
        node
        for node in graph.nodes
        if node.op.name == "concatenate"
        and any(value.node in given_by_loops for value in node.inputs)
    ]
    assert not stacks

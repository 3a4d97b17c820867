"""Deep networks that repeat a layer, each written once for graphs and for JAX.

A network is a function of a `Toolkit`: that of graphc makes nodes, that of JAX calls JAX. What a
person writes by hand in JAX is the same loop over layers. Blocks are residual and normalised where
deep networks are, so that no number runs away at 48 layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from graphc import ops

Shapes = Mapping[str, tuple[int, ...]]
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Toolkit:
    """What blocks are made of, beside the operators of arrays.

    Attributes:
        gelu: the activation, by tanh.
        relu: the activation.
        sigmoid: the activation.
        softmax: over the last axis.
        normalise: to mean 0 and variance 1 over the last axis, by hand in JAX.
        convolve: 3 x 3, same padding, channels last.
        recur: an LSTM over the second axis; f32[batch, time, units] for the same.
        transpose: axes in another order.
        reshape: another shape.
    """

    gelu: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    softmax: Callable[[Any], Any]
    normalise: Callable[[Any], Any]
    convolve: Callable[[Any, Any], Any]
    recur: Callable[[Any, Weights], Any]
    transpose: Callable[[Any, tuple[int, ...]], Any]
    reshape: Callable[[Any, tuple[int, ...]], Any]


def _graph_normalise(x: Any) -> Any:
    return graphc.nn.layer_normalization(x, epsilon=1e-6)


def _graph_lstm(x: Any, weights: Weights) -> Any:
    def step(state: tuple[Any, Any], now: Any) -> tuple[tuple[Any, Any], Any]:
        hidden, cell = state
        gates = now @ weights["kernel"] + hidden @ weights["recurrent"] + weights["bias"]
        i, f, g, o = ops.split(gates, 4, axis=-1)
        cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(g)
        hidden = ops.sigmoid(o) * ops.tanh(cell)
        return (hidden, cell), hidden

    zeros = ops.zeros((x.shape[0], x.shape[2]), "float32")
    _, sequence = graphc.scan(step, (zeros, zeros), ops.transpose(x, (1, 0, 2)))
    return ops.transpose(sequence, (1, 0, 2))


def _jax_normalise(x: jax.Array) -> jax.Array:
    mean = jnp.mean(x, -1, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, -1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-6)


def _jax_convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _jax_lstm(x: jax.Array, weights: Weights) -> jax.Array:
    def step(state: tuple[Any, Any], now: jax.Array) -> tuple[tuple[Any, Any], Any]:
        hidden, cell = state
        gates = now @ weights["kernel"] + hidden @ weights["recurrent"] + weights["bias"]
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    zeros = jnp.zeros((x.shape[0], x.shape[2]), jnp.float32)
    _, sequence = jax.lax.scan(step, (zeros, zeros), jnp.transpose(x, (1, 0, 2)))
    return jnp.transpose(sequence, (1, 0, 2))


IN_A_GRAPH: Final = Toolkit(
    gelu=graphc.nn.gelu,
    relu=graphc.nn.relu,
    sigmoid=graphc.nn.sigmoid,
    softmax=graphc.nn.softmax,
    normalise=_graph_normalise,
    convolve=lambda x, kernel: graphc.nn.conv(x, kernel, padding="same"),
    recur=_graph_lstm,
    transpose=ops.transpose,
    reshape=ops.reshape,
)
IN_JAX: Final = Toolkit(
    gelu=jax.nn.gelu,
    relu=jax.nn.relu,
    sigmoid=jax.nn.sigmoid,
    softmax=jax.nn.softmax,
    normalise=_jax_normalise,
    convolve=_jax_convolve,
    recur=_jax_lstm,
    transpose=jnp.transpose,
    reshape=jnp.reshape,
)


@dataclass(frozen=True)
class Network:
    """A network of equal layers, or of layers of two kinds in turn.

    Attributes:
        name: of the family.
        shape: of the input and the target, the batch first.
        weights: for a number of layers, the shapes of the weights of each, by name.
        apply: with a toolkit, the input and the weights of each layer, the result.
        deep: how many layers it has where it stands beside JAX.
    """

    name: str
    shape: tuple[int, ...]
    weights: Callable[[int], Sequence[Shapes]]
    apply: Callable[[Toolkit, Any, list[Weights]], Any]
    deep: int = 16

    def data(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """An input and a target."""
        generator = np.random.default_rng(0)
        x, y = (generator.standard_normal(self.shape).astype(np.float32) for _ in range(2))
        return x, y


def bound_of(shape: tuple[int, ...]) -> float:
    """Initial weights are uniform between -bound and bound: Glorot's."""
    fan = int(np.prod(shape[:-2])) * (shape[-2] + shape[-1])
    return (6 / fan) ** 0.5


# -- the families ----------------------------------------------------------------------------------


def _in_turn(*blocks: Callable[[Toolkit, Any, Weights], Any]) -> Any:
    """A chain of blocks, of one kind after the other."""

    def apply(kit: Toolkit, x: Any, weights: list[Weights]) -> Any:
        for number, layer in enumerate(weights):
            x = blocks[number % len(blocks)](kit, x, layer)
        return x

    return apply


def _dense(kit: Toolkit, x: Any, w: Weights) -> Any:
    return kit.relu(x @ w["kernel"] + w["bias"])


def _convolutions(kit: Toolkit, x: Any, w: Weights) -> Any:
    a = kit.relu(kit.normalise(kit.convolve(x, w["kernel_1"])) * w["scale"])
    return kit.relu(x + kit.convolve(a, w["kernel_2"]))


def _feed_forward(kit: Toolkit, x: Any, w: Weights) -> Any:
    a = kit.normalise(x) * w["scale"]
    return x + kit.gelu(a @ w["up"]) @ w["down"]


def _gated(kit: Toolkit, x: Any, w: Weights) -> Any:
    a = kit.normalise(x) * w["scale"]
    return x + (kit.sigmoid(a @ w["gate"]) * (a @ w["value"])) @ w["output"]


def _attend(kit: Toolkit, x: Any, source: Any, w: Weights, prefix: str) -> Any:
    a = kit.normalise(x) * w[prefix + "scale"]
    query, key, value = (
        a @ w[prefix + "query"], source @ w[prefix + "key"], source @ w[prefix + "value"],
    )  # fmt: skip
    scores = query @ kit.transpose(key, (0, 2, 1)) / x.shape[-1] ** 0.5
    return x + (kit.softmax(scores) @ value) @ w[prefix + "output"]


def _encoder_with_decoder(kit: Toolkit, x: Any, weights: list[Weights]) -> Any:
    """Half of the layers encode, half decode and look at what was encoded."""
    half = len(weights) // 2
    encoded = decoded = x
    for w in weights[:half]:
        encoded = _feed_forward(kit, _attend(kit, encoded, encoded, w, "self_"), w)
    for w in weights[half:]:
        decoded = _attend(kit, decoded, decoded, w, "self_")
        decoded = _feed_forward(kit, _attend(kit, decoded, encoded, w, "cross_"), w)
    return decoded


def _attention_shapes(width: int, prefix: str) -> Shapes:
    square = {prefix + name: (width, width) for name in ("query", "key", "value", "output")}
    return {**square, prefix + "scale": (width,)}


def make_networks(smoke: bool) -> list[Network]:
    """All families; small ones for a smoke run."""
    width, length = (16, 8) if smoke else (256, 64)
    channels, side = (4, 6) if smoke else (32, 16)
    units, time = (8, 5) if smoke else (64, 32)

    square = (width, width)
    feed_forward = {"scale": (width,), "up": (width, 4 * width), "down": (4 * width, width)}
    gated = {"scale": (width,), "gate": square, "value": square, "output": square}
    encoder = {**_attention_shapes(width, "self_"), **feed_forward}
    decoder = {**encoder, **_attention_shapes(width, "cross_")}
    kernel = (3, 3, channels, channels)
    convolutions = {"kernel_1": kernel, "scale": (channels,), "kernel_2": kernel}
    gates = (units, 4 * units)
    return [
        Network(
            "mlp",
            (128, width),
            lambda layers: [{"kernel": square, "bias": (width,)}] * layers,
            _in_turn(_dense),
            deep=32,
        ),
        Network(
            "resnet",
            (8, side, side, channels),
            lambda layers: [convolutions] * layers,
            _in_turn(_convolutions),
        ),
        Network(
            "abab",
            (4, length, width),
            lambda layers: [feed_forward, gated] * (layers // 2),
            _in_turn(_feed_forward, _gated),
        ),
        Network(
            "encoder-decoder",
            (4, length, width),
            lambda layers: [encoder] * (layers // 2) + [decoder] * (layers // 2),
            _encoder_with_decoder,
        ),
        Network(
            "lstm",
            (16, time, units),
            lambda layers: [{"kernel": gates, "recurrent": gates, "bias": gates[1:]}] * layers,
            _in_turn(lambda kit, x, w: kit.recur(x, w)),
            deep=12,
        ),
    ]

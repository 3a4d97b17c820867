"""A deep Transformer: its attention is found, its layers are rolled, its loops hold blocks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
import passes
from graphc import ops
from graphc.opset.samples import draw
from passes.attention_fusion import AttentionGradients
from passes.attention_legalization import AttentionLegalization

LAYERS, LENGTH, HEADS, SIZE = 5, 12, 2, 4
WIDTH = HEADS * SIZE


def attend(x: Any) -> Any:
    """Causal self-attention, in plain ops."""

    def project(name: str) -> Any:
        start = draw(WIDTH, WIDTH, low=-0.5, high=0.5, salt=len(name))
        return ops.reshape(x @ graphc.Variable(start, name=name), [-1, LENGTH, HEADS, SIZE])

    q, k, v = (project(name) for name in ("q", "key", "value"))
    logits = ops.einsum("bqhd,bkhd->bhqk", q, k) / SIZE**0.5
    places = ops.arange(LENGTH)
    seen = ops.expand_dims(places, 1) >= ops.expand_dims(places, 0)
    weights = graphc.nn.softmax(ops.where(seen, logits, -1e9))
    found = ops.reshape(ops.einsum("bhqk,bkhd->bqhd", weights, v), [-1, LENGTH, WIDTH])
    return found @ graphc.Variable(draw(WIDTH, WIDTH, low=-0.5, high=0.5), name="out")


def losses(pipeline: Any) -> tuple[Any, list[float]]:
    """The program of a train step, and the losses of five of them."""
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", [None, LENGTH, WIDTH], name="x")
        hidden = x
        for number in range(LAYERS):
            with graphc.name_scope(f"layer_{number}"):
                hidden = hidden + attend(graphc.nn.rms_normalization(hidden))
        loss = ops.mean(ops.square(hidden - 1))
        train = graphc.optimizers.Adam(0.01).minimize(loss)
    session = graphc.Session(graph=graph, pipeline=pipeline)
    program = session.compile([train, loss], [x])
    batch = draw(3, LENGTH, WIDTH)
    return program, [float(session.run([train, loss], {x: batch})[1]) for _ in range(5)]


@pytest.mark.cpu
def test_attention_is_found_rolled_and_cut_into_blocks() -> None:
    pipeline = passes.default_pipeline()
    blocks = AttentionLegalization(least_bytes=0, block=8)
    program, found = losses(pipeline.replacing("attention_legalization", blocks))
    (loop,) = (node for node in program.graph("rolled").nodes if node.op.name == "scan")
    assert loop.attributes["length"] == LAYERS
    (attention,) = (node for node in loop.regions[0].nodes if node.op.name == "attention")
    assert attention.attributes["is_causal"]
    backward = program.graph("specialised")
    assert backward.count("attention") == backward.count("attention_gradient") == 1
    legalized = program.graph("legalized")
    assert not legalized.count("attention") + legalized.count("attention_gradient")
    plain = pipeline.without("attention_fusion", "layer_rolling", "variable_packing")
    written_out, expected = losses(plain)
    assert written_out.graph("specialised").count("softmax") >= LAYERS
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[-1] < found[0]


def test_a_whole_train_step_of_jax_has_attention_and_its_gradient_in_its_loops() -> None:
    def step(weights: Any, x: Any) -> Any:
        def loss(weights: Any) -> Any:
            hidden = x
            for layer in weights:
                normal = hidden / jnp.sqrt((hidden**2).mean(-1, keepdims=True) + 1e-5)
                q, k, v = ((normal @ layer[i]).reshape(-1, LENGTH, HEADS, SIZE) for i in range(3))
                logits = jnp.einsum("bqhd,bkhd->bhqk", q, k) / SIZE**0.5
                logits = jnp.where(jnp.tri(LENGTH, dtype=bool), logits, -1e9)
                mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits), v)
                hidden = hidden + mixed.reshape(hidden.shape) @ layer[3]
            return ((hidden - 1) ** 2).mean()

        value, slopes = jax.value_and_grad(loss)(weights)
        return value, jax.tree.map(lambda w, d: w - 0.1 * d, weights, slopes)

    weights = [jnp.asarray(draw(4, WIDTH, WIDTH, salt=i)) * 0.5 for i in range(LAYERS + 1)]
    found = passes.default_pipeline().replacing(
        "attention_gradients", AttentionGradients(least_bytes=0)
    )
    function, x = graphc.jit(step, pipeline=found), jnp.asarray(draw(2, LENGTH, WIDTH))
    rolled = function.graph(weights, x, stage="rolled")
    bodies = [node.regions[0] for node in rolled.nodes if node.op.name == "scan"]
    for op in ("attention", "attention_gradient"):
        assert [body.count(op) for body in bodies].count(1) == 1
    assert not sum(body.count("softmax") for body in bodies)
    mine, theirs = function(weights, x), jax.jit(step)(weights, x)
    for left, right in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)

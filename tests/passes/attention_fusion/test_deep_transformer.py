"""A deep Transformer: its attention is found, its layers are rolled, its loops hold blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc
import passes
from graphc import ops
from graphc.opset.samples import draw
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

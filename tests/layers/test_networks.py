"""Networks of stacked layers: numbers and gradients of Keras's; repeated blocks become a loop."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
import passes
from graphc import layers, ops
from tests.layers.layer_cases import read, weight_values
from tests.layers.networks import NETWORKS, kinds_of, make_encoder

ROOT = Path(__file__).resolve().parents[2]


def built(make: Any, inputs: Any) -> tuple[Any, list[Any]]:
    """A network with its values set, and its outputs and gradients."""
    network = make(layers)
    outputs = network(inputs)
    network.set_weights(weight_values(kinds_of(network)))
    places = ops.reshape(ops.arange(ops.size(outputs), dtype="float32"), outputs.shape)
    loss = ops.sum(outputs * ops.cos(places))
    slopes = graphc.gradients(loss, [inputs, *network.trainable_weights])
    return network, [outputs, *slopes]


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_whole_networks_give_the_numbers_of_keras(tmp_path: Path) -> None:
    answered = tmp_path / "answered.npz"
    subprocess.run(
        [sys.executable, "-m", "tests.layers.networks", str(answered)],
        env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": "", "HOME": str(tmp_path)},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    expected = read(answered)
    with graphc.Graph().as_default(), graphc.Session() as session:
        fetches, feeds, kinds = {}, {}, {}
        for name, (make, array) in NETWORKS.items():
            inputs = graphc.placeholder("float32", (None, *array.shape[1:]))
            network, fetches[name] = built(make, inputs)
            kinds[name] = kinds_of(network)
            feeds[inputs] = array
        found = session.run(fetches, feeds)
    for name, answer in expected.items():
        theirs = [(kind, tuple(shape), dtype) for kind, shape, dtype in answer["weights"]]
        assert kinds[name] == theirs
        for mine, number in zip(found[name], answer["numbers"], strict=True):
            np.testing.assert_allclose(mine, number, rtol=1e-5, atol=1e-5, err_msg=name)


def test_blocks_of_attention_become_one_loop_with_the_same_numbers() -> None:
    steps = np.random.default_rng(2).normal(size=(2, 5, 8)).astype(np.float32)
    plain = passes.default_pipeline().without("layer_rolling")
    found, loops = [], []
    for pipeline in (None, plain):
        with graphc.Graph().as_default(), graphc.Session(pipeline=pipeline) as session:
            inputs = graphc.placeholder("float32", (None, 5, 8))
            _, fetches = built(lambda module: make_encoder(module, depth=6), inputs)
            found.append(session.run(fetches, {inputs: steps}))
            program = session.compile(fetches, [inputs])
            rolled = program.graph("rolled").nodes
            loops.append([node for node in rolled if node.op.name == "scan"])
            report = str(program.report())
        assert ("layer_rolling" in report) == (pipeline is None)
    (loop,) = loops[0]
    assert loops[1] == []
    assert loop.attributes["length"] == 6
    assert sum(node.op.name == "attention" for node in loop.regions[0].nodes) == 1
    for mine, number in zip(*found, strict=True):
        np.testing.assert_allclose(mine, number, rtol=2e-5, atol=2e-5)

"""Rolled layers train as those that are written out: equal losses over 20 steps, equal masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers
from passes.pipelines import default_pipeline

pytestmark = pytest.mark.usefixtures("layers_in_loops")

STEPS = 20


def _recurrent(x: Any) -> Any:
    return layers.LSTM(3, return_sequences=True)(x)


def _dropping(x: Any) -> Any:
    return layers.Dropout(0.4)(layers.Dense(3, activation="tanh")(x), training=True)


def _train(block: Any, is_rolled: bool) -> tuple[list[float], int]:
    """The losses before each step, and how many loops of layers there were."""
    pipeline = default_pipeline()
    if not is_rolled:
        pipeline = pipeline.without("layer_rolling")
    with graphc.Graph().as_default() as graph:
        inputs = value = graphc.placeholder("float32", (2, 4, 3))
        for _ in range(5):
            value = block(value)
        loss = graphc.ops.mean(graphc.ops.square(value - 1))
        train = graphc.optimizers.Adam(0.01).minimize(loss)
    given = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 4, 3)
    with graphc.Session(graph, pipeline=pipeline, seed=3) as session:
        losses = [float(session.run([loss, train], {inputs: given})[0]) for _ in range(STEPS)]
        report = session.compile([loss, train], [inputs]).report()
    return losses, len(report.loops)


@pytest.mark.parametrize("block", [_recurrent, _dropping])
def test_rolled_layers_have_the_losses_of_those_written_out(block: Any) -> None:
    rolled, loops = _train(block, is_rolled=True)
    written_out, none = _train(block, is_rolled=False)
    assert (loops, none) == (1, 0)
    assert rolled[0] != rolled[-1]
    np.testing.assert_allclose(rolled, written_out, rtol=1e-5)

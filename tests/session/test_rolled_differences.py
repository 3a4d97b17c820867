"""Layers of which one differs in how it is run: what a loop cannot say stays outside of it.

Whatever becomes a loop, results and variables are those of a session that rolls nothing, and the
rolled graph survives being dumped, parsed and verified.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers
from passes.pipelines import default_pipeline

pytestmark = pytest.mark.usefixtures("layers_in_loops")

COUNT, ODD = 6, 4


class Built:
    """What the layers of one graph share.

    Attributes:
        counter: a variable that layers may change.
        first: the first layer.
    """

    def __init__(self) -> None:
        self.counter = graphc.Variable(np.float32(0), name="counter", trainable=False)
        self.first: Any = None

    def dense(self, x: Any, number: int, **options: Any) -> Any:
        layer = layers.Dense(4, activation="tanh", name=f"dense_{number}", **options)
        self.first = self.first or layer
        return layer(x)


Layer = Callable[[Built, Any, int], Any]


def in_another_scope(built: Built, x: Any, number: int) -> Any:
    with graphc.name_scope("elsewhere") if number == ODD else contextlib.nullcontext():
        return built.dense(x, number)


def after_an_assignment(built: Built, x: Any, number: int) -> Any:
    after = [built.counter.assign_add(np.float32(3))] if number == ODD else []
    with graphc.control_dependencies(after):
        return built.dense(x, number)


def counted(built: Built, x: Any, number: int) -> Any:
    with graphc.control_dependencies([built.counter.assign_add(np.float32(number + 1))]):
        return built.dense(x, number) + 0.01 * built.counter


def with_a_seed(built: Built, x: Any, number: int) -> Any:
    seed = 7 if number == ODD else None
    return layers.Dropout(0.4, seed=seed)(built.dense(x, number), training=True)


def at_another_rate(built: Built, x: Any, number: int) -> Any:
    return layers.Dropout(0.1 * (number + 1))(built.dense(x, number), training=True)


def tied_to_the_first(built: Built, x: Any, number: int) -> Any:
    return built.first(x) if number == ODD else built.dense(x, number)


def frozen(built: Built, x: Any, number: int) -> Any:
    value = built.dense(x, number)
    return graphc.stop_gradient(value) + x if number == ODD else value + x


# How many layers run in loops; 0 where any number may.
CASES: dict[Layer, int] = {
    in_another_scope: COUNT,
    after_an_assignment: COUNT,
    counted: 0,
    with_a_seed: 0,
    at_another_rate: 0,
    tied_to_the_first: 0,
    frozen: 0,
}


def run(layer: Layer, is_rolled: bool) -> tuple[list[Any], list[int]]:
    """Losses of two steps and all variables after them; the lengths of loops of layers."""
    pipeline = default_pipeline()
    if not is_rolled:
        pipeline = pipeline.without("layer_rolling")
    with graphc.Graph().as_default() as graph:
        built = Built()
        inputs = value = graphc.placeholder("float32", (2, 4))
        for number in range(COUNT):
            value = layer(built, value, number)
        loss = graphc.ops.mean(graphc.ops.square(value - 1))
        train = graphc.optimizers.SGD(0.1).minimize(loss)
        variables = graphc.global_variables()
    given = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    with graphc.Session(graph, pipeline=pipeline, seed=3) as session:
        found: list[Any] = [session.run([loss, train], {inputs: given})[0] for _ in range(2)]
        found += session.run([*variables, built.counter])
        program = session.compile([loss, train], [inputs])
        rolled = program.graph("rolled")
        text = str(rolled)
        constants = [n.attributes["value"] for n in rolled.walk() if n.op.name == "constant"]
        assert str(graphc.parse(text, constants)) == text
        if layer is counted:  # the slowest thing here, and the text is what the others share
            assert session.verify(loss, {inputs: given}).ok
        lengths = [n.attributes["length"] for n in rolled.nodes if n.op.name == "scan"]
    return found, lengths


@pytest.mark.parametrize("layer", CASES, ids=lambda layer: layer.__name__)
def test_layers_of_which_one_is_odd_train_as_those_written_out(layer: Layer) -> None:
    rolled, lengths = run(layer, is_rolled=True)
    written_out, none = run(layer, is_rolled=False)
    assert not none
    if CASES[layer]:
        assert lengths == [CASES[layer]]
    for mine, theirs in zip(rolled, written_out, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)

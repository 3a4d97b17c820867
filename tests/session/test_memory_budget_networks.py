"""Small networks in sessions and by `graphc.jit`: a budget is met, or else the least is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest

import graphc
from benchmarks import deep_training
from benchmarks.deep_networks import Network, make_networks
from benchmarks.deep_transformer import make_transformer
from graphc.errors import MemoryBudgetError

pytestmark = pytest.mark.usefixtures("layers_in_loops")

Outcome = tuple[int, list[float]]
"""The temporary memory of a train step by XLA, and a few losses."""

NETWORKS = {
    network.name: dataclasses.replace(network, shape=(64, *network.shape[1:]))
    for network in (*make_networks(smoke=True), make_transformer(16, 16))
}
KINDS = ("mlp", "resnet", "lstm", "transformer")
LAYERS = 4


def in_a_session(network: Network, budget: int | None) -> Outcome:
    step, program = deep_training.in_a_session(network, LAYERS, budget)
    taken = program().report().temp_bytes
    return taken, [step() for _ in range(3)]


def by_jit(network: Network, budget: int | None) -> Outcome:
    """What runs is measured, not what the report says."""
    x, y = network.data()
    start, step = deep_training.make_train_step(network)
    weights: Any = jax.jit(partial(deep_training.initial_weights, network, LAYERS))()
    state: Any = jax.jit(start)(weights)
    train = graphc.jit(step, donate_argnums=(0, 1), memory_budget=budget)
    compiled = train.lower(weights, state, x, y).compile()
    losses: list[float] = []
    for _ in range(3):
        weights, state, loss = compiled(weights, state, x, y)
        losses.append(float(loss))
    return compiled.memory_analysis().temp_size_in_bytes, losses


@pytest.mark.parametrize(
    ("run", "name"),
    [*[(in_a_session, name) for name in KINDS], (by_jit, "mlp")],
)
def test_what_is_met_is_met_and_the_smallest_is_met_when_asked_for(
    run: Callable[[Network, int | None], Outcome], name: str
) -> None:
    network = NETWORKS[name]
    before, expected = run(network, None)
    budget = before // 4
    try:
        taken, losses = run(network, budget)
    except MemoryBudgetError as error:
        if error.smallest is None or error.smallest <= budget:
            raise
        budget = error.smallest
        taken, losses = run(network, budget)
    if taken > budget:
        pytest.fail(f"{taken:,} bytes of {budget:,}")
    np.testing.assert_allclose(losses, expected, rtol=1e-5)

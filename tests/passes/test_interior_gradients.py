"""Gradients at random interior tensors of random graphs: JAX's, before and after all passes.

In JAX the derivative with respect to an interior value is that with respect to a zero added to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.rewriting.manager import PassManager
from passes.autodiff import Autodiff
from passes.functional import Functional
from passes.pipelines import default_pipeline
from passes.tap_removal import TapRemoval
from tests.passes.built_programs import Program, run

VECTOR = as_type("float64", (4,))
X = np.array([0.4, -0.9, 1.3, 0.2])


@dataclass(frozen=True)
class Case:
    """A random graph.

    Attributes:
        steps: op, and two positions of values made before.
        xs: positions to differentiate at.
        stops: positions through which nothing flows.
    """

    steps: tuple[tuple[str, int, int], ...]
    xs: tuple[int, ...]
    stops: tuple[int, ...]


def write_step(b: Program, op: str, x: Value, y: Value) -> Value:
    if op in ("softmax", "log_softmax"):
        return getattr(b, op)(x, axis=0)
    if op == "log_of_softmax":
        return b.log(b.softmax(x, axis=0))
    if op == "normalized":
        ones, zeros = b.full_like(x, 1), b.full_like(x, 0)
        return b.layer_normalization(x, ones, zeros, axis=0, epsilon=0.1)
    if op == "softplus":
        return b.log_plus_one(b.exponential(x))
    if op in ("add", "subtract", "multiply"):
        return getattr(b, op)(x, y)
    return getattr(b, op)(x)


STEPS: dict[str, Any] = {
    "sine": lambda x, y: jnp.sin(x),
    "tanh": lambda x, y: jnp.tanh(x),
    "logistic": lambda x, y: jax.nn.sigmoid(x),
    "softplus": lambda x, y: jax.nn.softplus(x),
    "softmax": lambda x, y: jax.nn.softmax(x),
    "log_of_softmax": lambda x, y: jax.nn.log_softmax(x),
    "log_softmax": lambda x, y: jax.nn.log_softmax(x),
    "normalized": lambda x, y: (x - x.mean()) / jnp.sqrt(x.var() + 0.1),
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: jnp.tanh(x) * y,
    "optimization_barrier": lambda x, y: x,
}


def build(case: Case, order: int) -> Graph:
    """The gradient of the sum of the last value at xs; of second order, of that gradient at x."""
    program = Program()
    start = program.input(VECTOR, "x", "feed")
    values = [start]
    for op, left, right in case.steps:
        x, y = values[left % len(values)], values[right % len(values)]
        x = program.tanh(x) if op == "multiply" else x
        values.append(write_step(program, op, x, y))
    chosen = [values[i % len(values)] for i in case.xs]
    # Stops are those of one intent; in JAX they would hold for the second derivative too.
    stops = [values[i % len(values)] for i in case.stops] if order == 1 else []
    made = program.differentiate([values[-1]], chosen, stops=stops, unconnected="zero")
    if order == 2:
        made = program.differentiate(made, [start], unconnected="zero")
    return program.graph(*made, values[-1])


def expected(case: Case, order: int) -> list[Any]:
    count = len(case.steps) + 1
    stops = {i % count for i in case.stops} if order == 1 else set()

    def last(x: Any, shifts: list[Any]) -> Any:
        values: list[Any] = []

        def keep(value: Any) -> None:
            position = len(values)
            stopped = jax.lax.stop_gradient(value) if position in stops else value
            values.append(stopped + shifts[position])

        keep(x)
        for op, left, right in case.steps:
            keep(STEPS[op](values[left % len(values)], values[right % len(values)]))
        return values[-1]

    def gradients(x: Any) -> list[Any]:
        zeros = [jnp.zeros_like(x)] * count
        at = jax.grad(lambda shifts: jnp.sum(last(x, shifts)))(zeros)
        return [at[i % count] for i in case.xs]

    with jax.enable_x64(True):
        x = jnp.asarray(X)
        value = last(x, [jnp.zeros_like(x)] * count)
        if order == 1:
            return [*gradients(x), value]
        return [jax.grad(lambda x: sum(jnp.sum(g) for g in gradients(x)))(x), value]


positions = st.integers(0, 30)
cases = st.builds(
    Case,
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), positions, positions), min_size=1, max_size=8
    ).map(tuple),
    xs=st.lists(positions, min_size=1, max_size=3, unique=True).map(tuple),
    stops=st.lists(positions, max_size=2).map(tuple),
)


def check(graph: Graph, case: Case, order: int) -> None:
    found, _ = run(graph, feeds={"x": X})
    for mine, theirs in zip(found, expected(case, order), strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), rtol=1e-7, atol=1e-9)


def without_other_passes(graph: Graph) -> Graph:
    for step in (Functional(), Autodiff(), TapRemoval()):
        graph = step(graph).graph
    return graph


@given(cases, st.sampled_from([1, 1, 2]))
def test_by_the_required_passes_alone(case: Case, order: int) -> None:
    check(without_other_passes(build(case, order)), case, order)


@given(cases, st.sampled_from([1, 1, 2]))
def test_by_all_passes(case: Case, order: int) -> None:
    check(PassManager(default_pipeline()).run(build(case, order)).result, case, order)


def test_a_value_that_a_rule_would_rewrite_away() -> None:
    """log(softmax(x)) becomes log_softmax(x), in which no softmax is left to differentiate at."""

    def write(with_tap: bool) -> Graph:
        program = Program()
        x = program.input(VECTOR, "x", "feed")
        probabilities = program.softmax(x, axis=0)
        loss = program.log(probabilities)
        made = program.differentiate([loss], [probabilities] if with_tap else [x])
        return program.graph(loss, *made)

    pipeline = PassManager(default_pipeline())
    graph = pipeline.run(write(with_tap=True)).result
    with jax.enable_x64(True):
        probabilities = np.asarray(jax.nn.softmax(jnp.asarray(X)))
    (loss, gradient), _ = run(graph, feeds={"x": X})
    np.testing.assert_allclose(loss, np.log(probabilities))
    np.testing.assert_allclose(gradient, 1 / probabilities)
    stable = pipeline.run(write(with_tap=False), until="canonical").result
    assert stable.count("log_softmax") == 1  # so the tap is what kept the softmax above

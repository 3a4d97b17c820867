"""Gradients by JAX alone: what `gradient` intents stand for, without our rules or our passes.

In JAX the derivative at an interior value is that with respect to a zero that is added to it. So a
graph is run node by node, with zeros added at the xs of an intent and stops put at its stops, and
`jax.grad` differentiates that run; an intent within an intent's slice, or in a body, does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import RegionLowering
from graphc.lowering.tracing import trace_call


@dataclass(frozen=True)
class _Intent:
    """What an intent changes about a run."""

    shifts: dict[Value, Any]
    stops: frozenset[Value]

    def changed(self, value: Value, array: Any) -> Any:
        if value in self.stops:
            array = lax.stop_gradient(array)
        shift = self.shifts.get(value)
        return array if shift is None else array + shift


def has_stops_below_another(graph: Graph) -> bool:
    """Whether an intent with stops is itself differentiated: in JAX its stops hold for that too."""
    intents = [node for node in graph.nodes if node.op.name == "gradient"]
    stopped = {node for node in intents if node.attributes["stops"]}
    return any(stopped.intersection(topological_order(node.inputs)) for node in intents)


def run_graph(graph: Graph, arrays: Sequence[Any], intents: Sequence[_Intent] = ()) -> list[Any]:
    """The outputs of a functional graph that still holds intents."""
    return _run(graph, arrays, graph.outputs, intents)


def _run(
    graph: Graph, arrays: Sequence[Any], wanted: Sequence[Value], intents: Sequence[_Intent]
) -> list[Any]:
    found: dict[Value, Any] = {}

    def keep(value: Value, array: Any) -> None:
        for intent in intents:
            array = intent.changed(value, array)
        found[value] = array

    for value, array in zip(graph.inputs, arrays, strict=True):
        keep(value, array)
    needed = set(topological_order(wanted, graph.inputs))
    for node in graph.nodes:
        if node.op.name == "input" or node not in needed:
            continue
        operands = [found[value] for value in node.inputs]
        if node.op.name == "gradient":
            results = _differentiate(graph, arrays, node, intents)
        else:
            results = _call(node, operands)
        for value, array in zip(node.outputs, results, strict=True):
            keep(value, array)
    return [found[value] for value in wanted]


def _call(node: Node, operands: Sequence[Any]) -> Sequence[Any]:
    lower = node.op.lower
    if node.op.name == "stop_gradient":
        return [lax.stop_gradient(operands[0])]
    if not isinstance(lower, RegionLowering):
        return trace_call(node.call, operands)
    results = lower.function(node.call, [_body(region) for region in node.regions], *operands)
    return list(results) if isinstance(results, (list, tuple)) else [results]


def _body(region: Graph) -> Callable[..., list[Any]]:
    def body(*arrays: Any) -> list[Any]:
        return run_graph(region, arrays)

    return body


def _differentiate(
    graph: Graph, arrays: Sequence[Any], node: Node, intents: Sequence[_Intent]
) -> list[Any]:
    """The gradients that an intent stands for."""
    counts = [node.attributes[name] for name in ("ys", "xs", "grad_ys", "stops")]
    parts: list[tuple[Value, ...]] = []
    for count in counts:
        start = sum(len(part) for part in parts)
        parts.append(node.inputs[start : start + count])
    ys, xs, grad_ys, stops = parts
    # A value may be asked for twice: it gets one shift.
    places = list(dict.fromkeys(xs))
    at = _run(graph, arrays, [*places, *grad_ys], intents)
    weights = at[len(places) :] or [1.0] * len(ys)

    def total(shifts: list[Any]) -> Any:
        intent = _Intent(dict(zip(places, shifts, strict=True)), frozenset(stops))
        results = _run(graph, arrays, ys, [*intents, intent])
        return sum(jnp.sum(y * weight) for y, weight in zip(results, weights, strict=True))

    zeros = [jnp.zeros_like(array) for array in at[: len(places)]]
    gradients = dict(zip(places, jax.grad(total)(zeros), strict=True))
    return [gradients[x] for x in xs]

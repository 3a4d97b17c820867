"""Small graphs, and their gradients of any order held to JAX's and to the reference's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.ir.verifier import verify
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate

Write = Callable[..., list[Value]]


def graph_of(write: Write, *types: TensorType) -> Graph:
    """A closed graph of inputs of these types; `write(build, *inputs)` gives its outputs."""
    build = GraphBuilder()
    return build.finish(write(build, *[build.input(t, f"x{i}") for i, t in enumerate(types)]))


def _weights(size: int, shape: Any, dtype: Any) -> Any:
    return np.cos(np.arange(size) + 1).reshape(shape).astype(dtype)


def _weighted_sum(function: Callable[..., Any]) -> Callable[..., Any]:
    """A scalar that every float result of a function has a part in."""

    def weighted(*operands: Any) -> Any:
        total = jnp.zeros(())
        for result in function(*operands):
            if jnp.issubdtype(result.dtype, jnp.inexact):
                weights = _weights(result.size, result.shape, result.dtype)
                total = total + jnp.sum(result * weights)
        return total

    return weighted


def derivative(
    function: Callable[..., Any], wanted: Sequence[int], order: int
) -> Callable[..., Any]:
    """JAX's gradient of the weighted sum of results, taken `order` times."""
    if order == 0:
        return function
    return jax.grad(_weighted_sum(derivative(function, wanted, order - 1)), tuple(wanted))


def gradient_graph(
    graph: Graph, arrays: Sequence[Any], wanted: Sequence[int], order: int
) -> tuple[Graph, list[Any]]:
    """The graph of the same by our engine, and the arrays that it takes."""
    inputs = list(arrays)
    for _ in range(order):
        for value in graph.outputs:
            if value.type.dtype.is_inexact:
                size: Any = value.type.size
                inputs.append(_weights(size, value.type.shape, value.type.dtype.numpy))
        graph = vjp_graph(graph, wanted)
    verify(graph)
    return graph, inputs


def check_gradients(
    graph: Graph, arrays: Sequence[Any], wanted: Sequence[int], order: int, rtol: float = 2e-5
) -> Graph:
    """Hold the gradient graph of a graph, run by XLA and by the reference, to JAX's gradient.

    Returns:
        The gradient graph.
    """
    made, inputs = gradient_graph(graph, arrays, wanted, order)

    def function(*operands: Any) -> Any:
        return trace_graph(graph, list(operands))

    expected = derivative(function, wanted, order)(*arrays)
    for found in (jax.jit(lambda *xs: trace_graph(made, xs))(*inputs), evaluate(made, inputs)):
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=1e-6)
    return made

"""Chains of blocks for the tests of rolling: graphs as a person writes them, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext, PassResult
from passes.layer_rolling import LayerRolling
from passes.layer_rolling.expansion import difference_after_expansion
from tests.passes.built_programs import Program

WIDTH = 4
VECTORS = as_type("float64", (3, WIDTH))
MATRIX = as_type("float64", (WIDTH, WIDTH))
ROW = as_type("float64", (WIDTH,))


class Chain(Program):
    """A builder of layers: each takes the value before it and gives the next."""

    def __init__(self) -> None:
        super().__init__()
        self.feeds: list[np.ndarray[Any, Any]] = []

    def feed(self, type_: Any, name: str = "") -> Value:
        shape = [size if isinstance(size, int) else 3 for size in type_.shape]
        generator = np.random.default_rng(len(self.feeds))
        self.feeds.append((generator.normal(size=shape) / 2).astype(type_.dtype.numpy))
        return self.input(type_, name or f"x{len(self.feeds)}", "feed")

    def product(self, x: Value, weights: Value) -> Value:
        return self.dot_general(x, weights, lhs_contracting=[1], rhs_contracting=[0])

    def rows(self, row: Value, like: Value) -> Value:
        return self.broadcast_in_dim(row, shape=like.type.shape, broadcast_dimensions=[1])

    def dense(self, x: Value, activation: str = "tanh") -> Value:
        """tanh(x·W + b), with weights of its own."""
        product = self.product(x, self.feed(MATRIX))
        summed = self.add(product, self.rows(self.feed(ROW), product))
        result: Value = getattr(self, activation)(summed)
        return result

    def residual(self, x: Value, activation: str = "tanh") -> Value:
        return self.add(x, self.dense(x, activation))

    def done(self, *outputs: Value) -> Graph:
        return self.finish(outputs)


def layers(count: int, layer: Callable[[Chain, Value], Value]) -> tuple[Chain, list[Value]]:
    """`count` layers on one input; gives the input and the result of each layer."""
    chain = Chain()
    values = [chain.feed(VECTORS)]
    for number in range(count):
        chain.at(10 + number, f"layer_{number}/x")
        values.append(layer(chain, values[-1]))
    return chain, values


def roll(graph: Graph, least: int = 4) -> tuple[PassResult, PassContext]:
    """Roll a graph; what comes out must be well typed, and expand to what went in."""
    context = PassContext()
    result = LayerRolling(least=least)(graph, context)
    verify(result.graph)
    assert difference_after_expansion(graph, result.graph) is None
    return result, context


def loops(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == "scan"]


def lengths(graph: Graph) -> list[int]:
    return [node.attributes["length"] for node in loops(graph)]


def body_ops(node: Node) -> list[str]:
    (body,) = node.regions
    return [inner.op.name for inner in body.nodes if inner.op.name not in ("input", "constant")]


def same_numbers(chain: Chain, before: Graph, after: Graph) -> None:
    """Rolling computes the same, in the same order: NumPy gives equal bits but for batching."""
    for mine, theirs in zip(
        evaluate(after, chain.feeds), evaluate(before, chain.feeds), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def refusals(context: PassContext) -> Sequence[str]:
    return [reason for (_, _, reason) in context.trace.refused]

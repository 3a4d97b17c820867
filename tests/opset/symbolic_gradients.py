"""Gradient rules on symbolic sizes, held to the same rules on the sizes that the symbols get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.dimensions import Dim, substitute, symbol
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType, tensor_type
from graphc.ir.verifier import verify
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import Write, graph_of

N, M = symbol("n"), symbol("m")


def _bound(type_: TensorType, sizes: Mapping[str, int]) -> TensorType:
    return tensor_type(type_.dtype, tuple(substitute(size, sizes) for size in type_.shape))


def _array(type_: TensorType, salt: int) -> Any:
    sizes: Any = type_.shape
    return draw(*sizes, dtype=type_.dtype.name, salt=salt, low=0 if type_.dtype.is_integer else -2)


def check_symbolic_gradient(write: Write, *types: TensorType, **sizes: int) -> Graph:
    """Hold results and gradients on symbolic types to those on static ones.

    Args:
        write: `write(build, *inputs)` gives outputs; shapes it needs come from the inputs' types.
        *types: of the inputs; some sizes are symbols.
        **sizes: what the symbols stand for.

    Returns:
        The symbolic gradient graph.
    """
    graph = graph_of(write, *types)
    static = graph_of(write, *[_bound(type_, sizes) for type_ in types])
    wanted = [i for i, type_ in enumerate(types) if type_.dtype.is_inexact]
    gradient, static_gradient = vjp_graph(graph, wanted), vjp_graph(static, wanted)
    verify(gradient)
    assert any(isinstance(size, Dim) for type_ in types for size in type_.shape)
    assert [value.type for value in gradient.outputs] == [types[i] for i in wanted]
    for constraint in (*graph.constraints, *gradient.constraints):
        assert substitute(constraint.left, sizes) == substitute(constraint.right, sizes)
    arrays = [_array(_bound(value.type, sizes), i) for i, value in enumerate(gradient.inputs)]
    for mine, theirs in zip(
        evaluate(graph, arrays[: len(types)]) + evaluate(gradient, arrays),
        evaluate(static, arrays[: len(types)]) + evaluate(static_gradient, arrays),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    return gradient


def op_names(graph: Graph) -> list[str]:
    """The ops of a graph in order, without inputs."""
    return [node.op.name for node in graph.nodes if node.op.name != "input"]

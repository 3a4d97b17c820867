"""reduce: bodies that do not fit, unknown sizes, and the whole pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, GradientError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import jit_from_jaxpr
from graphc.lowering.jaxpr import lower_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.specialisation import Specialisation
from tests.opset.symbolic_gradients import N

F32 = "float32"


def combine(op: str, dtype: str = F32) -> Graph:
    body = GraphBuilder()
    total, x = (body.input(as_type(dtype), name) for name in ("total", "x"))
    return body.finish([getattr(body, op)(total, x)])


def reduced(shape: Any, dimensions: Any, body: Graph, start: str = F32) -> Graph:
    build = GraphBuilder()
    x, zero = build.input(as_type(F32, shape), "x"), build.input(as_type(start), "start")
    return build.finish([build.reduce(x, zero, dimensions=dimensions, regions=(body,))])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="dimensions"):
        reduced((2, 3), [2], combine("add"))
    with pytest.raises(DTypeError, match="operand 1"):
        reduced((2, 3), [0], combine("add"), "float64")
    with pytest.raises(DTypeError, match="input 0 of the body"):
        reduced((2, 3), [0], combine("add", "float64"))
    build = GraphBuilder()
    with pytest.raises(ShapeError, match="as many scalars"):
        build.reduce(
            build.input(as_type(F32, (2,)), "x"), dimensions=[0], regions=(combine("add"),)
        )


def test_a_path_through_a_body_is_an_error_and_does_not_just_end() -> None:
    with pytest.raises(GradientError, match="reduce_sum"):
        vjp_graph(reduced((3,), [0], combine("add")), [0])


def test_an_unknown_number_of_elements() -> None:
    graph = reduced((N, 2), [0], combine("maximum"))
    assert graph.outputs[0].type.shape == (2,)
    x, start = draw(4, 2), np.float32(-9)
    (found,) = evaluate(graph, [x, start])
    np.testing.assert_array_equal(found, x.max(0))
    made = Specialisation().apply(graph, PassContext(sizes={"n": 4})).graph
    lowered = lower_graph(made)
    (compiled,) = jit_from_jaxpr(lowered.program, "reduced")(*lowered.hoisted, x, start)
    np.testing.assert_array_equal(compiled, found)

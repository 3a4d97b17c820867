"""Convolutions and their gradients: unknown sizes, second order, refusals, costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import jit_from_jaxpr
from graphc.lowering.jaxpr import lower_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

ROWS = "b0f_0io->b0f"


def convolution(lhs: tuple[Any, ...], rhs: tuple[Any, ...], **attributes: Any) -> Graph:
    """A graph of one convolution along one axis."""
    types = as_type("float32", lhs), as_type("float32", rhs)
    return graph_of(
        lambda build, x, w: [build.convolution(x, w, dimension_numbers=ROWS, **attributes)], *types
    )


@pytest.mark.parametrize(
    ("lhs", "attributes"),
    [
        ((N, 6, 2), {"padding_low": (1,), "window_strides": (2,)}),
        ((N, M, 2), {"padding_low": (1,), "padding_high": (1,), "window_strides": (2,)}),
        ((2, M, 2), {"lhs_dilation": (2,), "rhs_dilation": (2,), "padding_low": (1,)}),
    ],
)
def test_sizes_may_be_known_only_when_fed(lhs: Any, attributes: dict[str, Any]) -> None:
    gradient = check_symbolic_gradient(
        lambda build, x, w: [build.convolution(x, w, dimension_numbers=ROWS, **attributes)],
        as_type("float32", lhs),
        as_type("float32", (3, 2, 2)),
        n=2,
        m=7,
    )
    names = op_names(gradient)
    assert "convolution_input_gradient" in names
    assert "convolution_kernel_gradient" in names


def test_the_second_gradient_is_that_of_jax() -> None:
    graph = convolution((1, 5, 2), (2, 1, 2), window_strides=(2,), feature_group_count=2)
    check_gradients(graph, [draw(1, 5, 2), draw(2, 1, 2)], [0, 1], 2)


@pytest.mark.parametrize(
    ("lhs", "rhs", "attributes", "words"),
    [
        ((1, 5, 2), (2, 3, 2), {}, "the features of the input"),
        ((1, 5, 2), (0, 2, 2), {}, "the window must have an element"),
        ((1, 5, 2), (2, 2, 3), {"batch_group_count": 2}, "does not divide into 2 groups"),
        ((2, 5, 2), (2, 1, 4), {"feature_group_count": 2, "batch_group_count": 2}, "group counts"),
        ((1, 5, 2), (2, 2, 2), {"window_strides": (2, 1)}, "window_strides has 2 entries"),
        ((1, 5, 2), (2, 2, 2), {"padding_low": (-9,)}, "negative padding"),
    ],
)
def test_what_does_not_fit_is_refused(
    lhs: Any, rhs: Any, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        convolution(lhs, rhs, **attributes)


def test_axes_that_are_misspelt_are_refused() -> None:
    build = GraphBuilder()
    operands = [build.input(as_type("float32", (1, 2, 2)), name) for name in "xw"]
    with pytest.raises(AttributeValueError, match="b01f_01io->b01f"):
        build.convolution(*operands, dimension_numbers="b0f_0iO->b0f")


def test_products_with_padding_and_holes_cost_nothing() -> None:
    def flops(**attributes: Any) -> Any:
        call = convolution((1, 4, 2), (3, 2, 5), **attributes).outputs[0].node.call
        return call.op.cost_of(call).flops

    assert flops() == 2 * 2 * 5 * (2 * 3)
    assert flops(padding_low=(2,), padding_high=(2,)) == 2 * 2 * 5 * (4 * 3)
    assert flops(lhs_dilation=(2,)) == 2 * 2 * 5 * (2 + 1 + 2 + 1 + 2)


@pytest.mark.parametrize("numbers", ["b01f_01io->b01f", "bf01_oi01->bf01", "f01b_i01o->01bf"])
def test_every_convolution_reaches_xla_in_the_order_of_its_fast_kernels(numbers: str) -> None:
    """XLA for CPUs does not bring others into that order inside of loops, where they are slow."""
    build = GraphBuilder()
    sizes = {"b": 2, "f": 3, "0": 5, "1": 4}
    lhs, rhs = numbers.partition("->")[0].split("_")
    x = build.input(as_type("float32", tuple(sizes[axis] for axis in lhs)), "x")
    kernel = {"i": 3, "o": 2, "0": 2, "1": 2}
    k = build.input(as_type("float32", tuple(kernel[axis] for axis in rhs)), "k")
    graph = build.finish([build.convolution(x, k, dimension_numbers=numbers)])
    program = jit_from_jaxpr(lower_graph(graph).program, "graph")
    arrays = [np.random.default_rng(3).normal(size=v.type.shape).astype("f") for v in (x, k)]
    np.testing.assert_allclose(
        program(*arrays)[0], evaluate(graph, arrays)[0], rtol=1e-4, atol=1e-5
    )
    assert "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]" in program.lower(*arrays).as_text()

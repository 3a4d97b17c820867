"""Sums of cotangents: pieces that come back through slices lie side by side where they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.opset.samples import draw
from tests.opset.gradient_checks import check_gradients, graph_of

SIZE = 12
Bounds = tuple[int, int, int]


def cuts(*bounds: Bounds, axis: int = 1, shape: tuple[int, ...] = (2, SIZE)) -> Graph:
    """The sine of some slices of x along an axis, each a result."""

    def write(build: Any, x: Value) -> list[Value]:
        made: list[Value] = []
        for start, end, stride in bounds:
            starts, ends, strides = [0] * x.type.rank, [*x.type.shape], [1] * x.type.rank
            starts[axis], ends[axis], strides[axis] = start, end, stride
            cut = build.slice(x, start_indices=starts, limit_indices=ends, strides=strides)
            made.append(build.sine(cut))
        return made

    return graph_of(write, as_type("float32", shape))


def sums(graph: Graph) -> dict[str, int]:
    """How often the ops that put cotangents together are in the gradient of a graph."""
    made = vjp_graph(graph, [0])
    verify(made)
    return {name: made.count(name) for name in ("concatenate", "pad", "add") if made.count(name)}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)])
def test_pieces_that_fill_an_array_are_concatenated(order: Sequence[int]) -> None:
    graph = cuts(*[(3 * i, 3 * i + 3, 1) for i in order])
    assert sums(graph) == {"concatenate": 1}
    check_gradients(graph, [draw(2, SIZE)], [0], 2)


def test_what_no_piece_covers_is_zero() -> None:
    graph = cuts((1, 3, 1), (5, 8, 1), (8, 9, 1))
    # zeros before and after the first piece, and after the last
    assert sums(graph) == {"concatenate": 1, "pad": 2}
    check_gradients(graph, [draw(2, SIZE)], [0], 1)


def test_one_piece_is_padded_and_steps_are_added() -> None:
    assert sums(cuts((1, 3, 1))) == {"pad": 1}
    assert sums(cuts((0, SIZE, 2), (1, SIZE, 2))) == {"pad": 2, "add": 1}


def test_windows_are_as_few_arrays_as_can_be() -> None:
    graph = cuts(*[(i, i + 3, 1) for i in range(SIZE - 2)])
    assert sums(graph)["concatenate"] == 3  # for the 10 windows: every third is in one of them
    assert sums(graph)["add"] == 2
    check_gradients(graph, [draw(2, SIZE)], [0], 1)


def test_pieces_of_different_axes_are_added() -> None:
    def write(build: Any, x: Value) -> list[Value]:
        rows = build.slice(x, start_indices=(0, 0), limit_indices=(1, 4), strides=(1, 1))
        columns = build.slice(x, start_indices=(0, 0), limit_indices=(3, 2), strides=(1, 1))
        return [build.sine(rows), build.sine(columns), build.cosine(x)]

    graph = graph_of(write, as_type("float32", (3, 4)))
    assert sums(graph)["add"] == 2
    assert "concatenate" not in sums(graph)
    check_gradients(graph, [draw(3, 4)], [0], 1)


@given(
    st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE), st.integers(1, 3)), max_size=6)
)
def test_any_slices_have_the_gradient_of_jax(bounds: list[Bounds]) -> None:
    ordered = [(min(start, end), max(start, end), stride) for start, end, stride in bounds]
    graph = cuts(*ordered, axis=0, shape=(SIZE,))
    verify(vjp_graph(graph, [0]))
    check_gradients(graph, [draw(SIZE)], [0], 1)

"""gather and scatter: errors, windows outside, places written twice, symbols, empty tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, GradientError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.op import Constraint
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.finite_differences import measure_gradient
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient

F32, F64, I32 = "float32", "float64", "int32"

ROWS = {"offset_dims": (1,), "collapsed_slice_dims": (0,), "start_index_map": (0,)}
PUT_ROWS = {
    "update_window_dims": (1,),
    "inserted_window_dims": (0,),
    "scatter_dims_to_operand_dims": (0,),
}
PICK = {  # one element of each row
    "offset_dims": (),
    "collapsed_slice_dims": (1,),
    "start_index_map": (1,),
    "operand_batching_dims": (0,),
    "start_indices_batching_dims": (0,),
}
PUT = {
    "update_window_dims": (),
    "inserted_window_dims": (1,),
    "scatter_dims_to_operand_dims": (1,),
    "operand_batching_dims": (0,),
    "scatter_indices_batching_dims": (0,),
}


def gather_of(
    x: Any, indices: Any, dtypes: tuple[str, str] = (F32, I32), **attributes: Any
) -> tuple[GraphBuilder, Any]:
    build = GraphBuilder()
    operands = [build.input(as_type(t, s), t) for t, s in zip(dtypes, (x, indices), strict=True)]
    attributes = {"mode": "clip", **ROWS, "slice_sizes": (1, 3), **attributes}
    return build, build.gather(*operands, **attributes).type


def scatter_of(x: Any, indices: Any, updates: Any, **attributes: Any) -> tuple[GraphBuilder, Any]:
    build = GraphBuilder()
    shapes = zip((F32, I32, F32), (x, indices, updates), strict=True)
    operands = [build.input(as_type(dtype, shape), dtype) for dtype, shape in shapes]
    attributes = {"mode": "clip", "update_computation": "add", **PUT_ROWS, **attributes}
    return build, build.scatter(*operands, **attributes).type


def on_xla(graph: Graph, arrays: Sequence[Any]) -> list[Any]:
    with scoped_x64():
        return jax.device_get(jax.jit(lambda xs: trace_graph(graph, xs))(list(arrays)))


def check_on_xla(graph: Graph, arrays: Sequence[Any]) -> list[Any]:
    expected = evaluate(graph, arrays)
    for mine, theirs in zip(on_xla(graph, arrays), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    return expected


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"slice_sizes": (1,)}, "slice_sizes has 1 entries"),
        ({"slice_sizes": (1, 4)}, "a window must fit"),
        ({"slice_sizes": (1, -1)}, "at least 0"),
        ({"slice_sizes": (2, 3)}, "2 and 1"),
        ({"offset_dims": (2,)}, "offset_dims [2] do not fit"),
        ({"offset_dims": ()}, "1, one per operand axis"),
        ({"offset_dims": (1, 0), "collapsed_slice_dims": ()}, "increasing"),
        ({"collapsed_slice_dims": (2,)}, "0 to 1"),
        ({"start_index_map": (0, 1)}, "1 and 2"),
        ({"start_index_map": (3,)}, "indexed and batching axes"),
        ({"operand_batching_dims": (0,)}, "dropped and batching axes"),
        ({"start_indices_batching_dims": (0,)}, "different numbers of batching axes"),
        ({"start_indices_batching_dims": (1,)}, "batching axes of the indices"),
    ],
)
def test_dimension_numbers_that_do_not_fit_are_refused(
    attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        gather_of((5, 3), (4, 1), **attributes)


def test_batching_axes_have_one_size() -> None:
    with pytest.raises(ShapeError, match="5 and 4"):
        gather_of((5, 3), (4, 1), **PICK, slice_sizes=(1, 1))
    build, result = gather_of((N, 3), (M, 1), **PICK, slice_sizes=(1, 1))
    assert result is as_type(F32, (M,))
    assert build.constraints == [Constraint(N, M)]


def test_positions_are_integers_along_an_axis() -> None:
    with pytest.raises(DTypeError, match="operand 1 is float32"):
        gather_of((5, 3), (4, 1), dtypes=(F32, F32))
    with pytest.raises(ShapeError, match="indices have no axis"):
        gather_of((5, 3), ())


@pytest.mark.parametrize("value", [-1, 256, float("nan"), float("inf")])
def test_a_fill_value_fits_the_element_type(value: float) -> None:
    with pytest.raises(DTypeError, match="is no uint8"):
        gather_of((5, 3), (4, 1), dtypes=("uint8", I32), mode="fill", fill_value=value)


@pytest.mark.parametrize(
    ("updates", "words"),
    [
        ((4, 4), "a window must fit"),
        ((5, 3), "4 and 5"),
        ((4,), "operand 2 has 1 axes"),
    ],
)
def test_updates_that_do_not_fit_are_refused(updates: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        scatter_of((5, 3), (4, 1), updates)


def test_complex_numbers_have_no_order() -> None:
    build = GraphBuilder()
    types = [as_type("complex64", (5, 3)), as_type(I32, (4, 1)), as_type("complex64", (4, 3))]
    operands = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    with pytest.raises(DTypeError, match="operand 0 is complex64"):
        build.scatter(*operands, **PUT_ROWS, update_computation="maximum", mode="clip")


def test_sizes_of_symbolic_windows() -> None:
    build, result = gather_of((N, M), (7, N, 1), slice_sizes=(1, M), offset_dims=(2,))
    assert (result, build.constraints) == (as_type(F32, (7, N, M)), [])
    build, result = scatter_of((N, M), (7, 1), (7, M))
    assert (result, build.constraints) == (as_type(F32, (N, M)), [])


def _gather_blocks(mode: str) -> Graph:
    numbers = {"offset_dims": (1, 2), "collapsed_slice_dims": (), "start_index_map": (0, 1)}
    return graph_of(
        lambda build, x, i: [build.gather(x, i, **numbers, slice_sizes=(2, 2), mode=mode)],
        as_type(F32, (3, 3)),
        as_type(I32, (2, 2)),
    )


def test_a_window_that_sticks_out_is_moved_or_filled_as_a_whole() -> None:
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    indices = np.array([[2, 1], [-5, 0]], np.int32)
    (moved,) = check_on_xla(_gather_blocks("clip"), [x, indices])
    np.testing.assert_array_equal(moved, [[[4, 5], [7, 8]], [[0, 1], [3, 4]]])
    (filled,) = check_on_xla(_gather_blocks("fill"), [x, indices])
    assert np.isnan(filled).all()


def _scatter(computation: str, mode: str, numbers: Any = PUT_ROWS, **hints: bool) -> Any:
    def write(build: Any, x: Any, indices: Any, updates: Any) -> list[Any]:
        attributes = {**numbers, "update_computation": computation, "mode": mode, **hints}
        return [build.scatter(x, indices, updates, **attributes)]

    return write


def _check_by_differences(graph: Graph, arrays: list[Any]) -> None:
    (result,) = evaluate(graph, arrays)
    cotangent = draw(*result.shape, dtype=F64, salt=9)
    for position, found in zip(
        (0, 2), check_on_xla(vjp_graph(graph, [0, 2]), [*arrays, cotangent]), strict=True
    ):
        measured = measure_gradient(
            lambda operands: evaluate(graph, operands), arrays, position, [cotangent]
        )
        np.testing.assert_allclose(found.reshape(-1)[: measured.size], measured, atol=1e-6)


@pytest.mark.parametrize("mode", ["clip", "fill"])
@pytest.mark.parametrize("computation", ["set", "add", "minimum", "maximum"])
def test_gradients_where_places_are_written_twice_or_outside(computation: str, mode: str) -> None:
    """Windows 7 and 4, and -2 and 0, meet when they are moved inside."""
    types = as_type(F64, (5, 2)), as_type(I32, (6, 1)), as_type(F64, (6, 2))
    indices = np.array([[7], [4], [0], [-2], [2], [2]], np.int32)
    arrays = [draw(5, 2, dtype=F64), indices, draw(6, 2, dtype=F64, salt=1)]
    _check_by_differences(graph_of(_scatter(computation, mode), *types), arrays)


def test_equal_extrema_share_the_gradient() -> None:
    types = as_type(F32, (2, 1)), as_type(I32, (3, 1)), as_type(F32, (3, 1))
    graph = graph_of(_scatter("maximum", "fill"), *types)
    x, updates = np.array([[4.0], [9.0]], np.float32), np.array([[4.0], [4.0], [1.0]], np.float32)
    ct = np.array([[6.0], [5.0]], np.float32)
    arrays = [x, np.array([[0], [0], [1]], np.int32), updates, ct]
    old, new = check_on_xla(vjp_graph(graph, [0, 2]), arrays)
    np.testing.assert_allclose(old, [[2.0], [5.0]])
    np.testing.assert_allclose(new, [[2.0], [2.0], [0.0]])


def test_factors_that_may_meet_have_no_gradient_and_the_error_says_how_to_get_one() -> None:
    types = as_type(F32, (5, 2)), as_type(I32, (3, 1)), as_type(F32, (3, 2))
    graph = graph_of(_scatter("multiply", "clip"), *types)
    with pytest.raises(GradientError, match="unique_indices=True"):
        vjp_graph(graph, [2])
    indices = np.array([[1], [1], [3]], np.int32)
    arrays = [draw(5, 2), indices, draw(3, 2), draw(5, 2, salt=1)]
    check_on_xla(vjp_graph(graph, [0]), arrays)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("computation", ["set", "add"])
def test_gradients_through_gather_and_scatter_hold_at_any_order(
    computation: str, order: int
) -> None:
    def write(build: Any, x: Any, indices: Any, updates: Any) -> list[Any]:
        (y,) = _scatter(computation, "fill")(build, build.multiply(x, x), indices, updates)
        z = build.gather(y, indices, **ROWS, slice_sizes=(1, 2), mode="clip")
        return [build.multiply(z, z)]

    graph = graph_of(write, as_type(F64, (4, 2)), as_type(I32, (3, 1)), as_type(F64, (3, 2)))
    arrays = [draw(4, 2, dtype=F64), np.array([[2], [0], [2]], np.int32), draw(3, 2, dtype=F64)]
    with scoped_x64():
        check_gradients(graph, arrays, [0, 2], order)


@pytest.mark.parametrize("size", [0, 3])
def test_gradients_of_symbolic_sizes(size: int) -> None:
    """A batch may turn out to be empty."""
    x, one = as_type(F32, (N, M)), as_type(I32, (N, 2, 1))

    def take(build: Any, x: Any, indices: Any) -> list[Any]:
        return [build.gather(x, indices, **PICK, slice_sizes=(1, 1), mode="clip")]

    check_symbolic_gradient(take, x, one, n=size, m=4)
    for computation in ("set", "add", "minimum", "maximum"):
        write = _scatter(computation, "fill", PUT)
        check_symbolic_gradient(write, x, one, as_type(F32, (N, 2)), n=size, m=4)


@pytest.mark.parametrize("mode", ["clip", "fill"])
def test_an_empty_batch_reaches_xla(mode: str) -> None:
    """XLA refuses windows that do not fit even where there are none."""
    types = as_type(F32, (0, 4)), as_type(I32, (0, 2, 1)), as_type(F32, (0, 2))

    def write(build: Any, x: Any, indices: Any, updates: Any) -> list[Any]:
        taken = build.gather(x, indices, **PICK, slice_sizes=(1, 1), mode=mode)
        return [taken, *_scatter("add", mode, PUT)(build, x, indices, updates)]

    arrays = [draw(0, 4), np.zeros((0, 2, 1), np.int32), draw(0, 2)]
    taken, written = check_on_xla(graph_of(write, *types), arrays)
    assert taken.shape == (0, 2)
    assert written.shape == (0, 4)


def test_positions_of_no_coordinates_reach_xla() -> None:
    """XLA's simplifier breaks on several updates of a scalar; the lowering goes around it."""
    numbers = dict.fromkeys(PUT_ROWS, ())
    types = as_type(F32, ()), as_type(I32, (3, 0)), as_type(F32, (3,))
    arrays = [draw(), np.zeros((3, 0), np.int32), draw(3)]
    (total,) = check_on_xla(graph_of(_scatter("add", "clip", numbers), *types), arrays)
    np.testing.assert_allclose(total, arrays[0] + arrays[2].sum(), rtol=1e-6)

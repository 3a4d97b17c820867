"""slice, pad, dynamic_slice, dynamic_update_slice: errors, symbols, edge cases."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32, I32 = "float32", "int32"


def infer(name: str, *types: tuple[str, tuple[Any, ...]], **attributes: Any) -> Any:
    build = GraphBuilder()
    inputs = [build.input(as_type(*type_), f"x{i}") for i, type_ in enumerate(types)]
    return getattr(build, name)(*inputs, **attributes).type


def bounds(start: Any, limit: Any, stride: Any = 1) -> dict[str, Any]:
    return {"start_indices": (start,), "limit_indices": (limit,), "strides": (stride,)}


def edges(low: Any, high: Any, interior: int = 0) -> dict[str, Any]:
    return {"low": (low,), "high": (high,), "interior": (interior,)}


@pytest.mark.parametrize(
    ("size", "attributes", "words"),
    [
        (4, bounds(-1, 2), "start index must be at least 0"),
        (4, bounds(3, 2), "at most the limit index"),
        (4, bounds(0, 5), "limit index must be at most the size"),
        (4, bounds(0, 4, 0), "stride must be at least 1"),
        (4, bounds(0, 4, -1), "stride must be at least 1"),
        (N, bounds(0, N + 1), "n + 1 <= n"),
        (N, bounds(N + 1, N), "at most the limit index"),
        (4, {**bounds(0, 4), "strides": (1, 1)}, "strides has 2 entries"),
        (4, {**bounds(0, 4), "start_indices": ()}, "one per axis"),
    ],
)
def test_slice_bounds_that_do_not_fit_are_refused(
    size: Any, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        infer("slice", (F32, (size,)), **attributes)


@pytest.mark.parametrize(
    ("size", "attributes", "expected"),
    [
        (N, bounds(0, N), N),
        (N, bounds(0, N, 2), (N + 1) // 2),
        (N + 3, bounds(3, N + 3), N),
        (N, bounds(0, M), M),  # decided when n and m are known
        (2 * N, bounds(1, 2 * N, 2), N),
        (N, bounds(N, N), 0),
    ],
)
def test_sizes_of_symbolic_slices(size: Any, attributes: dict[str, Any], expected: Any) -> None:
    assert infer("slice", (F32, (size,)), **attributes) is as_type(F32, (expected,))


@pytest.mark.parametrize(
    ("size", "attributes", "words"),
    [
        (2, edges(0, 0, -1), "interior must be at least 0"),
        (2, edges(-2, -1), "result must be at least 0"),
        (N, edges(-N, -1), "result must be at least 0"),
        (2, {**edges(0, 0), "low": (0, 0)}, "low has 2 entries"),
    ],
)
def test_padding_that_does_not_fit_is_refused(
    size: Any, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        infer("pad", (F32, (size,)), (F32, ()), **attributes)


def test_the_padding_value_is_a_scalar_of_the_same_type() -> None:
    with pytest.raises(DTypeError, match="operand 1 is int32"):
        infer("pad", (F32, (2,)), (I32, ()), **edges(1, 1))
    with pytest.raises(ShapeError, match="operand 1 has 1 axes"):
        infer("pad", (F32, (2,)), (F32, (1,)), **edges(1, 1))


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_holes_in_an_axis_that_may_be_empty(size: int) -> None:
    """The formula of a symbolic size counts -1 gaps nowhere."""
    symbolic = infer("pad", (F32, (N,)), (F32, ()), **edges(1, 2, 3))
    static = infer("pad", (F32, (size,)), (F32, ()), **edges(1, 2, 3))
    assert symbolic.substituted({"n": size}) is static
    assert infer("pad", (F32, (N + 1,)), (F32, ()), **edges(0, 0, 3)) is as_type(F32, (4 * N + 1,))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_gradient_of_a_symbolic_slice_has_the_size_of_its_operand(
    size: int, stride: int
) -> None:
    def write(build: Any, x: Any) -> list[Any]:
        (whole,) = x.type.shape
        return [build.slice(x, start_indices=(1,), limit_indices=(whole,), strides=(stride,))]

    made = check_symbolic_gradient(write, as_type(F32, (N + 1,)), n=size)
    assert op_names(made) == ["constant", "pad"]


@pytest.mark.parametrize("size", [0, 1, 4])
@pytest.mark.parametrize(("low", "high"), [(1, 2), (-1, 3), (2, -1)])
@pytest.mark.parametrize("interior", [0, 2])
def test_gradients_of_symbolic_padding(size: int, low: int, high: int, interior: int) -> None:
    check_symbolic_gradient(
        lambda build, x, value: [build.pad(x, value, **edges(low, high, interior))],
        as_type(F32, (N,)),
        as_type(F32, ()),
        n=size,
    )


def test_padding_that_cuts_nothing_off_has_one_slice_as_its_gradient() -> None:
    graph = graph_of(
        lambda build, x, value: [build.pad(x, value, **edges(1, 2, 1))],
        as_type(F32, (3,)),
        as_type(F32, ()),
    )
    assert op_names(vjp_graph(graph, [0])) == ["slice"]


def test_the_gradient_of_the_padding_value_keeps_its_digits_beside_large_ones() -> None:
    """A difference of two sums would give 0 here: 1e9 swallows 1."""
    graph = graph_of(
        lambda build, x, value: [build.pad(x, value, **edges(1, 0))],
        as_type(F32, (2,)),
        as_type(F32, ()),
    )
    cotangent = np.array([1.0, 1e9, 3e9], np.float32)
    (found,) = evaluate(vjp_graph(graph, [1]), [draw(2), draw(), cotangent])
    assert found == 1.0


@pytest.mark.parametrize(
    ("types", "sizes", "words"),
    [
        ([(F32, (4, 5)), (I32, ())], (2, 2), "has 1 start indices"),
        ([(F32, (4,)), (I32, (1,))], (2,), "operand 1 has 1 axes"),
        ([(F32, (4,)), (I32, ())], (5,), "at most the size"),
        ([(F32, (N,)), (I32, ())], (N + 1,), "n + 1 <= n"),
        ([(F32, (4,)), (I32, ())], (-1,), "at least 0"),
        ([(F32, (4,)), (I32, ())], (1, 1), "slice_sizes has 2 entries"),
        ([], (), "no operand"),
    ],
)
def test_dynamic_slices_that_do_not_fit_are_refused(
    types: list[Any], sizes: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        infer("dynamic_slice", *types, slice_sizes=sizes)


def test_start_indices_are_integers_of_one_type() -> None:
    with pytest.raises(DTypeError, match="operand 1 is float32"):
        infer("dynamic_slice", (F32, (4,)), (F32, ()), slice_sizes=(2,))
    with pytest.raises(DTypeError, match="operand 2 is int64"):
        infer("dynamic_slice", (F32, (4, 4)), (I32, ()), ("int64", ()), slice_sizes=(2, 2))


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ([(F32, (4,)), (F32, (5,)), (I32, ())], "at most the size"),
        ([(F32, (4,)), (F32, (2, 2)), (I32, ())], "operand 1 has 2 axes"),
        ([(F32, (4,)), (F32, (2,))], "has 0 start indices"),
        ([(F32, (4,))], "lacks operands"),
    ],
)
def test_updates_that_do_not_fit_are_refused(types: list[Any], words: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        infer("dynamic_update_slice", *types)


def test_gradients_of_symbolic_dynamic_slices() -> None:
    index = as_type(I32, ())
    check_symbolic_gradient(
        lambda build, x, i, j: [build.dynamic_slice(x, i, j, slice_sizes=(2, x.type.shape[1]))],
        *(as_type(F32, (N, M)), index, index),
        **{"n": 4, "m": 3},
    )
    check_symbolic_gradient(
        lambda build, x, update, i, j: [build.dynamic_update_slice(x, update, i, j)],
        *(as_type(F32, (N, M)), as_type(F32, (2, M)), index, index),
        **{"n": 4, "m": 3},
    )


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_through_slices_hold_at_any_order(order: int) -> None:
    def write(build: Any, x: Any, i: Any) -> list[Any]:
        y = build.dynamic_slice(build.multiply(x, x), i, slice_sizes=(4,))
        y = build.pad(y, build.full(1, y.type.dtype), **edges(-1, 2, 1))
        return [build.slice(build.multiply(y, y), **bounds(1, 6, 2))]

    graph = graph_of(write, as_type("float64", (6,)), as_type(I32, ()))
    with scoped_x64():
        check_gradients(graph, [draw(6, dtype="float64"), np.int32(1)], [0], order)

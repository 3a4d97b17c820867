"""matmul, dot, tensordot, einsum and norms against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import GraphcError, ShapeError
from tests.ops.evaluation import called
from tests.ops.sweep.arrays import draw

_SEEDS = itertools.count()
Array = np.ndarray[Any, Any]


def floats(*shape: int) -> Array:
    return draw("float32", *shape, seed=next(_SEEDS))


def whole(*shape: int) -> Array:
    return draw("int32", *shape, seed=next(_SEEDS), low=-9, high=9)


def truth(*shape: int) -> Array:
    return draw("bool", *shape, seed=next(_SEEDS))


MATMULS = [
    ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)), ((6, 5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((1, 2, 3), (1, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (1, 5, 3, 4)), ((5, 2, 3), (6, 5, 3, 4)),
    ((6, 5, 2, 3), (6, 1, 3, 4)), ((7, 1, 5, 2, 3), (6, 1, 3, 4)), ((2, 0), (0, 4)),
    ((0, 3), (3, 4)), ((0, 2, 3), (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), MATMULS)
def test_matmul_gives_what_numpy_gives(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = floats(*left), floats(*right)
    np.testing.assert_allclose(called(ops.matmul, x, y), np.matmul(x, y), rtol=1e-5, atol=1e-6)


def test_all_matmuls_compiled_give_what_numpy_gives() -> None:
    pairs = [(floats(*left), floats(*right)) for left, right in MATMULS]
    with graphc.Session() as session:
        found = session.run([ops.matmul(graphc.constant(x), graphc.constant(y)) for x, y in pairs])
    for array, (x, y) in zip(found, pairs, strict=True):
        np.testing.assert_allclose(array, np.matmul(x, y), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("left", "right"), [((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4))])
def test_matmul_takes_sizes_that_are_not_known(left: Any, right: Any) -> None:
    x, y = floats(*left), floats(*right)
    found = called(ops.matmul, x, y, symbolic=True)
    np.testing.assert_allclose(found, np.matmul(x, y), rtol=1e-5, atol=1e-6)


def test_matmul_of_a_batch_with_a_matrix_is_one_node() -> None:
    graph = graphc.Graph()
    with graph.as_default():
        ops.matmul(graphc.placeholder("float32", [8, 2, 3]), graphc.placeholder("float32", [3, 4]))
    assert [operation.type for operation in graph.get_operations()][2:] == ["dot_general"]


def test_products_of_integers_and_truth_values() -> None:
    x, y = whole(2, 3), whole(3, 4)
    np.testing.assert_array_equal(called(ops.matmul, x, y), x @ y)
    x, y = truth(2, 3), truth(3, 4)
    np.testing.assert_array_equal(called(ops.matmul, x, y), x @ y)
    x, y = whole(2, 300).astype(np.int8), whole(300, 4).astype(np.int8)
    np.testing.assert_array_equal(called(ops.matmul, x, y), x.astype(np.int32) @ y.astype(np.int32))


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [((2, 3), (4, 3), "do not fit"), ((), (3,), "at least one axis"),
     ((2, 5, 3), (3, 3, 2), "leading sizes")],
)  # fmt: skip
def test_matmul_refuses_what_numpy_refuses(left: Any, right: Any, words: str | None) -> None:
    x, y = graphc.placeholder("float32", left), graphc.placeholder("float32", right)
    with pytest.raises(ShapeError, match=words) as caught:
        x @ y
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("dot", (2, 3), (5, 3, 4)),
        ("dot", (3,), (3,)),
        ("dot", (), (2, 3)),
        ("dot", (5, 2, 3), (3,)),
        ("inner", (2, 3), (4, 3)),
        ("inner", (3,), (3,)),
        ("vdot", (2, 3), (3, 2)),
        ("tensordot", (2, 3, 4), (3, 4, 5)),
    ],
)
def test_other_products_give_what_numpy_gives(name: str, left: Any, right: Any) -> None:
    x, y = floats(*left), floats(*right)
    found = called(getattr(ops, name), x, y)
    np.testing.assert_allclose(found, getattr(np, name)(x, y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axes", [0, 1, ([1, 2], [0, 1]), ([2], [1]), (2, 1)])
def test_tensordot_contracts_the_axes_that_are_named(axes: Any) -> None:
    x, y = floats(2, 3, 4), floats(4, 4, 3) if axes in (1, (2, 1), ([2], [1])) else floats(3, 4, 5)
    expected = np.tensordot(x, y, axes)
    found = called(lambda a, b: ops.tensordot(a, b, axes), x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ii->i", (3, 3)), ("ii", (3, 3)),
    ("iij->ji", (3, 3, 2)), ("iii->i", (2, 2, 2)), ("i,j->ij", (2,), (3,)), ("i,i->", (3,), (3,)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)), ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)), ("...ij,jk->...ik", (6, 5, 2, 3), (3, 4)),
    ("...ij,...jk", (6, 1, 2, 3), (5, 3, 4)), ("i...->...i", (2, 3, 4)), ("...i->...", (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,jk,kl,lm->mi", (2, 3), (3, 4), (4, 5), (5, 2)),
    ("ij,ij,ij->ij", (2, 3), (2, 3), (2, 3)), ("ij,k->i", (2, 3), (4,)),
    ("i,ij,j", (2,), (2, 3), (3,)),
    ("ij,ij->", (2, 3), (2, 3)), ("abc,cd,de,a->be", (2, 3, 4), (4, 5), (5, 2), (2,)),
    (" i j , j k -> i k ", (2, 3), (3, 4)), ("ij,jk->ijk", (2, 1), (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("subscripts", "shapes"), [(s, shapes) for s, *shapes in EINSUMS])
def test_einsum_gives_what_numpy_gives(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [floats(*shape) for shape in shapes]
    found = called(lambda *given: ops.einsum(subscripts, *given), *arrays)
    expected = np.einsum(subscripts.replace(" ", ""), *arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_einsum_of_a_matrix_product_is_one_node() -> None:
    graph = graphc.Graph()
    with graph.as_default():
        x, y = graphc.placeholder("float32", [2, 3]), graphc.placeholder("float32", [3, 4])
        ops.einsum("ij,jk->ki", x, y)
    assert [operation.type for operation in graph.get_operations()][2:] == ["dot_general"]


@pytest.mark.parametrize(
    ("subscripts", "shapes", "error"),
    [
        ("ij,jk->ik", [(2, 3)], GraphcError),
        ("ij,jk->ik", [(2, 3), (4, 5)], ShapeError),
        ("ijk->i", [(2, 3)], GraphcError),
        ("ij->iz", [(2, 3)], GraphcError),
        ("ij->ii", [(2, 3)], GraphcError),
        ("i1->i", [(2, 3)], GraphcError),
        ("...i->i", [(2, 3)], GraphcError),
    ],
)
def test_einsum_refuses_subscripts_that_do_not_fit(
    subscripts: str, shapes: Any, error: type[GraphcError]
) -> None:
    with pytest.raises(error, match="einsum"):
        ops.einsum(subscripts, *[floats(*shape) for shape in shapes])


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0, np.inf, -np.inf])
def test_norms_of_vectors(order: Any) -> None:
    x = floats(3, 4)
    for axis, keepdims in ((0, False), (-1, True)):
        found = called(lambda t, a=axis, k=keepdims: ops.norm(t, order, a, k), x)
        np.testing.assert_allclose(found, np.linalg.norm(x, order, axis, keepdims), rtol=1e-5)


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
def test_norms_of_matrices(order: Any) -> None:
    x = floats(3, 4, 5)
    for axis, keepdims in (((0, 1), False), ((2, 0), True)):
        found = called(lambda t, a=axis, k=keepdims: ops.norm(t, order, a, k), x)
        np.testing.assert_allclose(found, np.linalg.norm(x, order, axis, keepdims), rtol=1e-5)

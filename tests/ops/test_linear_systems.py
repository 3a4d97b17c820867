"""Matrices: what does not fit teaches, 16-bit floats, unknown sizes, gradients through sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import GradientError, GraphcError, ShapeError
from tests.ops.evaluation import called
from tests.ops.matrix_cases import definite, regular

SQUARE = [ops.cholesky, ops.cholesky_inverse, ops.det, ops.eig, ops.eigh, ops.inv, ops.logdet,
          ops.slogdet]  # fmt: skip


@pytest.mark.parametrize("function", SQUARE, ids=lambda each: each.__name__)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2)])
def test_matrices_that_are_not_square_are_refused(
    function: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match="square") as caught:
        function(np.zeros(shape, np.float32))
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


@pytest.mark.parametrize("function", [ops.svd, ops.qr, ops.pinv, ops.lu_factor, ops.matrix_rank])
def test_vectors_are_no_matrices(function: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match="matrices"):
        function(np.zeros(3, np.float32))


@pytest.mark.parametrize("shape", [(2,), (2, 3), (3, 2, 3), ()])
def test_right_hand_sides_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    for function in (ops.solve, ops.solve_triangular):
        with pytest.raises(ShapeError, match="right-hand side"):
            function(np.eye(3, dtype=np.float32), np.zeros(shape, np.float32))


def test_a_least_squares_problem_needs_as_many_rows() -> None:
    with pytest.raises(ShapeError, match="as many rows"):
        ops.lstsq(np.zeros((3, 2), np.float32), np.zeros(2, np.float32))


def test_modes_and_orders_that_do_not_exist_are_refused() -> None:
    with pytest.raises(GraphcError, match="mode 'raw'"):
        ops.qr(np.zeros((2, 2), np.float32), "raw")  # type: ignore[arg-type]
    with pytest.raises(GraphcError, match="no norm 3 of matrices"):
        ops.norm(np.zeros((2, 2), np.float32), 3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bit_floats_are_computed_in_32_bits_and_stay_what_they_are(dtype: str) -> None:
    x = definite(3, 3)
    found = called(lambda x: ops.cast(ops.inv(ops.cast(x, dtype)), "float32"), x)
    narrow = called(lambda x: ops.cast(ops.cast(x, dtype), "float32"), x)
    assert ops.inv(ops.cast(x, dtype)).dtype == dtype
    assert ops.svd(ops.cast(x, dtype))[1].dtype == dtype
    np.testing.assert_allclose(found, np.linalg.inv(narrow), rtol=2**-7)


@pytest.mark.parametrize("function", [ops.det, ops.inv, ops.cholesky, ops.logdet])
def test_square_matrices_of_unknown_size(function: Callable[..., Any]) -> None:
    x = definite(2, 3, 3)
    np.testing.assert_allclose(
        called(function, x, symbolic=True), called(function, x), rtol=1e-5, atol=1e-6
    )


def test_an_unknown_number_of_matrices() -> None:
    x = graphc.placeholder("float32", [None, 3, 2])
    u, s, vh = ops.svd(x, full_matrices=False)
    assert [t.shape[1:] for t in (u, s, vh)] == [(3, 2), (2,), (2, 2)]
    assert ops.pinv(x).shape[1:] == (2, 3)


def test_sizes_that_decide_about_a_shape_must_be_known() -> None:
    with pytest.raises(ShapeError, match="more rows or more columns"):
        ops.svd(graphc.placeholder("float32", [None, 2]))


@pytest.fixture
def session() -> Any:
    with graphc.Session(graph=graphc.Graph()) as opened:
        yield opened


def test_unknown_sizes_and_gradients_run_in_a_session(session: Any) -> None:
    x = graphc.placeholder("float32", [None, 3, 3])
    b = graphc.placeholder("float32", [None, 3])
    loss = ops.sum(ops.square(ops.solve(x, b))) + ops.sum(ops.logdet(x)) + ops.sum(ops.det(x))
    gradient = graphc.gradients(loss, x)
    matrices, sides = regular(2, 3, 3), np.ones((2, 3), np.float32)
    found = session.run(gradient, {x: matrices, b: sides})
    inverse = np.linalg.inv(matrices.astype(np.float64))
    solved = (inverse @ sides[..., None])[..., 0]
    turned = np.swapaxes(inverse, -1, -2)
    expected = -2 * (turned @ solved[..., None]) * solved[..., None, :]
    expected = expected + turned * (1 + np.linalg.det(matrices)[:, None, None])
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)
    assert session.run(gradient, {x: matrices[:0], b: sides[:0]}).shape == (0, 3, 3)


@pytest.mark.parametrize("batch", [0, 2])
@pytest.mark.parametrize("size", [0, 1, 4])
def test_gradients_of_matrices_of_unknown_size_run_in_a_session(
    session: Any, size: int, batch: int
) -> None:
    x = graphc.placeholder("float32", [None, None, None])
    values, vectors = ops.eigh(x)
    parts = [ops.det(x), ops.logdet(x), ops.inv(x), ops.cholesky(x), values * values]
    gradients = graphc.gradients(sum(ops.sum(part) for part in parts), [x])
    largest = graphc.gradients(ops.sum(ops.square(vectors * values[:, None])), [x])
    array = definite(batch, size, size)
    found, other = session.run([gradients[0], largest[0]], {x: array})
    assert found.shape == other.shape == array.shape
    turned = np.swapaxes(np.linalg.inv(array.astype(np.float64)), -1, -2)
    direct = turned * (1 + np.linalg.det(array)[:, None, None])
    through_inverse = -turned @ np.ones_like(turned) @ turned
    whole = _cholesky_gradient(array) + 2 * array
    np.testing.assert_allclose(found, direct + through_inverse + whole, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(other, 2 * array, rtol=2e-3, atol=1e-3)


def _cholesky_gradient(x: np.ndarray) -> np.ndarray:
    """Of the sum of the factor's elements, by differences in float64."""
    found = np.zeros(x.shape)
    wide = x.astype(np.float64)
    for i, j in np.ndindex(x.shape[-2:]):
        step = np.zeros(x.shape[-2:])
        step[i, j] += 5e-5
        step[j, i] += 5e-5
        ends = [np.linalg.cholesky(wide + s * step).sum((-1, -2)) for s in (1, -1)]
        found[:, i, j] = (ends[0] - ends[1]) / 2e-4
    return found


def test_no_derivative_of_eigenvectors_of_any_matrix_names_the_line(session: Any) -> None:
    x = graphc.placeholder("float32", [3, 3])
    _, vectors = ops.eig(x)
    gradient = graphc.gradients(ops.sum(ops.real(vectors)), x)
    with pytest.raises(GradientError, match="eigh"):
        session.run(gradient, {x: regular(3, 3)})


def test_a_matrix_that_is_not_positive_definite_gives_nan(session: Any) -> None:
    found = session.run(ops.cholesky(np.float32([[1, 2], [2, 1]])))
    assert np.isnan(found).any()

"""Factorizations: errors, symbolic sizes, derivatives that must not depend on arbitrary choices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, GradientError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.opset.matrix_factorizations.matrices import (
    adjoint,
    along_columns,
    diagonal,
    identity,
    part,
    product,
    real_part,
    with_dtype,
)
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.finite_differences import measure_gradient
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32, F64, C128 = "float32", "float64", "complex128"
EVERY = ["cholesky", "eig", "eigh", "lu", "qr", "svd"]


def infer(name: str, dtype: str, *shapes: Any, **attributes: Any) -> Any:
    build = GraphBuilder()
    operands = [build.input(as_type(dtype, shape), f"x{i}") for i, shape in enumerate(shapes)]
    return getattr(build, name)(*operands, **attributes)


# --- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_vectors_have_no_factors(name: str) -> None:
    with pytest.raises(ShapeError, match="at least two axes"):
        infer(name, F32, (3,))


@pytest.mark.parametrize("dtype", ["int32", "bfloat16", "float16", "bool"])
@pytest.mark.parametrize("name", EVERY)
def test_element_types_that_lapack_does_not_know_are_refused(name: str, dtype: str) -> None:
    with pytest.raises(DTypeError, match=f"operand 0 is {dtype}"):
        infer(name, dtype, (2, 2))


@pytest.mark.parametrize("name", ["cholesky", "eig", "eigh"])
def test_matrices_that_are_not_square_are_refused(name: str) -> None:
    with pytest.raises(ShapeError, match="must be equal"):
        infer(name, F32, (4, 2, 3))


@pytest.mark.parametrize(
    ("a", "b", "left"), [((3, 3), (2, 3), True), ((3, 3), (3, 2), False), ((2, 3), (3, 2), True),
                         ((2, 3, 3), (4, 3, 2), True), ((2, 3, 3), (3, 2), True)],
)  # fmt: skip
def test_systems_that_do_not_fit_are_refused(a: Any, b: Any, left: bool) -> None:
    with pytest.raises(ShapeError):
        infer("triangular_solve", F32, a, b, left_side=left, lower=True)


@pytest.mark.parametrize("name", ["lu", "qr", "svd"])
def test_a_result_is_not_given_a_size_that_is_not_known(name: str) -> None:
    attributes = {} if name == "lu" else {"full_matrices": False}
    with pytest.raises(ShapeError, match="more rows or more columns"):
        infer(name, F32, (N, M), **attributes)
    assert infer(name, F32, (N, N), **attributes)
    assert infer(name, F32, (N + 1, N), **attributes)


def test_all_columns_of_q_need_no_smaller_size() -> None:
    q, r = infer("qr", F32, (N, M), full_matrices=True)
    assert (q.type.shape, r.type.shape) == ((N, N), (N, M))


# --- derivatives that are refused -----------------------------------------------------------------


def test_vectors_that_complete_a_basis_have_no_derivative() -> None:
    graph = graph_of(lambda build, x: list(build.svd(x)), as_type(F32, (3, 2)))
    for given in (0, 2):
        with pytest.raises(GradientError, match="complete a basis"):
            vjp_graph(graph, [0], [given])
    assert vjp_graph(graph, [0], [1])


def test_eigenvectors_that_are_a_convention_have_no_derivative() -> None:
    graph = graph_of(lambda build, x: list(build.eig(x)), as_type(F32, (3, 3)))
    with pytest.raises(GradientError, match="eigh"):
        vjp_graph(graph, [0], [1])
    assert vjp_graph(graph, [0], [0])


@pytest.mark.parametrize("name", ["svd", "eig"])
def test_nothing_is_factorized_twice_for_the_gradient_of_values_alone(name: str) -> None:
    attribute = {"svd": "compute_uv", "eig": "compute_vectors"}[name]

    def write(build: Any, x: Any) -> list[Any]:
        return [getattr(build, name)(x, **{attribute: False})]

    assert op_names(vjp_graph(graph_of(write, as_type(F32, (3, 3))), [0])).count(name) == 1


# --- symbolic sizes -------------------------------------------------------------------------------


def _positive(build: Any, x: Any) -> Any:
    squared = product(build, x, adjoint(build, x))
    return build.add(squared, identity(build, squared.type))


def _hermitian(build: Any, x: Any) -> Any:
    return build.add(x, adjoint(build, x))


WRITTEN: dict[str, Any] = {
    "cholesky": lambda build, x: [build.cholesky(_positive(build, x), symmetrize_input=True)],
    "eigh": lambda build, x: list(build.eigh(_hermitian(build, x))),
    "lu": lambda build, x: [build.lu(x)[0]],
    "qr": lambda build, x: list(build.qr(x)),
    "svd": lambda build, x: list(build.svd(x)),
    "determinant": lambda build, x: [build.determinant(x)],
    "pseudo_inverse": lambda build, x: [build.pseudo_inverse(x)],
    "solve": lambda build, x: [build.solve(_positive(build, x), x)],
    "triangular_solve": lambda build, x: [
        build.triangular_solve(_positive(build, x), x, left_side=False, lower=True)
    ],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_gradients_of_an_unknown_number_of_matrices(name: str) -> None:
    for batch in (0, 2):
        check_symbolic_gradient(WRITTEN[name], as_type(F32, (N, 3, 3)), n=batch)


@pytest.mark.parametrize("name", WRITTEN)
def test_gradients_of_matrices_of_unknown_size(name: str) -> None:
    check_symbolic_gradient(WRITTEN[name], as_type(F32, (2, N, N)), n=3)


def test_gradients_of_all_columns_of_q_of_unknown_sizes() -> None:
    def write(build: Any, x: Any, y: Any) -> list[Any]:
        return [*build.qr(x), build.negate(y)]

    sizes = as_type(F32, (N, M))  # gives m a value: n + m has one without saying which
    for shape in ((N + M, N), (N, N + M)):
        check_symbolic_gradient(write, as_type(F32, shape), sizes, n=2, m=2)


# --- derivatives of any order ---------------------------------------------------------------------


def _squares(build: Any, values: list[Any]) -> list[Any]:
    return [build.multiply(value, value) for value in values]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", WRITTEN)
def test_gradients_hold_at_any_order(name: str, order: int) -> None:
    with scoped_x64():
        graph = graph_of(
            lambda build, x: _squares(build, WRITTEN[name](build, x)), as_type(F64, (2, 3, 3))
        )
        check_gradients(graph, [draw(2, 3, 3, dtype=F64)], [0], order, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
@pytest.mark.parametrize("name", ["lu", "qr", "svd"])
def test_second_gradients_of_matrices_that_are_not_square(
    name: str, shape: tuple[int, int]
) -> None:
    def write(build: Any, x: Any) -> list[Any]:
        thin = build.svd(x, full_matrices=False) if name == "svd" else None
        return _squares(build, list(thin) if thin else WRITTEN[name](build, x))

    with scoped_x64():
        graph = graph_of(write, as_type(F64, shape))
        check_gradients(graph, [draw(*shape, dtype=F64)], [0], 2, rtol=1e-6)


def _of_hermitian(build: Any, x: Any) -> Any:
    """exp of x + xᴴ, by its eigenvalues: whatever the phases of the eigenvectors are."""
    values, vectors = build.eigh(_hermitian(build, x), symmetrize_input=True)
    scale = with_dtype(build, build.exponential(values), vectors.type.dtype)
    scaled = build.multiply(vectors, along_columns(build, scale, vectors.type.shape))
    return product(build, scaled, adjoint(build, vectors))


def _of_any(build: Any, x: Any) -> Any:
    """The nearest unitary matrix, by the singular value decomposition."""
    left, _, right = build.svd(x, full_matrices=False)
    return product(build, left, right)


def _projection(build: Any, x: Any) -> Any:
    """Onto the first two columns, by the QR decomposition."""
    q, _ = build.qr(x, full_matrices=False)
    first = part(build, q, -1, 0, 2)
    return product(build, first, adjoint(build, first))


def _spectrum(build: Any, x: Any) -> Any:
    """A sum over eigenvalues in which their order does not matter."""
    values = build.eig(x, compute_vectors=False)
    return build.multiply(values, build.multiply(values, values))


@pytest.mark.parametrize("dtype", [F64, C128])
@pytest.mark.parametrize("function", [_of_hermitian, _of_any, _projection, _spectrum])
def test_functions_that_do_not_depend_on_phases_have_the_derivative_that_is_measured(
    function: Any, dtype: str
) -> None:
    """A gradient that mixed up conjugates would still be as JAX's if JAX's were mixed up."""

    def write(build: Any, x: Any) -> list[Any]:
        made = function(build, x)
        if function is _spectrum:
            made = build.reduce_sum(made, axes=[0])
        return [made]

    graph = graph_of(write, as_type(dtype, (3, 3)))
    gradient = vjp_graph(graph, [0])
    x = draw(3, 3, dtype=dtype)
    cotangent = draw(*evaluate(graph, [x])[0].shape, dtype=graph.outputs[0].type.dtype.name, salt=1)
    (found,) = evaluate(gradient, [x, cotangent])
    measured = measure_gradient(lambda xs: evaluate(graph, xs), [x], 0, [cotangent])
    np.testing.assert_allclose(found.reshape(-1), measured, rtol=1e-5, atol=1e-6)


def _adjugate(x: np.ndarray) -> np.ndarray:
    """By minors."""
    found = np.empty_like(x)
    for i, j in np.ndindex(x.shape):
        minor = np.delete(np.delete(x, i, 0), j, 1)
        found[j, i] = (-1) ** (i + j) * np.linalg.det(minor)
    return found


@pytest.mark.parametrize("rank", [0, 2, 3, 4])
def test_the_gradient_of_a_determinant_is_finite_for_singular_matrices(rank: int) -> None:
    numbers = np.random.default_rng(rank).integers(-3, 4, (2, 4, 4)).astype(np.float64)
    x = numbers[0, :, :rank] @ numbers[1, :rank] if rank < 4 else numbers[0]
    graph = graph_of(WRITTEN["determinant"], as_type(F64, (4, 4)))
    (found,) = evaluate(vjp_graph(graph, [0]), [x, np.float64(2)])
    np.testing.assert_allclose(found, 2 * _adjugate(x).T, atol=1e-9)


def test_the_gradient_of_a_pseudo_inverse_stands_equal_singular_values() -> None:
    graph = graph_of(WRITTEN["pseudo_inverse"], as_type(F64, (3, 2)))
    x, cotangent = np.eye(3, 2), draw(2, 3, dtype=F64)
    (found,) = evaluate(vjp_graph(graph, [0]), [x, cotangent])
    measured = measure_gradient(lambda xs: evaluate(graph, xs), [x], 0, [cotangent])
    np.testing.assert_allclose(found.reshape(-1), measured, atol=1e-6)


def test_a_system_is_factorized_once_for_both_ways() -> None:
    graph = graph_of(WRITTEN["solve"], as_type(F32, (3, 3)))
    assert op_names(vjp_graph(graph, [0])).count("lu") == 1


def test_equal_eigenvalues_give_what_jax_gives() -> None:
    def write(build: Any, x: Any) -> list[Any]:
        values, vectors = build.eigh(x)
        return [build.reduce_sum(build.multiply(vectors, vectors), axes=[0, 1]), values]

    graph = graph_of(write, as_type(F64, (3, 3)))
    (found,) = evaluate(vjp_graph(graph, [0]), [np.eye(3), np.float64(1), np.ones(3)])
    assert np.isnan(found).any()
    with_values = vjp_graph(graph, [0], [1])
    (found,) = evaluate(with_values, [np.eye(3), np.ones(3)])
    np.testing.assert_allclose(found, np.eye(3), atol=1e-12)


def test_the_diagonal_of_a_complex_matrix_is_read_without_its_type() -> None:
    graph = graph_of(
        lambda build, x: [real_part(build, diagonal(build, x))], as_type(C128, (2, 3, 3))
    )
    x = draw(2, 3, 3, dtype=C128)
    (found,) = evaluate(graph, [x])
    np.testing.assert_array_equal(found, np.diagonal(x, axis1=1, axis2=2).real)

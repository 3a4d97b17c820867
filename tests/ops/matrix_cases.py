"""Factorizations, systems, determinants and norms beside NumPy.

Signs and phases of vectors are open in mathematics: what is compared is what they are used for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graphc import ops
from tests.ops.numpy_cases import Case, floats, whole

SHAPES = ((3, 3), (2, 4, 4), (1, 1), (2, 1, 3, 3), (0, 0), (0, 2, 2))
TALL = ((4, 2), (2, 4), (2, 3, 2), (3, 3), (1, 3))


def regular(*shape: int) -> np.ndarray[Any, Any]:
    """Matrices that are far from singular."""
    return floats(*shape, low=-0.4, high=0.4) + 1.5 * np.eye(*shape[-2:], dtype=np.float32)


def definite(*shape: int) -> np.ndarray[Any, Any]:
    x = regular(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1], dtype=np.float32)


def turned(*shape: int) -> np.ndarray[Any, Any]:
    """The same as complex numbers."""
    return (regular(*shape) + 1j * floats(*shape, low=-0.4, high=0.4)).astype(np.complex64)


def _case(
    label: str, function: Callable[..., Any], expected: Callable[..., Any], *arrays: Any
) -> Case:
    shapes = "-".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
    return Case(f"{label}-{shapes}", function, expected, arrays)


def _adjoint(x: Any) -> Any:
    return ops.conjugate(ops.swapaxes(x, -1, -2))


def _numpy_adjoint(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def _square() -> Iterator[Case]:
    for shape in SHAPES:
        x, spd = regular(*shape), definite(*shape)
        yield _case("cholesky", ops.cholesky, np.linalg.cholesky, spd)
        yield _case(
            "cholesky(upper)",
            lambda x: ops.cholesky(x, upper=True),
            lambda x: np.linalg.cholesky(x, upper=True),
            spd,
        )
        yield _case("det", ops.det, np.linalg.det, x)
        yield _case("inv", ops.inv, np.linalg.inv, x)
        for part in (0, 1):
            yield _case(
                f"slogdet[{part}]",
                lambda x, part=part: ops.slogdet(x)[part],
                lambda x, part=part: np.linalg.slogdet(x)[part],
                x,
            )
        yield _case("logdet", ops.logdet, lambda x: np.linalg.slogdet(x)[1], -x)
        yield _case("eigh[0]", lambda x: ops.eigh(x)[0], lambda x: np.linalg.eigh(x)[0], spd)
        yield _case("eig", _rebuilt_by_eig, lambda x: x.astype(np.complex64), x)
    for name in ("det", "inv"):
        x = turned(2, 3, 3)
        integers = whole(3, 3) + 30 * np.eye(3, dtype=np.int32)
        for array in (x, integers):
            yield _case(name, getattr(ops, name), getattr(np.linalg, name), array)
    for part in (0, 1):
        yield _case(
            f"slogdet[{part}]",
            lambda x, part=part: ops.slogdet(x)[part],
            lambda x, part=part: np.linalg.slogdet(x)[part],
            np.float32([[[1, 2], [2, 4]], [[0, 2], [1, 0]]]),
        )
    factor = np.linalg.cholesky(definite(3, 3))
    yield _case("cholesky_inverse", ops.cholesky_inverse, lambda x: np.linalg.inv(x @ x.T), factor)
    yield _case(
        "cholesky_inverse(upper)",
        lambda x: ops.cholesky_inverse(x, upper=True),
        lambda x: np.linalg.inv(x.T @ x),
        factor.T.copy(),
    )


def _rebuilt_by_eig(x: Any) -> Any:
    values, vectors = ops.eig(x)
    return ops.matmul(ops.multiply(vectors, ops.expand_dims(values, -2)), ops.inv(vectors))


def _rebuilt_by_eigh(x: Any) -> Any:
    values, vectors = ops.eigh(x)
    return ops.matmul(ops.multiply(vectors, ops.expand_dims(values, -2)), _adjoint(vectors))


def _rebuilt_by_svd(full: bool) -> Callable[[Any], Any]:
    def rebuilt(x: Any) -> Any:
        u, s, vh = ops.svd(x, full_matrices=full)
        size = s.shape[-1]
        return ops.matmul(ops.multiply(u[..., :size], ops.expand_dims(s, -2)), vh[..., :size, :])

    return rebuilt


def _any_shape() -> Iterator[Case]:
    for shape in TALL:
        for x in (floats(*shape), turned(*shape)):
            label = f"{x.dtype}{list(shape)}"
            for full in (False, True):
                yield Case(f"svd({full})-{label}", _rebuilt_by_svd(full), lambda x: x, (x,))
            yield Case(
                f"svd(values)-{label}",
                lambda x: ops.svd(x, compute_uv=False),
                lambda x: np.linalg.svd(x, compute_uv=False),
                (x,),
            )
            for mode in ("reduced", "complete"):
                yield Case(
                    f"qr({mode})-{label}",
                    lambda x, mode=mode: ops.matmul(*ops.qr(x, mode)),
                    lambda x: x,
                    (x,),
                )
                yield Case(
                    f"qr({mode}): Q is unitary-{label}",
                    lambda x, mode=mode: ops.matmul(_adjoint(q := ops.qr(x, mode)[0]), q),
                    lambda x, mode=mode: _unit(np.linalg.qr(x, mode)[0]),
                    (x,),
                )
            yield Case(f"pinv-{label}", ops.pinv, np.linalg.pinv, (x,))
            yield Case(f"matrix_rank-{label}", ops.matrix_rank, np.linalg.matrix_rank, (x,))
    low = np.float32([[1, 2, 3], [2, 4, 6], [1, 0, 1]])
    yield _case("matrix_rank", ops.matrix_rank, np.linalg.matrix_rank, low)
    yield _case("matrix_rank(tol)", lambda x: ops.matrix_rank(x, 3.0), lambda x: np.array(1), low)
    yield _case("pinv", ops.pinv, np.linalg.pinv, low)
    yield _case(
        "lu_factor", lambda x: ops.tril(ops.lu_factor(x)[0], -1), _numpy_lower, floats(4, 3)
    )


def _unit(q: Any) -> Any:
    return np.broadcast_to(np.eye(q.shape[-1], dtype=q.dtype), (*q.shape[:-2], *q.shape[-1:] * 2))


def _numpy_lower(x: Any) -> Any:
    """The multipliers of Gaussian elimination, which exchanges rows for the largest pivot."""
    a = np.array(x, np.float64)
    for step in range(min(a.shape)):
        chosen = step + np.argmax(np.abs(a[step:, step]))
        a[[step, chosen]] = a[[chosen, step]]
        a[step + 1 :, step] /= a[step, step]
        a[step + 1 :, step + 1 :] -= np.outer(a[step + 1 :, step], a[step, step + 1 :])
    return np.tril(a, -1)


def _systems() -> Iterator[Case]:
    shapes = [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)), ((2, 3, 3), (1, 3, 2)),
              ((3, 3), (3, 0)), ((1, 1), (1, 4))]  # fmt: skip
    for left, right in shapes:
        a, b = regular(*left), floats(*right)
        yield _case("solve", ops.solve, np.linalg.solve, a, b)
        yield _case(
            "solve_triangular",
            ops.solve_triangular,
            lambda a, b: np.linalg.solve(np.triu(a), b),
            a,
            b,
        )
        yield _case(
            "solve_triangular(lower)",
            lambda a, b: ops.solve_triangular(a, b, lower=True),
            lambda a, b: np.linalg.solve(np.tril(a), b),
            a,
            b,
        )
    vectors = lambda a, b: np.linalg.solve(a, b[..., None])[..., 0]  # noqa: E731
    yield _case("solve", ops.solve, vectors, regular(2, 3, 3), floats(2, 3))
    yield _case("solve", ops.solve, vectors, regular(2, 3, 3), floats(3))
    yield _case("solve", ops.solve, np.linalg.solve, turned(3, 3), floats(3, 2))
    for left, right in (((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 1))):
        a, b = floats(*left), floats(*right)
        yield _case("lstsq", ops.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], a, b)
    for x in (definite(3, 3), definite(2, 4, 4)):
        yield _case("eigh", _rebuilt_by_eigh, lambda x: x, x)
    half = turned(2, 3, 3)
    hermitian = half + _numpy_adjoint(half)
    yield _case("eigh", _rebuilt_by_eigh, lambda x: x, hermitian)


def _norms() -> Iterator[Case]:
    for order in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        for keepdims in (False, True):
            for axes in ((0, 1), (1, 0), (-1, 0)):
                if axes == (0, 1) or order is not None:
                    yield _norm(floats(3, 4, 2), ord=order, axis=axes, keepdims=keepdims)
    for order in (None, 0, 1, 2, 3, -1, 0.5, math.inf, -math.inf):
        yield _norm(floats(3, 4), ord=order, axis=1, keepdims=True)
    yield _norm(floats(3, 4))
    yield _norm(floats(3, 4), ord="nuc")
    yield _norm(turned(3, 3), ord=2)
    yield _norm(turned(3, 3), ord=3, axis=-1)
    yield _norm(whole(3, 4), ord=1)


def _norm(x: Any, **keywords: Any) -> Case:
    shown = ",".join(f"{key}={value}" for key, value in keywords.items())
    return _case(
        f"norm({shown})",
        lambda x: ops.norm(x, **keywords),
        lambda x: np.linalg.norm(x, **keywords),
        x,
    )


def matrix_cases() -> list[Case]:
    return [*_square(), *_any_shape(), *_systems(), *_norms()]

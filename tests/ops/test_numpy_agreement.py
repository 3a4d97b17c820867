"""Matrices, orders, special functions beside NumPy: referred to and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from tests.ops.evaluation import called
from tests.ops.matrix_cases import matrix_cases
from tests.ops.numpy_cases import Case
from tests.ops.sorting_cases import sorting_cases
from tests.ops.special_cases import special_cases

CASES = {
    "matrices": matrix_cases(),
    "sorting": sorting_cases(),
    "special": special_cases(),
}
EVERY = [case for cases in CASES.values() for case in cases]


def close(found: object, case: Case) -> None:
    with np.errstate(all="ignore"):
        expected = case.expected(*case.arrays)
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, case.label
    np.testing.assert_allclose(
        found.astype(np.complex128), expected, rtol=3e-5, atol=2e-6, err_msg=case.label
    )


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.label)
def test_a_function_gives_what_numpy_gives(case: Case) -> None:
    close(called(case.function, *case.arrays), case)


@pytest.mark.parametrize("family", CASES)
def test_the_compiled_functions_give_what_numpy_gives(family: str) -> None:
    with graphc.Session(graph=graphc.Graph()) as session:
        feeds: dict[graphc.Tensor, Any] = {}

        def fed(array: Any) -> graphc.Tensor:
            tensor = graphc.placeholder(str(array.dtype), array.shape)
            feeds[tensor] = array
            return tensor

        made = [case.function(*map(fed, case.arrays)) for case in CASES[family]]
        for found, case in zip(session.run(made, feeds), CASES[family], strict=True):
            close(found, case)


NEEDS_SIZES = (
    *("svd", "qr", "pinv", "matrix_rank", "lstsq", "lu_factor", "norm(ord=nuc"),
    *(f"unique[{part}](axis={axis}" for part in range(4) for axis in (0, 1)),
    *("norm(ord=2,axis=(", "norm(ord=-2,axis=(", "eig-"),
    *("pad", "repeat", "diag", "trace"),
    *(
        "split",
        "array_split",
        "hsplit",
        "vsplit",
        "dsplit",
        "squeeze",
        "diff",
        "trapezoid",
        "cross",
    ),
)


def takes_any_size(case: Case) -> bool:
    """Whether sizes may be unknown: they are never taken to be 1, so nothing is broadcast."""
    one_shape = len({np.shape(array) for array in case.arrays}) == 1
    return one_shape and not case.label.startswith(NEEDS_SIZES) and "broadcast" not in case.label


SYMBOLIC = [case for case in EVERY if takes_any_size(case)][::3]


@pytest.mark.parametrize("case", SYMBOLIC, ids=lambda case: case.label)
def test_a_function_works_on_sizes_that_are_known_only_when_fed(case: Case) -> None:
    close(called(case.function, *case.arrays, symbolic=True), case)

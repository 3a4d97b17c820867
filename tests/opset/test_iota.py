"""iota: errors and symbolic sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.dimensions import symbol
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import graph_of

N = symbol("n")


@pytest.mark.parametrize(
    ("dtype", "shape", "axis", "error", "words"),
    [
        ("bool", (3,), 0, DTypeError, "cannot count in bool"),
        ("string", (3,), 0, DTypeError, "cannot count in string"),
        ("int32", (3,), 1, ShapeError, "iota_dimension"),
        ("int32", (3,), -1, ShapeError, "iota_dimension"),
        ("int32", (), 0, ShapeError, "iota_dimension"),
        ("int32", (-3,), 0, ShapeError, "-3"),
    ],
)
def test_what_does_not_fit_is_refused(
    dtype: str, shape: Any, axis: int, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        GraphBuilder().iota(dtype=dtype, shape=shape, iota_dimension=axis)


def test_it_counts_as_far_as_a_symbol_says() -> None:
    def write(build: Any, x: Any) -> list[Any]:
        return [build.iota(dtype="int32", shape=(2, *x.type.shape), iota_dimension=1)]

    graph = graph_of(write, as_type("float32", (N,)))
    assert graph.outputs[0].type is as_type("int32", (2, N))
    (found,) = evaluate(graph, [np.zeros(4, np.float32)])
    np.testing.assert_array_equal(found, [[0, 1, 2, 3]] * 2)

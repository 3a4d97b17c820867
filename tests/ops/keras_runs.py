"""Values and gradients of functions of keras.ops and of ours, for tables of cases."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops

Case = tuple[str, list[tuple[int, ...]], dict[str, Any]]
"""A function's name behind "ops.", the shapes of its arrays, its keywords."""

Results = tuple[dict[str, Any], dict[str, Any]]

PROGRAM = """
import json, sys
from operator import attrgetter
import numpy as np
import jax, keras
found = []
for name, arrays, keywords in json.load(sys.stdin):
    first, *rest = [np.array(a, "float32").reshape(s) for a, s in arrays]
    def weighted(x):
        result = attrgetter(name)(keras.ops)(x, *rest, **keywords)
        weights = np.cos(np.arange(result.size)).reshape(result.shape).astype("float32")
        return (result * weights).sum(), result
    gradient, result = jax.grad(weighted, has_aux=True)(jax.numpy.array(first))
    found.append([np.asarray(result).tolist(), np.asarray(gradient).tolist()])
print(json.dumps(found))
"""


def inputs_of(case: Case) -> list[np.ndarray]:
    """Its arrays: float32 numbers between 0 and 1, always the same."""
    generator = np.random.default_rng(3)
    return [generator.uniform(size=shape).astype(np.float32) for shape in case[1]]


def found_and_expected(cases: Mapping[str, Case]) -> Results:
    """What ours and Keras's give: value and gradient of the first array, by case.

    Keras runs in a process of its own, which may choose its back end.
    """
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    asked = [
        (case[0], [(a.ravel().tolist(), a.shape) for a in inputs_of(case)], case[2])
        for case in cases.values()
    ]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(asked),
        env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    expected = dict(zip(cases, json.loads(run.stdout.splitlines()[-1]), strict=True))
    return ours(cases), expected


def ours(cases: Mapping[str, Case]) -> dict[str, Any]:
    """The same of ours, in one run; the first axis of the first array is known only when fed."""
    tensors: dict[str, list[Any]] = {}
    feeds: dict[Any, np.ndarray] = {}
    with graphc.Graph().as_default(), graphc.Session() as session:
        for case, (name, shapes, keywords) in cases.items():
            first, *rest = inputs_of((name, shapes, keywords))
            x = graphc.placeholder(
                "float32", [None, *first.shape[1:]] if first.ndim > 3 else first.shape
            )
            feeds[x] = first
            result = attrgetter(name)(ops)(x, *rest, **keywords)
            places = ops.reshape(ops.arange(ops.size(result), dtype="float32"), result.shape)
            total = ops.sum(result * ops.cos(places))
            tensors[case] = [result, graphc.gradients(total, x)]
        return session.run(tensors, feeds)


def same(results: Results, case: str, tolerance: float = 1e-5) -> None:
    """The shapes, values and gradients of a case are Keras's."""
    found, expected = results
    for mine, theirs in zip(found[case], expected[case], strict=True):
        assert np.shape(mine) == np.shape(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)

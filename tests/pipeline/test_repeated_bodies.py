"""Fusions with one body become calls of one function: equal numbers, true names and lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import jit_from_jaxpr
from graphc.lowering.jaxpr import HOISTED_BYTES, lower_graph

LAYERS = 6


def _update(x: graphc.Tensor, slope: graphc.Tensor) -> graphc.Tensor:
    return x - 0.1 * slope / (ops.sqrt(ops.square(slope) + 1e-3) + 1e-5)


def _program(update: Callable[[int, Any, Any], Any]) -> tuple[str, str, bool]:
    """StableHLO and HLO of updates in as many scopes, and whether numbers are those of NumPy."""
    rows = np.linspace(-1, 1, LAYERS * 3, dtype=np.float32).reshape(LAYERS, 3)
    with graphc.Graph().as_default() as graph:
        variables = [graphc.Variable(np.full(3, i, np.float32)) for i in range(LAYERS)]
        slopes = [graphc.placeholder("float32", (3,)) for _ in range(LAYERS)]
        changes: list[Any] = []
        for i in range(LAYERS):
            with graphc.name_scope(f"layer_{i}"):
                changes.append(variables[i].assign(update(i, variables[i], slopes[i])))
    with graphc.Session(graph) as session:
        feeds = dict(zip(slopes, rows, strict=True))
        session.run(changes, feeds)
        found = np.stack(session.run(variables))
        program = session.compile(changes, slopes)
        text, hlo = program.stablehlo(), program.hlo()
    expected = np.arange(LAYERS)[:, None] - 0.1 * rows / (np.sqrt(rows**2 + 1e-3) + 1e-5)
    return text, hlo, bool(np.allclose(found, expected, rtol=1e-6, atol=1e-6))


def _calls(text: str) -> int:
    return len(re.findall(r"call @fusion\b", text))


def test_equal_bodies_are_one_function() -> None:
    text, hlo, is_right = _program(lambda i, x, slope: _update(x, slope))
    assert is_right
    assert text.count("func.func private @fusion") == 1
    assert _calls(text) == LAYERS
    assert text.count("stablehlo.sqrt") == 1
    for i in range(LAYERS):
        assert f"layer_{i}/" in hlo  # each keeps its own scope
    assert __file__.rsplit("/", maxsplit=1)[-1] in hlo


def test_other_lines_are_written_out() -> None:
    def update(i: int, x: Any, slope: Any) -> Any:
        if i < LAYERS // 2:
            return _update(x, slope)
        return x - 0.1 * slope / (ops.sqrt(ops.square(slope) + 1e-3) + 1e-5)

    text, _, is_right = _program(update)
    assert is_right
    assert _calls(text) == 0
    assert text.count("stablehlo.sqrt") == LAYERS


def test_another_constant_is_another_body() -> None:
    def update(i: int, x: Any, slope: Any) -> Any:
        rate = 0.1 if i else 0.2
        return x - rate * slope / (ops.sqrt(ops.square(slope) + 1e-3) + 1e-5)

    text, _, is_right = _program(update)
    assert not is_right  # the first layer has another rate
    assert _calls(text) == LAYERS - 1
    assert text.count("stablehlo.sqrt") == 2


@pytest.mark.parametrize("layers", [3, 4])
def test_few_are_written_out(layers: int) -> None:
    with graphc.Graph().as_default() as graph:
        xs = [graphc.placeholder("float32", (5,)) for _ in range(2 * layers)]
        fetches = [_update(a, b) for a, b in zip(xs[::2], xs[1::2], strict=True)]
    with graphc.Session(graph) as session:
        text = session.compile(fetches, xs).stablehlo()
    assert _calls(text) == (0 if layers < 4 else layers)


@pytest.mark.parametrize("size", [3, HOISTED_BYTES])  # embedded, and handed over as an argument
def test_bodies_that_hold_arrays_are_written_out(size: int) -> None:
    """An array inside belongs to the program: no function could see it."""
    scale = np.linspace(1, 2, size, dtype=np.float32)
    vector = as_type("float32", (size,))
    body = GraphBuilder()
    x = body.input(vector, "x")
    region = body.finish([body.sqrt(body.abs(body.multiply(body.tanh(x), body.array(scale))))])
    build = GraphBuilder()
    given = [build.input(vector, f"x{i}") for i in range(LAYERS)]
    graph = build.finish([build.fusion(x, regions=(region,), kind="elementwise") for x in given])
    rows = np.linspace(-2, 2, LAYERS * size, dtype=np.float32).reshape(LAYERS, size)
    lowered = lower_graph(graph)
    function = jit_from_jaxpr(lowered.program, "graph")
    assert _calls(function.lower(*lowered.hoisted, *rows).as_text()) == 0
    for row, found in zip(rows, function(*lowered.hoisted, *rows), strict=True):
        np.testing.assert_allclose(found, np.sqrt(np.abs(np.tanh(row) * scale)), rtol=1e-5)

"""Evaluating in float64 what was declared in less."""

from __future__ import annotations

import gc
import weakref

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.dtypes import F64
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate
from graphc.reference.widening import widen


def exponential_graph(dtype: str) -> Graph:
    build = GraphBuilder()
    x = build.input(as_type(dtype, (3,)), "x")
    return build.finish([build.exponential(build.multiply(x, build.full_like(x, 0.1)))])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_float_is_computed_in_float64(dtype: str) -> None:
    graph = exponential_graph(dtype)
    x = np.array([1, 2, 3])
    tenth = np.array(0.1).astype(as_type(dtype).dtype.numpy).astype(np.float64)
    (found,) = evaluate(graph, [x.astype(np.float64)], precise=True)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.exp(x * tenth), rtol=1e-15)


def test_a_cast_to_a_narrower_float_rounds_nothing() -> None:
    build = GraphBuilder()
    x = build.input(as_type("float32"), "x")
    graph = build.finish([build.convert(x, dtype="bfloat16"), build.convert(x, dtype="int32")])
    narrow, whole = evaluate(graph, [np.float64(1.0009)], precise=True)
    assert narrow == 1.0009
    assert whole.dtype == np.int32


def test_complex_numbers_are_widened_and_integers_are_not() -> None:
    text = """graphc opset 1
graph {
  input %0 : c64[2] argument "z"
  input %1 : i32[2] argument "k"
  %2 = abs(%0) : f32[2]
  %3 = add(%1, %1) : i32[2]
  return %2, %3
}"""
    wide = widen(parse(text))
    verify(wide)
    assert str(wide) == text.replace("c64", "c128").replace("f32", "f64")


def test_updates_and_inputs_keep_their_names() -> None:
    graph = parse(
        """graphc opset 1
graph {
  input %0 : f32[2] feed "x"
  input %1 : f32[2] state "w"
  %2 = add(%0, %1) : f32[2] "layer/add"
  return
  update "w" = %2
}"""
    )
    assert str(widen(graph)) == str(graph).replace("f32", "f64")


def test_random_numbers_are_the_same_numbers() -> None:
    build = GraphBuilder()
    key = build.input(as_type("uint32", (2,)), "key")
    uniform = build.random_uniform(key, shape=(4,), dtype="float32")
    graph = build.finish([build.add(uniform, uniform)])
    arrays = [np.array([1, 2], np.uint32)]
    (narrow,), (wide,) = evaluate(graph, arrays), evaluate(graph, arrays, precise=True)
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(wide, narrow)


def test_regions_are_widened_too() -> None:
    body = GraphBuilder()
    x = body.input(as_type("float32"), "x")
    region = body.finish([body.multiply(x, body.full_like(x, 1 / 3))])
    build = GraphBuilder()
    flag, y = build.input(as_type("bool"), "flag"), build.input(as_type("float32"), "y")
    graph = build.finish([build.cond(flag, y, regions=(region, region))])
    verify(widen(graph))
    (found,) = evaluate(graph, [np.bool_(True), np.float64(1.0)], precise=True)
    assert found == np.float64(np.float32(1 / 3))


def test_the_wide_graph_runs_on_xla_too() -> None:
    graph = widen(exponential_graph("bfloat16"))
    x = np.array([1.0, 2.0, 3.0])
    with scoped_x64():
        (on_xla,) = jax.jit(lambda value: trace_graph(graph, [value]))(x)
    np.testing.assert_allclose(np.asarray(on_xla), evaluate(graph, [x])[0], rtol=1e-14)


def test_a_graph_is_widened_once_and_kept_as_long_as_the_graph() -> None:
    graph = exponential_graph("float32")
    wide = widen(graph)
    assert widen(graph) is wide
    assert wide.inputs[0].type.dtype is F64
    alive = weakref.ref(wide)
    del graph, wide
    gc.collect()
    assert alive() is None

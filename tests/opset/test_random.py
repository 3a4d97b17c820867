"""Random ops: the numbers of jax.random, bit for bit, in XLA and in the NumPy reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import jit_from_jaxpr, scoped_x64
from graphc.lowering.jaxpr import lower_graph
from graphc.lowering.tracing import trace_graph
from graphc.opset.random.generator import GENERATOR
from graphc.opset.random.keys import wrap
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import graph_of

KEY = as_type("uint32", (2,))
WORD = as_type("uint32")
KEYS = [np.array(key, np.uint32) for key in ((0, 0), (1, 2), (2**32 - 1, 3_000_000_000))]
SHAPES = [(), (1,), (7,), (3, 5), (2, 0, 3), (2, 3, 4)]


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with scoped_x64():
        yield


def draw_graph(op: str, shape: Any, dtype: str) -> Graph:
    return graph_of(lambda build, key: [getattr(build, op)(key, shape=shape, dtype=dtype)], KEY)


def as_jax_key(key: np.ndarray) -> Any:
    return jax.random.wrap_key_data(jnp.asarray(key), impl="threefry2x32")


def bits_of(array: Any) -> bytes:
    return np.asarray(array).tobytes()


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_bits_are_those_of_jax(key: np.ndarray, shape: tuple[int, ...], dtype: str) -> None:
    graph = draw_graph("random_bits", shape, dtype)
    expected = jax.random.bits(as_jax_key(key), shape, dtype)
    assert bits_of(evaluate(graph, [key])[0]) == bits_of(expected)
    assert bits_of(trace_graph(graph, [key])[0]) == bits_of(expected)


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_uniform_numbers_are_those_of_jax(key: np.ndarray, shape: Any, dtype: str) -> None:
    graph = draw_graph("random_uniform", shape, dtype)
    expected = jax.random.uniform(as_jax_key(key), shape, jnp.dtype(dtype))
    assert bits_of(evaluate(graph, [key])[0]) == bits_of(expected)
    assert bits_of(trace_graph(graph, [key])[0]) == bits_of(expected)


@pytest.mark.parametrize(
    ("dtype", "rtol"), [("float32", 3e-6), ("float64", 1e-7), ("float16", 0.02)]
)
def test_normal_numbers_are_those_of_jax(dtype: str, rtol: float) -> None:
    for key in KEYS:
        graph = draw_graph("random_normal", (50, 40), dtype)
        expected = jax.random.normal(as_jax_key(key), (50, 40), jnp.dtype(dtype))
        assert bits_of(trace_graph(graph, [key])[0]) == bits_of(expected)
        np.testing.assert_allclose(evaluate(graph, [key])[0], expected, rtol=rtol, atol=rtol)


def test_uniform_numbers_stay_below_one_and_spread() -> None:
    for dtype in ("bfloat16", "float16", "float32"):
        numbers = np.asarray(evaluate(draw_graph("random_uniform", (4000,), dtype), [KEYS[1]])[0])
        numbers = numbers.astype(np.float64)
        assert numbers.min() >= 0
        assert numbers.max() < 1
        assert abs(numbers.mean() - 0.5) < 0.02


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
@pytest.mark.parametrize("number", [0, 1, 2**32 - 1])
def test_keys_are_those_of_jax(seed: int, number: int) -> None:
    base = graph_of(lambda build, s, c: [build.random_base(s, c)], WORD, WORD)
    fold = graph_of(lambda build, k, d: [build.random_fold(k, d)], KEY, WORD)
    operands = [np.array(seed, np.uint32), np.array(number, np.uint32)]
    root = jax.random.key(np.uint32(seed), impl="threefry2x32")
    expected = jax.random.key_data(jax.random.fold_in(root, number))
    for run in (evaluate, trace_graph):
        np.testing.assert_array_equal(run(base, operands)[0], expected)
    for key in KEYS:
        folded = jax.random.key_data(jax.random.fold_in(as_jax_key(key), number))
        for run in (evaluate, trace_graph):
            np.testing.assert_array_equal(run(fold, [key, operands[1]])[0], folded)


def test_the_generator_splits_and_seeds_as_that_of_jax() -> None:
    for key in KEYS:
        for shape in (2, (3, 4)):
            expected = jax.random.key_data(jax.random.split(as_jax_key(key), shape))
            found = jax.random.key_data(jax.random.split(wrap(jnp.asarray(key)), shape))
            assert bits_of(found) == bits_of(expected)
    for seed in (0, 2**32 - 1):
        root = jax.random.key(np.uint32(seed), impl="threefry2x32")
        own = jax.random.key(np.uint32(seed), impl=GENERATOR)
        assert bits_of(jax.random.key_data(own)) == bits_of(jax.random.key_data(root))


def test_the_numbers_do_not_depend_on_jax_flags() -> None:
    graph = draw_graph("random_uniform", (8,), "float32")
    plain = evaluate(graph, [KEYS[1]])[0]
    with jax.threefry_partitionable(False), jax.default_prng_impl("rbg"):
        under_flags = jax.jit(lambda key: trace_graph(graph, [key])[0])(KEYS[1])
        program = jit_from_jaxpr(lower_graph(graph).program, "draw")
        emitted = program(KEYS[1])[0]
        other = jax.random.uniform(as_jax_key(KEYS[1]), (8,), jnp.float32)
    assert bits_of(under_flags) == bits_of(emitted) == bits_of(plain)
    assert bits_of(other) != bits_of(plain), "the flag would have changed the numbers"


def test_different_streams_differ_and_equal_ones_agree() -> None:
    def write(build: Any, key: Any) -> Any:
        keys = [build.random_fold(key, build.array(np.uint32(stream))) for stream in (0, 1, 0)]
        return [build.random_uniform(key, shape=(4,), dtype="float32") for key in keys]

    first, second, again = evaluate(graph_of(write, KEY), [KEYS[1]])
    assert bits_of(first) == bits_of(again)
    assert not np.isin(first, second).any()


def test_a_size_may_be_a_symbol() -> None:
    n = symbol("n")

    def write(build: Any, key: Any, like: Any) -> Any:
        noise = build.random_uniform(key, shape=(n, 2), dtype="float32")
        return [build.add(noise, like)]

    graph = graph_of(write, KEY, as_type("float32", (n, 2)))
    (value,) = evaluate(graph, [KEYS[0], np.zeros((3, 2), np.float32)])
    np.testing.assert_array_equal(value, jax.random.uniform(as_jax_key(KEYS[0]), (3, 2), "float32"))


@pytest.mark.parametrize(
    ("op", "dtype", "type_", "words"),
    [
        ("random_bits", "int32", KEY, "does not draw"),
        ("random_uniform", "int32", KEY, "does not draw"),
        ("random_normal", "complex64", KEY, "does not draw"),
        ("random_normal", "float32", as_type("uint32", (3,)), "the key is u32"),
        ("random_bits", "uint32", as_type("int32", (2,)), "the key is i32"),
    ],
)
def test_what_cannot_be_drawn_is_refused(op: str, dtype: str, type_: Any, words: str) -> None:
    build = GraphBuilder()
    key = build.input(type_, "key")
    with pytest.raises((DTypeError, ShapeError), match=words):
        getattr(build, op)(key, shape=(2,), dtype=dtype)


def test_a_key_that_is_built_names_its_stream() -> None:
    build = GraphBuilder()
    assert str(build.finish([build.random_key(stream=3)])).splitlines()[2:4] == [
        "  %0 = random_key() {stream=3} : u32[2]",
        "  return %0",
    ]


@pytest.mark.parametrize("width", [1, 5])
def test_rows_of_words_are_parts_of_what_each_key_draws(width: int) -> None:
    keys = np.stack([KEYS[0], KEYS[2], KEYS[2]])
    starts = np.array([0, 3, 40], np.uint32)
    types = as_type("uint32", (3, 2)), as_type("uint32", (3,))
    graph = graph_of(lambda build, *given: [build.random_words(*given, width=width)], *types)
    drawn = [np.asarray(jax.random.bits(as_jax_key(key), (50,), "uint32")) for key in keys]
    expected = [bits[start : start + width] for bits, start in zip(drawn, starts, strict=True)]
    np.testing.assert_array_equal(evaluate(graph, [keys, starts])[0], expected)
    np.testing.assert_array_equal(trace_graph(graph, [keys, starts])[0], expected)


@pytest.mark.parametrize(
    ("types", "width", "problem"),
    [
        ((("int32", (3, 2)), ("uint32", (3,))), 1, "operand 0 is i32"),
        ((("uint32", (3, 2)), ("uint32", (3, 1))), 1, "operand 1 is u32"),
        ((("uint32", (3, 3)), ("uint32", (3,))), 1, "the words of a key"),
        ((("uint32", (3, 2)), ("uint32", (4,))), 1, "the numbers of keys"),
        ((("uint32", (3, 2)), ("uint32", (3,))), -1, "width is -1"),
    ],
)
def test_rows_of_words_need_a_key_and_a_start_each(types: Any, width: int, problem: str) -> None:
    given = [as_type(*each) for each in types]
    with pytest.raises(GraphcError, match=problem):
        graph_of(lambda build, *values: [build.random_words(*values, width=width)], *given)

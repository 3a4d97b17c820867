"""Weights of several shapes out of one hash: equal bits, and refusals where that is no gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.lowering.executable import Executable
from graphc.rewriting.flat_draws import FlatDraws, with_flat_draws
from graphc.rewriting.graph_pass import PassContext, PassResult
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.rewriting.packed_fetches import PackedFetches
from graphc.rewriting.stream_keys import STREAM_KEYS
from passes.pipelines import default_pipeline

Draw = Callable[[GraphBuilder, Any, tuple[int, ...]], Any]
Packs = Sequence[tuple[Draw, tuple[int, ...], int | None]]
F32 = as_type("float32").dtype


def full(build: GraphBuilder, like: Any, number: float) -> Any:
    return build.full(number, like.type.dtype, like.type.shape)


def uniform(build: GraphBuilder, key: Any, shape: tuple[int, ...], dtype: str = "float32") -> Any:
    return build.random_uniform(key, shape=shape, dtype=dtype)


def normal(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    return build.random_normal(key, shape=shape, dtype="float32")


def between(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    drawn = uniform(build, key, shape)
    return build.add(build.multiply(drawn, full(build, drawn, 0.3)), full(build, drawn, -0.15))


def truncated(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    """As `graphc.random.truncated_normal`, with a limit that is one number for all."""
    drawn = uniform(build, key, shape)
    spread = build.add(
        build.multiply(drawn, full(build, drawn, 1.9089994)), full(build, drawn, -0.9544997)
    )
    scaled = build.multiply(build.erf_inv(spread), full(build, drawn, 1.4142135))
    low, high = (build.array(np.float32(limit)) for limit in (-2, 2))
    return build.clamp(low, scaled, high)


def masked(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    drawn = uniform(build, key, shape)
    return build.compare(drawn, full(build, drawn, 0.25), direction="LT")


def in_half(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    return build.convert(normal(build, key, shape), dtype="bfloat16")


DRAWS: tuple[Draw, ...] = (uniform, normal, between, truncated, masked, in_half)


def drawing(packs: Packs) -> tuple[Graph, FlatDraws]:
    """Packs of draws, each from a key of its own; and the pass that draws them together."""
    build = GraphBuilder()
    total = sum([count or 1 for _, _, count in packs])
    keys = build.input(as_type("uint32", (total, 2)), STREAM_KEYS, "feed")
    zero, row = build.array(np.int32(0)), 0
    fetches: list[Any] = []
    for draw, shape, count in packs:
        for _ in range(count or 1):
            cut = build.dynamic_slice(keys, build.array(np.int32(row)), zero, slice_sizes=(1, 2))
            fetches.append(draw(build, build.reshape(cut, shape=(2,)), shape))
            row += 1
    return build.finish(fetches), FlatDraws(tuple([count for _, _, count in packs]))


def applied(graph: Graph, each: FlatDraws, **context: Any) -> PassResult:
    return each.apply(graph, PassContext(**{"platform": "cpu", **context}))


def run(graph: Graph) -> list[Any]:
    rows = graph.inputs[-1].type.shape[0]
    keys = np.random.default_rng(3).integers(0, 2**32, (rows, 2), dtype=np.uint32)
    program = Executable(graph, runs_once=True)
    return [np.asarray(each) for each in program.call(*program.constants, keys)]


def same_bits(graph: Graph, result: Graph) -> None:
    for before, after in zip(run(graph), run(result), strict=True):
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        np.testing.assert_array_equal(before, after)


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def test_two_shapes_are_one_loop_and_parts_of_what_it_gives() -> None:
    graph, each = drawing([(between, (8, 16), 3), (uniform, (5, 7), None)])
    result = applied(graph, each)
    assert result.details == {"draws": 4, "words": 7 * 64}
    ops = names(result.graph)
    assert (ops.count("scan"), ops.count("random_uniform"), ops.count("dynamic_slice")) == (1, 0, 0)
    (scan,) = [node for node in result.graph.nodes if node.op.name == "scan"]
    assert str(scan.output.type) == "u32[2, 4, 64]"
    assert names(scan.regions[0]) == ["input", "input", "random_words"]
    # each mapping once, on all weights of a pack
    assert (ops.count("multiply"), ops.count("bitcast_convert")) == (1, 2)
    same_bits(graph, result.graph)


def test_a_pack_is_found_again_when_fetches_are_stacked() -> None:
    graph, each = drawing([(between, (8, 16), 3), (uniform, (5, 7), None)])
    stacked = PackedFetches(each.counts).apply(applied(graph, each).graph, PassContext()).graph
    assert [str(value.type) for value in stacked.outputs] == ["f32[3, 8, 16]", "f32[5, 7]"]
    assert "concatenate" not in names(stacked)
    same_bits(PackedFetches(each.counts).apply(graph, PassContext()).graph, stacked)


def test_what_is_made_can_be_written_down_read_and_verified() -> None:
    graph, each = drawing([(truncated, (8, 16), 4), (normal, (5, 7), 2)])
    result = applied(graph, each).graph
    verify(result)
    read = parse(str(result))
    assert first_difference(result, read) is None


@pytest.mark.parametrize("draw", DRAWS, ids=lambda draw: draw.__name__)
def test_numbers_of_every_kind_have_the_bits_that_they_had(draw: Draw) -> None:
    graph, each = drawing([(draw, (33, 31), 2), (draw, (7,), None), (draw, (), 2)])
    result = applied(graph, each)
    assert "scan" in names(result.graph)
    same_bits(graph, result.graph)


SHAPES = st.lists(st.integers(0, 40), max_size=3).map(tuple)
PACKS = st.tuples(st.sampled_from(DRAWS), SHAPES, st.sampled_from([None, 1, 2, 5]))


@settings(max_examples=12, deadline=None)
@given(st.lists(PACKS, min_size=2, max_size=5))
def test_any_set_of_draws_has_the_bits_that_it_had(packs: Packs) -> None:
    graph, each = drawing(packs)
    result = applied(graph, each)
    verify(result.graph)
    drawn = {(draw, shape) for draw, shape, _ in packs if 0 not in shape}
    if len({shape for _, shape in drawn}) > 1:
        assert result.changed, "draws of several shapes are one"
    same_bits(graph, result.graph)


def test_draws_that_are_many_words_stay() -> None:
    graph, each = drawing([(uniform, (8, 16), 3), (uniform, (4, 8), None)])
    context = PassContext(platform="cpu")
    most = 4 * 7 * 64  # the last row of each draw is filled up
    assert FlatDraws(each.counts, most).apply(graph, context).changed
    assert not FlatDraws(each.counts, most - 1).apply(graph, context).changed
    (reason,) = [reason for _, _, reason in context.trace.refused]
    assert "1,792 bytes of words" in reason


def test_xla_keeps_the_words_and_nothing_else_beside_the_weights() -> None:
    graph, each = drawing([(uniform, (256, 256), 2), (normal, (128, 256), None)])
    found = applied(graph, each)
    result = PackedFetches(each.counts).apply(found.graph, PassContext()).graph
    memory = Executable(result, runs_once=True).memory_analysis()
    words = 4 * found.details["words"]
    assert memory.output_size_in_bytes >= words
    assert words <= memory.temp_size_in_bytes < 1.1 * words


def test_draws_of_one_shape_stay() -> None:
    """The layers of a loop have one hash as well."""
    graph, each = drawing([(uniform, (8, 16), 3), (between, (8, 16), 2)])
    assert not applied(graph, each).changed


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_draws_of_other_types_stay_beside_others(dtype: str) -> None:
    def other(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
        return uniform(build, key, shape, dtype)

    graph, each = drawing([(uniform, (8, 16), 3), (other, (5, 7), 2), (normal, (4,), None)])
    result = applied(graph, each)
    assert names(result.graph).count("random_uniform") == 2
    same_bits(graph, result.graph)


def test_only_programs_of_initial_values_on_the_cpu_are_changed() -> None:
    graph, each = drawing([(uniform, (8, 16), 3), (uniform, (5, 7), 2)])
    assert not applied(graph, each, platform="gpu").changed
    assert not applied(graph, each, memory=MemoryGoal(0)).changed
    pipeline = default_pipeline()
    assert with_flat_draws(pipeline, (3, 2)) is pipeline, "no keys are fed"


def two_of(draw: Draw) -> Packs:
    return [(draw, (8, 16), 2), (uniform, (5, 7), None), (uniform, (3, 7), None)]


def hashed(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    """From a key that is no row of those that are fed."""
    return uniform(build, build.random_fold(key, build.array(np.uint32(1))), shape)


def of_its_sum(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    """Its numbers are used twice."""
    drawn = uniform(build, key, shape)
    total = build.reduce_sum(drawn, axes=(0, 1))
    return build.add(drawn, build.broadcast_in_dim(total, shape=shape, broadcast_dimensions=()))


def of_an_array(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    """Not the same for every element."""
    ramp = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    return build.multiply(uniform(build, key, shape), build.array(ramp))


def turned(build: GraphBuilder, key: Any, shape: tuple[int, ...]) -> Any:
    """Not element by element."""
    return build.transpose(uniform(build, key, shape), permutation=(1, 0))


@pytest.mark.parametrize("draw", [hashed, of_its_sum, of_an_array, turned])
def test_what_is_more_than_a_chain_on_a_draw_stays(draw: Draw) -> None:
    graph, each = drawing(two_of(draw))
    result = applied(graph, each)
    assert names(result.graph).count("random_uniform") == 2
    same_bits(graph, result.graph)


def test_rows_that_are_made_otherwise_stay() -> None:
    """Two weights of a pack with other bounds, and two packs of one draw."""

    build = GraphBuilder()
    keys = build.input(as_type("uint32", (4, 2)), STREAM_KEYS, "feed")
    zero = build.array(np.int32(0))

    def key(row: int) -> Any:
        cut = build.dynamic_slice(keys, build.array(np.int32(row)), zero, slice_sizes=(1, 2))
        return build.reshape(cut, shape=(2,))

    mixed = [uniform(build, key(0), (6, 5)), between(build, key(1), (6, 5))]
    shared = normal(build, key(2), (4, 3))
    graph = build.finish([*mixed, shared, shared, uniform(build, key(3), (9,))])
    result = applied(graph, FlatDraws((2, None, None, None)))
    assert result.details["draws"] == 2, "the shared draw, once, and the last"
    assert names(result.graph).count("random_uniform") == 2
    same_bits(graph, result.graph)


def layers(**options: Any) -> tuple[list[Any], Any]:
    """The initial weights of layers of two shapes, and of the first and last, in a session."""
    with graphc.Graph().as_default() as graph:
        value, weights = graphc.ops.ones((2, 12)), []
        for number in range(6):
            with graphc.name_scope(f"layer{number}"):
                up = graphc.Variable(graphc.random.normal((12, 20), 0.0, 0.1), name="up")
                down = graphc.Variable(graphc.random.uniform((20, 12), -0.1, 0.1), name="down")
                weights += [up, down]
                value = value + graphc.ops.tanh(value @ up) @ down
        last = graphc.Variable(graphc.random.truncated_normal((12, 3)), name="last")
        value = value @ last
    with graphc.Session(graph, seed=4, **options) as session:
        session.run(value)
        return session.run([*weights, last]), session


def test_a_session_draws_the_same_with_and_without() -> None:
    drawn, _ = layers()
    for without in (("layer_rolling",), ("layer_rolling", "variable_packing")):
        written_out, _ = layers(pipeline=default_pipeline().without(*without))
        for one, other in zip(drawn, written_out, strict=True):
            np.testing.assert_array_equal(one, other)

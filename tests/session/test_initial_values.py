"""Initial values hang on the seed and the graph alone, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import graphc
from graphc.ops.tensor import Tensor
from graphc.rewriting.pipeline import Pipeline
from graphc.session.staging import unaligned_copy
from passes.pipelines import default_pipeline

SEED = 11
COUNT = 7


def uniform() -> Tensor:
    return graphc.random.uniform((3, 5))


def normal() -> Tensor:
    return graphc.random.normal((3, 5))


def truncated() -> Tensor:
    return graphc.random.truncated_normal((3, 5), 0.5, 2.0)


def in_a_loop() -> Tensor:
    """Draws in the iterations of a loop, and one outside."""
    start = graphc.random.uniform((3, 5))
    _, total = graphc.ops.while_loop(
        lambda i, total: i < 3,
        lambda i, total: (i + 1, total + graphc.random.uniform((3, 5))),
        (graphc.constant(np.int32(0)), start),
    )
    return total


def of_one_seed() -> Tensor:
    return graphc.random.uniform((3, 5), seed=4)


DRAWS: tuple[Callable[[], Tensor], ...] = (uniform, normal, truncated, in_a_loop, of_one_seed)


def layers_of(draw: Callable[[], Tensor], **options: Any) -> list[np.ndarray[Any, Any]]:
    """The initial weights of some layers, used in one step."""
    with graphc.Graph().as_default() as graph:
        weights = [graphc.Variable(draw()) for _ in range(COUNT)]
        value = graphc.ops.ones((2, 3))
        for weight in weights:
            value = graphc.ops.tanh(value @ weight @ graphc.ops.ones((5, 3)))
    with graphc.Session(graph, seed=SEED, **options) as session:
        session.run(value)
        return session.run(weights)


@pytest.mark.parametrize("draw", DRAWS)
def test_they_are_what_the_first_program_of_a_session_draws(draw: Callable[[], Tensor]) -> None:
    with graphc.Graph().as_default() as graph:
        drawn = [draw() for _ in range(COUNT)]
    with graphc.Session(graph, seed=SEED) as session:
        expected = session.run(drawn)
    np.testing.assert_array_equal(layers_of(draw), expected)
    written_out = default_pipeline().without("layer_rolling")
    np.testing.assert_array_equal(layers_of(draw, pipeline=written_out), expected)


def test_they_are_what_jax_draws_from_the_keys_of_their_streams() -> None:
    base = jax.random.fold_in(jax.random.key(SEED), 0)
    found = layers_of(uniform)
    with graphc.Graph().as_default():
        first = uniform().value.node.inputs[0].node.attributes["stream"]
    for number, weight in enumerate(found):
        key = jax.random.fold_in(base, first + number)
        np.testing.assert_array_equal(weight, jax.random.uniform(key, (3, 5)))


# Bits of the first row of the first weight, and by how much other machines' logarithms may differ.
RECORDED: dict[Callable[[], Tensor], tuple[list[int], int]] = {
    uniform: ([1041774032, 1040332616, 1060718604, 1050263776, 1059426256], 0),
    normal: ([3213191466, 3214010428, 1058542253, 3204843173, 1052820482], 8),
    truncated: ([3216621919, 3218070594, 1070618883, 3204286616, 1067175078], 8),
}


@pytest.mark.parametrize("draw", RECORDED)
def test_they_are_the_same_in_every_version(draw: Callable[[], Tensor]) -> None:
    expected, most = RECORDED[draw]
    row = layers_of(draw)[0][0]
    np.testing.assert_array_max_ulp(row, np.array(expected, np.uint32).view(np.float32), most)


def test_they_are_the_same_from_the_disk_and_without(tmp_path) -> None:
    plain = layers_of(normal)
    for _ in range(2):
        np.testing.assert_array_equal(layers_of(normal, cache_dir=tmp_path / "cache"), plain)


def test_a_variable_that_is_first_used_later_gets_the_same_and_the_session_draws_on() -> None:
    with graphc.Graph().as_default() as graph:
        early, late = (graphc.Variable(uniform()) for _ in range(2))
        drawn = uniform()
    with graphc.Session(graph, seed=SEED) as session:
        session.run(early)
        first, second = session.run(drawn), session.run(drawn)
        apart = session.run([early, late])
    with graphc.Session(graph, seed=SEED) as session:
        np.testing.assert_array_equal(session.run([early, late]), apart)
        np.testing.assert_array_equal(session.run(drawn), first)
        np.testing.assert_array_equal(session.run(drawn), second)


def test_the_seed_of_a_checkpoint_counts(tmp_path) -> None:
    with graphc.Graph().as_default() as graph:
        weight = graphc.Variable(uniform())
    with graphc.Session(graph, seed=SEED) as session:
        expected = session.run(weight)
        session.save(tmp_path / "state")
    with graphc.Session(graph, seed=SEED + 1) as session:
        assert not np.array_equal(session.run(weight), expected)
        session.restore(tmp_path / "state")
        session.store.reset([weight.name], session.compute_initial_values)
        np.testing.assert_array_equal(session.run(weight), expected)


def test_one_that_is_made_of_another_variable_leaves_it_as_it_is() -> None:
    with graphc.Graph().as_default() as graph:
        first = graphc.Variable(np.ones((3, 5), np.float32))
        second = graphc.Variable(first + uniform())
        step = first.assign_add(np.ones((3, 5), np.float32))
    with graphc.Session(graph) as session:
        session.run(step)
        difference = session.run(second) - session.run(first)
        assert difference.min() >= 0
        assert difference.max() < 1
        np.testing.assert_array_equal(session.run(first), np.full((3, 5), 2))


def nothing_drawn() -> Tensor:
    return graphc.ops.where(True, graphc.ops.ones((2,)), graphc.random.uniform((2,)))


def an_empty_draw() -> Tensor:
    return graphc.random.uniform((0, 2))


def a_key() -> Tensor:
    return graphc.random.SeedGenerator(5).next()


@pytest.mark.parametrize("made", [nothing_drawn, an_empty_draw, a_key])
@pytest.mark.parametrize("stages", ["all", "not rolled"])
def test_draws_of_no_use_and_keys_themselves_are_initial_values(made, stages: str) -> None:
    pipeline = default_pipeline()
    if stages == "not rolled":
        pipeline = Pipeline(tuple(s for s in pipeline.stages if s.name != "rolled"))
    with graphc.Graph().as_default() as graph:
        value = made()
        weights = [graphc.Variable(value), graphc.Variable(uniform())]
    with graphc.Session(graph, pipeline=pipeline) as session:
        for weight in weights:  # one by one
            session.run(weight)
        found = session.run(weights)
    with graphc.Session(graph) as session:
        expected = session.run([weight.initial_value for weight in weights])
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


# -- arrays that are given ---------------------------------------------------------------------


def placed(size: int, aside: int) -> np.ndarray[Any, Any]:
    """An array that begins so many bytes after a multiple of 64."""
    room = np.zeros(4 * size + 128, np.uint8)
    start = -room.ctypes.data % 64 + aside
    made = room[start : start + 4 * size].view(np.float32)
    made[:] = np.arange(size)
    return made


@pytest.mark.parametrize("size", [1, 40_000])
@pytest.mark.parametrize("aside", [0, 4, 16])
def test_a_variable_and_the_array_it_was_set_to_do_not_share_memory(size: int, aside: int) -> None:
    with graphc.Graph().as_default() as graph:
        weight = graphc.Variable(np.zeros(size, np.float32))
        step = weight.assign_add(np.ones(size, np.float32))
    with graphc.Session(graph) as session:
        given = placed(size, aside)
        expected = given.copy()
        session.store.arrays[weight.name] = session.store.put(given)
        given[:] = -1  # nothing of it reaches the variable
        session.run(step)  # which is donated
        np.testing.assert_array_equal(session.run(weight), expected + 1)
        np.testing.assert_array_equal(given, np.full(size, -1))
        of_jax = jax.numpy.asarray(expected)
        session.set_variables({weight: of_jax})
        session.run(step)
        np.testing.assert_array_equal(of_jax, expected)
        np.testing.assert_array_equal(session.run(weight), expected + 1)


@pytest.mark.parametrize("dtype", ["float32", "complex128", "bool", "bfloat16", "uint8"])
@pytest.mark.parametrize("shape", [(), (0, 2), (3, 5)])
def test_a_copy_to_place_is_equal_and_out_of_line(dtype: str, shape: tuple[int, ...]) -> None:
    given = np.arange(15).reshape(3, 5)[: shape[0] if shape else 1].astype(jax.numpy.dtype(dtype))
    given = given.reshape(-1)[: int(np.prod(shape))].reshape(shape)
    copied = unaligned_copy(given)
    assert copied.ctypes.data % 64 == 16
    assert not np.shares_memory(copied, given)
    assert copied.dtype == given.dtype
    np.testing.assert_array_equal(copied, given)


def test_columns_of_an_array_are_placed_as_they_are_numbered() -> None:
    given = np.arange(15, dtype=np.float32).reshape(3, 5).T
    np.testing.assert_array_equal(unaligned_copy(given), given)


def test_a_session_and_its_arrays_need_no_programs_of_xla() -> None:
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **_: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    with graphc.Graph().as_default() as graph:
        weight = graphc.Variable(np.zeros((3, 17), np.float32))
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        with graphc.Session(graph) as session:
            session.set_variables({weight: np.ones((3, 17), np.float32)})
        assert not compiled
        jax.jit(lambda x: x + 1)(np.ones((3, 17)))
        assert compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)

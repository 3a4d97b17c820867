"""Random keys: where they come from, and that no two are the same by accident."""

from __future__ import annotations

import jax
import numpy as np

from graphc.ir.node import Value
from graphc.ir.types import as_type
from passes.functional import Functional
from passes.functional.effect_removal import COUNTER, SEED
from tests.passes.built_programs import Program, body, op_names, run, state_names

functional = Functional()
STATE = {SEED: 42, COUNTER: 3}


def base_key() -> jax.Array:
    return jax.random.fold_in(jax.random.key(42, impl="threefry2x32"), 3)


def key_words(*numbers: int) -> np.ndarray:
    """The base of the run, folded with numbers in turn."""
    key = base_key()
    for number in numbers:
        key = jax.random.fold_in(key, np.uint32(number))
    return np.asarray(jax.random.key_data(key))


def test_a_key_is_the_base_of_the_run_folded_with_its_stream() -> None:
    program = Program()
    keys = [program.random_key(stream=stream) for stream in (1, 2)]
    graph = functional(program.graph(*keys)).graph
    assert state_names(graph) == [SEED, COUNTER]
    assert op_names(graph).count("random_base") == 1
    found, updates = run(graph, STATE)
    np.testing.assert_array_equal(found, [key_words(1), key_words(2)])
    assert updates == {COUNTER: 4}


def test_the_counter_is_the_last_update_and_wraps_around() -> None:
    program = Program()
    key = program.random_key(stream=1)
    done = program.put("v", program.number(1))
    graph = functional(program.graph(key, done)).graph
    assert graph.update_names == ("v", COUNTER)
    _, updates = run(graph, {SEED: 0, COUNTER: 2**32 - 1})
    assert updates[COUNTER] == 0


def test_a_program_that_draws_nothing_has_no_counter() -> None:
    program = Program()
    program.random_key(stream=1)
    graph = functional(program.graph(program.get("v"))).graph
    assert state_names(graph) == ["v"]
    assert graph.update_names == ()


def test_a_branch_draws_from_the_base_of_the_run() -> None:
    program = Program()
    flag = program.input(as_type("bool"), "flag", "feed")
    drawing = body(lambda b: [b.random_key(stream=5)])
    other = body(lambda b: [b.full(7, as_type("uint32").dtype, (2,))])
    graph = functional(program.graph(program.cond(flag, regions=(drawing, other)))).graph
    (found,), updates = run(graph, STATE, {"flag": True})
    np.testing.assert_array_equal(found, key_words(5))
    assert updates == {COUNTER: 4}
    (found,), updates = run(graph, STATE, {"flag": False})
    np.testing.assert_array_equal(found, [7, 7])
    assert updates == {COUNTER: 4}


LOOP = 2**32 - 1


def drawing_loop(b: Program, carry: Value) -> list[Value]:
    return [carry, b.random_key(stream=5)]


def test_each_iteration_draws_other_numbers() -> None:
    program = Program()
    drawing = body(drawing_loop, "f32")
    _, keys = program.scan(program.number(0), regions=(drawing,), carries=1, length=3)
    outside = program.random_key(stream=6)
    graph = functional(program.graph(keys, outside)).graph
    (found, top), _ = run(graph, STATE)
    np.testing.assert_array_equal(found, [key_words(LOOP, i, 5) for i in range(3)])
    np.testing.assert_array_equal(top, key_words(6))


def test_nested_loops_fold_both_numbers() -> None:
    def outer(b: Program, carry: Value) -> list[Value]:
        inner = body(drawing_loop, "f32")
        carry, keys = b.scan(carry, regions=(inner,), carries=1, length=2)
        return [carry, keys, b.random_key(stream=4)]

    program = Program()
    _, keys, outer_keys = program.scan(
        program.number(0), regions=(body(outer, "f32"),), carries=1, length=3, reverse=True
    )
    graph = functional(program.graph(keys, outer_keys)).graph
    (found, own), _ = run(graph, STATE)
    # iterations are counted as they run, so backwards the last slice is made first
    expected = [[key_words(LOOP, 2 - i, LOOP, j, 5) for j in range(2)] for i in range(3)]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(own, [key_words(LOOP, 2 - i, 4) for i in range(3)])


def test_a_while_loop_draws_in_its_condition_and_its_body() -> None:
    program = Program()

    def first_word(b: Program, key: Value) -> Value:
        word = b.slice(key, start_indices=(0,), limit_indices=(1,), strides=(1,))
        return b.reshape(word, shape=())

    def condition(b: Program, count: Value, last: Value) -> list[Value]:
        drawn = b.shift_right_logical(first_word(b, b.random_key(stream=1)), b.number(30, "u32"))
        return [b.compare(drawn, b.number(0, "u32"), direction="NE")]

    def step(b: Program, count: Value, last: Value) -> list[Value]:
        return [b.add(count, b.number(1, "i32")), first_word(b, b.random_key(stream=2))]

    regions = (body(condition, "i32", "u32"), body(step, "i32", "u32"))
    count, last = program.while_loop(
        program.number(0, "i32"), program.number(0, "u32"), regions=regions, carries=2
    )
    graph = functional(program.graph(count, last)).graph
    (found, word), _ = run(graph, {SEED: 42, COUNTER: 3})
    iteration = 0
    while key_words(LOOP, iteration, 1)[0] >> 30:
        iteration += 1
    assert iteration > 0
    assert found == iteration
    assert word == key_words(LOOP, iteration - 1, 2)[0]


def test_the_same_seed_and_counter_give_the_same_numbers() -> None:
    program = Program()
    key = program.random_key(stream=1)
    drawn = program.random_uniform(key, dtype="float32", shape=(4,))
    graph = functional(program.graph(drawn)).graph
    first, again = (run(graph, STATE)[0][0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    later, _ = run(graph, {SEED: 42, COUNTER: 4})
    assert not np.any(first == later[0])

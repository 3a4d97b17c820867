"""Sessions: fetches in any nesting, feeds of any tensor, strings, names, threads, seeds."""

from __future__ import annotations

import collections
import threading

import jax
import numpy as np
import pytest

import graphc
from graphc import errors
from graphc.lowering.executable import Executable


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session() as opened:
        yield opened


def test_strings_stay_strings_and_bytes_stay_bytes(session):
    text, raw = graphc.constant("Hello World"), graphc.constant(b"\xff\x00")
    assert session.run(text) == "Hello World"
    assert raw.eval() == b"\xff\x00"
    many = session.run(graphc.constant(["a", "b"]))
    assert many.tolist() == ["a", "b"]


def test_fetches_come_back_in_their_nesting(session):
    Pair = collections.namedtuple("Pair", "left right")
    x = graphc.constant(2.0)
    y, w = x * 3, graphc.Variable(5.0, name="w")
    step = w.assign_add(1.0).op
    name = graphc.constant("n")
    got = session.run({"a": [x, (y, name)], "b": Pair(w, step), "c": y.name, "d": "w"})
    assert got["a"][0] == 2
    assert got["a"][1] == (6, "n")
    assert got["b"] == Pair(5, None)
    assert type(got["b"]) is Pair
    assert got["c"] == 6
    assert got["d"] == 5
    assert session.run([]) == []


def test_any_tensor_can_be_fed(session):
    x = graphc.placeholder("float32", [2], name="x")
    middle = x * 2
    y = middle + 1
    assert session.run(y, {middle: [5.0, 6.0]}).tolist() == [6, 7]
    assert session.run(y, {x: [1.0, 2.0]}).tolist() == [3, 5]
    assert session.run(middle, {middle: [1.0, 1.0]}).tolist() == [1, 1]
    assert session.run("add:0", {"x:0": [0.0, 0.0]}).tolist() == [1, 1]


def test_placeholder_with_default(session):
    x = graphc.placeholder_with_default(3.0, [])
    assert session.run(x * 2) == 6
    assert session.run(x * 2, {x: 5.0}) == 10


def test_results_are_arrays_that_belong_to_the_caller(session):
    w = graphc.Variable(np.zeros(4, np.float32))
    step = w.assign_add(np.ones(4, np.float32))
    before = session.run(w)
    for _ in range(3):
        session.run(step)
    assert before.tolist() == [0, 0, 0, 0]
    before[0] = 7
    assert session.run(w).tolist() == [3, 3, 3, 3]


def test_results_on_the_device_survive_later_steps(session):
    w = graphc.Variable(np.zeros(4, np.float32))
    step = w.assign_add(np.ones(4, np.float32))
    kept = session.run(w, as_numpy=False)
    assert isinstance(kept, jax.Array)
    for _ in range(3):
        session.run(step)
    assert np.asarray(kept).tolist() == [0, 0, 0, 0]


def test_a_feed_that_changes_after_the_run_changes_nothing(session):
    x = graphc.placeholder("float32", [1 << 16])
    w = graphc.Variable(np.zeros(1 << 16, np.float32))
    step = w.assign(x * 1)
    array = np.ones(1 << 16, np.float32)
    result = session.run(step, {x: array}, as_numpy=False)
    array[:] = 5
    assert np.asarray(result).max() == 1
    session.run(step.op, {x: array})
    array[:] = 9
    assert session.run(w).max() == 5


def test_callables_keep_up_with_new_sizes_and_types(session):
    x = graphc.placeholder("float32", [None, 2])
    total = session.make_callable(graphc.ops.sum(x), [x])
    for rows in (1, 3, 3, 2, 0):
        assert total(np.ones((rows, 2), np.float32)) == 2 * rows
    assert total([[1, 2]]) == 3
    assert total(np.ones((2, 2), np.float64)) == 4


def test_64_bit_and_complex_types_are_exact(session):
    big = graphc.constant(np.array(2**40 + 1))
    assert session.run(big + 1) == 2**40 + 2
    fine = graphc.constant(np.array(1 + 1e-12))
    assert session.run(fine - 1.0) == pytest.approx(1e-12, rel=1e-3)
    assert session.run(graphc.constant(np.array(1j)) * 2j) == -2
    assert not jax.config.jax_enable_x64


def test_equal_seeds_draw_equal_numbers_and_runs_differ():
    def draw(seed, count=2):
        with graphc.Graph().as_default(), graphc.Session(seed=seed) as session:
            x = graphc.random.normal([3])
            w = graphc.Variable(graphc.random.uniform([3]))
            return [session.run([x, w]) for _ in range(count)]

    first, second = draw(1), draw(1)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0][0], first[1][0])
    assert np.array_equal(first[0][1], first[1][1])
    assert not np.array_equal(first[0][0], draw(2)[0][0])


def test_threads_share_one_session(session):
    x = graphc.placeholder("float32", [])
    w = graphc.Variable(0.0)
    step = w.assign_add(x)
    read = w * 1
    failures = []

    def work():
        try:
            for _ in range(200):
                session.run(step, {x: np.float32(1)})
                session.run(read)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert session.run(w) == 800


def test_a_new_thread_sees_the_process_default_graph():
    seen = []
    with graphc.Graph().as_default():
        thread = threading.Thread(target=lambda: seen.append(graphc.get_default_graph()))
        thread.start()
        thread.join()
        inner = graphc.get_default_graph()
    assert seen[0] is graphc.get_default_graph()
    assert seen[0] is not inner


def test_variables_initialize_themselves_and_can_be_reset(session):
    w = graphc.Variable(graphc.random.normal([4]), name="w")
    twice = graphc.Variable(w * 2, name="twice")
    first = session.run(twice)
    np.testing.assert_allclose(first, 2 * session.run(w))
    session.run(w.assign(np.zeros(4, np.float32)))
    session.run(graphc.global_variables_initializer())
    np.testing.assert_array_equal(session.run(twice), first)
    np.testing.assert_allclose(session.run(w) * 2, first)


def test_control_dependencies_run_what_they_name(session):
    w = graphc.Variable(1.0)
    with graphc.control_dependencies([w.assign(5.0)]):
        after = w.read_value()
        other = graphc.constant(1.0) + 1
    assert session.run(after) == 5
    session.run(graphc.global_variables_initializer())
    assert session.run(other) == 2
    assert session.run(w) == 5


def test_a_session_may_be_the_default_without_being_closed():
    with graphc.Graph().as_default() as graph:
        x = graphc.constant(2.0)
    session = graphc.Session(graph=graph)
    with session.as_default():
        assert (x * 2).eval() == 4
    assert session.run(x) == 2


def test_names_are_unique_and_scoped(session):
    with graphc.name_scope("block"):
        x = graphc.constant(1.0, name="x")
    with graphc.name_scope("block"):
        y = graphc.constant(1.0, name="x")
    assert (x.name, y.name) == ("block/x:0", "block_1/x:0")
    assert session.graph.get_tensor_by_name("block/x:0") is x
    assert session.graph.get_operation_by_name("block_1/x").outputs[0] is y


def test_devices_print_as_in_tensorflow(session):
    (device, *_) = session.list_devices()
    kind = device.device_type
    assert kind in ("CPU", "GPU", "TPU")
    assert str(device).startswith(f"_DeviceAttributes(/device:{kind}:0, {kind},")
    with graphc.Session(graph=session.graph, device="cpu:0") as placed:
        assert placed.run(graphc.Variable(2.0) * 2) == 4


def test_a_parsed_graph_runs_in_a_session(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = graphc.ops.tanh(x * 2, name="y")
    text = session.dump(y, stage="canonical")
    with graphc.Session(graph=graphc.parse(text)) as other:
        np.testing.assert_allclose(
            other.run("y:0", {"x:0": [0.1, 0.2]}), session.run(y, {x: [0.1, 0.2]}), rtol=1e-6
        )


def test_a_variable_is_a_number_outside_of_what_is_being_built(session):
    """As in Keras's callbacks: `float(model.optimizer.learning_rate)`."""
    w, grid = graphc.Variable(2.5), graphc.Variable([[1, 2], [3, 4]])
    assert float(w) == 2.5
    assert int(graphc.Variable(7)) == 7
    assert np.asarray(grid).tolist() == [[1, 2], [3, 4]]
    assert np.array(grid, dtype="float32").dtype == np.float32
    session.run(w.assign_add(1.0))
    assert float(w) == 3.5
    assert graphc.ops.convert_to_numpy(w) == 3.5
    assert graphc.ops.convert_to_numpy(w * 2) == 7

    def frozen(x):
        return x * float(w)

    with pytest.raises(errors.GraphcError, match="no number yet"):
        graphc.layers.Lambda(frozen)(np.ones((1, 1)))
    with pytest.raises(errors.GraphcError, match="no value before"):
        graphc.layers.Lambda(lambda x: x + graphc.ops.convert_to_numpy(x))(np.ones((1, 1)))


def test_a_program_is_compiled_once_while_initial_values_are_computed(session, monkeypatch):
    compiled: list[str] = []
    compile_ = Executable.compile

    def watched(self):
        if self._compiled is None:
            compiled.append(threading.current_thread().name)
        return compile_(self)

    monkeypatch.setattr(Executable, "compile", watched)
    weights = graphc.Variable(graphc.random.uniform((3, 2)))
    total = graphc.ops.sum(weights * 2.0)
    first = session.run(total)
    assert first == pytest.approx(2 * session.run(weights).sum())
    assert "compile graph" in compiled  # beside the program of initial values


def test_who_calls_a_program_is_told_that_it_cannot_be_compiled(session, monkeypatch):
    weights = graphc.Variable(graphc.random.uniform((3, 2)))
    session.run(weights)
    doubled = graphc.Variable(np.ones((3, 2), np.float32)) * weights

    def refuse(self):
        raise ValueError("no room to compile")

    monkeypatch.setattr(Executable, "compile", refuse)  # beside the initial value and in the call
    with pytest.raises(errors.ExecutionError, match="no room to compile"):
        session.run(doubled)
    monkeypatch.undo()
    np.testing.assert_array_equal(session.run(doubled), session.run(weights))

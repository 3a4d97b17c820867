"""Many threads hammer one session, and the answer is that of one thread after another.

For three seconds; `GRAPHC_HAMMER_SECONDS=60 pytest tests/session/test_threads.py` for a minute.
"""

from __future__ import annotations

import collections
import os
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import graphc
from graphc import settings
from graphc.session.checkpoint import read_variables, write_variables

SECONDS = float(os.environ.get("GRAPHC_HAMMER_SECONDS", "3"))
PATIENCE = 120.0  # a thread that is not done so long after the end never will be
SIZE = 257


class Crew:
    """Threads that repeat a job until time is over; any of them may fail.

    Attributes:
        done: by job, how often it was done.
        failures: what went wrong.
    """

    def __init__(self, seconds: float) -> None:
        self.done: collections.Counter[str] = collections.Counter()
        self.failures: list[BaseException] = []
        self._end = time.monotonic() + seconds
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def add(self, job: Callable[[int], object], times: int = 1) -> None:
        """Let `times` threads do a job, which is told the number of each repetition."""
        for _ in range(times):
            self._threads.append(threading.Thread(target=self._work, args=(job,), daemon=True))

    def _work(self, job: Callable[[int], object]) -> None:
        count = 0
        try:
            while time.monotonic() < self._end and not self.failures:
                job(count)
                count += 1
        except BaseException as error:
            self.failures.append(error)
        with self._lock:
            self.done[job.__name__] += count

    def run(self) -> None:
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # what can be torn apart will be
        try:
            for thread in self._threads:
                thread.start()
            for thread in self._threads:
                thread.join(max(0.0, self._end - time.monotonic()) + PATIENCE)
        finally:
            sys.setswitchinterval(interval)
        alive = [thread.name for thread in self._threads if thread.is_alive()]
        if self.failures:
            raise self.failures[0]
        assert not alive, f"these threads wait for each other: {alive}"


@pytest.mark.parametrize("donate", [True, False])
def test_a_hammered_session_gives_the_serial_answer(tmp_path, donate):
    graph = graphc.Graph()
    with graph.as_default():
        x = graphc.placeholder("float32", [SIZE], name="x")
        left = graphc.Variable(np.zeros(SIZE, np.float32), name="left")
        right = graphc.Variable(np.zeros(SIZE, np.float32), name="right")
        count = graphc.Variable(np.int64(0), trainable=False, name="count")
        first = graphc.Variable(np.full(3, 1.0), name="first")
        second = graphc.Variable(np.full(3, 1.0), name="second")
        late = [graphc.Variable(graphc.random.normal([2]), name=f"late{i}") for i in range(4)]
        swing = graphc.group(left.assign_add(x), right.assign_sub(x), count.assign_add(1))
        balance, weighed = left + right, (left + right) * graphc.ops.sum(x)
        tally = graphc.Variable(np.int64(0), trainable=False, name="tally").assign_add(1)
        rows = [graphc.Variable(np.zeros(4, np.float32), name=f"row{i}") for i in range(8)]
        step_rows = graphc.group(*[row.assign_add(x[:4]) for row in rows])
        sums = graphc.ops.sum(graphc.ops.stack([row * 1.0 for row in rows]), axis=1) + x[0] * 0.0
        noise = graphc.random.uniform([2], dtype="float64")
        both = graphc.group(first.assign(first + 1.0), second.assign(second + 1.0))
        total = graphc.ops.sum(graphc.placeholder("float32", [None], name="any"))
        read_left = left * 1.0 + x * 0.0
        drawn_once = [variable * 1.0 for variable in late]
    session = graphc.Session(graph=graph, seed=11, donate=donate)
    ones = np.ones(SIZE, np.float32)
    session.run(count)
    draws: list[bytes] = []
    counted: list[int] = []
    step = session.make_callable(swing, [x])
    drawing = threading.Lock()
    swings = [0]

    def swing_by_callable(number):
        step(ones)

    def swing_by_run(number):
        session.run([swing, noise] if number % 8 == 7 else swing, {x: ones}) and None
        if number % 8 == 7:
            with drawing:
                swings[0] += 1

    def count_up(number):
        counted.append(int(session.run(tally)))

    def move_rows(number):
        session.run(step_rows, {x: ones})

    def read_rows(number):
        given = session.run(sums, {x: ones})
        assert (given == given[0]).all(), "some rows of a pack were read before a step"

    def read_balance(number):
        given = session.run(balance)
        assert not given.any(), "one variable was read before a step, the other after it"

    def read_weighed(number):
        weigh = session.make_callable(weighed, [x]) if number % 50 == 0 else read_weighed.call
        read_weighed.call = weigh
        assert not weigh(ones).any()

    def read_one(number):
        given = session.run(read_left, {x: ones})
        assert (given == given[0]).all()

    def draw(number):
        draws.append(session.run(noise).tobytes())

    def any_size(number):
        rows = 1 + number % 13
        assert session.run(total, {"any:0": np.ones(rows, np.float32)}) == rows

    def step_both(number):
        session.run(both)

    def read_both(number):
        one, two = session.run([first, second])
        assert (one == two).all(), "half of a checkpoint was restored, or half of a step done"

    def save(number):
        path = tmp_path / f"saved{threading.get_ident()}"
        session.save(path)
        arrays = read_variables(path)
        assert not (arrays["left"] + arrays["right"]).any()
        assert (arrays["first"] == arrays["second"]).all()

    def restore(number):
        path = tmp_path / f"restored{threading.get_ident()}"
        write_variables(path, {name: np.full(3, float(number)) for name in ("first", "second")})
        session.restore(path)

    def build_and_compile(number):
        factor = 1.0 + number
        with graph.as_default(), graph.name_scope("built"):
            assigned = late[0].assign(late[0] * 1.0)
            with graph.control_dependencies([assigned]):
                made = x * factor
        assert "built" in made.name
        assert (session.run(made, {x: ones}) == factor).all()
        time.sleep(0.01)

    def initialize_late(number):
        session.run(drawn_once[number % 4])

    def check_numbers(number):
        assert not session.run(balance, check_numerics=True).any()

    crew = Crew(SECONDS)
    for job in (swing_by_callable, swing_by_run, read_balance, read_weighed, read_one, any_size):
        crew.add(job, 2)
    crew.add(draw, 3)
    crew.add(count_up, 3)
    crew.add(move_rows)
    crew.add(read_rows, 2)
    for job in (step_both, read_both, save, restore, initialize_late, check_numbers):
        crew.add(job)
    crew.add(build_and_compile, 2)
    crew.run()

    steps = crew.done["swing_by_callable"] + crew.done["swing_by_run"]
    assert session.run(count) == steps
    assert (session.run(left) == steps).all()
    assert sorted(counted) == list(range(1, crew.done["count_up"] + 1))
    assert all(times > 0 for times in crew.done.values()), crew.done
    # Each draw is one of those that a single thread would have made, and none was made twice.
    assert len(set(draws)) == len(draws) == crew.done["draw"]
    with graphc.Session(graph=graph, seed=11) as alone:
        serial = {alone.run(noise).tobytes() for _ in range(min(len(draws) + swings[0], 2000))}
    assert set(draws[: len(serial) // 2]) & serial
    if len(draws) + swings[0] <= 2000:
        assert set(draws) <= serial
        assert len(serial - set(draws)) == swings[0]
    with graphc.Session(graph=graph, seed=11) as alone:
        for variable in late[1:]:
            np.testing.assert_array_equal(session.run(variable), alone.run(variable))


def test_scopes_and_control_dependencies_are_those_of_their_thread():
    graph = graphc.Graph()
    with graph.as_default():
        w = graphc.Variable(1.0, name="w")
        step = w.assign_add(1.0)
    inside, done = threading.Event(), threading.Event()
    made = []

    def build():
        with graph.as_default():
            inside.wait(10)
            made.append(graphc.constant(1.0, name="theirs") + 1.0)
        done.set()

    thread = threading.Thread(target=build)
    thread.start()
    with graph.as_default(), graph.name_scope("mine"), graph.control_dependencies([step]):
        inside.set()
        done.wait(10)
        own = graphc.constant(1.0) + 1.0
    thread.join()
    assert own.name.startswith("mine/")
    assert not made[0].name.startswith("mine/")
    with graphc.Session(graph=graph) as session:
        session.run(made[0])
        assert session.run(w) == 1
        session.run(own)
        assert session.run(w) == 2


def test_two_sizes_at_once_never_get_each_other_s_program():
    graph = graphc.Graph()
    with graph.as_default():
        x = graphc.placeholder("float32", [None, 2], name="x")
        y = x * 2.0
    for _ in range(20):
        session = graphc.Session(graph=graph)
        session.run(y, {x: np.ones((1, 2), np.float32)})
        session.run(y, {x: np.ones((2, 2), np.float32)})
        session._plans.clear()  # a plan that has not run yet, whose program knows both sizes
        call = session.make_callable(y, [x])
        barrier = threading.Barrier(2)
        shapes = []

        def work(rows, call=call, barrier=barrier, shapes=shapes):
            array = np.ones((rows, 2), np.float32)
            barrier.wait()
            shapes.extend((rows, call(array).shape) for _ in range(5))

        threads = [threading.Thread(target=work, args=(rows,)) for rows in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(shapes) == 10
        assert all(shape == (rows, 2) for rows, shape in shapes)


# -- how many sizes are kept -----------------------------------------------------------------------


def test_the_sizes_that_were_not_used_for_longest_are_let_go():
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None], name="x")
        y = graphc.ops.sum(x * 2.0)
        program = session.compile(y, [x])

        def sizes():
            return sorted(signature.sizes["n0"] for signature in program._signatures.values())

        with settings.override(kept_sizes=3):
            for rows in (1, 2, 3, 1, 4, 5):
                assert session.run(y, {x: np.ones(rows, np.float32)}) == 2 * rows
                assert len(program._signatures) <= 3
            assert 5 in sizes()
            assert 2 not in sizes()
            for rows in (2, 1, 3):  # compiled again, or kept by the plan
                assert session.run(y, {x: np.ones(rows, np.float32)}) == 2 * rows
        with settings.override(kept_sizes=0):
            for rows in range(1, 8):
                session.run(y, {x: np.ones(rows, np.float32)})
            assert len(program._signatures) >= 6

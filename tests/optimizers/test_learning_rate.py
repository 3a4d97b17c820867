"""The learning rate is read and set while training, without a new program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax.monitoring
import pytest

import graphc
from graphc import errors
from graphc.optimizers import SGD, LossScaleOptimizer, schedules


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Notes every program that XLA compiles inside the block."""
    found: list[str] = []

    def note(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if "backend_compile" in event:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def test_nothing_is_compiled_when_the_rate_is_read_and_set() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        w = graphc.Variable(1.0)
        optimizer = SGD(0.5)
        with compilations() as first:
            step = optimizer.minimize(w * 2.0)
            session.run(step)
            assert optimizer.current_learning_rate() == 0.5
        assert first, "the events of the compiler are seen"
        with compilations() as found:
            for rate in (0.25, 0.125):
                optimizer.learning_rate = rate
                session.run(step)
                assert optimizer.current_learning_rate() == rate
        assert found == []
        assert session.run(w) == 1 - 2 * (0.5 + 0.25 + 0.125)


def test_the_rate_of_a_schedule_is_that_of_the_next_step() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        optimizer = SGD(schedules.InverseTimeDecay(0.5, 1, 1.0))
        with pytest.raises(errors.GraphcError, match="no step is built"):
            optimizer.current_learning_rate()
        step = optimizer.minimize(graphc.Variable(1.0) * 2.0)
        rates = []
        for _ in range(3):
            rates.append(optimizer.current_learning_rate())
            session.run(step)
        assert rates == pytest.approx([0.5, 0.25, 0.5 / 3])


def test_each_session_has_its_own_rate() -> None:
    with graphc.Graph().as_default() as graph:
        optimizer = SGD(0.5)
        assert optimizer.current_learning_rate() == 0.5
        step = optimizer.minimize(graphc.Variable(1.0) * 2.0)
    with pytest.raises(errors.GraphcError, match="no session is open"):
        optimizer.current_learning_rate()
    first, second = graphc.Session(graph), graphc.Session(graph)
    optimizer.set_learning_rate(0.25, first)
    for session, rate in ((first, 0.25), (second, 0.5)):
        assert optimizer.current_learning_rate(session) == rate
        session.run(step)


def test_a_graph_whose_models_have_a_session_needs_no_open_one() -> None:
    with graphc.Graph().as_default():
        w = graphc.Variable(1.0)
        optimizer = SGD(0.5)
        optimizer.minimize(w * 2.0)
        assert w.numpy() == 1.0
        optimizer.learning_rate = 0.25
        assert optimizer.current_learning_rate() == 0.25
        assert optimizer.learning_rate.numpy() == 0.25


def test_a_loss_scale_hands_the_rate_through() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        inner = SGD(0.5)
        optimizer = LossScaleOptimizer(inner)
        optimizer.learning_rate = 0.25
        assert inner.learning_rate == 0.25
        session.run(optimizer.minimize(graphc.Variable(1.0) * 2.0))
        optimizer.learning_rate = 0.125
        assert inner.current_learning_rate() == 0.125
        assert optimizer.current_learning_rate() == 0.125

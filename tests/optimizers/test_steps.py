"""Steps built in Keras's ways, constraints, loss scales, and what failures leave behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import graphc
from graphc import errors, ops
from graphc.optimizers import SGD, Adam, LossScaleOptimizer, Muon, ScheduleFreeAdamW


@pytest.fixture
def session() -> Iterator[graphc.Session]:
    with graphc.Graph().as_default(), graphc.Session() as opened:
        yield opened


def test_an_optimizer_is_built_before_its_step(session: graphc.Session) -> None:
    a, b = graphc.Variable([1.0, 2.0], name="a"), graphc.Variable(1.0, name="b")
    optimizer = SGD(0.5, momentum=0.5, use_ema=True, gradient_accumulation_steps=2)
    assert not optimizer.built
    optimizer.build([a, b])
    assert optimizer.built
    names = [variable.name for variable in optimizer.variables]
    step = optimizer.apply([[1.0, 1.0], None])
    again = optimizer.apply_gradients([([1.0, 1.0], a), (1.0, b)])
    assert [variable.name for variable in optimizer.variables] == names
    assert names[:4] == [
        "sgd/iterations",
        "sgd/learning_rate",
        "sgd/a/gradient_accumulator",
        "sgd/b/gradient_accumulator",
    ]
    session.run(step)
    session.run(again)
    found = session.run([a, b])
    np.testing.assert_allclose(found[0], [0.5, 1.5])
    assert found[1] == 0.75
    with pytest.raises(errors.GraphcError, match="a gradient for each variable"):
        optimizer.apply([1.0])


def test_keras_spells_assignments_as_methods(session: graphc.Session) -> None:
    w = graphc.Variable(1.0)
    optimizer = SGD()
    session.run(optimizer.assign(w, 5.0))
    session.run(optimizer.assign_add(w, 2.0))
    session.run(optimizer.assign_sub(w, 1.0))
    assert session.run(w) == 6.0


def test_integers_are_not_trained_and_do_no_harm(session: graphc.Session) -> None:
    w, count = graphc.Variable(2.0), graphc.Variable(3)
    assert count.trainable
    session.run(SGD(0.5).minimize(w * ops.cast(count, "float32")))
    assert session.run([w, count]) == [0.5, 3]


def test_constraints_hold_after_every_step(session: graphc.Session) -> None:
    w = graphc.Variable([1.0, -1.0])
    w.constraint = ops.relu
    kept = graphc.Variable([1.0, -1.0])
    kept.constraint = lambda value: value / ops.sqrt(ops.sum(ops.square(value)))
    optimizer = SGD(0.5, use_ema=True, ema_momentum=0.5)
    step = optimizer.apply_gradients([([4.0, 1.0], w), ([0.0, 1.0], kept)])
    session.run(step)
    found = session.run([w, kept, *optimizer.variables[-2:]])
    np.testing.assert_allclose(found[0], [0, 0])
    np.testing.assert_allclose(found[1], np.array([1.0, -1.5]) / np.sqrt(3.25), rtol=1e-6)
    np.testing.assert_allclose(found[2:], [[-1, -1.5], [1, -1.5]])  # Keras averages before


def test_a_loss_scale_falls_where_gradients_overflow_and_rises_after(
    session: graphc.Session,
) -> None:
    w = graphc.Variable(np.float16(1.0))
    factor = graphc.placeholder("float16", [])
    optimizer = LossScaleOptimizer(SGD(0.5, momentum=0.5), 1024.0, 2)
    step = optimizer.minimize(w * factor)
    history = []
    for value in (1.0, 1.0, 1000.0, 1.0, 1.0):
        session.run(step, {factor: value})
        history.append(session.run([optimizer.dynamic_scale, optimizer.step_counter]))
    assert [(float(scale), int(count)) for scale, count in history] == [
        (1024.0, 1),
        (2048.0, 0),
        (1024.0, 0),
        (1024.0, 1),
        (2048.0, 0),
    ]
    assert session.run(optimizer.iterations) == 4
    momentum, expected = 0.0, 1.0
    for _ in range(4):
        momentum = 0.5 * momentum - 0.5
        expected += momentum
    assert session.run(w) == expected


def test_a_loss_scale_takes_nothing_that_belongs_to_the_inner_optimizer() -> None:
    LossScaleOptimizer(SGD(), weight_decay=None, use_ema=False, dynamic=True)
    for given, words in (
        ({"weight_decay": 0.1}, "inner optimizer"),
        ({"dynamic": False}, "loss_scale_factor"),
        ({"initial_scal": 1.0}, "initial_scale"),
        ({"dynamic_growth_steps": 0}, "whole number above 0"),
    ):
        with pytest.raises(errors.GraphcError, match=words):
            LossScaleOptimizer(SGD(), **given)
    with pytest.raises(errors.GraphcError, match="without a loss scale"):
        LossScaleOptimizer(LossScaleOptimizer("sgd"))


def test_a_loss_scale_is_described_with_what_it_wraps() -> None:
    first = LossScaleOptimizer(Adam(0.1, amsgrad=True, loss_scale_factor=8.0), 64.0)
    again = graphc.optimizers.deserialize(graphc.optimizers.serialize(first))
    assert again.get_config() == first.get_config()
    assert again.inner_optimizer.hyperparameters["amsgrad"] == 1.0
    assert again.inner_optimizer.options.loss_scale_factor is None


@pytest.mark.parametrize("make", [SGD, lambda rate: LossScaleOptimizer(Adam(rate))])
def test_a_step_that_fails_leaves_no_trace(session: graphc.Session, make: object) -> None:
    w = graphc.Variable([1.0, 2.0])
    optimizer = make(0.5)  # type: ignore[operator]
    before = list(session.graph.variables)
    with pytest.raises(errors.ShapeError):
        optimizer.apply_gradients([([1.0, 2.0, 3.0], w)])
    assert list(session.graph.variables) == before
    assert not optimizer.built
    session.run(optimizer.apply_gradients([([1.0, 2.0], w)]))
    assert session.run(optimizer.iterations) == 1


def test_an_average_begins_at_the_weights_that_were_loaded(session: graphc.Session) -> None:
    """A slot that begins as its variable is what that is at the first step."""
    w = graphc.Variable([1.0, 2.0])
    step = ScheduleFreeAdamW(0.5).apply_gradients([([1.0, -1.0], w)])
    session.set_variables({w: [5.0, 7.0]})
    session.run(step)
    np.testing.assert_allclose(session.run(w), [4.5, 7.5], rtol=1e-5)


def test_a_step_in_a_branch_is_refused_with_what_to_do(session: graphc.Session) -> None:
    """It would be done in the graph of its variables, whichever branch is chosen."""
    w = graphc.Variable(2.0)
    chosen = graphc.placeholder("bool", [])
    loss, optimizer = graphc.ops.square(w), SGD(0.1)
    pairs = [(graphc.gradients(loss, w), w)]
    for build in (lambda: optimizer.minimize(loss), lambda: optimizer.apply_gradients(pairs)):
        with pytest.raises(errors.StateError, match=r"minimize\(cond\(") as caught:
            graphc.cond(chosen, build, lambda: graphc.constant(0.0))
        assert "test_steps.py" in str(caught.value)
    train = optimizer.minimize(graphc.cond(chosen, lambda: loss, lambda: 0.0 * w))
    by_hand = graphc.cond(
        chosen,
        lambda: w.assign_sub(0.1 * graphc.gradients(graphc.ops.square(w), w)),
        lambda: graphc.ops.copy(w),
    )
    for what in (train, by_hand):
        session.set_variables({w: 2.0})
        session.run(what, {chosen: False})
        assert session.run(w) == 2.0
        session.run(what, {chosen: True})
        assert session.run(w) == pytest.approx(1.6)


def test_muon_leaves_what_is_no_matrix_to_adam(session: graphc.Session) -> None:
    names = {"kernel": (2, 3), "bias": (3,), "my_Embeddings": (2, 3), "top/kernel": (3, 2)}
    variables = [graphc.Variable(np.ones(s, np.float32), name=n) for n, s in names.items()]
    rules = {
        variable.name: Muon(exclude_layers=["^top"]).step_of(variable).rule
        for variable in variables
    }
    assert list(rules.values()) == ["muon", "adam", "adam", "adam"]
    assert Muon(exclude_embeddings=False).step_of(variables[2]).rule == "muon"
    with pytest.raises(errors.GraphcError, match="ns_steps"):
        Muon(ns_steps=1.5)

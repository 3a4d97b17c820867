"""Optimizers, schedules and metrics that users write as they do for Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, layers, ops, optimizers

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(12, 2)
Y = (X[:, :1] * 2 - X[:, 1:] + 0.5).astype(np.float32)


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


class Heavy(optimizers.Optimizer):
    """A moving ball, which reads what the line above has assigned."""

    def __init__(self, learning_rate: Any = 0.1, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.speeds = self.add_optimizer_variables(variables, "speed")
        self.count = self.add_variable((), name="count")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        speed = self.speeds[self._get_variable_index(variable)]
        self.assign(speed, ops.add(speed * self.momentum, gradient))
        self.assign_sub(variable, ops.multiply(learning_rate, speed))
        self.assign_add(self.count, 1.0)


def linear(optimizer: Any) -> Any:
    model = graphc.Sequential([graphc.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1, "clipnorm": 0.5},
        {"use_ema": True, "ema_overwrite_frequency": 2, "ema_momentum": 0.5},
        {"loss_scale_factor": 8.0},
    ],
)
def test_a_step_that_is_written_out_is_that_of_the_rule(options: dict[str, Any]) -> None:
    own, rule = linear(Heavy(0.05, **options)), linear(optimizers.SGD(0.05, 0.9, **options))
    for model in (own, rule):
        model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for mine, theirs in zip(own.get_weights(), rule.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    assert int(own.optimizer.iterations) == 6
    assert float(own.optimizer.count) == 12  # a kernel and a bias
    assert own.optimizer.get_config()["momentum"] == 0.9


def test_it_makes_steps_in_a_session_with_a_constraint() -> None:
    w = graphc.Variable(np.float32([1.0, -1.0]), name="w")
    w.constraint = graphc.constraints.NonNeg()
    train = Heavy(0.5).minimize(ops.sum(ops.square(w)))
    with graphc.Session() as session:
        for _ in range(2):
            session.run(train)
        np.testing.assert_allclose(session.run(w), [0.0, 0.9], atol=1e-6)
        session.run(graphc.global_variables_initializer())
        session.run(train)
        np.testing.assert_allclose(session.run(w), [0.0, 0.0], atol=1e-6)


def test_a_step_of_a_rule_can_be_made_twice_as_large() -> None:
    class Twice(optimizers.SGD):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, 2.0 * learning_rate)

    models = linear(Twice(0.05, 0.9)), linear(optimizers.SGD(0.1, 0.9))
    for model in models:
        model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(models[0].get_weights()[0], models[1].get_weights()[0], rtol=1e-5)


def test_what_cannot_be_written_out_is_refused() -> None:
    class Nothing(optimizers.Optimizer):
        pass

    with pytest.raises(errors.GraphcError, match="update_step"):
        Nothing(0.1)
    with pytest.raises(errors.GraphcError, match="made every time"):
        linear(Heavy(0.1, gradient_accumulation_steps=2)).fit(X, Y, verbose=0)
    with pytest.raises(errors.GraphcError, match="made every time"):
        linear(optimizers.LossScaleOptimizer(Heavy(0.1))).fit(X, Y, verbose=0)
    other = graphc.Variable(1.0, name="other")
    model = linear(Heavy(0.1))
    model.fit(X, Y, verbose=0)
    with pytest.raises(errors.GraphcError, match="'other'"):
        model.optimizer.apply_gradients([(ops.ones(()), other)])


def test_a_schedule_may_be_a_call() -> None:
    class Warm(optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 0.1 / (ops.cast(step, "float32") + 1.0)

    own = linear(optimizers.SGD(Warm()))
    rule = linear(optimizers.SGD(optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0)))
    for model in (own, rule):
        model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(own.get_weights()[0], rule.get_weights()[0], rtol=1e-6)


class Balance(graphc.metrics.Metric):
    """A metric that is made of two."""

    def __init__(self, name: str = "balance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.parts = [graphc.metrics.Precision(), graphc.metrics.Recall()]
        self.batches = self.add_variable((), name="batches")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        for part in self.parts:
            part.update_state(y_true, y_pred, sample_weight)
        self.batches.assign_add(1.0)

    def result(self) -> Any:
        return self.parts[0].result() + 10 * self.parts[1].result() + 100 * self.batches

    def reset_state(self) -> None:
        for part in self.parts:
            part.reset_state()
        self.batches.assign(0.0)


def test_metrics_inside_of_metrics_begin_anew_in_each_epoch() -> None:
    model = graphc.Sequential([graphc.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizers.SGD(0.0), "mse", metrics=[Balance()])
    scores, truth = X[:, :1] + 0.6, (X[:, :1] > 0).astype(np.float32)
    history = model.fit(scores, truth, batch_size=4, epochs=3, verbose=0,
                        validation_data=(scores, truth)).history  # fmt: skip
    hits, found, there = ((scores > 0.5) * truth).sum(), (scores > 0.5).sum(), truth.sum()
    expected = hits / found + 10 * hits / there
    np.testing.assert_allclose(history["balance"], [expected + 300] * 3, rtol=1e-6)
    np.testing.assert_allclose(history["val_balance"], [expected + 300] * 3, rtol=1e-6)


def test_a_reset_that_a_user_wrote_takes_place_at_once() -> None:
    metric = Balance()
    for _ in range(2):
        metric.update_state(np.float32([1, 0]), np.float32([0.9, 0.8]))
        assert float(metric.result().numpy()) == 110.5
        metric.reset_state()
        assert [float(np.sum(v.numpy())) for v in metric.variables] == [0] * 5

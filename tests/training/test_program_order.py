"""A user's train_step: its lines follow one another, as in Keras, and no gradient passes a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers, ops

X = np.array([[1.0], [2.0]], np.float32)


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


class TwoSides(graphc.Model):
    """Two numbers that are trained in turn, on each other."""

    second: Any

    def __init__(self) -> None:
        super().__init__()
        self.a = self.add_weight(shape=(), initializer="ones", name="a")
        self.b = self.add_weight(shape=(), initializer="ones", name="b")

    def call(self, x: Any) -> Any:
        return x * self.a

    def train_step(self, data: Any) -> dict[str, Any]:
        x, _, _ = data
        for _ in range(2):
            loss = ops.mean(ops.square(self(x) - 3.0 * self.b))
            gradients = graphc.gradients(loss, [self.a])
            self.optimizer.apply_gradients(zip(gradients, [self.a], strict=True))
        other = ops.mean(self(x) * self.b)
        self.second.minimize(other, [self.b])
        self.a.assign(self.a * 2.0)
        return {"loss": loss, "other": other, "a": self.a + 0.0, "b": self.b + 0.0}


def by_hand(epochs: int, rate: Any) -> list[list[float]]:
    """The same in NumPy, line by line; `rate` makes a step of a gradient."""
    a = b = 1.0
    rows = []
    x = X.astype(np.float64)
    for _ in range(epochs):
        for _ in range(2):
            error = x * a - 3 * b
            loss = np.mean(error**2)
            a -= rate(np.mean(2 * error * x))
        other = np.mean(x * a * b)
        b -= 0.1 * np.mean(x * a)
        a *= 2
        rows.append([loss, other, a, b])
    return rows


class Adam:
    """Adam's step, in NumPy."""

    def __init__(self) -> None:
        self.count, self.mean, self.square = 0, 0.0, 0.0

    def __call__(self, gradient: float) -> float:
        self.count += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        rate = 0.1 * np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        return rate * self.mean / (np.sqrt(self.square) + 1e-7)


@pytest.mark.parametrize(("name", "rate"), [("SGD", lambda g: 0.1 * g), ("Adam", Adam())])
def test_lines_follow_one_another(name: str, rate: Any) -> None:
    model = TwoSides()
    model.compile(getattr(graphc.optimizers, name)(0.1))
    model.second = graphc.optimizers.SGD(0.1)
    history = model.fit(X, epochs=3, verbose=0).history
    found = np.transpose([history[key] for key in ("loss", "other", "a", "b")])
    np.testing.assert_allclose(found, by_hand(3, rate), rtol=2e-5)
    np.testing.assert_allclose([float(model.a), float(model.b)], found[-1, 2:], rtol=1e-6)


def test_a_gradient_of_what_was_computed_before_a_step_is_that_of_the_old_weights() -> None:
    class Late(TwoSides):
        def train_step(self, data: Any) -> dict[str, Any]:
            x, _, _ = data
            first, second = ops.mean(self(x)), ops.mean(self(x) * self.a)
            self.optimizer.minimize(first, [self.a])
            both = second + ops.mean(self(x) * self.b)  # of the old weight, and of the new
            (gradient,) = graphc.gradients(both, [self.a])
            return {"gradient": gradient, "both": both}

    model = Late()
    model.compile(graphc.optimizers.SGD(0.2))
    history = model.fit(X, verbose=0).history
    np.testing.assert_allclose(history["gradient"], [2 * 1.5 + 1.5], rtol=1e-6)
    np.testing.assert_allclose(history["both"], [1.5 + (1 - 0.3) * 1.5], rtol=1e-6)


def test_the_gradient_of_a_side_does_not_pass_the_step_of_the_other() -> None:
    class Game(TwoSides):
        def train_step(self, data: Any) -> dict[str, Any]:
            x, _, _ = data
            self.optimizer.minimize(ops.mean(self(x) * self.b), [self.a])  # a falls with b
            score = ops.mean(self(x) * self.b)
            (gradient,) = graphc.gradients(score, [self.b])
            return {"gradient": gradient}

    model = Game()
    model.compile(graphc.optimizers.SGD(0.2))
    history = model.fit(X, verbose=0).history
    np.testing.assert_allclose(history["gradient"], [1.5 * (1 - 0.2 * 1.5)], rtol=1e-6)


def test_no_gradient_passes_an_assignment_under_control_dependencies() -> None:
    """As in TensorFlow 1: what was assigned is state."""
    a, b = graphc.Variable(2.0), graphc.Variable(3.0)
    assigned = a.assign(a - 0.1 * graphc.gradients(a * a * b, a))
    with graphc.control_dependencies([assigned]):
        score = a * b
    with graphc.Session() as session:
        value, gradient = session.run([score, graphc.gradients(score, b)])
    np.testing.assert_allclose([value, gradient], [0.8 * 3, 0.8], rtol=1e-6)


def test_a_loop_in_a_step_sees_what_was_assigned_before_it() -> None:
    class Looped(TwoSides):
        def train_step(self, data: Any) -> dict[str, Any]:
            self.a.assign(self.a + 1.0)
            total = ops.fori_loop(0, 3, lambda i, sum_: sum_ + self.a, 0.0)
            self.a.assign_add(total)
            return {"total": total, "a": self.a + 0.0}

    model = Looped()
    model.compile("sgd")
    history = model.fit(X, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["total"], [6, 27])
    np.testing.assert_allclose(history["a"], [8, 36])


def test_a_metric_that_is_updated_twice_counts_both() -> None:
    class Counted(TwoSides):
        def __init__(self) -> None:
            super().__init__()
            self.seen = graphc.metrics.Mean(name="seen")

        def train_step(self, data: Any) -> dict[str, Any]:
            self.seen.update_state(1.0 * self.a)
            self.seen.update_state(3.0 * self.a)
            return {"seen": self.seen.result()}

    model = Counted()
    model.compile("sgd")
    assert model.fit(X, epochs=2, verbose=0).history["seen"] == [2.0, 2.0]


def test_a_layer_with_state_may_be_called_twice_in_a_step() -> None:
    class Twice(graphc.Model):
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(momentum=0.5)

        def call(self, x: Any) -> Any:
            return self.norm(x)

        def train_step(self, data: Any) -> dict[str, Any]:
            x, _, _ = data
            self.norm(x, training=True)
            self.norm(x + 1.0, training=True)
            return {"out": ops.sum(self.norm(x * 0.0, training=False))}

    model = Twice()
    model.compile("sgd")
    history = model.fit(X, verbose=0).history
    mean, variance = 0.0, 1.0
    for rows in (X, X + 1):
        mean, variance = (mean + rows.mean()) / 2, (variance + rows.var()) / 2
    np.testing.assert_allclose(history["out"], [-2 * mean / np.sqrt(variance + 1e-3)], rtol=1e-5)
    np.testing.assert_allclose(model.norm.moving_mean.numpy(), [mean], rtol=1e-6)

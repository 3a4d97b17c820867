"""Branches and loops of a user's train_step: their lines follow those outside, and one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import StateError

X = np.array([[1.0], [2.0]], np.float32)


@pytest.fixture(autouse=True)
def _own_graph() -> Iterator[None]:
    with graphc.Graph().as_default():
        yield


def trained(lines: Callable[[Any, Any], dict[str, Any]], epochs: int = 3) -> dict[str, list[float]]:
    """What the lines of a step, on a model with numbers a = 1 and n = 0, give by epoch."""

    class Model(graphc.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a = self.add_weight(shape=(), initializer="ones", name="a")
            self.n = self.add_weight(shape=(), initializer="zeros", trainable=False, name="n")

        def call(self, x: Any) -> Any:
            return x * self.a

        def train_step(self, data: Any) -> dict[str, Any]:
            return lines(self, data[0])

    model = Model()
    model.compile(graphc.optimizers.SGD(0.1))
    history = model.fit(X, epochs=epochs, shuffle=False, verbose=0).history
    return {**history, "end": float(model.a)}


def test_a_branch_sees_the_lines_above_and_its_own_and_those_below_see_it() -> None:
    def lines(model: Any, x: Any) -> dict[str, Any]:
        model.n.assign(model.n + 1.0)

        def odd() -> Any:
            seen = model.n + 0.0
            model.a.assign(model.a * 2.0)
            return seen, model.a + 0.0

        inside = graphc.cond(model.n % 2.0 > 0.5, odd, lambda: (model.n * 10.0, model.a + 0.0))
        after = model.a + 0.0
        model.a.assign(model.a + 1.0)
        return {"seen": inside[0], "inside": inside[1], "after": after}

    found = trained(lines)
    assert found == {"seen": [1, 20, 3], "inside": [2, 3, 8], "after": [2, 3, 8], "end": 9.0}


def test_branches_within_branches() -> None:
    def lines(model: Any, x: Any) -> dict[str, Any]:
        def outer() -> Any:
            model.a.assign(model.a + 1.0)
            inner = graphc.cond(
                model.a > 2.5, lambda: model.a.assign(model.a * 10.0), lambda: model.a + 0.0
            )
            return inner, model.a - 1.0

        inner, behind = graphc.cond(ops.max(x) > 0.0, outer, lambda: (model.a + 0.0, model.a + 0.0))
        return {"inner": inner, "behind": behind, "after": model.a + 0.0}

    found = trained(lines)
    assert found == {"inner": [2, 30, 310], "behind": [1, 29, 309], "after": [2, 30, 310],
                     "end": 310.0}  # fmt: skip


def test_a_step_in_a_branch_is_seen_below_it_and_gradients_are_of_what_they_saw() -> None:
    """As a GAN trains one side only now and then."""

    def lines(model: Any, x: Any) -> dict[str, Any]:
        model.n.assign(model.n + 1.0)

        def learns() -> Any:
            loss = ops.mean(ops.square(model(x)))
            (gradient,) = graphc.gradients(loss, [model.a])
            model.a.assign_sub(0.1 * gradient)
            (again,) = graphc.gradients(ops.mean(ops.square(model(x))), [model.a])
            return again

        gradient = graphc.cond(model.n > 1.5, learns, lambda: ops.zeros(()))
        loss = ops.mean(ops.square(model(x)))
        (below,) = graphc.gradients(loss, [model.a])
        return {"gradient": gradient, "below": below}

    found = trained(lines)
    # The mean of x² is 2.5, the gradient 5 a; a step takes half of a.
    np.testing.assert_allclose(found["gradient"], [0, 2.5, 1.25], rtol=1e-6)
    np.testing.assert_allclose(found["below"], [5, 2.5, 1.25], rtol=1e-6)
    assert found["end"] == pytest.approx(0.25)


def test_lines_below_a_loop_see_what_it_has_assigned() -> None:
    def lines(model: Any, x: Any) -> dict[str, Any]:
        def body(i: Any, total: Any) -> Any:
            model.n.assign_add(1.0)
            return total + model.a

        total = ops.fori_loop(0, 3, body, 0.0)
        model.a.assign(model.a + model.n)
        return {"total": total, "n": model.n + 0.0, "a": model.a + 0.0}

    found = trained(lines, 2)
    assert found == {"total": [3, 12], "n": [3, 6], "a": [4, 10], "end": 10.0}


def test_a_loop_that_would_go_on_with_an_old_value_is_refused() -> None:
    def lines(model: Any, x: Any) -> dict[str, Any]:
        model.a.assign(model.a + 1.0)

        def body(i: Any, total: Any) -> Any:
            model.a.assign(model.a * 2.0)
            return total

        return {"total": ops.fori_loop(0, 3, body, 0.0)}

    with pytest.raises(StateError, match="reads the variable 'a' and sets it"):
        trained(lines)

"""Optimizers that make one step together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, optimizers
from graphc.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap, RMSprop

NAMES = ("encoder/kernel", "encoder/bias", "decoder/kernel", "top")


def trained(make: Any, steps: int = 3) -> dict[str, np.ndarray]:
    """Variables after steps along their squares."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        variables = [graphc.Variable([2.0, -1.0 - k], name=n) for k, n in enumerate(NAMES)]
        loss = graphc.ops.sum(graphc.ops.stack(variables) ** 2)
        step = make(loss, variables)
        for _ in range(steps):
            session.run(step)
        return dict(zip(NAMES, session.run(variables), strict=True))


def mapped() -> OptimizerMap:
    of = OptimizerMap(SGD(0.1), {"encoder/.*": Adam(0.1)})
    of["top"] = RMSprop(0.1, use_ema=True)
    return of


def one_by_one(loss: Any, variables: list[Any]) -> Any:
    encoder = Adam(0.1).minimize(loss, variables[:2])
    decoder = SGD(0.1).minimize(loss, variables[2:3])
    return graphc.group(encoder, decoder, RMSprop(0.1).minimize(loss, variables[3:]))


def test_each_variable_is_changed_by_its_own_optimizer() -> None:
    expected = trained(one_by_one)
    for make in (
        lambda loss, _: MultiOptimizer(mapped()).minimize(loss),
        lambda loss, _: MultiOptimizer(mapped(), loss_scale_factor=8.0).minimize(loss),
        lambda loss, _: LossScaleOptimizer(MultiOptimizer(mapped())).minimize(loss),
    ):
        for name, array in trained(make).items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-6)


def test_a_function_may_choose_and_what_is_kept_is_listed() -> None:
    first, second = Adam(0.1), SGD(0.1, momentum=0.5, use_ema=True)
    chosen: list[str] = []

    def choose(variable: graphc.Variable) -> Any:
        chosen.append(variable.name)
        return first if "kernel" in variable.name else second

    with graphc.Graph().as_default(), graphc.Session() as session:
        variables = [graphc.Variable(1.0, name=name) for name in NAMES]
        optimizer = MultiOptimizer(choose)
        optimizer.build(variables)
        assert optimizer.optimizers == [first, second]
        assert optimizer.options.use_ema, "or nobody would end with the averages"
        step = optimizer.apply([1.0] * 4)
        assert chosen == list(NAMES)
        assert optimizer.variables[0] is optimizer.iterations
        assert set(first.variables) | set(second.variables) < set(optimizer.variables)
        for _ in range(2):
            session.run(step)
        assert session.run([optimizer.iterations, first.iterations]) == [2, 2]
        before = session.run(variables)
        session.run(optimizer.finalize_variable_values(variables))
        after = session.run(variables)
    changed = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    assert changed == [False, True, False, True]


def test_a_map_is_described_and_made_again() -> None:
    data = optimizers.serialize(MultiOptimizer(mapped(), 4.0))
    again = optimizers.deserialize(data)
    assert optimizers.serialize(again) == data
    expected = trained(lambda loss, _: again.minimize(loss))
    for name, array in trained(one_by_one).items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-6)


def test_mistakes_are_told() -> None:
    several = MultiOptimizer(mapped())
    for call, words in (
        (lambda: several.learning_rate, "of one of its"),
        (lambda: several.exclude_from_weight_decay([]), "of the optimizers in it"),
        (lambda: MultiOptimizer(SGD()), "OptimizerMap"),  # type: ignore[arg-type]
        (lambda: OptimizerMap(several), "wraps no others"),
        (lambda: mapped().__setitem__("top", SGD()), "already"),
        (lambda: OptimizerMap(SGD(), {"a.*": SGD(), ".*b": SGD()})["ab"], "in full"),
    ):
        with pytest.raises(errors.GraphcError, match=words):
            call()

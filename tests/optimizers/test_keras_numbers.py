"""Optimizers and schedules in a session give the numbers that Keras gives.

`recorded_cases.json` is a small copy of what stands beside some checkouts, figures observed by
running Keras's own tests; `keras_figures.json` holds runs with the arguments all optimizers share.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors
from graphc.optimizers import schedules

HERE = Path(__file__).resolve().parent
BESIDE = HERE.parents[2] / "shared" / "conformance" / "keras_optimizers.json"
FIGURES = json.loads((HERE / "keras_figures.json").read_text())


def run_steps(
    optimizer: Any, initial: list[np.ndarray], gradients: list[list[Any]], dtype: str
) -> list[np.ndarray]:
    """Variables `kernel`, `bias` after a step per list of gradients."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        pairs = list(zip(initial, ("kernel", "bias"), strict=False))
        variables = [graphc.Variable(array, name=name, dtype=dtype) for array, name in pairs]
        fed = [graphc.placeholder(dtype, variable.shape) for variable in variables]
        step = optimizer.apply_gradients(zip(fed, variables, strict=True))
        for arrays in gradients:
            session.run(step, dict(zip(fed, arrays, strict=True)))
        return session.run(variables)


def as_array(recorded: Any) -> np.ndarray:
    if isinstance(recorded, list):  # one recorded scalar per element
        return np.array([as_array(item).item() for item in recorded])
    return np.array(recorded["data"], recorded["dtype"]).reshape(recorded["shape"])


def check_recorded(path: Path) -> int:
    cases = json.loads(path.read_text())["cases"]
    for case in cases:
        optimizer = getattr(graphc.optimizers, case["cls"])(**case["config"])
        initial, gradients = as_array(case["init"]), [[as_array(g)] for g in case["grads"]]
        (found,) = run_steps(optimizer, [initial], gradients, str(initial.dtype))
        np.testing.assert_allclose(
            found, as_array(case["expected"]), rtol=case["rtol"], atol=case["atol"]
        )
    return len(cases)


def test_cases_recorded_from_the_tests_of_keras() -> None:
    assert check_recorded(HERE / "recorded_cases.json") == 4


@pytest.mark.skipif(not BESIDE.exists(), reason="the recorded figures are not beside the checkout")
def test_all_cases_beside_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    passed = check_recorded(BESIDE)
    with capsys.disabled():
        sys.stdout.write(f"\n{passed} of {passed} cases of keras_optimizers.json passed\n")


@pytest.mark.parametrize("case", FIGURES["optimizers"], ids=lambda case: case["optimizer"])
def test_steps_with_shared_arguments_are_those_of_keras(case: dict[str, Any]) -> None:
    arguments = dict(case["arguments"])
    if "schedule" in case:
        schedule = getattr(schedules, case["schedule"])
        arguments["learning_rate"] = schedule(**case["schedule_arguments"])
    optimizer = getattr(graphc.optimizers, case["optimizer"])(**arguments)
    if "excluded" in case:
        optimizer.exclude_from_weight_decay(var_names=case["excluded"])
    initial = [np.array(array) for array in FIGURES["initial"]]
    found = run_steps(optimizer, initial, FIGURES["gradients"], case["dtype"])
    tolerance = 2e-6 if case["dtype"] == "float32" else 1e-2
    for mine, keras in zip(found, case["expected"], strict=True):
        assert mine.dtype.name == case["dtype"]
        np.testing.assert_allclose(mine.astype(np.float64), keras, rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("case", FIGURES["schedules"], ids=lambda case: case["schedule"])
def test_schedules_give_the_rates_of_keras(case: dict[str, Any]) -> None:
    schedule = getattr(schedules, case["schedule"])(**case["arguments"])
    again = type(schedule).from_config(schedule.get_config())
    with graphc.Graph().as_default(), graphc.Session() as session:
        step = graphc.placeholder("int64", [])
        rates = [session.run(schedule(step), {step: number}) for number in FIGURES["steps"]]
        assert rates[2].dtype == np.float32
        np.testing.assert_allclose(rates, case["expected"], rtol=3e-6, atol=1e-8)
        assert session.run(again(3)) == pytest.approx(rates[3], rel=1e-6)


def test_float64_stays_float64() -> None:
    """In float64 the steps of all optimizers keep twice the digits of float32."""
    w, g = np.array([1.0, -2.0]), np.array([0.3, 0.7])
    for make, expected in (
        (graphc.optimizers.SGD(0.125), w - 0.125 * g),
        (graphc.optimizers.Adagrad(0.125), w - 0.125 * g / np.sqrt(0.1 + g * g + 1e-7)),
        (graphc.optimizers.AdamW(0.125, 0.5), w - w * 0.0625 - 0.125 * g / (abs(g) + e_hat())),
        (graphc.optimizers.RMSprop(0.125), w - 0.125 * g / np.sqrt((1 - 0.9) * g * g + 1e-7)),
    ):
        (found,) = run_steps(make, [w], [[g]], "float64")
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def e_hat() -> float:
    """Adam's epsilon as the first step of the paper's algorithm 1 has it."""
    return 1e-7 / np.sqrt(1 - 0.999)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda o: o.SGD(clipnorm=1.0, clipvalue=1.0), "one way only"),
        (lambda o: o.SGD(clipnorm=-1.0), "clipnorm is out of its range"),
        (lambda o: o.SGD(momentum=1.5), "momentum is out of its range"),
        (lambda o: o.Adam(use_ema=True, ema_momentum=2.0), "ema_momentum"),
        (lambda o: o.Adam(gradient_accumulation_steps=1), "whole number >= 2"),
        (lambda o: o.Adam(ema_overwrite_frequency=0), "ema_overwrite_frequency"),
        (lambda o: o.Adam(loss_scale_factor=0.0), "loss_scale_factor"),
        (lambda o: o.Adam(lr=0.1), "write learning_rate="),
        (lambda o: o.Adam(decay=0.1), "schedule"),
        (lambda o: o.Adam(beta1=0.1), "beta_1"),
        (lambda o: o.schedules.CosineDecay(0.1, 0), "decay_steps must be above 0"),
        (lambda o: o.schedules.PiecewiseConstantDecay([1], [0.1]), "one more value"),
    ],
)
def test_mistakes_in_arguments_are_told(make: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words):
        make(graphc.optimizers)

"""Every optimizer and schedule gives Keras's numbers, whatever the arguments of its constructor."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import optimizers
from graphc.optimizers import schedules
from tests.optimizers.keras_recording import RECORD, arguments_of
from tests.optimizers.keras_table import (
    CASES,
    SCHEDULE_STEPS,
    SCHEDULES,
    SHAPES,
    STEPS,
    Case,
    gradients,
    initial_values,
)

KERAS = json.loads(RECORD.read_text())

# What has no configuration in the table, and why.
WITHOUT_CASES = {
    "Optimizer": "what all are made from",
    "LearningRateSchedule": "the same",
    "OptimizerMap": "no numbers; test_several_optimizers",
    "MultiOptimizer": "those of the optimizers in it; test_several_optimizers",
}
# Arguments that say nothing about numbers, or are in every configuration.
UNCOMPARED = {"name", "kwargs", "inner_optimizer"}


def made(name: str, arguments: dict[str, Any]) -> Any:
    given = dict(arguments)
    if isinstance(given.get("learning_rate"), tuple):
        schedule, options = given["learning_rate"]
        given["learning_rate"] = getattr(schedules, schedule)(**options)
    return getattr(optimizers, name)(**given)


def build(case: Case, fed: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The step of a case, and its variables with their averages."""
    if case.inner is not None:
        inner = made(*case.inner)
        optimizer = getattr(optimizers, case.optimizer)(inner, **case.arguments)
    else:
        inner = optimizer = made(case.optimizer, case.arguments)
    initial = initial_values()
    variables = [graphc.Variable(initial[name], name=name) for name in case.variables]
    if case.excluded:
        optimizer.exclude_from_weight_decay(var_names=list(case.excluded))
    given = [fed[name] for name in case.variables]
    if case.spoiled:
        iteration = fed["step"]
        is_spoiled = graphc.ops.any(graphc.ops.equal(list(case.spoiled), iteration))
        given[0] = graphc.ops.where(is_spoiled, given[0] * np.inf, given[0])
    optimizer.build(variables)
    step = optimizer.apply(given)
    averages = [v for v in optimizer.variables if v.name.endswith("/average")]
    return step, [*variables, *averages]


@pytest.fixture(scope="module")
def found() -> list[list[np.ndarray]]:
    """What the cases give: all of them in one program."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        fed = {name: graphc.placeholder("float32", shape) for name, shape in SHAPES.items()}
        fed["step"] = graphc.placeholder("int32", [])
        built = []
        for number, case in enumerate(CASES):
            with graphc.name_scope(f"case_{number}"):
                built.append(build(case, fed))
        steps = graphc.group(*[step for step, _ in built])
        for number, arrays in enumerate(gradients()):
            feeds = {fed[name]: array for name, array in arrays.items()}
            session.run(steps, feeds | {fed["step"]: number})
        return session.run([results for _, results in built])


def test_six_steps_give_the_numbers_of_keras(found: list[list[np.ndarray]]) -> None:
    assert len(KERAS["cases"]) == len(CASES), (
        "record anew: python -m tests.optimizers.keras_recording"
    )
    wrong = []
    for case, mine, keras in zip(CASES, found, KERAS["cases"], strict=True):
        expected = [*keras["variables"], *keras.get("averages", [])]
        assert len(mine) == len(expected)
        for name, array, numbers in zip(case.variables * 2, mine, expected, strict=False):
            assert array.dtype == np.float32
            reached = np.allclose(array.ravel(), numbers, rtol=1e-5, atol=1e-6)
            if not reached:
                off = np.abs(array.ravel() - numbers).max()
                wrong.append(f"{case.optimizer}({case.arguments}): {name} is off by {off}")
    assert not wrong, "\n".join(wrong)
    assert STEPS >= 5


def test_schedules_give_the_rates_of_keras() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        step = graphc.placeholder("int64", [])
        rates = [getattr(schedules, name)(**arguments)(step) for name, arguments in SCHEDULES]
        mine = [session.run(rates, {step: number}) for number in SCHEDULE_STEPS]
    for case, column, expected in zip(
        SCHEDULES, zip(*mine, strict=True), KERAS["rates"], strict=True
    ):
        np.testing.assert_allclose(column, expected, rtol=1e-5, atol=1e-8, err_msg=str(case))


@pytest.mark.parametrize("kind", ["optimizers", "schedules"])
def test_names_and_arguments_are_those_of_keras_and_all_are_compared(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = {"optimizers": optimizers, "schedules": schedules}[kind]
    names = KERAS[kind]
    here = {name: getattr(module, name) for name in names if hasattr(module, name)}
    assert set(here) == set(names)
    given: list[tuple[str, dict[str, Any]]] = SCHEDULES
    if kind == "optimizers":
        given = [(case.optimizer, case.arguments) for case in CASES]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{kind}: {len(names)} names in Keras, {len(here)} here, {len(given)} "
            f"configurations compared\n"
        )
    for name, cls in here.items():
        is_base = name in ("Optimizer", "LearningRateSchedule")
        assert is_base or arguments_of(cls) == names[name], name
        if name in WITHOUT_CASES:
            continue
        compared = [arguments for case, arguments in given if case == name]
        for argument, parameter in inspect.signature(cls).parameters.items():
            used = [arguments[argument] for arguments in compared if argument in arguments]
            is_compared = any(value != parameter.default for value in used)
            assert is_compared or argument in UNCOMPARED, (name, argument)

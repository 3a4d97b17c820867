"""Writes `keras_record.json`: what Keras on JAX makes of the configurations of `keras_table`.

python -m tests.optimizers.keras_recording
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.optimizers.keras_table import (
    CASES,
    SCHEDULE_STEPS,
    SCHEDULES,
    Case,
    gradients,
    initial_values,
)

RECORD = Path(__file__).resolve().parent / "keras_record.json"


def numbers(array: Any) -> Any:
    """The elements of an array, in order."""
    return np.asarray(array, np.float32).ravel().tolist()


def arguments_of(constructor: Any) -> list[list[str]]:
    """Names and defaults of the arguments of a constructor, in order."""
    parameters = inspect.signature(constructor).parameters
    return [
        [name, str(parameter).partition("=")[2].strip()] for name, parameter in parameters.items()
    ]


def made(keras: Any, name: str, arguments: dict[str, Any]) -> Any:
    """An optimizer of Keras."""
    given = dict(arguments)
    if isinstance(given.get("learning_rate"), tuple):
        schedule, options = given["learning_rate"]
        given["learning_rate"] = getattr(keras.optimizers.schedules, schedule)(**options)
    return getattr(keras.optimizers, name)(**given)


def run(keras: Any, case: Case) -> dict[str, Any]:
    """Variables after the last step, and their averages if there are any."""
    if case.inner is not None:
        inner = made(keras, *case.inner)
        optimizer = getattr(keras.optimizers, case.optimizer)(inner, **case.arguments)
    else:
        inner = optimizer = made(keras, case.optimizer, case.arguments)
    initial = initial_values()
    variables = [keras.Variable(initial[name], name=name) for name in case.variables]
    if case.excluded:
        optimizer.exclude_from_weight_decay(var_names=list(case.excluded))
    optimizer.build(variables)
    for number, arrays in enumerate(gradients()):
        given = [keras.ops.convert_to_tensor(arrays[name]) for name in case.variables]
        if number in case.spoiled:
            given[0] = given[0] * float("inf")
        if case.inner is None:
            optimizer.apply(given)
        else:  # Keras's own step under JAX is the one without state
            values = [v.value for v in variables], [v.value for v in optimizer.variables]
            new = optimizer.stateless_apply(values[1], given, values[0])
            for targets, results in zip((variables, optimizer.variables), new, strict=True):
                for target, result in zip(targets, results, strict=True):
                    target.assign(result)
    found = {"variables": [numbers(variable) for variable in variables]}
    if inner.use_ema:
        found["averages"] = [numbers(v) for v in inner._model_variables_moving_average]
    return found


def main() -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    def constructors(module: Any) -> dict[str, list[list[str]]]:
        classes = {n: c for n, c in sorted(vars(module).items()) if inspect.isclass(c)}
        return {name: arguments_of(each) for name, each in classes.items()}

    record = {
        "source": f"figures that Keras {keras.__version__} (Apache-2.0) computed on JAX",
        "optimizers": constructors(keras.optimizers),
        "schedules": constructors(keras.optimizers.schedules),
        "cases": [run(keras, case) for case in CASES],
        "rates": [
            [
                float(getattr(keras.optimizers.schedules, name)(**arguments)(step))
                for step in SCHEDULE_STEPS
            ]
            for name, arguments in SCHEDULES
        ],
    }
    RECORD.write_text(json.dumps(record).replace('"variables"', '\n"variables"') + "\n")
    sys.stdout.write(f"{len(CASES)} configurations\n")


if __name__ == "__main__":
    main()

"""Metrics have Keras's names, signatures and numbers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import numpy as np

import graphc
from graphc import metrics
from graphc.metrics.metric import reset_operation
from graphc.ops.masks import set_mask
from tests.keras_names.recording import names_of
from tests.keras_process import Case, KerasProcess, assert_same
from tests.metrics.metric_cases import CALLS, CASES

OWN = {"name", "dtype"}  # of all


def measured(cases: Mapping[str, Case]) -> dict[str, list[np.ndarray]]:
    """Results after all updates and after a reset: one graph, a run for each round of updates."""
    made: dict[str, Any] = {}
    rounds: dict[int, list[Any]] = {}
    feeds: dict[Any, np.ndarray] = {}

    def fed(thing: np.ndarray) -> Any:
        shape = (None, *thing.shape[1:]) if thing.ndim else ()
        holder = graphc.placeholder(str(thing.dtype), shape)
        feeds[holder] = thing
        return holder

    with graphc.Graph().as_default(), graphc.Session() as session:
        for name, case in cases.items():
            metric = attrgetter(case.path)(graphc)(**(case.config or {}))
            made[name] = metric
            count = len(inspect.signature(metric.update_state).parameters)
            for place in range(0, len(case.arguments), count):
                batch = case.arguments[place : place + count]
                given = [None if each is None else fed(each) for each in batch]
                if "mask" in case.keywords:
                    set_mask(given[count - 2], fed(case.keywords["mask"]))
                rounds.setdefault(place // count, []).append(metric.update_state(*given))
        for operations in rounds.values():
            session.run(operations, feeds)
        results = {name: metric.result() for name, metric in made.items()}
        after = session.run(results)
        session.run(reset_operation(made.values()))
        anew = session.run(results)
    return {name: [after[name], anew[name]] for name in cases}


def test_metrics_are_those_of_keras(keras_process: KerasProcess, capsys: Any) -> None:
    theirs = names_of("metrics")
    here = {name for name in theirs if hasattr(metrics, name)}
    assert theirs == here
    half = {name for name, case in CASES.items() if (case.config or {}).get("dtype") == "float16"}
    found, expected = measured(CASES), keras_process.results(CASES)
    assert_same(found, {name: each for name, each in expected.items() if name not in half})
    assert_same(found, {name: expected[name] for name in half}, 2e-3)
    with capsys.disabled():
        sys.stdout.write(
            f"\nmetrics: {len(theirs)} names in Keras, {len(here)} here; "
            f"{len(CASES)} configurations compared\n"
        )


def test_every_argument_of_every_metric_is_compared_with_two_values() -> None:
    for name in {path.removeprefix("metrics.") for path in (c.path for c in CASES.values())}:
        defaults = {
            key: parameter.default
            for key, parameter in inspect.signature(getattr(metrics, name)).parameters.items()
            if key not in OWN
        }
        configs = [config for other, _, _, config in CALLS if other == name]
        for key, default in defaults.items():
            values = {repr(config.get(key, default)) for config in configs}
            assert len(values) > 1, f"{name}: {key} is {values} everywhere"

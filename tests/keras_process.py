"""Keras in a process of its own, which may choose its back end, and ours beside it.

One process answers for all tests of a run: importing Keras is what takes longest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

import graphc
from graphc import ops

PROGRAM = """
import inspect, json, sys
from operator import attrgetter
import numpy as np
import jax, keras
from keras.src.backend import set_keras_mask
def decoded(thing):
    if isinstance(thing, dict) and "array" in thing:
        return np.array(thing["array"], thing["dtype"]).reshape(thing["shape"])
    return tuple(thing) if isinstance(thing, list) else thing
def told(array):
    array = np.asarray(array)
    return {"array": array.ravel().tolist(), "dtype": str(array.dtype), "shape": array.shape}
def measured(metric, arguments, mask=None):
    count = len(inspect.signature(metric.update_state).parameters)
    for place in range(0, len(arguments), count):
        given = arguments[place : place + count]
        if mask is not None:
            set_keras_mask(given[count - 2], mask)
        metric.update_state(*given)
    found = metric.result()
    metric.reset_state()
    return [found, metric.result()]
def run(case, numbers):
    path, config, arguments, keywords, gradient, _ = case
    function = attrgetter(path)(keras)
    if config is not None:
        takes_lists = path.startswith("metrics.")
        told = {key: value if takes_lists else decoded(value) for key, value in config.items()}
        function = function(**told)
    arguments = [n if n is not None else decoded(a) for a, n in zip(arguments, numbers)]
    keywords = {key: decoded(value) for key, value in keywords.items()}
    if isinstance(function, keras.metrics.Metric):
        return measured(function, arguments, **keywords)
    def weighted(x):
        given = [x if place == gradient else each for place, each in enumerate(arguments)]
        result = function(*given, **keywords)
        weights = np.cos(np.arange(result.size)).reshape(result.shape).astype("float32")
        return (result * weights).sum(), result
    if gradient is None:
        return [function(*arguments, **keywords)]
    slope, result = jax.grad(weighted, has_aux=True)(arguments[gradient])
    return [result, slope]
def is_array(thing):
    return isinstance(thing, dict) and "array" in thing
def answers(cases):
    # one program for all: op by op takes three times as long
    given = [[decoded(a) if is_array(a) else None for a in case[2]] for case in cases]
    def compiled(given):
        return [None if case[-1] else run(case, each) for case, each in zip(cases, given)]
    found = jax.jit(compiled)(given)
    found = [run(*each) if f is None else f for f, *each in zip(found, cases, given)]
    return [[told(array) for array in arrays] for arrays in found]
for line in sys.stdin:
    print("answer", json.dumps(answers(json.loads(line))), flush=True)
"""


@dataclass(frozen=True)
class Case:
    """One call of a function, or of an object that is made first; of a metric, several updates.

    Attributes:
        path: behind "graphc.", and behind "keras." unless `keras_path` is given.
        arguments: of the call; arrays become placeholders of ours. Those of a metric's updates
            follow upon each other, the weights of samples or None included.
        config: what the object is made with; None for a function.
        keywords: of the call; the "mask" of a metric's predictions.
        gradient: of which argument a gradient is compared as well.
        sizes_known: whether the placeholders know their first size.
        keras_path: behind "keras.".
        op_by_op: whether Keras decides by values, and cannot be compiled.
    """

    path: str
    arguments: tuple[Any, ...]
    config: Mapping[str, Any] | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)
    gradient: int | None = None
    sizes_known: bool = False
    keras_path: str | None = None
    op_by_op: bool = False


def _encoded(thing: Any) -> Any:
    if isinstance(thing, np.ndarray):
        return {"array": thing.ravel().tolist(), "dtype": str(thing.dtype), "shape": thing.shape}
    return thing


def _encoded_all(things: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _encoded(thing) for key, thing in things.items()}


class KerasProcess:
    """Keras on its JAX back end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": ""},
            text=True,
        )

    def close(self) -> None:
        self._process.communicate()

    def results(self, cases: Mapping[str, Case]) -> dict[str, list[np.ndarray]]:
        """The value of each case, and its gradient where that is asked for.

        Of a metric the result after all updates, and that after `reset_state`.
        """
        asked = [
            (
                case.keras_path or case.path,
                None if case.config is None else _encoded_all(case.config),
                [_encoded(each) for each in case.arguments],
                _encoded_all(case.keywords),
                case.gradient,
                case.op_by_op,
            )
            for case in cases.values()
        ]
        return {
            name: [np.array(a["array"], a["dtype"]).reshape(a["shape"]) for a in arrays]
            for name, arrays in zip(cases, self._ask(asked), strict=True)
        }

    def _ask(self, question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise AssertionError("Keras failed; its standard error says why")


def our_results(cases: Mapping[str, Case]) -> dict[str, list[np.ndarray]]:
    """The same of ours, in one program; first sizes are known only when fed."""
    fetched: dict[str, list[Any]] = {}
    feeds: dict[Any, np.ndarray] = {}

    def fed(thing: Any, sizes_known: bool) -> Any:
        if not isinstance(thing, np.ndarray):
            return thing
        shape = thing.shape if sizes_known or not thing.ndim else (None, *thing.shape[1:])
        holder = graphc.placeholder(str(thing.dtype), shape)
        feeds[holder] = thing
        return holder

    with graphc.Graph().as_default(), graphc.Session() as session:
        for name, case in cases.items():
            function = attrgetter(case.path)(graphc)
            if case.config is not None:
                function = function(**case.config)
            arguments = [fed(each, case.sizes_known) for each in case.arguments]
            keywords = {key: fed(each, case.sizes_known) for key, each in case.keywords.items()}
            result = function(*arguments, **keywords)
            fetched[name] = [result]
            if case.gradient is not None:
                places = ops.reshape(ops.arange(ops.size(result), dtype="float32"), result.shape)
                total = ops.sum(result * ops.cos(places))
                fetched[name].append(graphc.gradients(total, arguments[case.gradient]))
        return session.run(fetched, feeds)


def assert_same(
    found: Mapping[str, list[np.ndarray]],
    expected: Mapping[str, list[np.ndarray]],
    tolerance: float = 1e-5,
) -> None:
    """Element types, shapes and numbers of all cases are Keras's; all that differ are listed."""
    problems = []
    for name, arrays in expected.items():
        for mine, theirs in zip(found[name], arrays, strict=True):
            mine = np.asarray(mine)
            if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
                problems.append(
                    f"{name}: {mine.dtype}{mine.shape}, Keras {theirs.dtype}{theirs.shape}"
                )
            elif not np.allclose(mine, theirs, tolerance, tolerance, equal_nan=True):
                problems.append(f"{name}:\n{mine}\nKeras\n{theirs}")
    assert not problems, "\n".join(problems)

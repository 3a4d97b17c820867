"""All that a fit needs to go on after an interruption, in one file.

The file holds the variables of the training step (weights, slots of optimizers, iterations,
metrics), where the random numbers stand, the seed of the order of samples, the epoch and the
batch, and what callbacks remember. It is written by `graphc.session.checkpoint`: aside, flushed,
renamed, so that there is the old one or the new one, whenever the process ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np

from graphc.callbacks.callback import Callback, CallbackList
from graphc.errors import CheckpointError
from graphc.ir.origin import capture_origin
from graphc.metrics.metric import Metric
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.variable import Variable
from graphc.session.checkpoint import read_variables, write_variables
from graphc.session.program import Program
from graphc.session.session import Session
from graphc.session.state import COUNTER, SEED
from graphc.training.data.batches import Batches
from graphc.training.fitting import Position

_POSITION: Final = "graphc/training_position"
_CALLBACKS: Final = "graphc/callbacks"
_FORMAT: Final = 1

Arrays = dict[str, np.ndarray[Any, Any]]


class TrainedModel(Protocol):
    """What a state asks of the model."""

    optimizer: Any
    stop_training: bool

    @property
    def graph(self) -> DataflowGraph: ...
    @property
    def variables(self) -> list[Variable]: ...
    @property
    def metrics(self) -> list[Metric]: ...


class TrainingState(Position):
    """Where a fit stands; callbacks find it as `model.training_state`.

    Args:
        model: what is trained.
        program: the training step.
        data: that it is trained on.
        session: where the variables are.
        callbacks: those that hear of the fit.
        epoch: the first one.
    """

    def __init__(
        self,
        model: TrainedModel,
        program: Program,
        data: Batches,
        session: Session,
        callbacks: CallbackList,
        epoch: int,
    ) -> None:
        super().__init__(epoch)
        self._model = model
        self._program = program
        self._data = data
        self._session = session
        self._callbacks = callbacks

    def begin_epoch(self, epoch: int) -> None:
        """Stand before the first batch of an epoch."""
        self.epoch, self.batch = epoch, 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file.

        Raises:
            CheckpointError: the disk refused; what was there before is still there.
        """
        session, names = self._session, [variable.name for variable in self._variables()]
        with session.store.lock:
            session.store.ensure(names, session.compute_initial_values)
            values = session.store.snapshot()
        arrays = {name: values[name] for name in [*names, SEED, COUNTER]}
        states = []
        for number, callback in enumerate(self._callbacks):
            plain, found = _split(callback.get_state(), f"{_CALLBACKS}/{number}")
            arrays |= found
            states.append([type(callback).__name__, plain])
        position = {
            "format": _FORMAT,
            "epoch": self.epoch,
            "batch": self.batch,
            "seed": self._data.seed,
            "stopped": self._model.stop_training,
            "variables": names,
            "callbacks": states,
        }
        text = json.dumps(position, default=_as_plain)
        arrays[_POSITION] = np.frombuffer(text.encode(), np.uint8)
        write_variables(path, arrays)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from what `save` wrote; on an error nothing has changed.

        Variables are found by name or, where a model was built anew in the same graph, by order.

        Raises:
            CheckpointError: the file is damaged, or of another model.
        """
        arrays = read_variables(path)
        position = self._position_in(arrays, path)
        names = [variable.name for variable in self._variables()]
        if len(names) != len(position["variables"]):
            raise CheckpointError(
                "the checkpoint was written while something else was trained",
                given=f"{path}, with {len(position['variables'])} variables",
                expected=f"{len(names)} variables: those of the model, its optimizer and metrics",
                fix="build and compile the model as before, or choose another folder",
                origin=capture_origin(),
            )
        renamed = dict(zip(position["variables"], names, strict=True))
        if set(names) == set(position["variables"]):
            renamed = {name: name for name in names}
        loaded = {renamed[name]: arrays[name] for name in position["variables"]}
        self._session.store.load(loaded | {name: arrays[name] for name in (SEED, COUNTER)})
        self.epoch, self.batch = position["epoch"], position["batch"]
        self._model.stop_training = position["stopped"]
        self._data.seed = position["seed"]
        self._data.pass_over(self.epoch)
        self._tell_callbacks(position["callbacks"], arrays)

    def _position_in(self, arrays: Arrays, path: Any) -> dict[str, Any]:
        try:
            position = json.loads(arrays[_POSITION].tobytes())
            wanted = [*position["variables"], SEED, COUNTER]
            is_whole = position["format"] == _FORMAT and all(name in arrays for name in wanted)
        except (KeyError, ValueError, TypeError):
            is_whole, position = False, {}
        if not is_whole:
            raise CheckpointError(
                "this is no checkpoint of a training",
                given=str(path),
                expected="a file that BackupAndRestore wrote",
                origin=capture_origin(),
            )
        return position

    def _tell_callbacks(self, states: list[Any], arrays: Arrays) -> None:
        """Each callback gets what the one of its class, in this order, remembered."""
        waiting: dict[str, list[Callback]] = {}
        for callback in self._callbacks:
            waiting.setdefault(type(callback).__name__, []).append(callback)
        for number, (name, plain) in enumerate(states):
            if waiting.get(name) and plain:
                state = _join(plain, f"{_CALLBACKS}/{number}", arrays)
                waiting[name].pop(0).set_state(state)
            elif waiting.get(name):
                waiting[name].pop(0)

    def _variables(self) -> list[Variable]:
        """All that the step reads or sets, in an order that does not depend on names."""
        graph = self._model.graph
        listed = [*self._model.variables, *getattr(self._model.optimizer, "variables", [])]
        listed += [variable for metric in self._model.metrics for variable in metric.variables]
        for node in self._program.built.nodes:
            if node.op.name in ("read", "assign"):
                listed.append(graph.variables[node.attributes["variable"]])
        return list({v.name: v for v in listed if v.graph is graph}.values())


def _split(state: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], Arrays]:
    """What JSON can say, and arrays; where there was an array stands how many there were."""
    plain: dict[str, Any] = {}
    arrays: Arrays = {}
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            plain[name] = {"arrays": None}
            arrays[f"{prefix}/{name}"] = value
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            plain[name] = {"arrays": len(value)}
            arrays |= {f"{prefix}/{name}/{number}": each for number, each in enumerate(value)}
        else:
            plain[name] = {"value": value}
    return plain, arrays


def _join(plain: Mapping[str, Any], prefix: str, arrays: Arrays) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for name, found in plain.items():
        if "value" in found:
            state[name] = found["value"]
        elif found["arrays"] is None:
            state[name] = arrays[f"{prefix}/{name}"]
        else:
            state[name] = [arrays[f"{prefix}/{name}/{i}"] for i in range(found["arrays"])]
    return state


def _as_plain(value: Any) -> Any:
    """What JSON cannot say by itself: NumPy's numbers and arrays in logs."""
    return np.asarray(value).tolist()

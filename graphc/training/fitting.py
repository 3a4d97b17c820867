"""Epochs: batches run in as long loops as callbacks and the progress bar allow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import jax

from graphc.callbacks.callback import CallbackList, Kind, Logs
from graphc.errors import NumericsError
from graphc.ir.origin import capture_origin
from graphc.training.batches import Batches, Group
from graphc.training.step_program import StepProgram

_SECONDS_BETWEEN_UPDATES = 0.25


@dataclass
class Position:
    """How far a fit is.

    Attributes:
        epoch: which one it is in.
        batch: how many batches of that are done.
    """

    epoch: int = 0
    batch: int = 0


class Pace:
    """How many steps to run before Python is asked again.

    Args:
        callbacks: whoever wants to know of batches or of progress.
        kind: what the steps are for.
        steps_per_execution: how many batches are told of at once, at least.
    """

    def __init__(self, callbacks: CallbackList, kind: Kind, steps_per_execution: int) -> None:
        self._callbacks = callbacks
        self._kind: Kind = kind
        self._at_least = steps_per_execution
        self._has_bar = callbacks.wants_progress
        self._per_step = 0.0
        self.tells_batches = callbacks.batches_until_due(kind) > 0

    def steps(self, left: int) -> int:
        """How many of `left` steps to run now."""
        if self.tells_batches:
            due = max(1, self._callbacks.batches_until_due(self._kind))
            return min(-(-due // self._at_least) * self._at_least, left)
        if not self._has_bar:
            return left
        if not self._per_step:
            return min(1, left)
        return min(max(1, int(_SECONDS_BETWEEN_UPDATES / self._per_step)), left)

    def took(self, steps: int, seconds: float) -> None:
        """Learn from the last run; the first compiles, and the fastest counts."""
        per_step = seconds / steps
        self._per_step = min(self._per_step or per_step, per_step)

    @property
    def must_wait(self) -> bool:
        """Whether results are looked at after every run."""
        return self.tells_batches or self._has_bar


class EpochOwner(Protocol):
    """What an epoch asks of the model."""

    stop_training: bool
    steps_per_execution: int


def run_epoch(
    model: EpochOwner,
    kind: Kind,
    data: Batches,
    program: StepProgram,
    callbacks: CallbackList,
    position: Position,
) -> Logs:
    """The rest of an epoch from a position on, which moves along; the logs after it."""
    begin = getattr(callbacks, f"on_{kind}_batch_begin")
    end = getattr(callbacks, f"on_{kind}_batch_end")
    pace = Pace(callbacks, kind, model.steps_per_execution)
    for group, first, count in _chunks(data, pace, position):
        if pace.tells_batches:
            begin(position.batch)
        started = time.perf_counter()
        results = program.run(group, first, count)
        position.batch += count
        if pace.must_wait:
            jax.block_until_ready(results)
            logs = program.logs()
            pace.took(count, time.perf_counter() - started)
            if pace.tells_batches:
                end(position.batch - 1, logs)
            callbacks.on_progress(position.batch, data.batches, logs)
        if kind == "train" and model.stop_training:
            break
    logs = program.logs()
    if not (kind == "train" and model.stop_training):
        refuse_bad_data(logs, data)
    return logs


def _chunks(data: Batches, pace: Pace, position: Position) -> Iterator[tuple[Group, int, int]]:
    done_before = position.batch
    for group in data.epoch(position.epoch):
        first = min(done_before, group.batches)
        done_before -= first
        while first < group.batches:
            count = pace.steps(group.batches - first)
            yield group, first, count
            first += count


def refuse_bad_data(logs: Logs, data: Batches) -> None:
    """Say where the data hold a NaN, once the loss is one.

    Raises:
        NumericsError: they do.
    """
    loss = logs.get("loss")
    if not isinstance(loss, float) or loss - loss == 0:
        return
    found = data.find_not_finite()
    if found is not None:
        raise NumericsError(
            f"the loss is {loss}, and the data hold a number that is not finite",
            given=found,
            expected="finite numbers",
            fix="leave such samples out, or put a number in their place: numpy.nan_to_num",
            origin=capture_origin(),
        )

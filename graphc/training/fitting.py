"""Epochs: batches run in as long loops as callbacks and the progress bar allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

import jax

from graphc.callbacks.callback import CallbackList, Logs
from graphc.errors import NumericsError
from graphc.ir.origin import capture_origin
from graphc.training.batches import Batches, Group
from graphc.training.step_program import StepProgram

_SECONDS_BETWEEN_UPDATES = 0.25


class Pace:
    """How many steps to run before Python is asked again.

    Args:
        callbacks: whoever wants to know of batches or of progress.
        steps_per_execution: how many batches are told of at once, at least.
    """

    def __init__(self, callbacks: CallbackList, steps_per_execution: int) -> None:
        self._steps = steps_per_execution if callbacks.wants_batches else 0
        self._has_bar = callbacks.wants_progress
        self._per_step = 0.0

    def steps(self, left: int) -> int:
        """How many of `left` steps to run now."""
        if self._steps:
            return min(self._steps, left)
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
        return bool(self._steps) or self._has_bar


class EpochOwner(Protocol):
    """What an epoch asks of the model."""

    stop_training: bool
    steps_per_execution: int


Kind = Literal["train", "test"]


def run_epoch(
    model: EpochOwner,
    kind: Kind,
    data: Batches,
    program_of: Callable[[], StepProgram],
    callbacks: CallbackList,
) -> Logs:
    """One pass over the data; the logs after it."""
    begin = getattr(callbacks, f"on_{kind}_batch_begin")
    end = getattr(callbacks, f"on_{kind}_batch_end")
    pace = Pace(callbacks, model.steps_per_execution)
    program = program_of()
    done = 0
    for group, first, count in _chunks(data, pace):
        if callbacks.wants_batches:
            begin(done)
        started = time.perf_counter()
        results = program.run(group, first, count)
        done += count
        if pace.must_wait:
            jax.block_until_ready(results)
            logs = program.logs()
            pace.took(count, time.perf_counter() - started)
            if callbacks.wants_batches:
                end(done - 1, logs)
            callbacks.on_progress(done, data.batches, logs)
        if kind == "train" and model.stop_training:
            break
    logs = program.logs()
    refuse_bad_data(logs, data)
    return logs


def _chunks(data: Batches, pace: Pace) -> Iterator[tuple[Group, int, int]]:
    for group in data.epoch():
        first = 0
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

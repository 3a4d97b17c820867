"""Epochs: batches run in as long loops as callbacks and the progress bar allow."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jax

from graphc.callbacks.callback import CallbackList, Kind, Logs
from graphc.errors import NumericsError
from graphc.ir.origin import capture_origin
from graphc.ops.variable import Variable
from graphc.session.session import Session
from graphc.training.data.groups import Batches, Group
from graphc.training.step_program import StepProgram
from graphc.training.step_times import StepTimes

_SECONDS_BETWEEN_UPDATES: Final = 0.25

_MUCH: Final = 100
"""Bytes of data for each of the variables; in so many fewer bytes there may be several times more
variables, each of which takes as long as some pages of data."""


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
        times: how long a step takes.
    """

    def __init__(
        self, callbacks: CallbackList, kind: Kind, steps_per_execution: int, times: StepTimes
    ) -> None:
        self._callbacks = callbacks
        self._kind: Kind = kind
        self._at_least = steps_per_execution
        self._has_bar = callbacks.wants_progress
        self._times = times
        self.tells_batches = callbacks.batches_until_due(kind) > 0

    def steps(self, left: int) -> int:
        """How many of `left` steps to run now."""
        if self.tells_batches:
            due = max(1, self._callbacks.batches_until_due(self._kind))
            return min(-(-due // self._at_least) * self._at_least, left)
        if not self._has_bar:
            return left
        return self._times.steps_in(_SECONDS_BETWEEN_UPDATES, left)

    @property
    def must_wait(self) -> bool:
        """Whether results are looked at after every run."""
        return self.tells_batches or self._has_bar


class EpochOwner(Protocol):
    """What an epoch asks of the model."""

    stop_training: bool
    steps_per_execution: int


@dataclass(frozen=True)
class Epochs:
    """What the epochs of one `fit` or `evaluate` share.

    Attributes:
        kind: what their steps are for.
        data: what they are done on.
        program: the step.
        reset: makes all metrics forget, before an epoch.
        reset_others: only those that the program does not let begin anew itself.
        fills: whether smaller batches are filled up.
    """

    kind: Kind
    data: Batches
    program: StepProgram
    reset: Callable[[], None]
    reset_others: Callable[[], None]
    fills: bool


def run_epoch(
    model: EpochOwner,
    epochs: Epochs,
    callbacks: CallbackList,
    position: Position,
    is_followed: bool = False,
) -> Logs:
    """The rest of an epoch from a position on, which moves along; the logs after it.

    Data of the next epoch, if this one is followed by it, get ready while the device computes.
    """
    kind, data, program = epochs.kind, epochs.data, epochs.program
    begin = getattr(callbacks, f"on_{kind}_batch_begin")
    end = getattr(callbacks, f"on_{kind}_batch_end")
    times = program.times(data.batch_size)
    pace = Pace(callbacks, kind, model.steps_per_execution, times)
    if position.batch == 0:  # who is told of a batch may look at metrics before it
        (epochs.reset if pace.tells_batches else epochs.reset_others)()
    for group, first, count in _chunks(epochs, pace, position):
        tell_of(group, program, callbacks)
        if pace.tells_batches:
            begin(position.batch)
        started = time.perf_counter()
        results = program.run(group, first, count, is_fresh=position.batch == 0)
        position.batch += count
        if pace.must_wait:
            jax.block_until_ready(results)
            logs = program.logs()
            times.took(count, time.perf_counter() - started)
            if pace.tells_batches:
                end(position.batch - 1, logs)
            callbacks.on_progress(position.batch, data.batches, logs)
        if kind == "train" and model.stop_training:
            break
    if is_followed:
        data.prepare(position.epoch + 1, epochs.fills)
    logs = program.logs()
    if not (kind == "train" and model.stop_training):
        refuse_bad_data(logs, data)
    return logs


def run_epochs_together(
    model: EpochOwner, epochs: Epochs, callbacks: CallbackList, position: Position, end: int
) -> Logs:
    """Epochs up to `end` for callbacks that only record, and hear of an epoch later; the last logs.

    As many small epochs as are done in no time are one run of the device, and the next run begins
    before the logs of the last are read.
    """
    data, program = epochs.data, epochs.program
    most = min(data.most_together(epochs.fills), program.epochs_in_a_run)
    times = program.times(data.batch_size)
    unread: tuple[int, Callable[[], list[Logs]]] | None = None

    def read() -> Logs:
        nonlocal unread
        logs: Logs = {}
        if unread is not None:
            first, wait = unread
            unread = None
            for epoch, logs in enumerate(wait(), start=first):
                refuse_bad_data(logs, data)
                callbacks.on_epoch_begin(epoch)
                callbacks.on_epoch_end(epoch, logs)
        return logs

    count = min(2, most)  # soon the device has something to do
    while position.epoch < end and not model.stop_training:
        epoch, started = position.epoch, time.perf_counter()
        waits = not times.are_known or program.epochs_in_a_run == 1
        if data.batches and most > 1:
            steps = times.steps_in(_SECONDS_BETWEEN_UPDATES, count * data.batches)
            count = min(max(1, steps // data.batches), end - epoch)
        epochs.reset_others()
        for number, group in enumerate(data.epoch(epoch, epochs.fills, count)):
            tell_of(group, program, callbacks)
            if count > 1:
                program.run_epochs(group)
            else:
                program.run(group, is_fresh=number == 0)
        if data.has_ended:
            break
        position.epoch += count
        read()
        unread = epoch, program.logs_of_epochs()
        if waits:
            read()
            times.took((data.batches or 1) * count, time.perf_counter() - started)
        count = most
        if position.epoch < end:
            data.prepare(position.epoch, epochs.fills, min(count, end - position.epoch))
    return read()


def tell_of(group: Group, program: StepProgram, callbacks: CallbackList) -> None:
    """Tell callbacks if the step is compiled once more for a group."""
    note = program.note_on(group)
    if note is not None:
        callbacks.on_note(note)


def _chunks(epochs: Epochs, pace: Pace, position: Position) -> Iterator[tuple[Group, int, int]]:
    done_before = position.batch
    for group in epochs.data.epoch(position.epoch, epochs.fills):
        first = min(done_before, group.batches)
        done_before -= first
        while first < group.batches:
            count = pace.steps(group.batches - first)
            yield group, first, count
            first += count


@contextlib.contextmanager
def kept_from_bad_data(
    find_variables: Callable[[], Sequence[Variable]], session: Session, data: Batches
) -> Iterator[None]:
    """Inside, data that are refused leave no mark: variables are then what they were before.

    Args:
        find_variables: gives the weights, and what the optimizer keeps of them.
        session: where they are.
        data: what is trained on. Where there is little of it, it is looked through, and variables
            are remembered only where it holds a NaN; where there is much, that takes longer than
            remembering them.
    """
    store, variables = session.store, list(find_variables())
    is_much = data.bytes_at_hand > _MUCH * sum(_bytes_of(variable) for variable in variables)
    if not is_much and data.find_not_finite() is None:
        yield
        return
    with store.lock:
        store.ensure([variable.name for variable in variables], session.compute_initial_values)
        found = store.snapshot()
    before = {variable: found[variable.name] for variable in variables}
    try:
        yield
    except NumericsError:
        if not is_much or data.find_not_finite() is not None:
            session.set_variables(before)
        raise


def _bytes_of(variable: Variable) -> int:
    sizes: Any = variable.shape
    return math.prod(sizes) * variable.dtype.numpy.itemsize


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

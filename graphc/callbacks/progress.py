"""Progress of training: a bar on a terminal, a line per epoch in a log."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from graphc.callbacks.callback import Callback, Logs


class _Rate(ProgressColumn):
    """Batches a second, or the time of one."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.0f} steps/s" if speed >= 10 else f"{_duration(1 / speed)}/step")


class ProgbarLogger(Callback):
    """Tells how far an epoch is, how fast it goes, and the metrics.

    On a terminal with verbose=1 a bar moves while many steps run as one program; it is looked at a
    few times a second. With verbose=2, and where the output is no terminal, there is one line per
    epoch, which logs can hold.

    Args:
        console: where it is written; the terminal by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console(soft_wrap=True)
        self._started = 0.0
        self._bar: Progress | None = None
        self._is_training = False
        self._batches = 0

    @property
    def _verbose(self) -> Any:
        return self.params.get("verbose", 1)

    @property
    def wants_progress(self) -> bool:
        return self._has_bar

    @property
    def _has_bar(self) -> bool:
        return self._verbose == 1 and self._console.is_terminal

    # -- training --------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._is_training = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._begin(f"Epoch {epoch + 1}/{self.params.get('epochs', 1)}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._end(f"Epoch {epoch + 1}/{self.params.get('epochs', 1)}", logs)

    # -- evaluation and prediction by themselves -------------------------------------------------

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._begin("Evaluation")

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._end("Evaluation", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin("Prediction")

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._end("Prediction", logs)

    def on_note(self, note: str) -> None:
        if self._verbose:
            self._console.print(note, markup=False, highlight=False)

    # -- the bar ---------------------------------------------------------------------------------

    def on_progress(self, done: int, total: int | None, logs: Logs) -> None:
        self._batches = done
        if self._bar is not None and done >= self._bar.tasks[0].completed:  # not in a validation
            numbers = _numbers(logs)
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, numbers=numbers)

    def _begin(self, what: str) -> None:
        self._started = time.perf_counter()
        self._batches = 0
        if not self._verbose or not self._has_bar:
            return
        self._stop()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=self._console,
        )
        self._bar.add_task(what, total=self.params.get("steps"), numbers="")
        self._bar.start()

    def _end(self, what: str, logs: Logs | None) -> None:
        if not self._verbose:
            return
        seconds = time.perf_counter() - self._started
        numbers = _numbers(logs or {})
        if self._bar is not None:
            total = self._batches or self.params.get("steps")
            self._bar.update(self._bar.task_ids[0], completed=total, total=total, numbers=numbers)
            self._stop()
            return
        parts = [what, _duration(seconds), *([numbers] if numbers else [])]
        self._console.print(" - ".join(parts), markup=False, highlight=False)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _numbers(logs: Logs) -> str:
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{name}: {value:.4e}"
        for name, value in logs.items()
        if isinstance(value, (int, float))
    )


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f}s" if seconds < 60 else f"{seconds / 60:.0f}m{seconds % 60:02.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"

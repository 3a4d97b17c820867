"""Models or weights in files while training goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphc.callbacks.batch_counting import BatchCounter
from graphc.callbacks.callback import Kind, Logs
from graphc.callbacks.messages import tell
from graphc.callbacks.monitoring import MonitoringCallback
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin


class ModelCheckpoint(MonitoringCallback):
    """Saves the model, or its weights, after epochs or batches; as in Keras.

    Args:
        filepath: of the file; may hold `{epoch:02d}`, `{batch}` and names of the logs. The folder
            is made when needed.
        monitor: the number that says what is best.
        verbose: 1 says what is done.
        save_best_only: save only what is better than all before.
        save_weights_only: `model.save_weights`, not `model.save`.
        mode: "min", "max", or "auto", which goes by the name.
        save_freq: "epoch", or after how many batches.
        initial_value_threshold: the first one to be saved must be better than this.

    Raises:
        GraphcError: an argument is out of its range, or `filepath` names what the logs do not have.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._counter = BatchCounter(save_freq)
        self._epoch = 0

    def batches_until_due(self, kind: Kind) -> int:
        return self._counter.until_due() if kind == "train" else 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._counter.is_due_after(batch):
            self._save(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._counter.end_epoch()
        if self.save_freq == "epoch":
            self._save(None, logs or {})

    def _save(self, batch: int | None, logs: Logs) -> None:
        path = self._path(batch, logs)
        if not self._is_worth_it(logs, path):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _is_worth_it(self, logs: Logs, path: str) -> bool:
        start = f"\nEpoch {self._epoch + 1}:"
        if not self.save_best_only:
            self._tell(f"{start} saving model to {path}")
            return True
        current = self.watched(logs)
        if current is None:
            return True
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self.improves(current, self.best):
            self._tell(f"{start} {self.monitor} did not improve from {before}")
            return False
        self._tell(
            f"{start} {self.monitor} improved from {before} to {current:.5f}, "
            f"saving model to {path}"
        )
        self.best = current
        return True

    def _tell(self, message: str) -> None:
        if self.verbose:
            tell(message)

    def _path(self, batch: int | None, logs: Logs) -> str:
        known = {**logs, "epoch": self._epoch + 1}
        if batch is not None:
            known["batch"] = batch + 1
        try:
            return self.filepath.format(**known)
        except (KeyError, IndexError) as problem:
            name = str(problem.args[0])
            raise GraphcError(
                f"filepath names {name!r}, which is not known after "
                f"{'an epoch' if batch is None else 'a batch'}",
                given=self.filepath,
                expected=", ".join(known),
                fix=did_you_mean(name, known),
                origin=capture_origin(),
            ) from None

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "counter": self._counter.get_state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._counter.set_state(state["counter"])

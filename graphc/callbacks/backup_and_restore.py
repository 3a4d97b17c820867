"""Training that goes on where it was interrupted, to the bit."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from graphc.callbacks.batch_counting import BatchCounter
from graphc.callbacks.callback import Callback, Kind, Logs
from graphc.errors import CheckpointError, GraphcError
from graphc.ir.origin import capture_origin

_LATEST: Final = "training_state.safetensors"
_PREVIOUS: Final = "training_state.previous.safetensors"


class BackupAndRestore(Callback):
    """Keeps the whole state of a training, and takes it up when `fit` is called again.

    What is kept: weights, slots of optimizers, iterations, learning rate, metrics, where random
    numbers and the order of samples stand, epoch and batch, and what other callbacks remember
    (`Callback.get_state`). A run that was killed and started again ends with the weights of one
    that was not, and `EarlyStopping` or `ReduceLROnPlateau` decide the same (in Keras they begin
    anew, for only weights and epoch are kept there). A file is written aside and renamed, so a
    kill at any moment leaves a whole one.

    Data from a generator are read again from their beginning, and what was trained on is left out;
    what such a generator draws at random must follow from a seed.

    Args:
        backup_dir: a folder for it alone; made when needed.
        save_freq: "epoch", or after how many batches.
        double_checkpoint: keep the state before the latest as well, should the disk damage that.
        delete_checkpoint: delete the files when the training ends.

    Raises:
        GraphcError: an argument is out of its range.
        CheckpointError: a state could not be written (the previous one is untouched), or the one
            that was found is damaged or of another model.
    """

    is_told_last: ClassVar[bool] = True  # what it keeps of other callbacks has heard of the batch

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not str(backup_dir):
            raise GraphcError(
                "backup_dir is empty", expected="the path of a folder", origin=capture_origin()
            )
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._counter = BatchCounter(save_freq)
        self._latest = self.backup_dir / _LATEST
        self._previous = self.backup_dir / _PREVIOUS

    def batches_until_due(self, kind: Kind) -> int:
        return self._counter.until_due() if kind == "train" else 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        for left_behind in self.backup_dir.glob(f".{_LATEST}.*"):
            left_behind.unlink(missing_ok=True)
        self._counter.reset()
        if not self._latest.exists() and not self._previous.exists():
            return
        try:
            self.model.training_state.restore(self._latest)
        except CheckpointError as problem:
            if not self._previous.exists():
                raise
            warnings.warn(
                f"the latest state cannot be used, the one before it is taken: {problem.message}",
                stacklevel=2,
            )
            self.model.training_state.restore(self._previous)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._counter.is_due_after(batch):
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._counter.end_epoch()
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if not self.delete_checkpoint:
            return
        # The older one first: what a kill leaves behind is never older than what there was.
        self._previous.unlink(missing_ok=True)
        self._latest.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else's files are in it
            self.backup_dir.rmdir()

    def _save(self) -> None:
        try:
            self.backup_dir.mkdir(parents=True, exist_ok=True)
            if self.double_checkpoint and self._latest.exists():
                self._keep_previous()
        except OSError as problem:
            raise CheckpointError(
                f"the state of the training cannot be written: {problem.strerror}",
                given=str(self.backup_dir),
                fix="make room, or choose another folder",
                origin=capture_origin(),
            ) from problem
        self.model.training_state.save(self._latest)

    def _keep_previous(self) -> None:
        """A second name for the latest file: nothing is copied, and there is always a whole one."""
        link = self.backup_dir / f".{_LATEST}.link"
        link.unlink(missing_ok=True)
        os.link(self._latest, link)
        os.replace(link, self._previous)

    def get_state(self) -> dict[str, Any]:
        return self._counter.get_state()

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._counter.set_state(state)

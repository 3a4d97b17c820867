"""The logs of epochs as a table in a file."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from graphc.callbacks.callback import Callback, Logs
from graphc.callbacks.log_files import written_by


class CSVLogger(Callback):
    """Writes a row after each epoch, with the epoch's number first; as in Keras.

    Args:
        filename: of the file.
        separator: between the elements of a row.
        append: add to a file that is there, for a training that goes on.

    Raises:
        GraphcError: in training, that the file cannot be made or written.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self._file: TextIO | None = None
        self._names: list[str] | None = None
        self._has_header = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._names = None
        with written_by(self, self.filename):
            self._has_header = (
                self.append and self.filename.exists() and self.filename.stat().st_size > 0
            )
            mode = "a" if self.append else "w"
            self._file = self.filename.open(mode, newline="", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in logs):  # a validation may come later
                self._names += [f"val_{name}" for name in self._names]
        rows = [[epoch, *[_as_text(logs.get(name, "NA")) for name in self._names]]]
        if not self._has_header:
            rows = [["epoch", *self._names], *rows]
            self._has_header = True
        assert self._file is not None
        try:
            with written_by(self, self.filename):
                csv.writer(self._file, delimiter=self.separator).writerows(rows)
                self._file.flush()
        except BaseException:
            self._close()
            raise

    def on_train_end(self, logs: Logs | None = None) -> None:
        with written_by(self, self.filename):
            if self._file is not None:
                self._file.close()
        self._file = None

    def _close(self) -> None:
        """Let go of the file of a training that has failed."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _as_text(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'

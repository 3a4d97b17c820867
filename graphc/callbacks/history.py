"""What happened in each epoch."""

from __future__ import annotations

from typing import Any

from graphc.callbacks.callback import Callback, Logs


class History(Callback):
    """Records the logs of every epoch; what `fit` returns.

    Attributes:
        epoch: the numbers of the epochs.
        history: by name, the value after each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def __repr__(self) -> str:
        last = ", ".join(f"{n}={v[-1]:.4g}" for n, v in self.history.items() if v)
        return f"<History of {len(self.epoch)} epochs: {last}>"

"""An end of training when nothing gets better any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.callbacks.callback import Logs
from graphc.callbacks.messages import tell
from graphc.callbacks.monitoring import MonitoringCallback


class EarlyStopping(MonitoringCallback):
    """Ends training when a number in the logs has not improved for some epochs; as in Keras.

    Args:
        monitor: the number's name.
        min_delta: a smaller change is no improvement.
        patience: for how many epochs there may be none.
        verbose: 1 says what is done.
        mode: "min", "max", or "auto", which goes by the name.
        baseline: the number must also be better than this.
        restore_best_weights: whether the weights of the best epoch are set at the end.
        start_from_epoch: epochs before this one do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.watched(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)
        self.wait += 1
        if self.improves(current, self.best):
            self.best = current
            self._remember(epoch)
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            tell(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                tell(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("wait", "stopped_epoch", "best_epoch")}
        return {**super().get_state(), **found, "best_weights": self.best_weights}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        for name in ("wait", "stopped_epoch", "best_epoch", "best_weights"):
            setattr(self, name, state[name])

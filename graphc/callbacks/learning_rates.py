"""Learning rates that change from epoch to epoch; nothing is compiled again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphc.callbacks.callback import Callback, Logs
from graphc.callbacks.messages import tell
from graphc.callbacks.monitoring import MonitoringCallback
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch; as in Keras.

    Args:
        schedule: gives the rate for an epoch and the rate so far, or for an epoch alone.
        verbose: 1 says what is set.

    Raises:
        GraphcError: the result is no number, or the optimizer computes its rate by a schedule.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)
        self._begun: int | None = None
        self._resumed: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        resumed, self._resumed = self._resumed, None
        self._begun = epoch
        if resumed == epoch:  # the interrupted epoch has had its rate
            return
        rate = self.schedule(epoch, rate_of(self)) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)):
            raise GraphcError(
                "the schedule gave no number",
                given=repr(rate)[:200],
                expected="a float",
                origin=capture_origin(),
            )
        self.optimizer.learning_rate = float(rate)
        if self.verbose:
            tell(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = rate_of(self)

    def get_state(self) -> dict[str, Any]:
        return {"begun": self._begun}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._resumed = state["begun"]


class ReduceLROnPlateau(MonitoringCallback):
    """Makes the learning rate smaller when a number in the logs has stopped improving; as in Keras.

    Args:
        monitor: the number's name.
        factor: what the rate is multiplied by, below 1.
        patience: for how many epochs there may be no improvement.
        verbose: 1 says what is set.
        mode: "min", "max", or "auto", which goes by the name.
        min_delta: a smaller change is no improvement.
        cooldown: how many epochs do not count after the rate was changed.
        min_lr: the rate never gets below this.

    Raises:
        GraphcError: an argument is out of its range.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise GraphcError(
                "the factor of ReduceLROnPlateau is out of its range",
                given=f"factor={factor}",
                expected="a number between 0 and 1",
                origin=capture_origin(),
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = rate_of(self)
        current = self.watched(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch, logs["learning_rate"]):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int, old: float) -> bool:
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        self.optimizer.learning_rate = new
        if self.verbose:
            tell(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        return True

    def get_state(self) -> dict[str, Any]:
        counted = {"cooldown_counter": self.cooldown_counter, "wait": self.wait}
        return {**super().get_state(), **counted}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self.cooldown_counter, self.wait = state["cooldown_counter"], state["wait"]


def rate_of(callback: Callback) -> float:
    """The learning rate that a callback may change.

    Raises:
        GraphcError: the optimizer computes it.
    """
    optimizer = callback.optimizer
    if callable(optimizer.learning_rate):
        raise GraphcError(
            f"{type(callback).__name__} sets the learning rate, which the optimizer computes",
            given=f"learning_rate={optimizer.learning_rate!r}",
            fix="give the optimizer a number, or leave the callback out",
            origin=capture_origin(),
        )
    return optimizer.current_learning_rate()


def _takes_two(schedule: Callable[..., Any]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True

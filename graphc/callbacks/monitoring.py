"""What callbacks share that watch a number in the logs: which way is better, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphc.callbacks.callback import Callback, Logs
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin, warn_user

MODES: Final = ("auto", "min", "max")

# Parts of the names of what is better when it is greater; Keras keeps a list of classes.
_GREATER: Final = ("accuracy", "acc", "auc", "precision", "recall", "f1", "f_beta", "fbeta",
                   "iou", "io_u", "r2", "pearson", "concordance", "cosine_similarity",
                   "sensitivity", "specificity")  # fmt: skip
_LESS: Final = ("loss", "error", "mse", "mae", "mape", "msle", "rmse", "hinge", "crossentropy",
                "divergence", "log_cosh", "logcosh", "poisson")  # fmt: skip


class MonitoringCallback(Callback):
    """Watches a number in the logs.

    Args:
        monitor: its name.
        mode: "min" or "max": what is better; "auto" goes by the name.
        min_delta: a smaller change is no improvement.

    Attributes:
        best: the best so far; None before the first.

    Raises:
        GraphcError: there is no such mode.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in MODES:
            raise GraphcError(
                f"{type(self).__name__} has no mode {mode!r}",
                expected=", ".join(MODES),
                fix=did_you_mean(str(mode), MODES),
                origin=capture_origin(),
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._was_seen = False

    def watched(self, logs: Logs | None) -> float | None:
        """The number, or None, with a warning, while there is no validation to give it.

        Raises:
            GraphcError: nothing of that name is ever in the logs.
        """
        found = (logs or {}).get(self.monitor)
        if found is not None:
            self._was_seen = True
            return float(found)
        if not self._was_seen:
            self._explain(list(logs or {}))
        return None

    def _explain(self, names: list[str]) -> None:
        plain = self.monitor.removeprefix("val_")
        if plain == self.monitor or plain not in names:
            raise GraphcError(
                f"{type(self).__name__} watches {self.monitor!r}, which is not in the logs",
                given=f"monitor={self.monitor!r}",
                expected=", ".join(names) or "a metric",
                fix=did_you_mean(self.monitor, names),
                origin=capture_origin(),
            )
        warn_user(
            f"{type(self).__name__} watches {self.monitor!r}, and there was no validation yet; "
            f"there are: {', '.join(names)}. Give fit() validation_data, or watch {plain!r}"
        )

    def improves(self, current: float, reference: float | None) -> bool:
        """Whether a number is better than another one, by `min_delta`.

        Raises:
            GraphcError: the name does not tell which way is better.
        """
        is_greater_better = self._is_greater_better()
        if reference is None:
            return True
        if is_greater_better:
            return current - self.min_delta > reference
        return current + self.min_delta < reference

    def _is_greater_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        metric = getattr(self.model, "named_metrics", {}).get(name)
        direction = getattr(metric, "_direction", None)
        if direction in ("up", "down"):
            return direction == "up"
        if any(part in name for part in _LESS):
            return False
        if any(part in name for part in _GREATER):
            return True
        raise GraphcError(
            f"{type(self).__name__} cannot tell whether more or less of {self.monitor!r} is better",
            fix='give mode="max" or mode="min"',
            origin=capture_origin(),
        )

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "was_seen": self._was_seen}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.best, self._was_seen = state["best"], state["was_seen"]

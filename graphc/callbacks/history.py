"""What happened in each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.callbacks.callback import Callback, Logs
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin


class History(Callback):
    """Records the logs of every epoch; what `fit` returns.

    Attributes:
        epoch: the numbers of the epochs.
        history: by name, the value after each epoch.
        notes: what a person should know of the runs, such as what was compiled once more, and why.
    """

    only_records = True

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        self.notes: list[str] = []

    def on_note(self, note: str) -> None:
        self.notes.append(note)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def plot(self, names: Sequence[str] | None = None, path: Any = None) -> Any:
        """Draw the values of epochs, each metric beside that of the validation.

        Args:
            names: which metrics; all by default.
            path: also write the picture there: "curves.png".

        Returns:
            Matplotlib's figure.

        Raises:
            GraphcError: matplotlib is not installed, or there is no such metric.
        """
        try:
            from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]
        except ImportError as problem:
            raise GraphcError(
                "plot() needs matplotlib, which is not installed",
                fix='pip install "graphc-xla[plot]"',
                origin=capture_origin(),
            ) from problem
        shown = list(names) if names else [n for n in self.history if n[:4] != "val_"]
        for name in shown:
            if name not in self.history:
                raise GraphcError(
                    f"the history has no {name!r}",
                    fix=did_you_mean(name, self.history),
                    origin=capture_origin(),
                )
        figure = Figure(figsize=(6, 3 * max(1, len(shown))), layout="constrained")
        grid = figure.subplots(max(1, len(shown)), 1, squeeze=False)
        for name, axes in zip(shown, grid[:, 0], strict=False):
            for each in (name, f"val_{name}"):
                values = self.history.get(each, [])
                epochs = [epoch + 1 for epoch in self.epoch]
                if values and len(values) < len(epochs):  # validations now and then
                    every = len(epochs) // len(values)
                    epochs = epochs[every - 1 :: every]
                axes.plot(epochs[: len(values)], values[: len(epochs)], label=each)
            axes.set_xlabel("epoch")
            axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure

    def get_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.epoch, self.history = state["epoch"], state["history"]

    def __repr__(self) -> str:
        last = ", ".join(f"{n}={v[-1]:.4g}" for n, v in self.history.items() if v)
        return f"<History of {len(self.epoch)} epochs: {last}>"

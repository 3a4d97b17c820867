"""Progress of training: a bar on a terminal, a line per epoch in a log."""

from __future__ import annotations

import time

from rich.console import Console

from graphc.callbacks.callback import Callback, Logs


class ProgbarLogger(Callback):
    """Tells how far an epoch is, how fast it goes, and the metrics.

    Args:
        console: where it is written; the terminal by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console()
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        seconds = time.perf_counter() - self._started
        numbers = " - ".join(f"{name}: {value:.4f}" for name, value in (logs or {}).items())
        epochs = self.params.get("epochs", 1)
        self._console.print(f"Epoch {epoch + 1}/{epochs} - {seconds:.2f}s - {numbers}")

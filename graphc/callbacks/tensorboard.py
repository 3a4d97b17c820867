"""What TensorBoard shows: numbers by epoch and by batch, histograms of weights."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphc.callbacks.callback import Callback, Kind, Logs
from graphc.callbacks.event_files import EventFile, histogram_value, scalar_value
from graphc.callbacks.log_files import written_by
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin


class TensorBoard(Callback):
    """Writes event files for TensorBoard, `train` and `validation` beside each other; as in Keras.

    Args:
        log_dir: the folder; `tensorboard --logdir` takes it.
        histogram_freq: after how many epochs there are histograms of weights; 0 for never.
        write_graph: taken for Keras's sake; `Session.dump(format="html")` shows a graph.
        write_images: not there.
        write_steps_per_second: also write how many steps a second took.
        update_freq: "epoch"; or "batch", or after how many batches numbers are written.
        profile_batch: not there; `jax.profiler` writes into the same folder.
        embeddings_freq: not there.
        embeddings_metadata: not there.

    Raises:
        GraphcError: an argument is out of its range, or asks for what is not there; in training,
            that a file cannot be made or written.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        asked = {
            "write_images": write_images,
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        for name, value in asked.items():
            if value:
                raise GraphcError(
                    f"TensorBoard has no {name}",
                    given=f"{name}={value!r}",
                    fix="leave it out; jax.profiler.start_trace(log_dir) profiles",
                    origin=capture_origin(),
                )
        is_number = isinstance(update_freq, int) and not isinstance(update_freq, bool)
        if update_freq not in ("batch", "epoch") and not (is_number and update_freq > 0):
            raise GraphcError(
                "update_freq is out of its range",
                given=repr(update_freq),
                expected='"epoch", "batch" or a number of batches',
                origin=capture_origin(),
            )
        self.log_dir = Path(log_dir)
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self._files: dict[str, EventFile] = {}
        self._step = 0
        self._in_epoch = 0
        self._started = self._told = 0.0

    def batches_until_due(self, kind: Kind) -> int:
        if kind != "train" or self.update_freq == "epoch":
            return 0
        return self.update_freq - self._step % self.update_freq

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(self.log_dir / run)
        return self._files[run]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._step = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._started = self._told = time.perf_counter()
        self._iterations = self._done()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        steps = batch + 1 - self._in_epoch
        self._in_epoch = batch + 1
        before, self._step = self._step, self._step + steps
        if self.update_freq == "epoch":
            return
        now = time.perf_counter()
        seconds, self._told = now - self._told, now
        if self._step // self.update_freq == before // self.update_freq:
            return
        found = {f"batch_{name}": value for name, value in (logs or {}).items()}
        if self.write_steps_per_second:
            found["batch_steps_per_second"] = steps / max(seconds, 1e-9)
        self._add("train", self._step, found)

    def on_test_end(self, logs: Logs | None = None) -> None:
        done = self._done()
        if done is not None:
            found = {f"evaluation_{n}_vs_iterations": value for n, value in (logs or {}).items()}
            self._add("validation", done, found)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._in_epoch = 0
        logs = logs or {}
        trained = {f"epoch_{n}": v for n, v in logs.items() if not n.startswith("val_")}
        trained["epoch_learning_rate"] = self.optimizer.current_learning_rate()
        if self.write_steps_per_second:
            steps = (self._done() or 0) - (self._iterations or 0)
            seconds = max(time.perf_counter() - self._started, 1e-9)
            trained["epoch_steps_per_second"] = steps / seconds
        self._add("train", epoch, trained)
        validated = {f"epoch_{n[4:]}": v for n, v in logs.items() if n.startswith("val_")}
        if validated:
            self._add("validation", epoch, validated)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._add_histograms(epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        with written_by(self, self.log_dir):
            for file in self._files.values():
                file.close()
        self._files = {}

    def _close(self) -> None:
        """Let go of the files of a training that has failed."""
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
        self._files = {}

    def _add(self, run: str, step: int, numbers: Mapping[str, Any]) -> None:
        scalars = {name: value for name, value in numbers.items() if np.ndim(value) == 0}
        if scalars:
            self._write(run, step, [scalar_value(name, float(v)) for name, v in scalars.items()])

    def _add_histograms(self, epoch: int) -> None:
        weights = zip(self.model.weights, self.model.get_weights(), strict=True)
        named = [(f"{weight.name.replace(':', '_')}/histogram", a) for weight, a in weights]
        self._write("train", epoch, [histogram_value(name, array) for name, array in named])

    def _write(self, run: str, step: int, values: Sequence[bytes]) -> None:
        try:
            with written_by(self, self.log_dir / run):
                file = self._file(run)
                file.add(step, *values)
                file.flush()
        except BaseException:
            self._close()
            raise

    def _done(self) -> int | None:
        """Steps of the optimizer so far."""
        iterations = getattr(self.model.optimizer, "iterations", None)
        return None if iterations is None else int(iterations.eval())

    def get_state(self) -> dict[str, Any]:
        return {"step": self._step, "in_epoch": self._in_epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._step, self._in_epoch = state["step"], state["in_epoch"]

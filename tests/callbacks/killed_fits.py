"""Fits that are killed at random moments and started again, as a program.

    python -m tests.callbacks.killed_fits KILLS FOLDER [SEED]

prints how many kills there were, how many fits came to their end, and how many of those ended with
other weights or another history than a fit that nobody interrupted. Nothing of JAX runs in the
parent, so that it may fork: importing JAX anew for each start is what would take longest. With
GRAPHC_CACHE_DIR set, what one start has compiled is read by the next.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

import graphc
from graphc import layers

EPOCHS, BATCHES, SIZE = 5, 12, 16


class Slow(graphc.callbacks.Callback):
    """Gives the killer time, and tells it when training begins."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self._pipe = pipe

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        os.write(self._pipe, b".")
        time.sleep(0.005)


def train(folder: Path, pipe: int, save_freq: Any, result: Path) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(BATCHES * SIZE - 5, 8)).astype("f")
    y = rng.integers(0, 3, len(x))
    model = graphc.Sequential(
        [
            graphc.Input((8,)),
            layers.Dense(12, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks: list[Any] = [Slow(pipe)]
    if save_freq is not None:
        callbacks.insert(0, graphc.callbacks.BackupAndRestore(folder, save_freq))
    history = model.fit(x, y, SIZE, EPOCHS, 0, callbacks)
    weights = [w.tobytes().hex() for w in model.get_weights()]
    slots = [np.asarray(v.eval(session=graphc.get_default_graph().records.session)).tolist()
             for v in model.optimizer.variables]  # fmt: skip
    text = json.dumps([weights, slots, history.history])
    aside = result.with_suffix(".aside")
    aside.write_text(text)
    os.replace(aside, result)


def start(folder: Path, save_freq: Any, result: Path) -> tuple[int, int]:
    """A fit in a process of its own: its number, and where it tells of its batches."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            train(folder, writing, save_freq, result)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def wait(child: int) -> bool:
    """Whether it came to its end by itself.

    Raises:
        RuntimeError: it failed.
    """
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise RuntimeError("a fit failed; its standard error says why")
    return True


def main(kills: int, folder: Path, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    expected = folder / "uninterrupted.json"
    child, reading = start(folder / "unused", None, expected)
    os.read(reading, 1)
    began = time.perf_counter()
    wait(child)
    os.close(reading)
    span = time.perf_counter() - began
    done = ended = different = 0
    starts: list[int] = []
    while done < kills:
        here, result = folder / f"backup-{ended}", folder / f"result-{ended}.json"
        save_freq = ["epoch", 7, 1][ended % 3]
        starts.append(0)
        is_over = False
        while not is_over:
            child, reading = start(here, save_freq, result)
            starts[-1] += 1
            os.read(reading, 1)
            if done < kills:
                time.sleep(chance.uniform(0, span))
                os.kill(child, signal.SIGKILL)
            is_over = wait(child)
            os.close(reading)
            done += not is_over
            span *= 0.8 if is_over else 1.1  # how fast fits are depends on who else is at work
        ended += 1
        different += result.read_text() != expected.read_text()
    return {"kills": done, "ended": ended, "different": different, "starts": starts}


if __name__ == "__main__":
    number, place, *seeds = sys.argv[1:]
    sys.stdout.write(json.dumps(main(int(number), Path(place), int((seeds or ["0"])[0]))) + "\n")

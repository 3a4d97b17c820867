"""Winter or summer? A GRU and a convolutional network read a day of Italy's power demand.

ItalyPowerDemand of the UCR archive: 24 hourly loads a day, standardised; 67 days to learn from and
1,029 to be tested on, in the archive's own split; days from October to March are the first class.
The files lie inside the package sktime (and in aeon), which is not imported, so that without what
it depends on it will do: `pip install --no-deps sktime`. With a number behind it the example trains
from so many seeds: `python examples/italy_power_demand.py 5`.
"""

import importlib.util
import os
import statistics
import sys
from pathlib import Path

import numpy as np

import graphc
from graphc import layers

NAME = "ItalyPowerDemand"
EPOCHS = 10 if os.environ.get("GRAPHC_EXAMPLE_SHORT") else 120
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PACKAGES = "sktime", "aeon"


def data_folder() -> Path:
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        for folder in (found and found.submodule_search_locations) or ():
            if (Path(folder) / "datasets" / "data" / NAME).is_dir():
                return Path(folder) / "datasets" / "data" / NAME
    raise SystemExit(f"{NAME} comes with the package sktime: pip install --no-deps sktime")


def read(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Loads, f32[days, 24, 1], and classes, i32[days], of a .ts file: "0.1,0.7,…:class"."""
    text = (data_folder() / f"{NAME}_{part}.ts").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] not in "#@"]
    days = [line.rpartition(":") for line in lines]
    loads = np.array([loads.split(",") for loads, _, _ in days], np.float32)
    return loads[..., None], np.array([int(label) - 1 for *_, label in days], np.int32)


def gru() -> list[layers.Layer]:
    return [layers.GRU(32)]


def convolutions() -> list[layers.Layer]:
    return [
        layers.Conv1D(32, 5, padding="same", activation="relu"),
        layers.Conv1D(32, 5, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.5),
    ]


train_x, train_y = read("TRAIN")
test_x, test_y = read("TEST")

for name, body, rate in (("GRU", gru, 1e-2), ("convolutions", convolutions, 3e-3)):
    accuracies = []
    for seed in range(SEEDS):
        with graphc.Session(graph=graphc.Graph(), seed=seed):
            model = graphc.Sequential(
                [graphc.Input((24, 1)), *body(), layers.Dense(2, activation="softmax")]
            )
            schedule = graphc.optimizers.schedules.CosineDecay(rate, EPOCHS * 5)
            model.compile(
                graphc.optimizers.Adam(schedule),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
            model.fit(train_x, train_y, batch_size=16, epochs=EPOCHS, verbose=0)
            loss, accuracy = model.evaluate(test_x, test_y, verbose=0)
        accuracies.append(accuracy)
        print(f"{name}, seed {seed}: test loss {loss:.4f}, test accuracy {accuracy:.2%}")
    if SEEDS > 1:
        print(f"{name}: mean {statistics.mean(accuracies):.2%}, worst {min(accuracies):.2%}")

"""Weights go from a Keras model to the same layers here; the numbers are the same.

Without Keras installed it says so and stops.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import graphc

if importlib.util.find_spec("keras") is None or importlib.util.find_spec("h5py") is None:
    print("Keras is not installed: pip install keras h5py")
    sys.exit(0)
os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


def build(package):
    """The same model in either package."""
    return [
        package.layers.Conv2D(8, 3, activation="relu", padding="same"),
        package.layers.BatchNormalization(),
        package.layers.MaxPooling2D(),
        package.layers.Flatten(),
        package.layers.Dense(10, activation="softmax"),
    ]


theirs = keras.Sequential([keras.Input((8, 8, 1)), *build(keras)])
ours = graphc.Sequential([graphc.Input((8, 8, 1)), *build(graphc)])
images = np.random.default_rng(0).random((16, 8, 8, 1), dtype=np.float32)

ours.set_weights(theirs.get_weights())
difference = np.abs(ours.predict(images) - np.asarray(theirs(images))).max()
print(f"arrays handed over: largest difference {difference:.1e}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "theirs.weights.h5"
    theirs.save_weights(path)
    again = graphc.Sequential([graphc.Input((8, 8, 1)), *build(graphc)])
    again.load_weights(path)
difference = np.abs(again.predict(images) - np.asarray(theirs(images))).max()
print(f"read from a file of Keras: largest difference {difference:.1e}")

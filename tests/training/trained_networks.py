"""Whole models and their training, written once for graphc and for Keras.

`KERAS_BACKEND=jax python -m tests.training.trained_networks FILE` writes what Keras's learn: the
histories of fits and some predictions after them, which stand in `recorded/fits.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.layers.layer_cases import weight_values
from tests.layers.networks import kinds_of

Learned = dict[str, Any]
"""`history`, by name and epoch, and further lists of numbers."""


def tokens(seed: int, count: int, steps: int, kinds: int) -> np.ndarray[Any, Any]:
    """Sequences of different lengths, with zeros behind: i32[count, steps]."""
    generator = np.random.default_rng(seed)
    made = generator.integers(1, kinds, (count, steps))
    lengths = generator.integers(2, steps + 1, (count, 1))
    return np.where(np.arange(steps) < lengths, made, 0).astype(np.int32)


def with_weights(model: Any, factor: float = 1.0) -> Any:
    """The model with the same weights on both sides."""
    model.set_weights([factor * value for value in weight_values(kinds_of(model))])
    return model


def listed(array: Any) -> list[float]:
    return [float(number) for number in np.asarray(array).ravel()]


def classify_sequences(k: Any) -> Learned:
    """Masked tokens, read in both directions, with a validation and a short last batch."""
    x = tokens(0, 27, 9, 12)
    y = (x.sum(1) % 3).astype(np.int32)
    model = k.Sequential(
        [
            k.Input((9,), dtype="int32"),
            k.layers.Embedding(12, 6, mask_zero=True),
            k.layers.Bidirectional(k.layers.LSTM(5)),
            k.layers.Dense(3, activation="softmax"),
        ]
    )
    with_weights(model)
    model.compile(k.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    fitted = model.fit(
        *(x[:21], y[:21]), batch_size=8, epochs=5, shuffle=False, verbose=0,
        validation_data=(x[21:], y[21:]),
    )  # fmt: skip
    return {"history": fitted.history, "predictions": listed(model.predict(x[:2], verbose=0))}


def translate(k: Any) -> Learned:
    """An encoder hands its states to a decoder; afterwards the decoder runs step by step."""
    source, target = tokens(1, 20, 7, 10), tokens(2, 20, 6, 8)
    seen, wanted = target[:, :-1], target[:, 1:]
    read = k.Input((7,), dtype="int32", name="source")
    written = k.Input((5,), dtype="int32", name="target")
    embedded = k.layers.Embedding(10, 5, mask_zero=True)(read)
    states = k.layers.LSTM(6, return_state=True)(embedded)[1:]
    embedding = k.layers.Embedding(8, 5, mask_zero=True)
    decoder = k.layers.LSTM(6, return_sequences=True, return_state=True)
    classify = k.layers.Dense(8)
    sequence, _, _ = decoder(embedding(written), initial_state=states)
    model = with_weights(k.Model([read, written], classify(sequence)))
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.RMSprop(0.01, momentum=0.5), loss)
    fitted = model.fit([source, seen], wanted, batch_size=5, epochs=4, shuffle=False, verbose=0)

    encoder = k.Model(read, states)
    one = k.Input((1,), dtype="int32")
    given = [k.Input((6,)), k.Input((6,))]
    step, *after = decoder(embedding(one), initial_state=given)
    stepper = k.Model([one, *given], [classify(step), *after])
    memory = encoder.predict(source[:2], verbose=0)
    steps = []
    for place in range(3):
        found, *memory = stepper.predict([seen[:2, place : place + 1], *memory], verbose=0)
        steps += listed(found)
    return {"history": fitted.history, "steps": steps, "states": listed(memory)}


def two_inputs(k: Any) -> tuple[Any, Any, Any]:
    """Two inputs, and what a shared tower with normalisation makes of each."""
    left, right = k.Input((4,), name="left"), k.Input((4,), name="right")
    penalty = k.regularizers.L1L2(0.001, 0.01)
    tower = k.Sequential(
        [
            k.Input((4,)),
            k.layers.Dense(6, activation="tanh", kernel_regularizer=penalty),
            k.layers.BatchNormalization(momentum=0.8),
        ]
    )
    shared = k.layers.Dense(5, activation="relu")
    return [left, right], shared(tower(left)), shared(tower(right))


def pairs(count: int) -> tuple[list[Any], np.random.Generator]:
    generator = np.random.default_rng(3)
    drawn = generator.normal(size=(2, count, 4)).astype(np.float32)
    return list(drawn), generator


def compare_pairs(k: Any) -> Learned:
    """Two inputs and two outputs, shared layers, weights of losses and of samples."""
    inputs, left, right = two_inputs(k)
    distance = k.layers.Subtract()([left, right])
    # Not in a layer that is called twice: there Keras's `fit` counts the last call only.
    held = k.layers.Activation("tanh", activity_regularizer=k.regularizers.L2(0.01))(distance)
    near = k.layers.Dense(1, activation="sigmoid", name="near")(held)
    total = k.layers.Dense(2, name="total")(k.layers.Concatenate()([left, right]))
    model = with_weights(k.Model(inputs, [near, total]), 0.5)
    x, generator = pairs(30)
    y = [(x[0][:, :1] > x[1][:, :1]).astype(np.float32), (x[0] + x[1])[:, :2]]
    weights = [generator.uniform(0, 2, 30).astype(np.float32) for _ in range(2)]
    model.compile(
        k.optimizers.SGD(0.05, momentum=0.9, nesterov=True, clipnorm=1.0),
        loss=["binary_crossentropy", "huber"],
        loss_weights=[1.0, 0.3],
        metrics=[["accuracy"], ["mae"]],
        weighted_metrics=[["accuracy"], ["mse"]],
    )
    fitted = model.fit(
        x, y, sample_weight=weights, batch_size=8, epochs=5, shuffle=False, verbose=0
    )
    found = model.predict([each[:2] for each in x], verbose=0)
    return {"history": fitted.history, "predictions": [n for each in found for n in listed(each)]}


def weigh_classes(k: Any) -> Learned:
    """Two inputs and one output, weights of classes beside those of samples."""
    inputs, left, right = two_inputs(k)
    outputs = k.layers.Dense(3, activation="softmax")(k.layers.Multiply()([left, right]))
    model = with_weights(k.Model(inputs, outputs), 0.5)
    x, generator = pairs(30)
    y = generator.integers(0, 3, 30).astype(np.int32)
    model.compile(
        k.optimizers.AdamW(0.02, weight_decay=0.01, global_clipnorm=0.5),
        "sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    options = {"batch_size": 10, "epochs": 5, "shuffle": False, "verbose": 0}
    by_class = model.fit(x, y, class_weight={0: 1.0, 1: 3.0, 2: 0.25}, **options).history
    weights = generator.uniform(0, 2, 30).astype(np.float32)
    by_sample = model.fit(x, y, sample_weight=weights, **options).history
    both = {f"{name}_by_sample": values for name, values in by_sample.items()}
    return {"history": {**by_class, **both}}


NETWORKS: Final[dict[str, Callable[[Any], Learned]]] = {
    each.__name__: each for each in (classify_sequences, translate, compare_pairs, weigh_classes)
}
RECORDED: Final = Path(__file__).parent / "recorded" / "fits.json"


if __name__ == "__main__":
    import keras

    answers = {name: learn(keras) for name, learn in NETWORKS.items()}
    rounded = json.loads(json.dumps(answers), parse_float=lambda text: float(f"{float(text):.8g}"))
    Path(sys.argv[1]).write_text(json.dumps(rounded, indent=1) + "\n")

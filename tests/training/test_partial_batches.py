"""Smaller batches beside others: counted exactly, by one program where samples keep apart.

What is compiled, for how many sizes, is asserted here: of `fit`, `evaluate` and `predict` with a
remainder, of streams whose batches differ, and where a layer mixes the samples of a batch.
"""

import warnings

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.callbacks import Callback

RNG = np.random.default_rng(11)
X = RNG.normal(size=(50, 6)).astype("f")
LABELS = RNG.integers(0, 3, 50)
Y = RNG.normal(size=(50, 2)).astype("f")
WEIGHTS = RNG.uniform(0.5, 2, 50).astype("f")


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def classifier(*middle, metrics=("accuracy",), optimizer="sgd", **compiled):
    model = graphc.Sequential(
        [graphc.Input((6,)), layers.Dense(5, activation="tanh"), *middle, layers.Dense(3)]
    )
    loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=list(metrics), **compiled)
    numbers = np.random.default_rng(0)
    model.set_weights([numbers.normal(size=w.shape) for w in model.get_weights()])
    return model


def program_of(model, mode="train"):
    (found,) = [program for key, program in model._programs.items() if key[0] == mode]
    return found


def by_batches(model, x, y, size, epochs=1):
    """The same training with every batch handed over by itself, at its own size."""
    losses = []
    for _ in range(epochs):
        totals = {}
        for first in range(0, len(x), size):
            part = slice(first, first + size)
            logs = model.train_on_batch(x[part], y[part], return_dict=True)
            for name, value in logs.items():
                totals[name] = totals.get(name, 0.0) + value * len(x[part]) / len(x)
        losses.append(totals)
    return losses


# -- one program -----------------------------------------------------------------------------------


def test_a_fit_with_a_remainder_compiles_its_step_once_and_counts_every_sample_once():
    model, other = classifier(), classifier()
    history = model.fit(X, LABELS, batch_size=16, epochs=3, shuffle=False, verbose=0)
    assert program_of(model).compilations == 1
    assert history.notes == []
    expected = by_batches(other, X, LABELS, 16, epochs=3)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(
            history.history[name], [logs[name] for logs in expected], rtol=1e-5
        )
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_evaluate_and_predict_with_a_remainder_compile_once_each():
    model = classifier()
    logits = model.predict(X, batch_size=50)
    assert program_of(model, "predict").compilations == 1
    found = model.evaluate(X, LABELS, batch_size=16, return_dict=True)
    assert program_of(model, "test").compilations == 1
    shifted = logits - logits.max(1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(50), LABELS]
    np.testing.assert_allclose(found["loss"], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], (logits.argmax(1) == LABELS).mean(), rtol=1e-6)

    again = model.predict(X, batch_size=16)
    assert again.shape == (50, 3)
    np.testing.assert_allclose(again, logits, rtol=1e-5, atol=1e-6)
    assert program_of(model, "predict").compilations == 2  # batches of 50, and of 16 for both sizes


def test_data_without_a_remainder_are_not_masked():
    model = classifier()
    model.fit(X[:48], LABELS[:48], batch_size=16, verbose=0)
    assert program_of(model).compilations == 1
    assert "masked" not in [s.name for s in program_of(model).loop.program.pipeline.stages]
    assert "_filled_loop" not in vars(program_of(model))


def test_another_batch_size_compiles_once_more_and_so_does_none_that_was_there():
    model = classifier()
    for size in (16, 12, 16, 12):
        model.fit(X, LABELS, batch_size=size, verbose=0)
    assert program_of(model).compilations == 2


def test_batches_of_a_stream_that_differ_in_size_share_one_program():
    sizes = [12, 7, 12, 1, 9, 9]
    ends = np.cumsum(sizes)
    batches = [(X[e - s : e], LABELS[e - s : e]) for s, e in zip(sizes, ends, strict=True)]
    model, other = classifier(), classifier()
    history = model.fit(iter(batches), verbose=0)
    assert program_of(model).compilations == 1
    losses = [other.train_on_batch(x, y, return_dict=True)["loss"] for x, y in batches]
    expected = np.average(losses, weights=sizes)
    np.testing.assert_allclose(history.history["loss"], [expected], rtol=1e-5)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        model.predict(x for x, _ in batches), model.predict(X), rtol=1e-5, atol=1e-6
    )
    assert program_of(model, "predict").compilations == 2  # the stream's 12, the arrays' 32


def test_a_stream_that_grows_compiles_for_each_new_largest_size_alone():
    sizes = [4, 9, 4, 6, 9, 3]
    model = classifier()
    model.fit(((X[:size], LABELS[:size]) for size in sizes), verbose=0)
    assert program_of(model).compilations == 2


def test_weights_of_samples_and_of_classes_count_in_the_remainder():
    model, other = classifier(), classifier()
    weights = WEIGHTS * np.where(LABELS == 1, 3.0, 1.0)
    history = model.fit(
        X, LABELS, batch_size=16, shuffle=False, verbose=0, sample_weight=WEIGHTS,
        class_weight={1: 3.0},
    )  # fmt: skip
    assert program_of(model).compilations == 1
    parts = [slice(first, first + 16) for first in range(0, 50, 16)]
    losses = [
        other.train_on_batch(X[part], LABELS[part], weights[part], return_dict=True)["loss"]
        for part in parts
    ]
    expected = np.average(losses, weights=[len(X[part]) for part in parts])
    np.testing.assert_allclose(history.history["loss"], [expected], rtol=1e-5)


def test_dropout_draws_for_the_samples_of_the_remainder_what_it_draws_without_filling():
    def trained(by_hand):
        with graphc.Graph().as_default(), graphc.Session(seed=5):
            model = classifier(layers.Dropout(0.4), layers.GaussianNoise(0.2))
            if by_hand:
                by_batches(model, X, LABELS, 16)
            else:
                model.fit(X, LABELS, batch_size=16, shuffle=False, verbose=0)
                assert program_of(model).compilations == 1
            return model.get_weights()

    for mine, theirs in zip(trained(False), trained(True), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_callbacks_about_batches_and_steps_per_execution_leave_one_program():
    heard = []

    class Listening(Callback):
        def on_train_batch_end(self, batch, logs=None):
            heard.append(batch)

    model = classifier(steps_per_execution=3)
    model.fit(X, LABELS, batch_size=16, verbose=0, callbacks=[Listening()])
    assert heard == [2, 3]
    assert program_of(model).compilations == 1


def test_samples_whose_derivatives_are_infinite_elsewhere_do_not_spoil_the_remainder():
    model = graphc.Sequential([graphc.Input((2,)), layers.Dense(1), layers.Lambda(graphc.ops.sqrt)])
    model.compile("sgd", "mse")
    model.set_weights([np.ones((2, 1)), np.zeros(1)])
    x = np.ones((5, 2), "f")
    x[1] = 0.5
    model.fit(x, np.ones((5, 1), "f"), batch_size=4, shuffle=False, verbose=0)
    assert program_of(model).compilations == 1
    assert np.isfinite(model.get_weights()[0]).all()


# -- two programs ----------------------------------------------------------------------------------


def test_a_layer_that_mixes_samples_compiles_once_more_and_says_why(capsys):
    model, other = (classifier(layers.BatchNormalization()) for _ in range(2))
    history = model.fit(X, LABELS, batch_size=16, epochs=2, shuffle=False, verbose=2)
    assert program_of(model).compilations == 2
    (note,) = history.notes
    assert "a batch of 2 samples beside those of 16 is compiled by itself" in note
    assert "batch_norm_training mixes the samples of a batch" in note
    assert "test_partial_batches.py" in note
    assert capsys.readouterr().out.splitlines().count(note) == 1
    expected = by_batches(other, X, LABELS, 16, epochs=2)
    np.testing.assert_allclose(
        history.history["loss"], [logs["loss"] for logs in expected], rtol=1e-5
    )
    again = model.fit(X, LABELS, batch_size=16, verbose=0)
    assert again.notes == []  # it is there already


def test_predictions_of_a_layer_that_mixes_samples_are_those_of_each_batch():
    model = graphc.Sequential(
        [graphc.Input((6,)), layers.Lambda(lambda x: x - graphc.ops.max(x, axis=0))]
    )
    found = model.predict(X, batch_size=16)
    # a maximum over the samples that count is the maximum of the batch
    parts = [X[i : i + 16] - X[i : i + 16].max(0) for i in range(0, 50, 16)]
    np.testing.assert_allclose(found, np.concatenate(parts), rtol=1e-6)


def test_a_log_that_is_one_number_for_each_sample_is_never_filled_up():
    class Own(graphc.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            x, y, _ = data
            errors = graphc.ops.mean(graphc.ops.square(self(x, training=True) - y), axis=1)
            self.optimizer.minimize(graphc.ops.mean(errors), self.trainable_variables)
            return {"errors": errors}

    model = Own()
    model.compile("sgd")
    history = model.fit(X, Y, batch_size=16, verbose=0)
    assert history.history["errors"][0].shape == (2,)
    assert "a number of the step is one for each sample" in history.notes[0]


# -- beside Keras ----------------------------------------------------------------------------------


def test_losses_and_metrics_with_a_remainder_are_those_of_keras():
    keras = pytest.importorskip("keras")
    weights = classifier().get_weights()
    found = {}
    for name, package in (("graphc", graphc), ("keras", keras)):
        model = package.Sequential(
            [
                package.Input((6,)),
                package.layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
                package.layers.Dense(3, activity_regularizer="l1"),
            ]
        )
        loss = package.losses.SparseCategoricalCrossentropy(from_logits=True)
        top = package.metrics.SparseTopKCategoricalAccuracy(2)
        model.compile(package.optimizers.Adam(0.01), loss, metrics=["accuracy", top])
        model.set_weights(weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history = model.fit(
                X, LABELS, batch_size=16, epochs=3, shuffle=False, verbose=0,
                validation_data=(X[:30], LABELS[:30]),
            ).history  # fmt: skip
            numbers = [history[key] for key in sorted(history)]
            found[name] = numbers, model.predict(X[:21], batch_size=8, verbose=0)
        if package is graphc:
            assert program_of(model).compilations == program_of(model, "test").compilations == 1
    np.testing.assert_allclose(found["graphc"][0], found["keras"][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["graphc"][1], found["keras"][1], rtol=1e-4, atol=1e-5)

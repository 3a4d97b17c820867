"""Callbacks of real trainings: what they write, show and change."""

import csv
import io
import sys

import jax
import numpy as np
import pytest
from rich.console import Console

import graphc
from graphc import callbacks, layers
from graphc.callbacks.event_files import crc32c, record
from graphc.errors import GraphcError, NumericsError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(48, 3)).astype("f")
Y = (X @ np.array([[1.0], [2.0], [-1.0]])).astype("f")


def made(optimizer="sgd"):
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    return model


def test_rates_change_without_a_compilation_and_logs_become_a_table(tmp_path):
    compiled, marks = [], []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if "backend_compile" in event else None
    )
    table = tmp_path / "log.csv"
    heard = []
    told = [
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else 0.01),
        callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e9),
        callbacks.CSVLogger(table),
        callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: marks.append(len(compiled)),
            on_train_batch_end=lambda batch, logs: heard.append(batch),
        ),
    ]
    history = made().fit(X, Y, 16, 5, 0, told)
    assert marks[0] > 0, "the events of the compiler are seen"
    assert marks[1] == marks[-1], "nothing is compiled once rates have changed"
    rates = history.history["learning_rate"]
    np.testing.assert_allclose(rates, [1e-2, 5e-3, 2.5e-4, 1.25e-5, 6.25e-7], rtol=1e-5)
    assert heard == [0, 1, 2] * 5
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    assert rows[0]["val_loss"] == "NA"
    again = callbacks.CSVLogger(table, append=True)
    again.on_train_begin()
    again.on_epoch_end(5, {"loss": 1.0, "learning_rate": 0.5})
    again.on_train_end()
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["epoch"] for row in rows][-2:] == ["4", "5"]


def test_averages_are_evaluated_and_the_weights_come_back():
    model = made(graphc.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    seen = {}

    def note(name):
        return lambda *_: seen.__setitem__(name, model.get_weights()[0].ravel())

    model.fit(X, Y, 16, 1, 0, [
        callbacks.LambdaCallback(on_test_begin=note("weights")),
        callbacks.SwapEMAWeights(),
        callbacks.LambdaCallback(on_test_begin=note("averages"), on_epoch_end=note("after")),
    ], validation_data=(X, Y))  # fmt: skip
    assert np.abs(seen["weights"] - seen["averages"]).max() > 1e-3
    np.testing.assert_array_equal(seen["weights"], seen["after"])
    np.testing.assert_array_equal(model.get_weights()[0].ravel(), seen["averages"])
    with pytest.raises(GraphcError, match="use_ema=True"):
        made().evaluate(X, Y, callbacks=[callbacks.SwapEMAWeights()])


def test_a_loss_that_is_no_number_ends_training_at_its_batch():
    broken = np.where(np.arange(48)[:, None] == 20, np.nan, Y).astype("f")
    heard = []
    note = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: heard.append(batch))
    model = made()
    model.fit(X, broken, 16, 3, 0, [note, callbacks.TerminateOnNaN()], shuffle=False)
    assert heard == [0, 1]
    with pytest.raises(NumericsError, match="batch 1"):
        made().fit(X, broken, 16, 3, 0, callbacks.TerminateOnNaN(True), shuffle=False)


def test_the_best_weights_come_back_when_training_ends_early():
    model = made(graphc.optimizers.SGD(0.05))
    kept = []

    class Raising(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(model.get_weights()[0])
            logs["score"] = [1.0, 3.0, 2.0, 2.5, 2.9][epoch]

    stopping = callbacks.EarlyStopping("score", patience=2, mode="max", restore_best_weights=True)
    history = model.fit(X, Y, 16, 5, 0, [Raising(), stopping])
    assert history.epoch == [0, 1, 2, 3]
    np.testing.assert_array_equal(model.get_weights()[0], kept[1])


def test_tensorboard_reads_the_events(tmp_path):
    model = made()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2)
    history = model.fit(X, Y, 16, 2, 0, board, validation_data=(X, Y)).history
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = {}
    for run in ("train", "validation"):
        read[run] = reader.EventAccumulator(str(tmp_path / run), size_guidance={"histograms": 0})
        read[run].Reload()

    def scalars(run, tag):
        return [(event.step, event.value) for event in read[run].Scalars(tag)]

    for run, tag, values in [("train", "epoch_loss", history["loss"]),
                             ("validation", "epoch_loss", history["val_loss"])]:  # fmt: skip
        steps, found = zip(*scalars(run, tag), strict=True)
        assert steps == (0, 1)
        np.testing.assert_allclose(found, values, rtol=1e-6)
    assert [step for step, _ in scalars("train", "batch_loss")] == [2, 4, 6]
    evaluated = scalars("validation", "evaluation_loss_vs_iterations")
    assert [step for step, _ in evaluated] == [3, 6]
    kernel = model.layers[0].kernel.name
    last = read["train"].Histograms(f"{kernel}/histogram")[-1].histogram_value
    weights = model.get_weights()[0]
    found = [last.num, last.sum, last.min, last.max]
    expected = [3, weights.sum(), weights.min(), weights.max()]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert sum(last.bucket) == 3


def test_the_bar_shows_progress_on_a_terminal_and_a_log_has_a_line_per_epoch():
    for is_terminal in (True, False):
        written = io.StringIO()
        console = Console(file=written, force_terminal=is_terminal, width=150)
        model = made()
        model.fit(X, Y, 4, 2, 1, [callbacks.ProgbarLogger(console)])
        text = written.getvalue()
        assert "Epoch 2/2" in text
        assert "loss: " in text
        assert ("12/12" in text and "step" in text) == is_terminal
        assert (len(text.splitlines()) == 2) != is_terminal


def test_histories_are_drawn(tmp_path, monkeypatch):
    history = callbacks.History()
    history.epoch, history.history = [0, 1], {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}
    pytest.importorskip("matplotlib")
    with pytest.raises(GraphcError, match="no 'los'"):
        history.plot(["los"])
    figure = history.plot(path=tmp_path / "curves.png")
    lines = figure.axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[2.0, 1.0], [3.0, 2.0]]
    assert (tmp_path / "curves.png").stat().st_size > 0
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(GraphcError, match="graphc-xla\\[plot\\]"):
        history.plot()


def test_unknown_methods_and_options_are_explained():
    with pytest.raises(GraphcError, match="on_epoch_end"):
        callbacks.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(GraphcError, match="update_freq"):
        callbacks.TensorBoard(update_freq="epok")
    schedule = graphc.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with pytest.raises(GraphcError, match="LearningRateScheduler sets"):
        made(graphc.optimizers.SGD(schedule)).fit(
            X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: rate)
        )


def test_records_carry_the_checksums_of_their_format():
    assert crc32c(b"123456789") == 0xE3069283, "the check value of RFC 3720's polynomial"
    length, content = record(b"abc")[:8], record(b"abc")[12:15]
    assert length == b"\x03" + bytes(7)
    assert content == b"abc"
    plain = crc32c(b"abc")
    masked = ((plain >> 15 | plain << 17) + 0xA282EAD8) % 2**32
    assert record(b"abc")[15:] == masked.to_bytes(4, "little")

"""What metrics do beyond Keras's numbers: in training, as data, and mistakes told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, layers, losses, metrics
from graphc.ops.context import session_of
from tests.metrics.metric_cases import CALLS

X = np.linspace(-2, 2, 22, dtype=np.float32)[:, None]
Y = (X[:, 0] + 0.3 * np.sin(9 * X[:, 0]) > 0).astype(np.float32)


@pytest.fixture(autouse=True)
def _own_graph() -> Any:
    with graphc.Graph().as_default():
        yield


def classifier(activation: str | None, loss: Any, asked: list[Any]) -> Any:
    model = graphc.Sequential([graphc.Input((1,)), layers.Dense(1, activation=activation)])
    model.compile("sgd", loss, metrics=asked)
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    return model


def by_hand(chances: np.ndarray) -> dict[str, float]:
    chosen, label = chances > 0.5, Y > 0
    right = np.sum(chosen & label)
    above, below = chances[label][:, None], chances[~label][None]
    return {
        "mse": float(np.mean((chances - Y) ** 2)),
        "precision": right / chosen.sum(),
        "recall": right / label.sum(),
        "auc": float(np.mean(above > below)),
        "f1_score": 2 * right / (chosen.sum() + label.sum()),
        "false_positives": float(np.sum(chosen & ~label)),
    }


def test_metrics_of_a_model_count_every_sample_once_in_fit_and_evaluate() -> None:
    asked = [
        "mse",
        metrics.Precision(),
        metrics.Recall(),
        metrics.AUC(2000),
        metrics.F1Score("micro", 0.5),
        metrics.FalsePositives(),
    ]
    model = classifier("sigmoid", "binary_crossentropy", asked)
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, Y[:, None], batch_size=8, epochs=2, verbose=0).history
    found = model.evaluate(X, Y[:, None], batch_size=8, verbose=0, return_dict=True)
    for name, expected in by_hand(1 / (1 + np.exp(-X[:, 0]))).items():
        assert history[name] == pytest.approx([expected] * 2, abs=2e-3), name
        assert found[name] == pytest.approx(expected, abs=2e-3), name


@pytest.mark.parametrize(
    "metric",
    [
        metrics.AUC,
        metrics.Precision,
        metrics.TrueNegatives,
        metrics.BinaryCrossentropy,
        lambda: metrics.F1Score(threshold=0.5),
        lambda: metrics.PrecisionAtRecall(0.5),
        metrics.BinaryIoU,
    ],
)
def test_a_metric_of_probabilities_is_refused_where_the_model_gives_logits(metric: Any) -> None:
    model = classifier(None, losses.BinaryCrossentropy(from_logits=True), [metric()])
    with pytest.raises(errors.GraphcError, match="takes probabilities") as caught:
        model.train_on_batch(X, Y)
    assert "sigmoid or softmax" in str(caught.value)
    assert "from_logits" in str(caught.value)


def test_metrics_of_logits_are_taken_where_the_model_gives_logits() -> None:
    asked = [
        metrics.AUC(2000, from_logits=True),
        metrics.Precision(0, name="precision"),
        metrics.BinaryCrossentropy(from_logits=True),
    ]
    model = classifier(None, losses.BinaryCrossentropy(from_logits=True), asked)
    found = model.evaluate(X, Y, batch_size=8, verbose=0, return_dict=True)
    expected = by_hand(1 / (1 + np.exp(-X[:, 0])))
    assert found["precision"] == pytest.approx(expected["precision"])
    assert found["auc"] == pytest.approx(expected["auc"], abs=2e-3)
    assert found["binary_crossentropy"] == pytest.approx(found["loss"], rel=1e-5)


def test_every_metric_is_written_and_read() -> None:
    for name, _, _, config in CALLS:
        made = getattr(metrics, name)(**config)
        again = metrics.deserialize(metrics.serialize(made))
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
        assert (again.name, again.dtype) == (made.name, made.dtype)
    for function in (metrics.mean_absolute_error, metrics.binary_accuracy):
        wrapped = metrics.MeanMetricWrapper(function, "mine")
        again = metrics.get(metrics.serialize(wrapped))
        assert again.get_config() == wrapped.get_config()
        assert again._fn is function


def test_short_names_mean_metrics_as_in_keras() -> None:
    for name, kind in (
        ("bce", metrics.BinaryCrossentropy),
        ("MSE", metrics.MeanSquaredError),
        ("mae", metrics.MeanAbsoluteError),
        ("MAPE", metrics.MeanAbsolutePercentageError),
        ("msle", metrics.MeanSquaredLogarithmicError),
        ("auc", metrics.AUC),
        ("f1_score", metrics.F1Score),
        ("RootMeanSquaredError", metrics.RootMeanSquaredError),
    ):
        assert type(metrics.get(name)) is kind


def test_metrics_that_learn_their_size_forget_all_of_it() -> None:
    score = metrics.R2Score()
    score.reset_state()
    score.update_state(X, X + 1)
    score.reset_state()
    score.update_state(X, X)
    assert session_of(graphc.get_default_graph()).run(score.result()) == 1


def test_fractions_of_weights_that_are_lost_are_warned_of() -> None:
    overlap = metrics.MeanIoU(2)
    with pytest.warns(UserWarning, match='dtype="float32"'):
        overlap.update_state([0, 1], [0, 1], sample_weight=[0.5, 1.0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: metrics.Precision(thresholds=[0.2, 3.0]), "between 0 and 1"),
        (lambda: metrics.AUC(curve="RUC"), "did you mean 'ROC'"),
        (lambda: metrics.AUC(summation_method="minor"), "did you mean 'minoring'"),
        (lambda: metrics.AUC(1), "num_thresholds must be above 1"),
        (lambda: metrics.AUC(num_labels=3), "multi_label"),
        (lambda: metrics.AUC(multi_label=True).result(), "update it first"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall must be between 0 and 1"),
        (lambda: metrics.RecallAtPrecision(0.5, 0), "num_thresholds must be above 0"),
        (lambda: metrics.F1Score("macros"), "did you mean 'macro'"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta must be above 0"),
        (lambda: metrics.FBetaScore(threshold=2.0), "leave it out"),
        (lambda: metrics.F1Score().result(), "update it first"),
        (lambda: metrics.F1Score().update_state([1, 2], [1, 2]), "one_hot"),
        (lambda: metrics.R2Score("mean"), "no class_aggregation"),
        (lambda: metrics.R2Score(num_regressors=-1), "0 or more"),
        (lambda: metrics.R2Score().update_state([1.0], [2.0]), r"\[batch, outputs\]"),
        (lambda: metrics.R2Score().result(), "update it first"),
        (lambda: metrics.IoU(3, [0, 3]), "numbers from 0 to 2"),
        (lambda: metrics.MeanIoU(3).update_state([0, 1], [0.1, 0.2, 0.7]), "sparse_y_pred"),
        (lambda: metrics.Recall().update_state([0, 1], [[0.1, 0.9], [0.2, 0.8]]), "one_hot"),
        (lambda: metrics.Recall(class_id=2).update_state(X > 0, X), "no class 2"),
        (lambda: metrics.get("precison"), "did you mean 'precision'"),
    ],
)
def test_mistakes_are_told(make: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


@pytest.mark.parametrize("identifier", ["mean_io_u", "MeanIoU", metrics.MeanIoU])
def test_a_name_alone_does_not_make_a_metric_that_needs_more(identifier) -> None:
    with pytest.raises(errors.GraphcError, match="needs num_classes") as caught:
        metrics.get(identifier)
    assert caught.value.fix == "graphc.metrics.MeanIoU(num_classes=…)"
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(1)])
    with pytest.raises(errors.GraphcError, match="needs num_classes"):
        model.compile("sgd", "mse", metrics=["mean_io_u"])

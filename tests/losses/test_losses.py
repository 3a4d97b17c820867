"""What losses do beyond Keras's numbers: masks, functions of users, data, and mistakes told."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, losses, ops
from graphc.ops.masks import set_mask

X = np.float32([[1, 2, 3], [4, 5, 6]])


def value_of(made: Any, feeds: Any = None) -> Any:
    with graphc.Session(graph=made[0].graph if isinstance(made, list) else made.graph) as session:
        return session.run(made, feeds)


def test_masks_leave_out_what_does_not_count() -> None:
    criterion = losses.MeanSquaredError()
    steps = np.float32([[[1], [2], [np.nan]], [[3], [np.inf], [5]]])
    prediction = graphc.constant(steps)
    set_mask(prediction, graphc.constant([[True, True, False], [True, False, True]]))
    rows = np.array([True, False])
    zeros = np.zeros_like(steps)
    of_predictions, of_both, of_sum, weighted, of_rows = value_of(
        [
            criterion(zeros, prediction),
            criterion(zeros, prediction, mask=rows),
            losses.MeanSquaredError("sum")(zeros, prediction, mask=rows),
            criterion(zeros, prediction, sample_weight=[[1.0], [2.0]]),
            criterion(zeros[0], X.T[:, :1], mask=[True, False, True]),
        ]
    )
    assert of_predictions == pytest.approx((1 + 4 + 9 + 25) / 4)
    assert of_both == pytest.approx((1 + 4) / 2)
    assert of_sum == pytest.approx(1 + 4)
    assert weighted == pytest.approx((1 + 4 + 18 + 50) / 4)
    assert of_rows == pytest.approx((1 + 9) / 2)


def test_a_batch_without_samples_has_a_loss_of_zero() -> None:
    x = graphc.placeholder("float32", [None, 3])
    made = [losses.MeanSquaredError(reduction)(x, x + 1) for reduction in ("mean", "sum", None)]
    empty = value_of(made, {x: np.zeros((0, 3), np.float32)})
    assert [each.tolist() for each in empty] == [0, 0, []]
    full = value_of(made, {x: X})
    assert [each.tolist() for each in full] == [1, 2, [1, 1]]


def test_the_type_of_a_loss_is_the_default_float_unless_given() -> None:
    tiny = np.float64([1e-12])
    narrow, wide = value_of(
        [
            losses.MeanAbsoluteError()(1 + tiny, np.ones(1)),
            losses.MeanAbsoluteError(dtype="float64")(1 + tiny, np.ones(1)),
        ]
    )
    assert (narrow, narrow.dtype) == (0, np.float32)
    assert wide == pytest.approx(1e-12, rel=1e-3)
    assert losses.MeanSquaredError()(np.uint8([[1]]), np.uint8([[2]])).dtype == "float32"


def offset(y_true: Any, y_pred: Any, by: float = 0.0) -> Any:
    return ops.mean(y_pred - y_true - by, axis=-1)


class Largest(losses.Loss):
    """What users write."""

    def __init__(self, power: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.power = power

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.max(ops.abs(y_true - y_pred) ** self.power, axis=-1)


class Named(losses.Loss):
    """A loss of several outputs."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sum(y_true["a"] - y_pred["a"], -1) + ops.sum(y_pred["b"], -1)


def test_functions_and_classes_of_users_are_losses() -> None:
    labels = np.uint8([[1, 2, 9], [4, 5, 6]])
    made = [
        losses.as_loss(offset)(labels, X),  # floats: 3 - 9 is not 250
        losses.as_loss(lambda t, p: ops.sum(p - t, -1))(labels, X),
        losses.as_loss(partial(offset, by=1.0))(labels, X),
        losses.LossFunctionWrapper(offset, "sum", by=1.0)(labels, X, [1.0, 2.0]),
        Largest(2, reduction="sum")(labels, X),
        Named()({"a": labels, "b": X}, {"a": labels, "b": X}),
    ]
    assert made[0].name.startswith("offset/")
    np.testing.assert_allclose(value_of(made), [-1, -3, -2, -5, 36, 10.5], rtol=1e-6)


def test_names_and_functions_mean_losses_as_in_keras() -> None:
    for name, function in (
        ("mse", losses.mean_squared_error),
        ("MAE", losses.mean_absolute_error),
        ("kld", losses.kl_divergence),
        ("BCE", losses.binary_crossentropy),
        ("sparse_categorical_crossentropy", losses.sparse_categorical_crossentropy),
        ("huber", losses.huber),
        ("ctc", losses.ctc),
    ):
        assert losses.get(name) is function
        assert losses.serialize(function) == function.__name__
        assert type(losses.as_loss(name)) is type(losses.as_loss(function)) is not losses.Loss
    assert isinstance(losses.get("KLDivergence"), losses.KLDivergence)
    assert isinstance(losses.as_loss("circle"), losses.Circle)
    assert losses.get(None) is None
    assert losses.get(offset) is offset
    same = losses.Huber(3.0)
    assert losses.as_loss(same) is same
    sizes = {"Binary": ((8, 1), (8, 1)), "SparseCategorical": ((8,), (8, 3))}
    for kind, shapes in (sizes | {"Categorical": ((8, 3), (8, 3))}).items():
        made = losses.as_loss("crossentropy", *(np.zeros(shape) for shape in shapes))
        assert type(made).__name__ == f"{kind}Crossentropy"


def test_every_loss_is_written_and_read() -> None:
    classes = [thing for name in losses.__all__ if isinstance(thing := getattr(losses, name), type)]
    for thing in set(classes) - {losses.Loss, losses.LossFunctionWrapper}:
        made = thing(reduction="sum", name="mine")
        again = losses.get(losses.serialize(made))
        assert type(again) is thing
        assert again.get_config() == made.get_config()
        assert (again.reduction, again.name) == ("sum", "mine")
    wrapped = losses.LossFunctionWrapper(losses.huber, delta=0.5)
    again = losses.deserialize(losses.serialize(wrapped))
    assert again.fn is losses.huber
    assert again.get_config() == wrapped.get_config()
    data = losses.serialize(Largest(2, reduction="sum"))
    assert losses.deserialize(data, {"Largest": Largest}).get_config() == data["config"]
    theirs = {
        "module": "keras.losses",
        "class_name": "Tversky",
        "config": {"name": "t", "reduction": "sum", "alpha": 0.1, "beta": 0.9, "axis": [1]},
    }
    assert losses.get(theirs).beta == 0.9


def test_ignored_labels_of_unsigned_integers_and_gradients_where_nothing_counts() -> None:
    logits = graphc.placeholder("float32", [None, 3])
    labels = graphc.placeholder("uint8", [None])
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=255)
    ignored = ignoring(labels, logits)
    minus = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)(labels, logits)
    alone = losses.Circle(gamma=4.0)(labels, logits)
    made = [ignored, minus, *(graphc.gradients(each, logits) for each in (ignored, alone))]
    ignored, minus, slopes, lonely = value_of(made, {logits: X, labels: np.uint8([255, 1])})
    assert ignored == pytest.approx(-np.log(5 / 15))
    assert np.isfinite(minus)
    assert not slopes[0].any()
    assert slopes[1].any()
    assert np.isfinite(lonely).all()


def given(dtype: str, shape: list[Any]) -> Any:
    return graphc.placeholder(dtype, shape)


def predictions() -> Any:
    return given("float32", [None, 3])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: losses.MeanSquaredError()(given("float32", [None, 4]), predictions()),
            r"labels f32\[.*, 4\], predictions f32\[.*, 3\]",
        ),
        (
            lambda: losses.MeanAbsoluteError()(given("float32", [None]), predictions()),
            "labels and predictions do not fit",
        ),
        (
            lambda: losses.CategoricalCrossentropy()(given("int32", [None]), predictions()),
            "sparse loss",
        ),
        (
            lambda: losses.CategoricalCrossentropy()(given("int32", [None, 1]), predictions()),
            "a probability for each class",
        ),
        (
            lambda: losses.BinaryCrossentropy()(given("float32", [None, 2]), predictions()),
            "do not fit",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(
                given("int32", [None, 3]), predictions()
            ),
            "the loss that is not sparse",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.eye(3, dtype=np.float32)[:2], X),
            "labels must be integers",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.array([0, 3]), X),
            r"3 at position \(1,\), and 3 classes",
        ),
        (lambda: losses.SparseCategoricalCrossentropy()([[-1], [0]], X), "no class"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy()([0, 5], X), "no class"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "between 0 and 1"),
        (lambda: losses.CTC()(np.array([[1, 9]]), X[None]), "no class"),
        (lambda: losses.CTC()(np.array([1, 2]), X[None]), r"\[batch, labels\]"),
        (lambda: losses.Circle()(np.array([1, 2, 3]), X), r"embeddings \[batch, size\]"),
        (
            lambda: losses.MeanSquaredError()(
                given("float32", [None, 5, 3]),
                given("float32", [None, 5, 3]),
                given("float32", [None]),
            ),
            r"weights\[:, None\]",
        ),
        (lambda: losses.MeanSquaredError()(X, X, np.ones(3)), "weights of samples do not fit"),
        (lambda: losses.MeanSquaredError()(X, X, mask=np.ones(3, bool)), "masks do not fit"),
        (lambda: losses.MeanSquaredError("average"), "no reduction 'average'"),
        (lambda: losses.get("mean_square_error"), "did you mean 'mean_squared_error'"),
        (lambda: losses.as_loss(None), "None is no loss"),
    ],
)
def test_mistakes_are_told(make: Any, words: str) -> None:
    before = len(graphc.get_default_graph().get_operations())
    with pytest.raises(errors.GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__
    made = graphc.get_default_graph().get_operations()[before:]
    assert {op.type for op in made} <= {"input"}


def test_one_class_is_warned_of() -> None:
    one = np.ones((2, 1), np.float32)
    for make in (losses.CategoricalCrossentropy, losses.CategoricalFocalCrossentropy):
        with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
            make()(one, one)

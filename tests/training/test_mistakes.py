"""What people get wrong when they train: each mistake is told of, in their own line."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, layers, losses, ops

X = np.random.default_rng(0).random((12, 4)).astype(np.float32)
LABELS = np.arange(12) % 3


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def classifier(activation: Any = "softmax", loss: Any = "sparse_categorical_crossentropy") -> Any:
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3, activation)])
    model.compile("sgd", loss)
    return model


def refusal(call: Any, kind: type = errors.GraphcError) -> str:
    with pytest.raises(kind) as caught:
        call()
    error: Any = caught.value
    assert error.origin.file == __file__
    return str(error)


def test_one_array_is_no_labels_for_two_outputs() -> None:
    x = graphc.Input((4,))
    model = graphc.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", ["mse", "mse"])
    assert "'a', 'b'" in refusal(lambda: model.fit(X, LABELS, verbose=0))
    model.fit(X, [LABELS, LABELS], verbose=0)


def test_a_number_of_no_row_is_refused_before_training_and_predicting() -> None:
    model = graphc.Sequential([layers.Embedding(5, 2, name="words"), layers.Flatten()])
    model.compile("sgd", "mse")
    rows = np.array([[0, 4], [3, -1]])
    model.predict(rows)
    said = refusal(lambda: model.predict(rows + 1))
    assert "5 at position (0, 1)" in said
    assert "'words'" in said
    assert "0 to 4" in refusal(lambda: model.fit(rows - 5, np.zeros((2, 4)), verbose=0))


def test_floats_that_are_class_numbers_are_labels_and_others_are_not() -> None:
    model = classifier()
    expected = model.evaluate(X, LABELS)
    assert model.evaluate(X, LABELS.astype(np.float64)) == expected
    assert model.evaluate(X, LABELS[:, None].astype(np.float32)) == expected
    assert "0.5 at position (0,)" in refusal(lambda: model.evaluate(X, LABELS + 0.5))
    assert "not sparse" in refusal(lambda: model.evaluate(X, np.eye(3)[LABELS]))


@pytest.mark.parametrize(
    ("activation", "loss", "said"),
    [
        ("softmax", losses.SparseCategoricalCrossentropy(from_logits=True), "ends in a softmax"),
        ("sigmoid", losses.CategoricalCrossentropy(from_logits=True), "ends in a sigmoid"),
        (None, "sparse_categorical_crossentropy", "no activation"),
        ("softmax", "sparse_categorical_crossentropy", None),
        (None, losses.SparseCategoricalCrossentropy(from_logits=True), None),
        (None, "mse", None),
    ],
)
def test_a_loss_that_does_not_fit_the_activation_is_told_of(
    activation: Any, loss: Any, said: str | None
) -> None:
    model = classifier(activation, loss)
    is_sparse = "parse" in str(getattr(loss, "name", loss))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.evaluate(X, LABELS if is_sparse else np.eye(3)[LABELS])
    assert len(told) == (said is not None)
    assert all(str(said) in str(one.message) for one in told)
    assert all(one.filename == __file__ for one in told)


def test_a_softmax_over_one_number_is_told_of() -> None:
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(1, "softmax")])
    model.compile("sgd", "binary_crossentropy")
    with pytest.warns(UserWarning, match="always 1"):
        model.evaluate(X, LABELS > 0)


def test_an_iterator_that_is_used_up_ends_the_training() -> None:
    model = classifier()
    with pytest.warns(UserWarning, match="no more batches for epoch 2"):
        history = model.fit(iter([(X, LABELS)]), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 1
    data = iter([[X, LABELS]])
    with pytest.warns(UserWarning, match="no more batches for epoch 2"):
        history = model.fit(data, epochs=3, validation_data=(X, LABELS), verbose=0)
    assert len(history.history["val_loss"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"class_weight": "balanced"}, "dict(enumerate(weights))"),
        ({"class_weight": [1, 2, 3]}, "dict(enumerate(weights))"),
        ({"epochs": "3"}, "epochs='3'"),
        ({"initial_epoch": -1}, "initial_epoch=-1"),
        ({"callbacks": [graphc.callbacks.EarlyStopping]}, "not the class EarlyStopping"),
    ],
)
def test_arguments_of_fit_that_are_wrong(arguments: dict[str, Any], said: str) -> None:
    model = classifier()
    before = model.get_weights()
    assert said in refusal(lambda: model.fit(X, LABELS, verbose=0, **arguments))
    assert all(map(np.array_equal, before, model.get_weights()))


def test_text_is_no_label() -> None:
    model = classifier()
    said = refusal(lambda: model.fit(X, np.array(["cat", "dog"] * 6), verbose=0))
    assert "np.unique" in said


def test_what_constructors_refuse() -> None:
    for call in (
        lambda: layers.Dense(2, kernel_initializer="glorot"),
        lambda: layers.Conv2D(2, 3, bias_regularizer="l3"),
        lambda: layers.Dense(2, kernel_constraint="nonneg"),
        lambda: graphc.optimizers.Adam("0.1"),
    ):
        refusal(call)
    said = refusal(lambda: layers.Reshape((3, 3))(graphc.Input((10,))), errors.ShapeError)
    assert "10 elements" in said
    refusal(lambda: layers.Reshape((-1, 4))(graphc.Input((10,))), errors.ShapeError)
    assert layers.Reshape((-1, 5))(graphc.Input((10,))).shape[1:] == (2, 5)


def test_a_loss_function_without_a_result() -> None:
    model = classifier(loss=lambda y, p: None)
    assert "returns nothing" in refusal(lambda: model.fit(X, LABELS, verbose=0))
    model = classifier(loss=lambda y, p: np.mean(p))
    assert "numpy.mean computes at once" in refusal(lambda: model.fit(X, LABELS, verbose=0))


def test_a_constructor_that_forgets_that_of_its_class() -> None:
    class Forgetful(layers.Layer):
        def __init__(self, units: int) -> None:
            self.units = units

        def call(self, x: Any) -> Any:
            return ops.sum(x)

    assert "super().__init__()" in refusal(lambda: Forgetful(3)(X))
    with pytest.raises(AttributeError, match="has no attribute 'kernal'"):
        _ = layers.Dense(2).kernal  # type: ignore[attr-defined]


@pytest.mark.parametrize("verbose", [0, 2])
def test_data_with_a_nan_leave_the_model_as_it_was(verbose: int) -> None:
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=2, verbose=0)
    before = [*model.get_weights(), *[v.numpy() for v in model.optimizer.variables]]
    broken = X.copy()
    broken[7, 2] = np.nan
    said = refusal(
        lambda: model.fit(broken, LABELS, epochs=3, verbose=verbose), errors.NumericsError
    )
    assert "x[7, 2] is nan" in said
    after = [*model.get_weights(), *[v.numpy() for v in model.optimizer.variables]]
    assert all(map(np.array_equal, before, after))
    model.fit(X, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (X[0], "x[None] is a batch of one sample"),
        (X[:, :3], "arrays of shape (samples, 4)"),
    ],
)
def test_data_of_another_shape_are_told_how_to_fit(x: Any, said: str) -> None:
    assert said in refusal(lambda: classifier().predict(x), errors.ShapeError)


@pytest.mark.parametrize(
    ("shape", "layer", "said"),
    [
        ((28, 28), lambda: layers.Conv2D(2, 3), "x[..., None] adds an axis of channels"),
        ((5,), lambda: layers.LSTM(2), "return_sequences=True"),
    ],
)
def test_an_axis_that_a_layer_misses_is_named(shape: Any, layer: Any, said: str) -> None:
    assert said in refusal(lambda: layer()(graphc.Input(shape)), errors.ShapeError)


def test_an_array_alone_is_no_validation_data() -> None:
    model = classifier()
    said = refusal(lambda: model.fit(X, LABELS, validation_data=X, verbose=0))
    assert "validation_data=(x, y)" in said


def test_a_call_without_a_result_is_told_of() -> None:
    class Silent(graphc.Model):
        def call(self, x: Any) -> None:
            ops.sum(x)

    model = Silent()
    model.compile("sgd", "mse")
    assert "return outputs" in refusal(lambda: model.fit(X, X, verbose=0))


def test_a_model_without_trainable_weights_learns_nothing_and_says_so() -> None:
    model = classifier()
    model.trainable = False
    before = model.get_weights()
    with pytest.warns(UserWarning, match="no trainable weights") as told:
        history = model.fit(X, LABELS, verbose=0).history
    assert told[0].filename == __file__
    assert all(map(np.array_equal, before, model.get_weights()))
    np.testing.assert_allclose(history["loss"], model.evaluate(X, LABELS), rtol=1e-6)


def test_labels_are_given_for_outputs_without_a_loss_too() -> None:
    x = graphc.Input((4,))
    model = graphc.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(3, "softmax", name="b")(x)])
    model.compile("sgd", [None, "sparse_categorical_crossentropy"])
    model.fit(X, [X[:, :1], LABELS], verbose=0)
    assert "3 at position" in refusal(lambda: model.fit(X, [X[:, :1], LABELS + 1], verbose=0))
    expected = model.evaluate(X, [X[:, :1], LABELS])
    assert model.evaluate(X, LABELS) == expected  # one output only has use for them
    model.compile("sgd", [None, "sparse_categorical_crossentropy"], metrics=[["mae"], None])
    assert "'a' need labels" in refusal(lambda: model.fit(X, LABELS, verbose=0))


def test_what_older_versions_had_is_pointed_to() -> None:
    model: Any = classifier()
    for name, said in (("predict_classes", "argmax"), ("fit_generator", "fit")):
        with pytest.raises(AttributeError, match=said):
            getattr(model, name)
    with pytest.raises(AttributeError, match="made at the first call"):
        _ = layers.Dense(2).kernel  # type: ignore[attr-defined]


def test_two_layers_of_one_name_are_refused() -> None:
    x = graphc.Input((4,))
    hidden = layers.Dense(3, name="same")(x)
    assert "'same'" in refusal(lambda: graphc.Model(x, layers.ReLU(name="same")(hidden)))
    shared = layers.Dense(4)
    assert len(graphc.Model(x, shared(shared(x))).layers) == 2


def test_a_number_is_no_regularizer() -> None:
    refusal(lambda: layers.Dense(2, kernel_regularizer=0.01))


def test_a_class_alone_is_no_list_of_callbacks() -> None:
    stopping: Any = graphc.callbacks.EarlyStopping
    said = refusal(lambda: classifier().fit(X, LABELS, callbacks=stopping, verbose=0))
    assert "EarlyStopping()" in said


def test_metrics_are_no_weights_of_losses() -> None:
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(1)])
    said = refusal(lambda: model.compile("sgd", "mse", ["mae"]))
    assert "metrics=" in said
    model.compile("sgd", "mse", [np.float32(2)])
    model.fit(X, X[:, :1], verbose=0)


def test_a_loss_may_be_a_call_of_the_whole_batch() -> None:
    class Spread(losses.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return ops.mean(ops.square(y_pred - ops.mean(y_pred, axis=0))) + ops.mean(y_true)

    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(2)])
    model.compile("sgd", Spread())
    expected = np.square(np.subtract(*[(p := model.predict(X)), p.mean(0)])).mean() + X.mean()
    assert model.evaluate(X, X[:, :2] * 0 + X.mean()) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(NotImplementedError, match="call"):
        losses.Loss()(X, X)

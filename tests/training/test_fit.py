"""Training: what is counted, in which order, from which kind of data."""

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import FeedError, GraphcError, NumericsError, SessionClosedError
from graphc.training.data.batches import as_batches

RNG = np.random.default_rng(5)
X = RNG.normal(size=(50, 4)).astype("f")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [3.0]]) + 0.5).astype("f")
LABELS = (Y[:, 0] > 0).astype("int64")


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def linear(optimizer="sgd", **compile_arguments):
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(1)])
    model.compile(optimizer, "mse", **compile_arguments)
    model.set_weights([np.zeros((4, 1)), np.zeros(1)])
    return model


def descend(batches, rate=0.01):
    """Gradient descent on the mean squared error, by hand; the mean loss of the epoch."""
    kernel, bias, total, count = np.zeros((4, 1)), np.zeros(1), 0.0, 0
    for x, y in batches:
        error = x @ kernel + bias - y
        total, count = total + float((error**2).sum()), count + len(x)
        kernel = kernel - rate * 2 * x.T @ error / len(x)
        bias = bias - rate * 2 * error.mean(0)
    return kernel, bias, total / count


def batches_of(size):
    return [(X[i : i + size], Y[i : i + size]) for i in range(0, len(X), size)]


@pytest.mark.parametrize("size", [10, 16, 50])
def test_an_epoch_is_gradient_descent_over_all_batches_the_last_one_short(size):
    model = linear()
    history = model.fit(X, Y, batch_size=size, shuffle=False, verbose=0)
    kernel, bias, loss = descend(batches_of(size))
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(history.history["loss"], [loss], rtol=1e-4)


def test_batches_from_a_generator_a_list_like_object_and_arrays_train_alike():
    class Batches:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]

    kernel, _, loss = descend(batches_of(10))
    for data in (iter(batches_of(10)), Batches(), (pair for pair in batches_of(10))):
        model = linear()
        history = model.fit(data, shuffle=False, verbose=0)
        np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(history.history["loss"], [loss], rtol=1e-4)


def test_callbacks_hear_of_every_batch_and_the_numbers_stay_the_same():
    heard = []

    class Listening(graphc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            heard.append((batch, logs["loss"]))

    model = linear()
    model.fit(X, Y, batch_size=16, shuffle=False, verbose=0, callbacks=[Listening()])
    kernel, _, loss = descend(batches_of(16))
    assert [batch for batch, _ in heard] == [0, 1, 2, 3]
    np.testing.assert_allclose(heard[-1][1], loss, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)


def test_shuffling_takes_every_sample_once_in_another_order_each_epoch():
    seen = []
    data = np.arange(12, dtype="f")[:, None]
    source = as_batches(data, data, batch_size=4, shuffle=True)
    for epoch in range(2):
        rows = np.concatenate([np.ravel(g.rows[: g.batches]) for g in source.epoch(epoch)])
        assert sorted(rows) == list(range(12))
        seen.append(tuple(rows))
    assert seen[0] != seen[1]


def test_validation_and_early_end():
    class Stopping(graphc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = linear()
    history = model.fit(
        X, Y, epochs=9, validation_split=0.2, verbose=0, shuffle=False, callbacks=[Stopping()]
    )
    assert history.epoch == [0, 1]
    kernel, bias = model.get_weights()
    expected = ((X[40:] @ kernel + bias - Y[40:]) ** 2).mean()
    np.testing.assert_allclose(history.history["val_loss"][-1], expected, rtol=1e-4)
    np.testing.assert_allclose(model.evaluate(X[40:], Y[40:]), expected, rtol=1e-4)


def test_weights_of_samples_and_of_classes_count():
    weights = RNG.uniform(0.5, 2, 50).astype("f")
    model = linear()
    model.fit(X, Y, batch_size=50, sample_weight=weights, verbose=0)
    np.testing.assert_allclose(
        model.get_weights()[1], -0.01 * 2 * (weights[:, None] * (0 - Y)).mean(0), rtol=1e-4
    )
    by_class = graphc.Sequential([graphc.Input((4,)), layers.Dense(2)])
    by_class.compile("sgd", graphc.losses.SparseCategoricalCrossentropy(from_logits=True))
    by_class.set_weights([np.zeros((4, 2)), np.zeros(2)])
    by_class.fit(X, LABELS, batch_size=50, class_weight={0: 3.0}, verbose=0)
    weight = np.where(LABELS == 0, 3.0, 1.0)
    gradient = (weight[:, None] * (0.5 - np.eye(2)[LABELS])).mean(0)
    np.testing.assert_allclose(by_class.get_weights()[1], -0.01 * gradient, rtol=1e-4)


def test_penalties_and_add_loss_are_part_of_the_loss():
    class Penalised(layers.Layer):
        def call(self, inputs):
            self.add_loss(graphc.ops.mean(graphc.ops.square(inputs)))
            return inputs

    model = graphc.Sequential(
        [
            graphc.Input((4,)),
            Penalised(),
            layers.Dense(1, kernel_regularizer=lambda w: 0.1 * graphc.ops.sum(w * w)),
        ]
    )
    model.compile("sgd", "mse")
    kernel, bias = model.get_weights()
    expected = ((X @ kernel + bias - Y) ** 2).mean() + 0.1 * (kernel**2).sum() + (X**2).mean()
    np.testing.assert_allclose(model.evaluate(X, Y, batch_size=50), expected, rtol=1e-4)


def test_several_outputs_have_their_own_losses_and_weights():
    x = graphc.Input((4,))
    model = graphc.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", {"a": "mse", "b": "mse"}, loss_weights={"a": 1.0, "b": 0.5})
    found = model.evaluate(X, [Y, 2 * Y], batch_size=50, return_dict=True)
    first, second = model.predict(X)
    a, b = ((first - Y) ** 2).mean(), ((second - 2 * Y) ** 2).mean()
    np.testing.assert_allclose(found["a_loss"], a, rtol=1e-4)
    np.testing.assert_allclose(found["b_loss"], b, rtol=1e-4)
    np.testing.assert_allclose(found["loss"], a + 0.5 * b, rtol=1e-4)


def test_a_step_of_ones_own_trains_and_logs_what_it_gives():
    class Own(graphc.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.seen = graphc.metrics.Mean(name="seen")

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            x, y, _ = data
            loss = graphc.ops.mean(graphc.ops.square(self(x, training=True) - y))
            self.optimizer.minimize(loss, self.trainable_variables)
            self.seen.update_state(loss)
            return {"seen": self.seen.result(), "twice": loss * 2}

    model = Own()
    model.compile("sgd")
    first = model.fit(X, Y, batch_size=25, epochs=3, verbose=0).history
    assert first["seen"][0] > first["seen"][1] > first["seen"][2]
    assert len(first["twice"]) == 3


def test_frozen_layers_stay_as_they_are():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[2] - before[2]).max() > 0


def test_a_weight_that_the_loss_does_not_need_stays_as_it_is():
    class Idle(graphc.Model):
        def __init__(self):
            super().__init__()
            self.used, self.idle = layers.Dense(1), layers.Dense(1)

        def call(self, inputs):
            self.idle(inputs)
            return self.used(inputs)

    model = Idle()
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, True, False, False]


def test_weights_are_their_averages_after_a_fit_where_the_optimizer_keeps_some():
    model = linear(graphc.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5))
    model.fit(X, Y, batch_size=25, shuffle=False, verbose=0)
    (x1, y1), (x2, y2) = batches_of(25)
    first, _, _ = descend([(x1, y1)])
    second, _, _ = descend([(x1, y1), (x2, y2)])
    np.testing.assert_allclose(model.get_weights()[0], (first + second) / 2, rtol=1e-4, atol=1e-5)


def test_single_batches_train_test_and_predict():
    model = linear()
    first = model.train_on_batch(X, Y)
    assert first == pytest.approx(float((Y**2).mean()), rel=1e-4)
    kernel, bias, _ = descend([(X, Y)])
    np.testing.assert_allclose(model.predict_on_batch(X), X @ kernel + bias, rtol=1e-3, atol=1e-4)
    second = model.test_on_batch(X, Y, return_dict=True)["loss"]
    assert second < first
    assert model.test_on_batch(X, Y) == second  # of this batch alone, as in Keras


def test_a_fit_inside_a_session_leaves_the_weights_there():
    model = linear()
    with graphc.Session() as session:
        model.set_weights([np.zeros((4, 1)), np.zeros(1)])
        model.fit(X, Y, batch_size=50, verbose=0)
        inside = session.run(model.layers[0].kernel)
        np.testing.assert_array_equal(inside, model.get_weights()[0])


def test_weights_that_went_with_a_closed_session_are_not_made_anew_in_silence():
    model = linear()
    with graphc.Session():
        model.fit(X, Y, verbose=0)
    with pytest.raises(SessionClosedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda m: m.fit(X, Y[:7], verbose=0), FeedError, ["x: 50", "y: 7"]),
        (lambda m: m.fit(X[:0], Y[:0], verbose=0), FeedError, ["no samples"]),
        (lambda m: m.fit(X[:, :3], Y, verbose=0), GraphcError, ["does not fit the model", "4"]),
        (lambda m: m.fit(X, Y, batch_size=0, verbose=0), FeedError, ["batch_size"]),
        (lambda m: m.fit(np.where(X[3, 1] == X, np.nan, X), Y, verbose=0), NumericsError,
         ["x[3, 1] is nan"]),
        (lambda m: m.fit(X, Y, validation_split=1.5, verbose=0), FeedError, ["validation_split"]),
        (lambda m: m.fit(iter([]), verbose=0), FeedError, ["no batches"]),
        (lambda m: m.fit(iter([(X,)]), y=Y, verbose=0), FeedError, ["gives labels"]),
        (lambda m: m.fit([["a", "b"]], Y, verbose=0), GraphcError, []),
        (lambda m: m.compile("adamm", "mse"), GraphcError, ["adam"]),
        (lambda m: m.compile("adam", "msee"), GraphcError, ["mse"]),
        (lambda m: m.compile("adam", "mse", metrics=["acuracy"]), GraphcError, ["accuracy"]),
    ],
)  # fmt: skip
def test_bad_data_is_explained(run, error, words):
    with pytest.raises(error) as caught:
        run(linear())
    for word in words:
        assert word in str(caught.value)


def test_labels_out_of_range_are_named():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(2)])
    model.compile("sgd", graphc.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(GraphcError, match=r"2 at position \(17,\)"):
        model.fit(X, np.where(np.arange(50) == 17, 2, LABELS), verbose=0)


def test_a_batch_larger_than_the_data_is_told_of():
    with pytest.warns(UserWarning, match="50 samples"):
        linear().fit(X, Y, batch_size=64, verbose=0)


def test_a_model_that_was_not_compiled_says_so():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(1)])
    with pytest.raises(GraphcError, match="compile"):
        model.fit(X, Y)


def test_a_model_inside_keeps_its_metrics_for_itself():
    """A teacher's mean loss once stood in the place of the student's in the logs."""
    teacher = linear()
    teacher.compile("sgd", "mse", metrics=["mae"])
    teacher.fit(X, Y, verbose=0)

    class Student(graphc.Model):
        def __init__(self):
            super().__init__()
            self.teacher, self.student = teacher, linear()

        def call(self, x):
            return self.student(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return graphc.ops.mean(graphc.ops.square(self.teacher(x) - y_pred))

    student = Student()
    student.compile("sgd", metrics=["mae"])
    assert student.evaluate(X, Y, return_dict=True).keys() == {"loss", "mae"}
    expected = np.mean(np.square(teacher.predict(X) - student.predict(X)))
    np.testing.assert_allclose(student.evaluate(X, Y)[0], expected, rtol=1e-5)

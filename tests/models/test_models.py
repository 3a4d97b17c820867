"""The three ways to make a model, and calling it again on other tensors."""

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, GraphMixError, ShapeError


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


class Doubling(layers.Layer):
    """Remembers how it was called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, inputs, training=None):
        self.seen.append(training)
        return inputs * 2.0 if training else inputs


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("f")


def test_a_sequential_with_an_input_has_weights_at_once_and_equals_its_layers_in_a_row():
    model = graphc.Sequential(
        [graphc.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2, name="last")]
    )
    assert [tuple(w.shape) for w in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    x = numbers(5, 4)
    first, bias, second, offset = model.get_weights()
    np.testing.assert_allclose(
        model.predict(x), np.tanh(x @ first + bias) @ second + offset, rtol=1e-5, atol=1e-6
    )
    assert model.output_shape == (None, 2)
    assert model.get_layer("last") is model.layers[1] is model.get_layer(index=-1)


def test_a_sequential_without_an_input_is_built_by_its_first_call():
    model = graphc.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built
    with pytest.raises(GraphcError, match="not built yet"):
        _ = model.inputs
    assert model.predict(numbers(6, 4)).shape == (6, 2)
    assert model.weights[0].name == "sequential/dense/kernel"


def test_layers_can_be_added_and_taken_away():
    model = graphc.Sequential()
    model.add(graphc.Input((4,)))
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3)
    with pytest.raises(ShapeError):
        model.add(Refusing())
    assert model.output_shape == (None, 3)
    assert len(model.layers) == 1


class Refusing(layers.Layer):
    def build(self, input_shape):
        raise ShapeError("never")

    def call(self, inputs):
        return inputs


def test_input_dim_of_a_first_layer_is_an_input():
    assert graphc.Sequential([layers.Dense(3, input_dim=7)]).input_shape == (None, 7)
    assert graphc.Sequential([layers.Dense(3, input_shape=(7,))]).input_shape == (None, 7)


def test_a_functional_model_shares_layers_and_takes_plain_operations_between_them():
    left, right = graphc.Input((4,), name="left"), graphc.Input((4,), name="right")
    shared = layers.Dense(3, "relu")
    joined = graphc.ops.concatenate([shared(left), shared(right) * 2.0], axis=-1)
    model = graphc.Model([left, right], layers.Dense(2)(joined + 1.0))
    assert len(model.weights) == 4
    a, b = numbers(5, 4), numbers(5, 4)[::-1].copy()
    kernel, bias, last, offset = model.get_weights()
    hidden = np.concatenate([np.maximum(a @ kernel + bias, 0), np.maximum(b @ kernel, 0) * 2], 1)
    expected = (hidden + 1) @ last + offset
    np.testing.assert_allclose(model.predict([a, b]), expected, rtol=1e-5, atol=1e-5)
    by_name = model.predict({"right": b, "left": a})
    np.testing.assert_allclose(by_name, expected, rtol=1e-5, atol=1e-5)


def test_a_model_inside_a_model_is_called_with_the_training_of_the_one_around():
    x = graphc.Input((4,))
    noisy = Doubling()
    inner = graphc.Model(x, noisy(x))
    y = graphc.Input((4,))
    outer = graphc.Model(y, layers.Dense(2)(inner(y)))
    noisy.seen.clear()
    outer(np.ones((1, 4), "f"), training=True)
    outer(np.ones((1, 4), "f"))
    assert noisy.seen == [True, False]


def test_a_part_of_a_model_is_a_model():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3), layers.Dense(2)])
    features = graphc.Model(model.input, model.layers[0].output)
    x = numbers(5, 4)
    kernel, bias = features.get_weights()
    np.testing.assert_allclose(features.predict(x), x @ kernel + bias, rtol=1e-5, atol=1e-6)
    assert features.weights == model.layers[0].weights


def test_several_outputs_come_in_the_nesting_they_were_given_in():
    x = graphc.Input((4,))
    model = graphc.Model(x, {"a": layers.Dense(2)(x), "b": layers.Dense(3)(x)})
    found = model.predict(numbers(5, 4))
    assert {name: value.shape for name, value in found.items()} == {"a": (5, 2), "b": (5, 3)}


def test_a_subclass_has_the_layers_of_its_attributes_lists_and_dictionaries():
    class Custom(graphc.Model):
        def __init__(self):
            super().__init__()
            self.blocks = []
            self.heads = {"only": layers.Dense(2)}
            self.blocks.append(layers.Dense(3))

        def call(self, inputs):
            for block in self.blocks:
                inputs = block(inputs)
            return self.heads["only"](inputs)

    model = Custom()
    assert model.predict(numbers(5, 4)).shape == (5, 2)
    assert [tuple(w.shape) for w in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert model.count_params() == 23


def test_an_output_that_needs_another_input_is_refused_by_name():
    x, forgotten = graphc.Input((4,)), graphc.Input((4,), name="forgotten")
    with pytest.raises(GraphcError, match="forgotten"):
        graphc.Model(x, x + forgotten)


def test_a_model_says_which_inputs_it_takes():
    left, right = graphc.Input((4,), name="left"), graphc.Input((4,), name="right")
    model = graphc.Model([left, right], left + right)
    with pytest.raises(GraphcError, match="2 inputs"):
        model(np.ones((1, 4), "f"))
    with pytest.raises(GraphcError, match="'right'"):
        model({"left": np.ones((1, 4), "f"), "rigth": np.ones((1, 4), "f")})


def test_a_model_of_another_graph_is_refused():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3)])
    with graphc.Graph().as_default(), pytest.raises(GraphMixError):
        model(graphc.placeholder("float32", [None, 4]))


def test_setting_weights_is_all_or_nothing():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(ShapeError):
        model.set_weights([np.zeros((4, 3)), np.zeros(4)])
    with pytest.raises(ShapeError, match="2 weights"):
        model.set_weights([np.zeros((4, 3))])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_the_summary_counts_what_is_trained():
    model = graphc.Sequential([graphc.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    lines = []
    model.summary(line_length=80, print_fn=lines.append)
    text = "\n".join(lines)
    assert "dense_1 (Dense)" in text
    assert "Total params: 23" in text
    assert "Non-trainable params: 15" in text
    assert "Optimizer params" not in text
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 4)), np.zeros((2, 2)), verbose=0)
    model.summary(line_length=80, print_fn=lines.append)
    assert "Total params: 41" in lines[-1]  # 2 of 8 numbers that are trained, steps and rate
    assert "Optimizer params: 18" in lines[-1]


def test_config_of_a_layer_makes_the_same_layer():
    layer = layers.Dense(3, "relu", use_bias=False, kernel_initializer="zeros", name="mine")
    again = layers.Dense.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "mine"


class Counted(graphc.Model):
    """A step of its own for a model that stands between tensors, as in Keras's guide."""

    def train_step(self, data):
        x, y = data[0], data[1]
        prediction = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=prediction)
        gradients = graphc.gradients(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(*((loss,) if metric.name == "loss" else (y, prediction)))
        return {metric.name: metric.result() for metric in self.metrics} | {"own": loss * 0 + 7}


@pytest.mark.parametrize("names", [("inputs", "outputs"), ()])
def test_a_subclass_may_stand_between_tensors(names, tmp_path):
    x = graphc.Input((4,))
    tensors = x, layers.Dense(1, kernel_initializer="ones")(x)
    model = Counted(**dict(zip(names, tensors, strict=True))) if names else Counted(*tensors)
    plain = graphc.Model(*tensors)
    assert isinstance(model, Counted)
    assert type(model).__name__ == "Counted"
    assert model.output_shape == (None, 1)
    model.compile("sgd", "mse", metrics=["mae"])
    rows, wanted = np.eye(4, dtype=np.float32), np.ones((4, 1), np.float32) * 3
    history = model.fit(rows, wanted, verbose=0, epochs=2).history
    assert set(history) == {"loss", "mae", "own"}
    assert history["loss"][0] == pytest.approx(4)
    np.testing.assert_array_equal(plain.predict(rows), model.predict(rows))
    model.save(tmp_path / "counted.graphc")
    again = graphc.load_model(tmp_path / "counted.graphc", {"Counted": Counted})
    assert isinstance(again, Counted)
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert "own" in again.fit(rows, wanted, verbose=0).history


def test_a_subclass_hands_its_tensors_on_to_its_class():
    class Named(graphc.Model):
        def __init__(self, width, **kwargs):
            x = graphc.Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(width)(x), **kwargs)
            self.width = width

    model = Named(2, name="mine")
    assert (model.name, model.width, model.output_shape) == ("mine", 2, (None, 2))
    assert model.predict(np.zeros((5, 3), np.float32)).shape == (5, 2)

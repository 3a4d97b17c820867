"""Layers made of what other libraries define: JAX functions, Flax modules; refusals of others."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError, ShapeError

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
PARAMS = {
    "first": {"kernel": np.linspace(-1, 1, 15, dtype=np.float32).reshape(3, 5)},
    "biases": [np.linspace(0, 1, 5, dtype=np.float32), np.float32(0.5)],
}


def network(params, inputs):
    hidden = jnp.tanh(inputs @ params["first"]["kernel"] + params["biases"][0])
    return {"out": hidden.sum(-1) * params["biases"][1], "hidden": hidden}


def test_a_function_has_the_numbers_and_the_gradients_of_jax() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.JaxLayer(network, params=PARAMS, name="net")
        x = graphc.placeholder("float32", [4, 3])
        out = layer(x)
        slopes = graphc.gradients(ops.sum(out["out"]), layer.trainable_weights)
        found, slopes = session.run([out, slopes], {x: X})
        names = [weight.name for weight in layer.weights]
    expected = network(PARAMS, X)
    by_jax = jax.grad(lambda p: network(p, X)["out"].sum())(PARAMS)
    assert names == ["net/params_biases_0", "net/params_biases_1", "net/params_first_kernel"]
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(slopes, jax.tree.leaves(by_jax), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_parameters_are_made_for_the_shape_and_learned() -> None:
    def made(rng, inputs):
        return {"w": jax.random.normal(rng, (inputs.shape[-1], 1)) * 0.1}

    with graphc.Graph().as_default(), graphc.Session(seed=2):
        layer = layers.JaxLayer(lambda params, inputs: inputs @ params["w"], made, seed=3)
        model = graphc.Sequential([graphc.Input((3,), batch_size=4), layer])
        np.testing.assert_allclose(
            model.get_weights()[0], made(jax.random.PRNGKey(3), X)["w"], rtol=1e-6
        )
        model.compile(graphc.optimizers.SGD(0.1), "mse")
        target = X @ np.array([[1.0], [-2.0], [0.5]], np.float32)
        history = model.fit(X, target, batch_size=4, epochs=60, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 10


def test_state_changes_and_draws_happen_in_training_alone() -> None:
    def noisy(params, state, rng, inputs, training):
        if not training:
            assert rng is None
            return inputs, state
        noise = jax.random.normal(rng, inputs.shape)
        return inputs + params * noise, {"count": state["count"] + 1}

    with graphc.Graph().as_default(), graphc.Session(seed=2) as session:
        layer = layers.JaxLayer(noisy, params=np.float32(1), state={"count": np.int32(0)})
        x = graphc.constant(X)
        still, moved = layer(x), layer(x, training=True)
        updates = moved.graph.records.updates[moved.value]
        first, _ = session.run([moved, list(updates)])
        second, _ = session.run([moved, list(updates)])
        assert session.run(layer.state["count"]) == 2
        np.testing.assert_array_equal(session.run(still), X)
    assert np.abs(first - X).max() > 0.5
    assert (first != second).all()


def test_a_module_of_flax_has_its_numbers() -> None:
    nn = pytest.importorskip("flax.linen")

    class Net(nn.Module):
        @nn.compact
        def __call__(self, inputs, training):
            hidden = nn.BatchNorm(use_running_average=not training)(nn.Dense(5)(inputs))
            return nn.Dropout(0.5, deterministic=not training)(hidden)

    module = Net()
    variables = module.init(jax.random.PRNGKey(0), X, training=False)
    with graphc.Graph().as_default(), graphc.Session(seed=1) as session:
        layer = layers.FlaxLayer(module, variables=variables)
        x = graphc.constant(X)
        found, trained = session.run([layer(x), layer(x, training=True)])
        anew = layers.FlaxLayer(Net())
        shape = session.run(anew(x)).shape
        kinds = [w.trainable for w in layer.weights]
    np.testing.assert_allclose(
        found, module.apply(variables, X, training=False), rtol=1e-5, atol=1e-6
    )
    assert 0.2 < (trained == 0).mean() < 0.8
    assert shape == (4, 5)
    assert kinds == [True] * 4 + [False] * 2


def test_what_cannot_be_says_what_to_do() -> None:
    with pytest.raises(ShapeError, match="know all sizes"):
        layers.JaxLayer(lambda inputs: inputs)(graphc.placeholder("float32", [None, 3]))
    with pytest.raises(GraphcError, match="takes other arguments"):
        layers.JaxLayer(lambda weights, x: x)
    with pytest.raises(GraphcError, match="nothing to make the parameters"):
        layers.JaxLayer(lambda params, inputs: inputs)
    with pytest.raises(GraphcError, match="PyTorch"):
        layers.TorchModuleWrapper(object())
    with pytest.raises(GraphcError, match="TensorFlow"):
        layers.TFSMLayer("folder")

"""Models whose layers compute in other element types than float32, as Keras trains them."""

import numpy as np
import pytest

import graphc
from graphc import layers, mixed_precision
from graphc.errors import GraphcError
from graphc.optimizers import SGD, LossScaleOptimizer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("f")
Y = RNG.integers(0, 3, 64)
FIRST, LAST = RNG.normal(size=(4, 8)) * 0.3, RNG.normal(size=(8, 3)) * 0.3

KERAS_LOSSES = {
    "float32": [1.1856, 1.1027, 1.0519],
    "float64": [1.1856, 1.1027, 1.0519],
    "bfloat16": [1.1854, 1.1016, 1.0509],
    "float16": [1.1856, 1.1028, 1.0521],
    "mixed_bfloat16": [1.1856, 1.103, 1.0519],
    "mixed_float16": [1.1855, 1.1026, 1.0519],
}
"""Of Keras 3.15 on its JAX backend, with the same weights and data."""


@pytest.fixture(autouse=True)
def _own_graph_and_policy():
    with graphc.Graph().as_default():
        yield
    mixed_precision.set_global_policy("float32")
    graphc.settings.dtype_policy.set("")


def compiled(**given):
    model = graphc.Sequential(
        [
            graphc.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
            layers.Softmax(dtype="float32"),
        ]
    )
    model.compile(SGD(0.1), "sparse_categorical_crossentropy", **given)
    model.set_weights([FIRST, np.zeros(8), *model.get_weights()[2:6], LAST, np.zeros(3)])
    return model


@pytest.mark.parametrize("policy", KERAS_LOSSES)
def test_a_model_under_a_global_policy_learns_what_that_of_keras_learns(policy):
    mixed_precision.set_global_policy(policy)
    model = compiled()
    history = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    tolerance = 1e-4 if policy in ("float32", "float64") else 4e-4
    np.testing.assert_allclose(history["loss"], KERAS_LOSSES[policy], rtol=tolerance)
    first = model.layers[0]
    assert first.compute_dtype == policy.removeprefix("mixed_")
    assert first.kernel.dtype == ("float32" if "mixed" in policy else policy)
    assert isinstance(model.optimizer, LossScaleOptimizer) == (policy == "mixed_float16")


def test_a_scaled_loss_is_kept_in_files_and_the_learning_rate_can_be_set(tmp_path):
    mixed_precision.set_global_policy("mixed_float16")
    model = compiled()
    model.fit(X, Y, batch_size=16, verbose=0)
    model.optimizer.learning_rate = 0.05
    model.save(tmp_path / "model.graphc")
    model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    graphc.settings.dtype_policy.set("")
    with graphc.Graph().as_default():
        loaded = graphc.load_model(tmp_path / "model.graphc")
        assert isinstance(loaded.optimizer, LossScaleOptimizer)
        assert isinstance(loaded.optimizer.inner_optimizer, SGD)
        loaded.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
        for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_loss_is_not_scaled_where_nobody_wants_it_or_somebody_does_it_already():
    mixed_precision.set_global_policy("mixed_float16")
    assert isinstance(compiled(auto_scale_loss=False).optimizer, SGD)
    model = compiled()
    mine = LossScaleOptimizer(SGD(0.1), initial_scale=4.0)
    model.compile(mine, "sparse_categorical_crossentropy")
    assert model.optimizer is mine


def test_policies_have_keras_names_and_are_equal_by_name():
    policy = graphc.DTypePolicy("mixed_float16")
    assert policy == mixed_precision.Policy("mixed_float16") != graphc.DTypePolicy("float16")
    assert policy.get_config() == {"name": "mixed_float16"}
    described = {"module": "keras", "class_name": "DTypePolicy", "config": policy.get_config()}
    assert layers.Dense(2, dtype=described).dtype_policy == policy
    assert layers.Dense(2, dtype=policy).dtype_policy == policy
    again = graphc.dtype_policies.deserialize(graphc.dtype_policies.serialize(policy))
    assert again == graphc.dtype_policies.get("mixed_float16")
    with pytest.raises(GraphcError, match="mixed_bfloat16"):
        graphc.DTypePolicy("mixed_int8")

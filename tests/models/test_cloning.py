"""Models made again: clones, and files that name classes and functions of a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, layers, ops, utils
from graphc.models import clone_model, load_model

ROWS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)


class Scale(layers.Layer):
    def __init__(self, by: float = 2.0, **options: Any) -> None:
        super().__init__(**options)
        self.by = by

    def build(self, input_shape: Any) -> None:
        self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.gain * self.by

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "by": self.by}


def bent(x: Any) -> Any:
    return ops.maximum(x, 0.1 * x)


def root_error(y: Any, p: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(y - p)))


def made() -> Any:
    x = graphc.Input((2,))
    hidden = Scale(3.0)(layers.Dense(3, activation=bent)(x))
    model = graphc.Model(x, layers.Dense(1)(hidden) + 1.0)
    model.compile("adam", root_error, metrics=[root_error])
    return model


def test_a_clone_has_the_layers_and_weights_of_its_own() -> None:
    model = made()
    twin = clone_model(model)
    assert not twin.compiled
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(ROWS), model.predict(ROWS))
    model.fit(ROWS, ROWS[:, :1], verbose=0)
    assert not np.array_equal(twin.predict(ROWS), model.predict(ROWS))


def test_a_sequential_model_is_cloned_built_or_not() -> None:
    row = graphc.Sequential([layers.Dense(2, name="one")])
    assert not clone_model(row).built
    row.build((None, 3))
    twin = clone_model(
        row, clone_function=lambda layer: type(layer).from_config(layer.get_config())
    )
    assert [w.shape for w in clone_model(row).get_weights()] == [(3, 2), (2,)]
    assert twin.layers[0].name == "one"
    assert twin.layers[0] is not row.layers[0]


def test_a_function_may_make_the_layers_of_a_functional_clone() -> None:
    model = made()

    def wider(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config(config | ({"units": 5} if "units" in config else {}))

    twin = clone_model(graphc.Model(model.input, model.layers[1].output), clone_function=wider)
    assert twin.output_shape == (None, 5)


@pytest.mark.parametrize("path", ["config", "json"])
def test_a_model_is_made_again_from_its_description(path: str) -> None:
    model = made()
    own = {"Scale": Scale, "bent": bent}
    again = (
        graphc.Model.from_config(model.get_config(), custom_objects=own)
        if path == "config"
        else graphc.models.model_from_json(model.to_json(), own)
    )
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))
    row = graphc.Sequential([graphc.Input((2,)), layers.Dense(3)])
    assert graphc.Sequential.from_config(row.get_config()).count_params() == 9
    for text in ("{", '{"class_name": "Dense", "config": {"units": 3}}'):
        with pytest.raises(errors.ModelFileError):
            graphc.models.model_from_json(text)


def test_a_loaded_model_is_compiled_with_functions_of_a_user(tmp_path: Path) -> None:
    model = made()
    model.fit(ROWS, ROWS[:, :1], epochs=2, verbose=0)
    path = tmp_path / "model.graphc"
    model.save(path)
    own = {"Scale": Scale, "bent": bent, "root_error": root_error}
    again = load_model(path, custom_objects=own)
    assert again.evaluate(ROWS, ROWS[:, :1]) == model.evaluate(ROWS, ROWS[:, :1])
    with utils.custom_object_scope(own):
        assert load_model(path).compiled
    with pytest.raises(errors.ModelFileError, match="root_error"):
        load_model(path, custom_objects={"Scale": Scale, "bent": bent})
    assert not load_model(path, {"Scale": Scale, "bent": bent}, compile=False).compiled
    with pytest.raises(errors.ModelFileError, match="custom_objects"):
        load_model(path)


def test_registered_things_need_not_be_handed_over(tmp_path: Path) -> None:
    @utils.register_keras_serializable(package="tests")
    class Shift(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs + 1.0

    try:
        model = graphc.Sequential([graphc.Input((2,)), Shift()])
        model.save(tmp_path / "shift.graphc")
        assert utils.get_registered_name(Shift) == "tests>Shift"
        assert utils.get_registered_object("Shift") is Shift
        again = load_model(tmp_path / "shift.graphc")
        np.testing.assert_allclose(again.predict(ROWS), ROWS + 1)
    finally:
        del utils.get_custom_objects()["tests>Shift"]
    with pytest.raises(errors.ModelFileError, match="Shift"):
        load_model(tmp_path / "shift.graphc")
    with pytest.raises(errors.GraphcError, match="get_config"):
        utils.register_keras_serializable()(int)

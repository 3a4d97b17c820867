"""Data in two parts, parts of batches, objects as data, settings of layers."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import config, utils
from graphc.errors import FeedError, GraphcError, ShapeError


def test_data_are_split_in_their_own_form() -> None:
    x, y = np.arange(10), np.arange(10) * 2
    left, right = utils.split_dataset((x, y), left_size=0.7)
    assert [len(part) for part in (*left, *right)] == [7, 7, 3, 3]
    np.testing.assert_array_equal(right[1], [14, 16, 18])
    left, right = utils.split_dataset({"x": x}, left_size=2, right_size=3)
    assert left["x"].tolist() == [0, 1]
    assert right["x"].tolist() == [7, 8, 9]
    left, right = utils.split_dataset(x, right_size=4, shuffle=True, seed=0)
    assert sorted([*left, *right]) == list(range(10))
    assert left.tolist() != list(range(6))
    assert utils.split_dataset(["a", "b", "c"], left_size=1) == (["a"], ["b", "c"])
    for wrong in ({}, {"left_size": 10}, {"left_size": 0.6, "right_size": 0.6}):
        with pytest.raises(GraphcError, match="two parts"):
            utils.split_dataset(x, **wrong)
    with pytest.raises(ShapeError, match="different numbers"):
        utils.split_dataset((x, y[1:]), left_size=1)


def test_parts_of_batches() -> None:
    assert utils.unpack_x_y_sample_weight(3) == (3, None, None)
    assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
    assert utils.pack_x_y_sample_weight(1, 2) == (1, 2)
    assert utils.pack_x_y_sample_weight((1,)) == ((1,),)
    with pytest.raises(FeedError, match="a batch is"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_objects_are_written_and_read() -> None:
    described = utils.serialize_keras_object(graphc.layers.Dense(3, name="d"))
    again = utils.deserialize_keras_object(described)
    assert again.get_config()["units"] == 3


def test_the_element_types_of_layers_are_a_setting() -> None:
    assert config.dtype_policy().name == "float32"
    try:
        config.set_dtype_policy("mixed_bfloat16")
        with graphc.Graph().as_default():
            layer = graphc.layers.Dense(2)
        assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    finally:
        graphc.settings.dtype_policy.set("")
    with pytest.raises(GraphcError):
        config.set_dtype_policy("float31")


def test_names_of_element_types_and_counts() -> None:
    backend = graphc.backend
    assert backend.result_type("int32", "float32") == "float32"
    assert backend.result_type("int8", np.int32) == "int32"
    assert backend.standardize_dtype(None) == "float32"
    assert backend.is_float_dtype("bfloat16")
    assert backend.is_int_dtype("uint8")
    assert not backend.is_int_dtype("bool")
    assert backend.backend() == config.backend() == "jax"
    with graphc.Graph().as_default():
        assert [backend.get_uid("a"), backend.get_uid("a"), backend.get_uid("b")] == [1, 2, 1]
        assert backend.is_keras_tensor(graphc.constant(1))

"""Activations by name and as data, and with each of Keras's arguments."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

import graphc
from graphc import activations, nn
from graphc.errors import GraphcError
from tests.keras_names.recording import names_of
from tests.keras_process import Case, KerasProcess, assert_same, our_results

X = np.float32([[-30, -4, -1.5, -0.7, -0.2, 0.3], [0.6, 1.7, 3.5, 7, 30, 0.01]])
# an argument of every function at least twice, of `relu` in all combinations
ARGUMENTS = {
    "celu": [{"alpha": 0.5}],
    "elu": [{"alpha": 0.5}],
    "gelu": [{"approximate": True}],
    "glu": [{"axis": 0}],
    "hard_shrink": [{"threshold": 2.0}],
    "leaky_relu": [{"negative_slope": 0.4}],
    "log_softmax": [{"axis": 0}],
    "relu": [
        {"negative_slope": slope, "max_value": most, "threshold": joint}
        for slope, most, joint in product((0.0, 0.1), (None, 6, 2.5), (0.0, 1.0))
    ],
    "soft_shrink": [{"threshold": 2.0}],
    "softmax": [{"axis": 0}],
    "squareplus": [{"b": 2.0}],
    "threshold": [{"threshold": 1.0, "default_value": -9.0}],
}
NEITHER = {"get", "serialize", "deserialize"}
NAMES = sorted(set(activations.__all__) - NEITHER)
CASES = {
    f"{name} {keywords}": Case(
        f"activations.{name}",
        (X,),
        keywords=keywords,
        gradient=0 if name == "relu" else None,
        sizes_known=name == "glu",
    )
    for name in NAMES
    for keywords in ([] if name == "threshold" else [{}]) + ARGUMENTS.get(name, [])
    # Keras's does not sum to 1 beside a number far below
    if name != "sparsemax"
}


def test_activations_are_those_of_keras(keras_process: KerasProcess) -> None:
    assert names_of("activations") <= set(activations.__all__)
    assert_same(our_results(CASES), keras_process.results(CASES))


def test_names_and_data_mean_what_they_mean_in_keras() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is nn.silu
    assert activations.get(math.sin) is math.sin
    for name in set(NAMES) - {"swish", "hard_swish"}:
        function = activations.get(name)
        assert function is getattr(activations, name)
        assert activations.serialize(function) == name
        assert activations.deserialize(name) is function
    assert activations.serialize(nn.relu) == "relu"
    assert activations.serialize(activations.swish) == "silu"
    theirs = {"module": "builtins", "class_name": "function", "config": "my_own"}
    assert activations.deserialize(theirs, {"my_own": abs}) is abs


def test_an_unknown_name_and_a_nameless_function_are_told() -> None:
    with pytest.raises(GraphcError, match="did you mean 'relu'"):
        activations.get("rellu")
    by_tanh = activations.serialize(nn.gelu)  # which "gelu" is not among activations
    with pytest.raises(GraphcError, match="no function 'gelu'"):
        activations.deserialize(by_tanh)
    assert activations.deserialize(by_tanh, {"gelu": nn.gelu}) is nn.gelu
    with pytest.raises(GraphcError, match="cannot be written"):
        activations.serialize(lambda x: x)
    with pytest.raises(GraphcError, match="no activation"):
        activations.get(3)


def test_integers_stay_integers_in_a_plain_relu() -> None:
    assert activations.relu(np.int32([-1, 2])).dtype == "int32"
    assert activations.relu(graphc.constant([-1, 2]), max_value=3.0).dtype == "float32"

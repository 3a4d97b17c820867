"""Activation functions as layers, under every argument, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import layers
from graphc.errors import GraphcError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

STEPS = np.array([[True, True, False], [True, False, False]])
LIKELY = np.array([[True, False, True, True], [False, False, False, False]])
WEIGHED = np.array([[1, 0, 0.7, 1], [0, 0, 0.2, 1]], np.float32)
WIDE = np.linspace(-9, 9, 24, dtype=np.float32).reshape(2, 3, 4) + 0.1

CASES = [
    *[
        case("Activation", (2, 3, 4), activation=name)
        for name in ("relu", "gelu", "softmax", "hard_sigmoid", "linear")
    ],
    case("Activation", (2, 3, 4), activation="tanh", masks=(STEPS,)),
    case("ReLU", WIDE),
    case("ReLU", WIDE, masks=(STEPS,)),
    case("ReLU", WIDE, max_value=6),
    case("ReLU", WIDE, max_value=5.0, negative_slope=0.2),
    case("ReLU", WIDE, negative_slope=0.3),
    case("ReLU", WIDE, threshold=1.5),
    case("ReLU", WIDE, max_value=4, negative_slope=0.1, threshold=0.5),
    case("LeakyReLU", WIDE),
    case("LeakyReLU", WIDE, negative_slope=0.1, masks=(STEPS,)),
    case("ELU", WIDE),
    case("ELU", WIDE, alpha=0.4, masks=(STEPS,)),
    case("PReLU", WIDE),
    case("PReLU", WIDE, alpha_initializer="ones", masks=(STEPS,)),
    case("PReLU", (2, 3, 4, 2), shared_axes=[1, 2]),
    case("PReLU", WIDE, shared_axes=1, alpha_regularizer="l1", alpha_constraint="non_neg"),
    case("Softmax", (2, 4)),
    case("Softmax", (2, 3, 4), axis=1, masks=(None,)),
    case("Softmax", (2, 3, 4), axis=[1, 2]),
    case("Softmax", (2, 3, 4), axis=[-1]),
    case("Softmax", (2, 4), call={"mask": LIKELY}),
    case("Softmax", (2, 4), call={"mask": WEIGHED}),
]


def test_activation_layers_are_those_of_keras() -> None:
    compare("activations", CASES)


@pytest.mark.parametrize(
    ("layer", "argument"), [("ReLU", "max_value"), ("ReLU", "threshold"), ("LeakyReLU", None)]
)
def test_a_rectifier_refuses_a_negative_number(layer: str, argument: str | None) -> None:
    with pytest.raises(GraphcError, match="at least 0"):
        getattr(layers, layer)(**{argument or "negative_slope": -1})

"""Dense under every argument of its constructor, as in Keras."""

from __future__ import annotations

import numpy as np

from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

STEPS = np.array([[True, True, False], [True, False, False]])

CASES = [
    case("Dense", (2, 3), units=4),
    case("Dense", (2, 3), units=4, activation="relu", use_bias=False),
    case("Dense", (2, 3, 5), units=2, activation="tanh", masks=(STEPS,)),
    case("Dense", (2, 3), units=4, kernel_initializer="ones", bias_initializer="he_normal"),
    case("Dense", (2, 3), units=4, kernel_regularizer="l2", bias_regularizer="l1"),
    case("Dense", (2, 3), units=4, activity_regularizer="l2", name="projection"),
    case("Dense", (2, 3), units=4, kernel_constraint="max_norm", bias_constraint="non_neg"),
    case("Dense", (2, 3), units=4, trainable=False, dtype="float32"),
]


def test_dense_is_that_of_keras() -> None:
    compare("dense", CASES)

"""Layers of several inputs, with masks and inputs of different ranks, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import ShapeError
from graphc.ops.masks import mask_of
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

A = np.array([[True, True, False], [True, False, False]])
B = np.array([[True, False, True], [True, True, False]])
X = (2, 3, 4)
ELEMENTWISE = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

CASES = [
    *[case(layer, [X, X]) for layer in ELEMENTWISE],
    *[case(layer, [X, X], masks=(A, B)) for layer in ELEMENTWISE],
    *[case(layer, [X, X], masks=(A, None)) for layer in ELEMENTWISE],
    *[case(layer, [X, (2, 1, 4)], static=True) for layer in ELEMENTWISE],
    *[case(layer, [X, X, X], masks=(A, B, A)) for layer in ELEMENTWISE if layer != "Subtract"],
    case("Add", [X, (2, 4), X], static=True),
    case("Concatenate", [X, (2, 3, 2)]),
    case("Concatenate", [X, (2, 2, 4)], axis=1),
    case("Concatenate", [X, X], axis=1, masks=(A, B)),
    case("Concatenate", [X, X], axis=-1, masks=(A, None)),
    case("Dot", [(2, 4), (2, 4)], axes=1),
    case("Dot", [(2, 4), (2, 4)], axes=-1, normalize=True),
    case("Dot", [(2, 3, 5), (2, 4, 3)], axes=(1, 2)),
    case("Dot", [(2, 3, 5), (2, 5)], axes=[2, 1], masks=(A, None)),
    case("Dot", [(2, 5), (2, 3, 5)], axes=-1),
    case("Dot", [(2, 3, 4, 2), (2, 5, 4, 3)], axes=(2, 2)),
]


def test_merging_layers_are_those_of_keras() -> None:
    compare("merging", CASES)


def test_functions_are_the_layers_called() -> None:
    a, b = np.float32([[1, 2, 3]]), np.float32([[4, 1, -1]])
    with graphc.Graph().as_default(), graphc.Session() as session:
        found = session.run(
            {
                "add": layers.add([a, b]),
                "subtract": layers.subtract([a, b]),
                "multiply": layers.multiply([a, b]),
                "average": layers.average([a, b]),
                "maximum": layers.maximum([a, b]),
                "minimum": layers.minimum([a, b]),
                "concatenate": layers.concatenate([a, b], axis=0),
                "dot": layers.dot([a, b], axes=1),
            }
        )
    expected = {
        "add": a + b,
        "subtract": a - b,
        "multiply": a * b,
        "average": (a + b) / 2,
        "maximum": np.maximum(a, b),
        "minimum": np.minimum(a, b),
        "concatenate": np.concatenate([a, b]),
        "dot": [[3]],
    }
    for name, result in found.items():
        np.testing.assert_allclose(result, expected[name], rtol=1e-6, err_msg=name)


def test_what_cannot_be_merged_is_refused() -> None:
    x = graphc.constant(np.zeros((2, 3), np.float32))
    for wrong in (x, [], [x, x, x]):
        with pytest.raises(ShapeError, match="merges a list"):
            layers.Subtract()(wrong)
    with pytest.raises(ShapeError, match="Dot takes the axis"):
        layers.Dot(0)([x, x])
    with pytest.raises(ShapeError):
        layers.Add()([x, graphc.constant(np.zeros((2, 4), np.float32))])
    assert mask_of(layers.Add()([x, x])) is None

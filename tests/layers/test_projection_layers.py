"""Embeddings and einsum layers under every argument, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

NUMBERS = np.array([[1, 0, 3], [2, 2, 0]], np.int32)
SIZES = {"input_dim": 4, "output_dim": 3}
MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)

CASES = [
    case("Embedding", NUMBERS, **SIZES),
    case("Embedding", NUMBERS.astype(np.float32), mask_zero=True, **SIZES),
    case(
        "Embedding",
        NUMBERS,
        embeddings_initializer="ones",
        embeddings_regularizer="l2",
        embeddings_constraint="max_norm",
        **SIZES,
    ),
    case("Embedding", NUMBERS, weights=MATRIX, **SIZES),
    case("ReversibleEmbedding", NUMBERS, mask_zero=True, **SIZES),
    case("ReversibleEmbedding", (2, 3), call={"reverse": True}, **SIZES),
    case(
        "ReversibleEmbedding",
        (2, 3),
        call={"reverse": True},
        tie_weights=False,
        logit_soft_cap=0.4,
        reverse_dtype="float32",
        **SIZES,
    ),
    case(
        "ReversibleEmbedding",
        NUMBERS,
        embeddings_initializer="ones",
        embeddings_regularizer="l2",
        embeddings_constraint="max_norm",
        **SIZES,
    ),
    case("EinsumDense", (2, 3), equation="ab,bc->ac", output_shape=4, bias_axes="c"),
    case(
        "EinsumDense",
        (2, 3, 5),
        equation="abc,cd->abd",
        output_shape=[None, 4],
        activation="relu",
        bias_axes="d",
        kernel_regularizer="l2",
        bias_regularizer="l1",
    ),
    case(
        "EinsumDense",
        (2, 3, 5),
        equation="...x,xy->...y",
        output_shape=4,
        bias_axes="y",
        kernel_initializer="ones",
        bias_initializer="ones",
        kernel_constraint="non_neg",
        bias_constraint="max_norm",
        activity_regularizer="l2",
    ),
    case(
        "EinsumDense", (2, 3, 4), equation="abc,cde->abde", output_shape=(3, 2, 5), bias_axes="de"
    ),
    case("EinsumDense", (2, 3, 4), equation="abc,cde->abde", output_shape=(3, 2, 5), bias_axes="b"),
    case("EinsumDense", (2, 3, 4, 2), equation="ab...,bc->ac...", output_shape=5, bias_axes="c"),
    case("EinsumDense", (2, 3, 4), equation="abc,dc->abd", output_shape=(3, 5)),
]


def test_projections_are_those_of_keras() -> None:
    compare("projections", CASES)


def test_a_given_matrix_is_the_embedding() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        for weights in (MATRIX, [MATRIX]):
            layer = layers.Embedding(**SIZES, weights=weights)
            np.testing.assert_array_equal(session.run(layer(NUMBERS)), MATRIX[NUMBERS])
    assert "weights" not in layer.get_config()
    with pytest.raises(ShapeError, match="weights of an Embedding"):
        layers.Embedding(3, 3, weights=MATRIX)


def test_an_einsum_kernel_begins_as_wide_as_its_sums_ask_for() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.EinsumDense("abc,cde->abde", (3, 8, 64))
        layer.build((None, 3, 50))
        (kernel,) = layer.get_weights()
        assert session.graph is layer.kernel.graph
    np.testing.assert_allclose(np.abs(kernel).max(), np.sqrt(6 / (50 + 8 * 64)), rtol=0.01)


@pytest.mark.parametrize(
    ("equation", "shape", "output", "bias", "said"),
    [
        ("ab->ac", (2, 3), 4, None, "looks like"),
        ("ab,bc->ac", (2, 3, 4), 4, None, "number of axes"),
        ("ab,bc->acd", (2, 3), 4, None, "has 3 axes"),
        ("ab,bc->ad", (2, 3), 4, None, "in no operand"),
        ("ab,bd->ab", (2, 3), 4, None, "'b' is 3 in the input and 4"),
        ("ab,bd->ab", (2, 3), 3, None, "neither input nor result"),
        ("ab,bc->ac", (2, 3), 4, "b", "not in the result"),
    ],
)
def test_an_equation_that_does_not_fit_says_why(equation, shape, output, bias, said) -> None:
    with pytest.raises(ShapeError, match=said):
        layers.EinsumDense(equation, output, bias_axes=bias).build(shape)


def test_wrong_projections_are_refused() -> None:
    with pytest.raises(ShapeError, match="number of rows"):
        layers.Embedding(0, 3)
    for wrong in ({"lora_rank": 2}, {"lora_alpha": 1.0}, {"quantization_config": "int8"}):
        with pytest.raises(GraphcError, match="no adapters"):
            layers.Dense(3, **wrong)
        with pytest.raises(GraphcError, match="no adapters"):
            layers.Embedding(3, 3, **wrong)
        with pytest.raises(GraphcError, match="no adapters"):
            layers.EinsumDense("ab,bc->ac", 3, **wrong)

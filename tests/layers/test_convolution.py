"""Layers of convolutions under every argument of their constructors, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import Case, case

WEIGHTS = {
    "kernel_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
    "kernel_constraint": "max_norm",
    "bias_constraint": "non_neg",
}

DEPTHWISE = {
    "depthwise_initializer": "he_normal",
    "bias_initializer": "ones",
    "depthwise_regularizer": "l1l2",
    "bias_regularizer": "l2",
    "activity_regularizer": "l1",
    "depthwise_constraint": "unit_norm",
    "bias_constraint": "non_neg",
}

POINTWISE = {
    "pointwise_initializer": "glorot_normal",
    "pointwise_regularizer": "l1",
    "pointwise_constraint": "max_norm",
}


def over_axes(rank: int) -> tuple[int, ...]:
    """Sizes of spatial axes: few elements, none of them alike."""
    return {1: (9,), 2: (7, 6), 3: (5, 4, 6)}[rank]


def convolutions(rank: int) -> list[Case]:
    name, sizes = f"Conv{rank}D", over_axes(rank)
    last, first = (2, *sizes, 4), (2, 4, *sizes)
    each = tuple(range(2, 2 + rank))
    return [
        case(name, last, filters=3, kernel_size=2),
        case(name, last, filters=6, kernel_size=each, strides=2, padding="same", groups=2),
        case(name, last, filters=3, kernel_size=2, dilation_rate=2, activation="relu", **WEIGHTS),
        case(name, last, filters=4, kernel_size=2, strides=2, padding="VALID", use_bias=False),
        case(name, last, filters=4, kernel_size=3, padding="same", dilation_rate=2, groups=4),
        case(name, first, filters=4, kernel_size=2, data_format="channels_first", groups=2),
        case(
            name,
            first,
            filters=5,
            kernel_size=3,
            strides=each,
            padding="same",
            data_format="channels_first",
            activation="tanh",
        ),
    ]


CAUSAL = [
    case("Conv1D", (2, 9, 4), filters=3, kernel_size=3, padding="causal", dilation_rate=2),
    case("Conv1D", (2, 9, 4), filters=3, kernel_size=4, padding="causal", strides=3),
    case(
        "Conv1D",
        (2, 4, 9),
        filters=3,
        kernel_size=3,
        padding="causal",
        data_format="channels_first",
    ),
    # shorter than the kernel
    case("Conv1D", (2, 2, 4), filters=3, kernel_size=5, padding="causal"),
]


def transposed(rank: int) -> list[Case]:
    name, sizes = f"Conv{rank}DTranspose", over_axes(rank)
    last, first = (2, *sizes, 3), (2, 3, *sizes)
    each = tuple(range(2, 2 + rank))
    more = tuple(range(1, 1 + rank))
    return [
        case(name, last, filters=2, kernel_size=3),
        case(name, last, filters=2, kernel_size=2, strides=3, activation="elu", **WEIGHTS),
        case(name, last, filters=2, kernel_size=each, strides=2, padding="same"),
        case(name, last, filters=2, kernel_size=3, strides=each, output_padding=more),
        case(name, last, filters=2, kernel_size=3, strides=2, padding="same", output_padding=0),
        case(name, last, filters=2, kernel_size=2, dilation_rate=2, use_bias=False),
        case(
            name,
            first,
            filters=2,
            kernel_size=3,
            strides=2,
            padding="same",
            data_format="channels_first",
        ),
    ]


def depthwise(rank: int) -> list[Case]:
    name, sizes = f"DepthwiseConv{rank}D", over_axes(rank)
    last, first = (2, *sizes, 3), (2, 3, *sizes)
    return [
        case(name, last, kernel_size=2),
        case(name, last, kernel_size=3, strides=2, padding="same", depth_multiplier=2),
        case(name, last, kernel_size=2, dilation_rate=2, activation="relu", **DEPTHWISE),
        case(name, last, kernel_size=2, depth_multiplier=3, use_bias=False),
        case(
            name,
            first,
            kernel_size=3,
            depth_multiplier=2,
            data_format="channels_first",
            padding="same",
        ),
    ]


def separable(rank: int) -> list[Case]:
    name, sizes = f"SeparableConv{rank}D", over_axes(rank)
    last, first = (2, *sizes, 3), (2, 3, *sizes)
    rules = {**DEPTHWISE, **POINTWISE}
    return [
        case(name, last, filters=4, kernel_size=2),
        case(name, last, filters=4, kernel_size=3, strides=2, padding="same", depth_multiplier=2),
        case(name, last, filters=4, kernel_size=2, dilation_rate=2, activation="relu", **rules),
        case(name, last, filters=4, kernel_size=2, use_bias=False),
        case(name, first, filters=4, kernel_size=3, data_format="channels_first", padding="same"),
    ]


CASES = [
    *[each for rank in (1, 2, 3) for each in convolutions(rank)],
    *CAUSAL,
    *[each for rank in (1, 2, 3) for each in transposed(rank)],
    *[each for rank in (1, 2) for each in depthwise(rank) + separable(rank)],
]


def test_convolutions_are_those_of_keras() -> None:
    compare("convolution", CASES)


def test_sizes_that_are_known_only_when_fed() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        images = graphc.placeholder("float32", [None, None, None, 2])
        made = [
            layers.Conv2D(3, 2, padding="same", strides=2)(images),
            layers.Conv2DTranspose(3, 2, strides=2)(images),
            layers.SeparableConv2D(3, 2)(images),
        ]
        found = session.run(made, {images: np.ones((2, 5, 7, 2), np.float32)})
    assert [each.shape for each in found] == [(2, 3, 4, 3), (2, 10, 14, 3), (2, 4, 6, 3)]


@pytest.mark.parametrize(
    ("name", "config", "shape", "said"),
    [
        ("Conv2D", {"filters": 0, "kernel_size": 3}, None, "number of filters"),
        ("Conv2D", {"filters": 4, "kernel_size": (3, 3, 3)}, None, "kernel_size"),
        ("Conv2D", {"filters": 4, "kernel_size": 0}, None, "kernel_size"),
        ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 0}, None, "strides"),
        ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, None, "for Conv1D"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "full"}, None, "'causal'"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "data_format": "NHWC"}, None, "channels_last"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 3}, None, "4 filters"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2}, (2, 9, 3), "3 channels"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "lora": 2}, None, "no argument 'lora'"),
        ("Conv2D", {"filters": 4, "kernel_size": 3}, (2, 8, 8, None), "how many channels"),
        ("Conv2D", {"filters": 4, "kernel_size": 3}, (2, 8, 8), "4 axes"),
        ("Conv2D", {"filters": 4, "kernel_size": 3}, (2, 2, 8, 1), 'padding="same"'),
        ("DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 4}, (2, 8, 1), "takes 9"),
        ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": -1}, None, "per channel"),
        (
            "Conv1DTranspose",
            {"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 2},
            None,
            "less than its strides",
        ),
    ],
)
def test_a_mistake_is_explained_and_leaves_no_weights(name, config, shape, said) -> None:
    with graphc.Graph().as_default() as graph:
        inputs = None if shape is None else graphc.placeholder("float32", shape)
        with pytest.raises((GraphcError, TypeError)) as caught:
            getattr(layers, name)(**config)(inputs)
        assert said in str(caught.value)
        assert not graph.variables


def test_other_channels_than_at_first_are_refused() -> None:
    with graphc.Graph().as_default():
        layer = layers.Conv1D(2, 3)
        layer(graphc.placeholder("float32", [None, 5, 4]))
        with pytest.raises(ShapeError, match="size 4 on axis -1"):
            layer(graphc.placeholder("float32", [None, 5, 3]))


def test_the_layout_of_the_time_is_written_down() -> None:
    layer = layers.Conv2D(2, 3)
    config = layer.get_config()
    assert config["data_format"] == "channels_last"
    assert config["strides"] == [1, 1]
    graphc.backend.set_image_data_format("channels_first")
    try:
        assert layers.Conv2D.from_config(config).data_format == "channels_last"
        assert layers.Conv2D(2, 3).data_format == "channels_first"
    finally:
        graphc.backend.set_image_data_format("channels_last")

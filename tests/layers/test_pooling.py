"""Layers of pooling under every argument of their constructors, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import Case, case

STEPS = np.array([[True, True, False, True, False], [True, False, False, False, False]])


def over_axes(rank: int) -> tuple[int, ...]:
    return {1: (9,), 2: (7, 6), 3: (5, 4, 6)}[rank]


def windows(kind: str, rank: int) -> list[Case]:
    name, sizes = f"{kind}Pooling{rank}D", over_axes(rank)
    last, first = (2, *sizes, 3), (2, 3, *sizes)
    each = (3, 2, 4)[:rank]
    return [
        case(name, last, pool_size=2),
        case(name, last, pool_size=each, strides=1, padding="same", name="pool"),
        case(name, last, pool_size=3, strides=2, padding="same"),
        case(name, first, pool_size=2, strides=each, data_format="channels_first"),
        case(name, first, pool_size=3, strides=2, padding="same", data_format="channels_first"),
    ]


def whole(kind: str, rank: int) -> list[Case]:
    name, sizes = f"Global{kind}Pooling{rank}D", over_axes(rank)
    return [
        case(name, (2, *sizes, 3)),
        case(name, (2, *sizes, 3), keepdims=True),
        case(name, (2, 3, *sizes), data_format="channels_first", keepdims=rank == 2),
    ]


def adaptive(kind: str, rank: int) -> list[Case]:
    name, sizes = f"Adaptive{kind}Pooling{rank}D", over_axes(rank)
    return [
        case(name, (2, *sizes, 3), output_size=(4, 3, 2)[:rank] if rank > 1 else 4),
        case(name, (2, 3, *sizes), output_size=3, data_format="channels_first"),
    ]


MASKED = [
    case("GlobalAveragePooling1D", (2, 5, 3), masks=(STEPS,)),
    case("GlobalAveragePooling1D", (2, 5, 3), call={"mask": STEPS}, keepdims=True),
    case(
        "GlobalAveragePooling1D",
        (2, 3, 5),
        call={"mask": STEPS},
        data_format="channels_first",
    ),
]

CASES = [
    *[each for rank in (1, 2, 3) for kind in ("Max", "Average") for each in windows(kind, rank)],
    *[each for rank in (1, 2, 3) for kind in ("Max", "Average") for each in whole(kind, rank)],
    *[each for rank in (1, 2, 3) for kind in ("Max", "Average") for each in adaptive(kind, rank)],
    case("MaxPooling1D", (2, 9, 3)),
    case("MaxPooling2D", (2, 7, 6, 3)),
    case("MaxPooling3D", (2, 5, 4, 6, 3)),
    *MASKED,
]


def test_pooling_is_that_of_keras() -> None:
    compare("pooling", CASES)


def test_sizes_that_are_known_only_when_fed() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        images = graphc.placeholder("float32", [None, None, None, 2])
        made = [
            layers.MaxPooling2D(2)(images),
            layers.AveragePooling2D(3, 2, "same")(images),
            layers.GlobalAveragePooling2D()(images),
            layers.AdaptiveMaxPooling2D(1)(images),
        ]
        found = session.run(made, {images: np.ones((2, 5, 7, 2), np.float32)})
    assert [each.shape for each in found] == [(2, 2, 3, 2), (2, 3, 4, 2), (2, 2), (2, 1, 1, 2)]
    assert all(np.all(each == 1) for each in found)


def test_a_mask_ends_where_steps_are_averaged() -> None:
    with graphc.Graph().as_default():
        steps = graphc.placeholder("float32", [None, 5, 3])
        graphc.ops.masks.set_mask(steps, graphc.constant(STEPS))
        averaged = layers.GlobalAveragePooling1D()(steps)
        assert graphc.ops.masks.mask_of(averaged) is None


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("MaxPooling2D", {"pool_size": (2, 2, 2)}, "pool_size"),
        ("MaxPooling2D", {"pool_size": 2, "padding": "full"}, "'valid' or 'same'"),
        ("AveragePooling2D", {"pool_size": 2, "strides": -1}, "strides"),
        ("AveragePooling2D", {"pool_size": 9}, 'padding="same"'),
        ("AveragePooling1D", {"pool_size": 2}, "3 axes"),
        ("GlobalMaxPooling3D", {}, "5 axes"),
        ("AdaptiveMaxPooling2D", {"output_size": 0}, "output_size"),
        ("GlobalMaxPooling2D", {"data_format": "NCHW"}, "channels_first"),
    ],
)
def test_a_mistake_is_explained(name, config, said) -> None:
    with graphc.Graph().as_default():
        images = graphc.placeholder("float32", [None, 8, 8, 1])
        with pytest.raises(GraphcError) as caught:
            getattr(layers, name)(**config)(images)
    assert said in str(caught.value)


def test_layers_that_shrink_the_inputs_to_nothing_say_which_one() -> None:
    with graphc.Graph().as_default():
        x = graphc.placeholder("float32", [None, 5, 5, 1])
        shrink = layers.MaxPooling2D(3, name="third")
        with pytest.raises(ShapeError, match="third"):
            shrink(layers.MaxPooling2D(2)(x))

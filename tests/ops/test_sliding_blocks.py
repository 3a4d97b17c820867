"""unfold, fold, depth_to_space and space_to_depth: values and gradients of keras.ops; errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc import ops
from graphc.errors import GraphcError
from tests.ops.evaluation import called
from tests.ops.keras_runs import Case, found_and_expected, same

CASES: dict[str, Case] = {
    "unfold": ("unfold", [(2, 3, 5, 6)], {"kernel_size": 2}),
    "unfold, all": (
        "unfold",
        [(2, 3, 9, 8)],
        {"kernel_size": [3, 2], "dilation": [2, 3], "padding": [1, 2], "stride": [2, 1]},
    ),
    "unfold, rest": ("unfold", [(1, 1, 8, 8)], {"kernel_size": 3, "stride": 2}),
    "fold": ("fold", [(2, 12, 20)], {"output_size": [5, 6], "kernel_size": 2}),
    "fold, all": (
        "fold",
        [(2, 18, 36)],
        {
            "output_size": [9, 8],
            "kernel_size": [3, 2],
            "dilation": [2, 3],
            "padding": [1, 2],
            "stride": [2, 1],
        },
    ),
    "depth": ("depth_to_space", [(2, 3, 2, 12)], {"block_size": 2}),
    "depth, first": (
        "depth_to_space",
        [(2, 18, 2, 3)],
        {"block_size": 3, "data_format": "channels_first"},
    ),
    "space": ("space_to_depth", [(2, 6, 4, 3)], {"block_size": 2}),
    "space, first": (
        "space_to_depth",
        [(2, 2, 6, 9)],
        {"block_size": 3, "data_format": "channels_first"},
    ),
}


@pytest.fixture(scope="module")
def both() -> Any:
    return found_and_expected(CASES)


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_keras(case: str, both: Any) -> None:
    same(both, case)


def test_sizes_that_are_fed_and_integers_work() -> None:
    x = np.arange(2 * 3 * 6 * 4, dtype=np.int32).reshape(2, 3, 6, 4)

    def around(images: Any) -> Any:
        blocks = ops.unfold(images, 2, stride=2)
        high, wide = images.shape[2:]
        return ops.fold(blocks, (high, wide), 2, stride=2)

    np.testing.assert_array_equal(called(around, x), x)
    first = "channels_first"
    mixed = called(
        lambda images: ops.depth_to_space(ops.space_to_depth(images, 2, first), 2, first), x
    )
    np.testing.assert_array_equal(mixed, x)
    fed = called(lambda images: ops.unfold(images, 3, padding=1, stride=2), x, symbolic=True)
    np.testing.assert_array_equal(fed, called(lambda t: ops.unfold(t, 3, padding=1, stride=2), x))


def test_what_no_block_reaches_is_zero() -> None:
    folded = called(lambda x: ops.fold(x, 5, 2, stride=2), np.ones((1, 4, 4), np.float32))
    assert folded.shape == (1, 1, 5, 5)
    assert folded[0, 0, :4, :4].min() == 1
    assert folded.sum() == 16


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ops.unfold(np.ones((2, 3, 4)), 2), "4 axes"),
        (lambda: ops.unfold(np.ones((1, 1, 2, 4)), 3), "larger than the image"),
        (lambda: ops.fold(np.ones((1, 4, 5)), 4, 2, stride=2), "not the blocks"),
        (lambda: ops.fold(np.ones((1, 5, 4)), 4, 2, stride=2), "not the blocks"),
        (lambda: ops.depth_to_space(np.ones((1, 2, 2, 6)), 2), "divide into blocks"),
        (lambda: ops.space_to_depth(np.ones((1, 3, 2, 6)), 2), "divide into blocks"),
        (lambda: ops.space_to_depth(np.ones((1, 4, 2, 6)), 1), "2 pixels or more"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(make: Any, message: str) -> None:
    with pytest.raises(GraphcError, match=message):
        make()

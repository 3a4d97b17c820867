"""Patterns of rearrange() against reshapes and transposes of NumPy, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import FeedError, GraphcError
from tests.ops.evaluation import called

X = np.arange(2 * 6 * 8 * 3).reshape(2, 6, 8, 3).astype(np.float32)
Array = np.ndarray[Any, Any]

PATTERNS: list[tuple[str, dict[str, int], Callable[[Array], Array]]] = [
    ("b h w c -> b c h w", {}, lambda x: x.transpose(0, 3, 1, 2)),
    ("b h w c -> (b h) w c", {}, lambda x: x.reshape(12, 8, 3)),
    ("b h w c->h (b w) c", {}, lambda x: x.transpose(1, 0, 2, 3).reshape(6, 16, 3)),
    ("b h w c -> b (c h w)", {}, lambda x: x.transpose(0, 3, 1, 2).reshape(2, -1)),
    (
        "b (h1 h) (w1 w) c -> (b h1 w1) h w c",
        {"h1": 2, "w1": 4},
        lambda x: x.reshape(2, 2, 3, 4, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(16, 3, 2, 3),
    ),
    (
        "b (h h1) (w w1) c -> b h w (c h1 w1)",
        {"h1": 2, "w": 4},
        lambda x: x.reshape(2, 3, 2, 4, 2, 3).transpose(0, 1, 3, 5, 2, 4).reshape(2, 3, 4, 12),
    ),
    ("... c -> c ...", {}, lambda x: np.moveaxis(x, -1, 0)),
    ("b ... c -> b c ... 1", {}, lambda x: np.moveaxis(x, -1, 1)[..., None]),
    ("a b c d -> (a b c d)", {"a": 2}, lambda x: x.ravel()),
    ("a b c d -> a b c d ()", {}, lambda x: x[..., None]),
]


@pytest.mark.parametrize("case", PATTERNS, ids=lambda case: case[0])
def test_a_pattern_is_a_reshape_a_transpose_and_a_reshape(case: Any) -> None:
    pattern, lengths, expected = case
    for symbolic in (False, True):
        found = called(lambda x: ops.rearrange(x, pattern, **lengths), X, symbolic=symbolic)
        np.testing.assert_array_equal(found, expected(X))


@pytest.mark.parametrize(
    ("pattern", "lengths", "problem"),
    [
        ("b h w c", {}, "arrow"),
        ("b h w c -> b h w", {}, "same names"),
        ("b h w c -> b h w d", {}, "same names"),
        ("b b w c -> b w c", {}, "same names"),
        ("b h w c -> b h w c", {"d": 2}, "'d'"),
        ("b (h w c -> b h w c", {}, "no name"),
        ("b h w 3 -> b h w", {}, "no name"),
        ("... h -> h", {}, "stands once"),
        ("b (h h1) w c -> b h h1 w c", {}, "'h' and 'h1' do not follow"),
        ("b (h h1) w c -> b h h1 w c", {"h1": 4}, "does not split"),
        ("b (h h1) w c -> b h h1 w c", {"h1": 3, "h": 3}, "does not split"),
        ("b h c -> b c h", {}, "3 axes"),
        ("b h w c -> b c h w", {"c": 4}, "does not split"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(
    pattern: str, lengths: dict[str, int], problem: str
) -> None:
    with pytest.raises(GraphcError, match=problem) as caught:
        ops.rearrange(X, pattern, **lengths)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_whether_a_size_divides_is_checked_when_it_is_fed() -> None:
    x = graphc.placeholder("float32", [None, 3])
    y = ops.rearrange(x, "(a b) c -> a (b c)", b=2)
    with graphc.Session() as session:
        assert session.run(y, {x: np.zeros((4, 3))}).shape == (2, 6)
        with pytest.raises(FeedError):
            session.run(y, {x: np.zeros((5, 3))})

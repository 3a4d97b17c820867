"""dot_product_attention: the numbers of jax.nn, which Keras's back end calls."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import graphc
from graphc import nn, ops
from graphc.errors import GraphcError, ShapeError
from graphc.opset.samples import draw

QUERY, KEY, VALUE = draw(2, 3, 4, 8), draw(2, 5, 2, 8, salt=1), draw(2, 5, 2, 8, salt=2)
MASK = draw(3, 5, dtype="bool", salt=3)
LENGTHS = np.array([2, 3], np.int32), np.array([5, 1], np.int32)
ATTENTIONS: list[dict[str, Any]] = [
    {},
    {"scale": 0.3, "is_causal": True},
    {"bias": draw(4, 3, 5, salt=4), "mask": MASK},
    {"local_window_size": 1},
    {"query_seq_lengths": LENGTHS[0], "key_value_seq_lengths": LENGTHS[1]},
    {"mask": MASK, "key_value_seq_lengths": LENGTHS[1]},
]


def four_axes(array: Any) -> Any:
    return np.reshape(array, (1,) * (4 - np.ndim(array)) + np.shape(array))


@pytest.mark.parametrize("arguments", ATTENTIONS, ids=lambda each: "-".join(each) or "plain")
def test_the_numbers_are_those_of_jax(arguments: dict[str, Any]) -> None:
    fed = [graphc.placeholder("float32", [None, None, *x.shape[2:]]) for x in (QUERY, KEY, VALUE)]
    result = nn.dot_product_attention(*fed, **arguments)
    slopes = graphc.gradients(ops.sum(ops.square(result)), fed)
    with graphc.Session() as session:
        feeds = dict(zip(fed, (QUERY, KEY, VALUE), strict=True))
        found, *gradients = session.run([result, *slopes], feeds)
    of_jax = {k: four_axes(v) if k in ("bias", "mask") else v for k, v in arguments.items()}

    def by_jax(*arrays: Any) -> Any:
        return jax.nn.dot_product_attention(*arrays, **of_jax)

    np.testing.assert_allclose(found, by_jax(QUERY, KEY, VALUE), rtol=1e-5, atol=1e-6)
    given = jax.grad(lambda *xs: (by_jax(*xs) ** 2).sum(), (0, 1, 2))(QUERY, KEY, VALUE)
    for mine, expected in zip(gradients, given, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


def test_what_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(GraphcError, match="one form"):
        nn.dot_product_attention(QUERY, KEY, VALUE, attn_logits_soft_cap=1.0)
    with pytest.raises(ShapeError, match="the key of") as caught:
        nn.dot_product_attention(QUERY, KEY[0], VALUE)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__
    with pytest.raises(ShapeError, match="one number per example"):
        nn.dot_product_attention(QUERY, KEY, VALUE, key_value_seq_lengths=5)

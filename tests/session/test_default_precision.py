"""Products that ask for no precision get the one that JAX is set to."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import graphc


@pytest.mark.parametrize(("setting", "count"), [(None, 0), ("highest", 4), ("BF16_BF16_F32", 0)])
def test_products_have_the_precision_that_jax_is_set_to(setting: str | None, count: int) -> None:
    x = graphc.placeholder("float32", [1, 4, 4, 2])
    y = graphc.nn.conv(x, np.ones((2, 2, 2, 3), np.float32)) @ np.ones((3, 3), np.float32)
    with graphc.Session() as session, jax.default_matmul_precision(setting):
        text = session.compile([y], [x]).stablehlo()
    assert text.count("HIGHEST") == count  # of both operands of both products


def test_what_a_product_asks_for_itself_stays() -> None:
    with jax.default_matmul_precision("highest"):
        made = graphc.jit(lambda x: jax.lax.dot(x, x, precision="default"))
        assert "HIGHEST" not in made.lower(np.ones((2, 2), np.float32)).as_text()


def test_products_inside_of_loops_follow_it_too() -> None:
    w = graphc.placeholder("float32", [2, 2])
    (end,) = graphc.while_loop(lambda x: graphc.ops.sum(x) < 100.0, lambda x: [x @ w], [w])
    for setting, count in ((None, 0), ("highest", 2), (None, 0)):
        with graphc.Session() as session, jax.default_matmul_precision(setting):
            assert session.compile([end], [w]).stablehlo().count("HIGHEST") == count

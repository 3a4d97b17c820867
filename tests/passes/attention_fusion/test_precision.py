"""The precision that attention was written with is that of every product it is computed by."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import graphc
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.text import format_graph
from graphc.opset.samples import draw
from passes import default_pipeline
from passes.attention_fusion import AttentionFusion, AttentionGradients
from passes.attention_legalization import AttentionLegalization
from tests.passes.attention_fusion.writings import WRITINGS

ATTENTIONS = ("attention", "attention_gradient")


def step(name: str, with_gradient: bool = False) -> Any:
    """A writing, with its gradient written out if asked, whose products are as exact as can be."""
    writing = WRITINGS[name]

    def function(*operands: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            if not with_gradient:
                return writing.function(*operands)
            result, pull_back = jax.vjp(
                lambda *x: writing.function(*x, *operands[3:]), *operands[:3]
            )
            return result, pull_back(jnp.cos(result))

    return function


def precisions(graph: Graph, *ops: str) -> list[str | None]:
    return [node.attributes["precision"] for node in graph.walk() if node.op.name in ops]


@pytest.mark.parametrize("with_gradient", [False, True], ids=["result", "gradient"])
@pytest.mark.parametrize("name", ["plain", "causal", "grouped queries", "of the library"])
def test_attention_is_as_exact_as_it_was_written(name: str, with_gradient: bool) -> None:
    finding = AttentionGradients(least_bytes=0) if with_gradient else AttentionFusion()
    arrays = WRITINGS[name].arrays
    written = graphc.jit(step(name, with_gradient)).graph(*arrays, stage="canonical")
    found = finding(written).graph
    assert precisions(found, *ATTENTIONS) == ["highest"] * (1 + with_gradient)
    assert not found.count("dot_general")
    assert first_difference(found, parse(format_graph(found))) is None
    blocks = AttentionLegalization(least_bytes=0, block=4)(found).graph
    assert {*precisions(blocks, "dot_general")} == {"highest"}


@pytest.mark.parametrize("length", [8, 1024], ids=["short", "in blocks"])
def test_the_products_that_xla_gets_are_as_exact(length: int) -> None:
    arrays = [jnp.asarray(draw(1, length, 8, 4, salt=salt)) for salt in range(3)]
    ours = graphc.jit(step("plain", with_gradient=True), pipeline=default_pipeline())
    text = ours.lower(*arrays).as_text()
    products = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
    assert ("stablehlo.while" in text) == (length == 1024)
    assert len(products) >= 6
    assert all(line.count("HIGHEST") == 2 for line in products)

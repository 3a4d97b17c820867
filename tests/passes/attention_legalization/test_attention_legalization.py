"""Attention by blocks: the numbers of the op, whatever is masked, and less work and memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import graphc
import passes
from graphc.ir.differentiation import vjp_graph
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.text import format_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.attention_legalization import AttentionLegalization
from passes.attention_legalization.query_blocks import QueryBlocks
from tests.opset.test_attention import attention_graph
from tests.passes.rewrite_checks import apply

SMALL = AttentionLegalization(least_bytes=0, block=4)
OF_QUERIES = AttentionLegalization(
    least_bytes=0,
    huge_bytes=0,
    form="query_blocks",
    query_blocks=QueryBlocks(block_bytes=0, least_queries=2),
)
ATTENTION = ("attention", "attention_gradient")
FORMS = {"blocks": SMALL, "query_blocks": OF_QUERIES}
QUERY, KEY, VALUE = draw(2, 11, 4, 6), draw(2, 9, 2, 6, salt=1), draw(2, 9, 2, 5, salt=2)
LATE = np.where(np.arange(9) < 7, -np.inf, 0).astype(np.float32).reshape(1, 1, 1, 9)
FEW = np.random.default_rng(0).random((2, 1, 11, 9)) < 0.2

CASES: dict[str, tuple[list[np.ndarray], dict[str, Any]]] = {
    "every key": ([QUERY, KEY, VALUE], {}),
    "causal": ([QUERY, KEY, VALUE], {"is_causal": True}),
    "more keys than queries": ([QUERY[:, :5], KEY, VALUE], {"is_causal": True}),
    "as many keys as queries": ([QUERY[:, :9], KEY, VALUE], {"is_causal": True}),
    "window": ([QUERY, KEY, VALUE], {"local_window_size": (2, 1)}),
    "window on all keys": ([QUERY[:, :9], KEY, VALUE], {"local_window_size": (2, 1)}),
    "causal window": (
        [QUERY[:, :9], KEY, VALUE],
        {"is_causal": True, "local_window_size": (2, 0), "hidden_logit": -np.inf},
    ),
    "window and mask": (
        [QUERY, KEY, VALUE, draw(2, 4, 1, 9, dtype="bool", salt=4)],
        {"local_window_size": (3, 1)},
    ),
    "window behind all keys": ([QUERY, KEY[:, :3], VALUE[:, :3]], {"local_window_size": (1, 0)}),
    "one head": ([QUERY[:, :, :1], KEY[:, :, :1], VALUE[:, :, :1]], {"is_causal": True}),
    "bias and mask": (
        [QUERY, KEY, VALUE, draw(1, 4, 11, 9, salt=3), draw(2, 1, 11, 9, dtype="bool", salt=4)],
        {},
    ),
    "bias of keys": ([QUERY, KEY, VALUE, draw(2, 1, 1, 9, salt=3)], {"is_causal": True}),
    "bias of queries": ([QUERY, KEY, VALUE, draw(1, 4, 11, 1, salt=3)], {"is_causal": True}),
    "minus infinity": ([QUERY, KEY, VALUE, LATE], {}),
    "queries without keys": ([QUERY, KEY, VALUE, FEW], {"is_causal": True}),
    "hidden keys that count": ([QUERY, KEY, VALUE], {"is_causal": True, "hidden_logit": -2.0}),
    "hidden keys that never count": (
        [QUERY, KEY, VALUE, FEW | (np.arange(9) == 0)],
        {"is_causal": True, "hidden_logit": -np.inf},
    ),
    "no keys": ([QUERY, KEY, VALUE, np.zeros((1, 1, 1, 9), bool)], {"is_causal": True}),
    "hidden keys above what is seen": (
        [QUERY, KEY, VALUE, np.full((1, 1, 1, 9), -3e38, np.float32)],
        {"is_causal": True},
    ),
}


def gradient_graph(graph: Graph, arrays: list[np.ndarray]) -> tuple[Graph, list[np.ndarray]]:
    """The gradient by all floats, and what it is computed of."""
    wanted = [i for i, array in enumerate(arrays) if array.dtype != bool]
    (result,) = graph.outputs
    return vjp_graph(graph, wanted), [*arrays, draw(*result.type.shape, salt=9)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_blocks_give_the_numbers_of_the_op(name: str, form: str) -> None:
    narrow, attributes = CASES[name]
    arrays = [each if each.dtype == bool else each.astype(np.float64) for each in narrow]
    graph = attention_graph(*arrays, scale=0.4, **attributes)
    for before, operands in ((graph, arrays), gradient_graph(graph, arrays)):
        after = apply(FORMS[form], before)
        assert not any(node.op.name in ATTENTION for node in after.nodes)
        # the reference of attention shares nothing with its decomposition
        expected = evaluate(before, operands)
        for mine, given in zip(evaluate(after, operands), expected, strict=True):
            np.testing.assert_allclose(mine, given, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_half_floats_are_summed_as_float32(form: str) -> None:
    arrays = [array.astype(ml_dtypes.bfloat16) for array in (QUERY, KEY, VALUE)]
    graph = attention_graph(*arrays, scale=0.4)
    before, operands = gradient_graph(graph, arrays)
    operands[-1] = operands[-1].astype(ml_dtypes.bfloat16)
    expected = evaluate(before, operands)
    for mine, given in zip(evaluate(apply(FORMS[form], before), operands), expected, strict=True):
        assert mine.dtype == ml_dtypes.bfloat16
        wide = (np.asarray(each, np.float32) for each in (mine, given))
        np.testing.assert_allclose(*wide, rtol=0.02, atol=0.02)


def test_a_result_and_its_gradient_share_one_loop() -> None:
    arrays = [QUERY, KEY, VALUE]
    before, _ = gradient_graph(attention_graph(*arrays, scale=0.4), arrays)
    query, key, value, ct = before.inputs
    build = graphc.ir.builder.GraphBuilder()
    fed = [build.input(each.type, f"x{i}") for i, each in enumerate((query, key, value, ct))]
    result = build.attention(*fed[:3], scale=0.4)
    both = build.finish([result, *build.attention_gradient(*fed[:3], result, scale=0.4)])
    after = apply(SMALL, both)
    assert [node.op.name for node in after.nodes].count("scan") == 2
    alone = apply(SMALL, before)
    assert [node.op.name for node in alone.nodes].count("scan") == 2


def test_short_and_symbolic_attention_is_left_alone() -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.4)
    assert not AttentionLegalization()(graph).changed
    logits = 2 * 4 * 11 * 9 * 4
    assert AttentionLegalization(least_bytes=logits)(graph).changed
    assert not AttentionLegalization(least_bytes=logits + 1)(graph).changed
    with graphc.Graph().as_default():
        fed = [graphc.placeholder("float32", [None, 4, 2, 3]) for _ in range(3)]
        symbolic = graphc.Session().compile(graphc.nn.dot_product_attention(*fed), fed)
        assert not SMALL(symbolic.graph("simplified")).changed
        assert not OF_QUERIES(symbolic.graph("simplified")).changed


@pytest.mark.parametrize(("platform", "form"), [("cpu", "blocks"), ("gpu", "query_blocks")])
def test_the_platform_chooses_the_form(platform: str, form: str) -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.4)
    chosen = replace(FORMS[form], form=None)(graph, PassContext(platform=platform)).graph
    assert first_difference(chosen, FORMS[form](graph).graph) is None
    assert chosen.count("attention") == (form == "query_blocks")


def test_blocks_of_queries_take_time_and_are_made_where_memory_has_to_be_saved() -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.4)
    logits = 2 * 4 * 11 * 9 * 4
    for huge, memory, is_changed in (
        (logits, None, True),
        (logits + 1, None, False),
        (logits + 1, MemoryGoal(0), False),
        (logits + 1, MemoryGoal(1), True),
    ):
        context = PassContext(platform="gpu", memory=memory)
        assert replace(OF_QUERIES, huge_bytes=huge).apply(graph, context).changed == is_changed


def visited(graph: Graph, arrays: list[np.ndarray]) -> int:
    """How many blocks of logits the loops of a graph compute, counted by what each one adds."""
    count = 0

    def counting(call: Any, *operands: Any, bodies: Any) -> Any:
        def body(*values: Any) -> Any:
            nonlocal count
            count += 1
            return bodies[1](*values)

        return original(call, *operands, bodies=[bodies[0], body])

    loop = graphc.ir.registry.REGISTRY["while_loop"]
    original = loop.reference
    object.__setattr__(loop, "reference", counting)
    try:
        evaluate(graph, arrays)
    finally:
        object.__setattr__(loop, "reference", original)
    return count


def test_blocks_that_are_hidden_are_skipped_unless_a_query_sees_nothing() -> None:
    square = [draw(1, 32, 1, 4, salt=salt) for salt in range(3)]
    everything = apply(SMALL, attention_graph(*square, scale=0.5))
    assert visited(everything, square) == 64  # blocks of 4 queries and 4 keys
    causal = apply(SMALL, attention_graph(*square, scale=0.5, is_causal=True))
    window = apply(SMALL, attention_graph(*square, scale=0.5, local_window_size=(4, 0)))
    assert visited(causal, square) == 36
    assert visited(window, square) == 15
    mask = np.ones((1, 1, 32, 1), bool)
    mask[0, 0, 0] = False  # its weights are equal, over all keys
    masked = apply(SMALL, attention_graph(*square, mask, scale=0.5, is_causal=True))
    assert visited(masked, [*square, mask]) == 36 + 7


@pytest.fixture(scope="module", params=FORMS)
def long_attention(request: pytest.FixtureRequest) -> Any:
    """Result and gradients of causal attention in a session, and what it was fed."""
    with graphc.Graph().as_default() as graph:
        fed = [graphc.placeholder("float32", [1, None, 2, 8]) for _ in range(4)]
        result = graphc.nn.dot_product_attention(*fed[:3], is_causal=True)
        slopes = graphc.gradients(result, fed[:3], grad_ys=fed[3])
    legalization = AttentionLegalization(
        least_bytes=2**20,
        huge_bytes=0,
        form=request.param,
        query_blocks=QueryBlocks(block_bytes=2**20),
    )
    pipeline = passes.default_pipeline().replacing("attention_legalization", legalization)
    session = graphc.Session(graph=graph, pipeline=pipeline)
    arrays = [draw(1, 1100, 2, 8, salt=salt) for salt in range(4)]
    program = session.compile([result, *slopes], fed)
    return program, session.run([result, *slopes], dict(zip(fed, arrays, strict=True))), arrays


def test_compiled_blocks_are_as_exact_as_float32_allows(long_attention: Any) -> None:
    _, found, arrays = long_attention
    wide = [array.astype(np.float64) for array in arrays]
    graph = attention_graph(*wide[:3], scale=8**-0.5, is_causal=True)
    expected = [*evaluate(graph, wide[:3]), *evaluate(vjp_graph(graph, [0, 1, 2]), wide)]
    for mine, given in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, given, rtol=1e-5, atol=1e-5)


def test_the_compiled_program_never_holds_all_logits(long_attention: Any) -> None:
    program, _, _ = long_attention
    assert program.memory_analysis().temp_size_in_bytes < 2 * 1100 * 1100 * 4 / 2
    legalized = program.graph("legalized")
    assert "1100, 1100" not in format_graph(legalized)
    assert program.graph("specialised").count("attention_gradient") == 1

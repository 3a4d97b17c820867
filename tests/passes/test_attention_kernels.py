"""Attention by a kernel: what is given to it, what is not, and its numbers.

By the references of the ops: that they are computed so, their own tests show, by JAX's own form of
the kernel's function, since cuDNN may not be there.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext, PassResult
from passes.attention_kernels import AttentionKernels
from tests.opset.test_attention import attention_graph

BF16 = np.dtype(ml_dtypes.bfloat16)
QUERY, KEY, VALUE = (draw(2, 6, 4, 8, salt=salt).astype(BF16) for salt in range(3))
FEW_KEY, FEW_VALUE = KEY[:, :, :2], VALUE[:, :, :2]
MASK = np.random.default_rng(0).random((2, 1, 6, 6)) < 0.5
BIAS = draw(1, 4, 6, 6, salt=4).astype(BF16)

GIVEN: dict[str, tuple[list[np.ndarray], dict[str, Any]]] = {
    "every key": ([QUERY, KEY, VALUE], {}),
    "causal": ([QUERY, KEY, VALUE], {"is_causal": True}),
    "grouped heads": ([QUERY, FEW_KEY, FEW_VALUE], {"is_causal": True, "hidden_logit": -1e30}),
    "window": ([QUERY, KEY, VALUE], {"is_causal": True, "local_window_size": (2, 0)}),
    "a precision": ([QUERY, KEY, VALUE], {"precision": "highest"}),
}
REFUSED: dict[str, tuple[list[np.ndarray], dict[str, Any], str]] = {
    "float32": ([each.astype(np.float32) for each in (QUERY, KEY, VALUE)], {}, "16 bits"),
    "a hidden key that counts": (
        [QUERY, KEY, VALUE],
        {"is_causal": True, "hidden_logit": -2.0},
        "its logit is -2.0",
    ),
    "mask": ([QUERY, KEY, VALUE, MASK], {}, "without keys"),
    "mask and order": ([QUERY, KEY, VALUE, MASK], {"is_causal": True}, "without keys"),
    "mask that makes NaN": ([QUERY, KEY, VALUE, MASK], {"hidden_logit": -np.inf}, "without keys"),
    "more queries than keys": (
        [QUERY, KEY[:, :3], VALUE[:, :3]],
        {"is_causal": True},
        "6 queries and 3 keys",
    ),
    "window on both sides": ([QUERY, KEY, VALUE], {"local_window_size": (1, 1)}, "both sides"),
    "values of another size": ([QUERY, KEY, VALUE[..., :4]], {}, "xla: value shape"),
}


def run_pass(graph: Graph, platform: str = "gpu") -> tuple[PassResult, PassContext]:
    context = PassContext(platform=platform)
    return AttentionKernels(0, "xla").apply(graph, context), context


@pytest.mark.parametrize("case", GIVEN)
@pytest.mark.parametrize("of_gradient", [False, True], ids=["result", "gradient"])
def test_a_kernel_has_the_numbers_of_the_op(case: str, of_gradient: bool) -> None:
    arrays, attributes = GIVEN[case]
    graph = attention_graph(*arrays, scale=0.3, **attributes)
    if of_gradient:
        graph = vjp_graph(graph, [0, 1, 2])
        arrays = [*arrays, draw(*QUERY.shape, salt=9).astype(BF16)]
    made = run_pass(graph)[0].graph
    names = [node.op.name for node in made.nodes]
    assert ("flash_attention_gradient" if of_gradient else "flash_attention") in names
    assert not {"attention", "attention_gradient"} & set(names)
    wanted = evaluate(graph, arrays)
    found = evaluate(made, arrays)
    for mine, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            mine.astype(np.float32), right.astype(np.float32), rtol=0.01, atol=0.01
        )


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_kernel_cannot_compute_stays(case: str) -> None:
    arrays, attributes, reason = REFUSED[case]
    graph = attention_graph(*arrays, scale=0.3, **attributes)
    result, context = run_pass(graph)
    assert result.graph is graph
    assert reason in str(context.trace.refused)


def test_the_gradient_of_a_bias_stays() -> None:
    graph = vjp_graph(attention_graph(QUERY, KEY, VALUE, BIAS, scale=0.3), [0, 1, 2, 3])
    result, context = run_pass(graph)
    assert "attention_gradient" in [node.op.name for node in result.graph.nodes]
    assert "all logits" in str(context.trace.refused)


def test_elsewhere_attention_stays() -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.3)
    assert run_pass(graph, "cpu")[0].graph is graph


def test_few_logits_stay() -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.3)
    few = AttentionKernels(2 * 4 * 6 * 6 * 4 + 1, "xla").apply(graph, PassContext(platform="gpu"))
    assert few.graph is graph

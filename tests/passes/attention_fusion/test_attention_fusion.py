"""Attention in other ops is found in every spelling, as what it is; near misses are told."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.tracing import precision_setting
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes import default_pipeline
from passes.attention_fusion import AttentionFusion, AttentionGradients
from tests.passes.attention_fusion.writings import (
    FEW_KEYS,
    FEW_VALUES,
    KEY,
    NEAR_MISSES,
    QUERY,
    VALUE,
    WRITINGS,
    B,
    H,
    K,
    N,
    S,
    T,
    logits_of,
    repeated_keys,
    weigh,
)
from tests.passes.rewrite_checks import Case, apply, check

RULE = ("attention_fusion", "scaled_dot_products")
DEFAULTS = {"is_causal": False, "local_window_size": None, "hidden_logit": None}


def canonical(function: Any, *arrays: Any) -> Graph:
    return graphc.jit(function).graph(*map(jnp.asarray, arrays), stage="canonical")


@pytest.mark.parametrize("name", WRITINGS)
def test_a_writing_is_found_with_its_numbers_and_its_gradient(name: str) -> None:
    writing = WRITINGS[name]
    before = canonical(writing.function, *writing.arrays)
    after = apply(AttentionFusion(), before)
    assert not after.count("dot_general") + after.count("softmax") + after.count("select")
    (found,) = (node for node in after.nodes if node.op.name == "attention")
    given = dict(found.attributes.items())
    assert given.pop("precision") == precision_setting()
    np.testing.assert_allclose(given.pop("scale"), writing.scale, rtol=1e-7)
    assert given == DEFAULTS | writing.attributes
    assert len(found.inputs) == writing.operands

    arrays = list(writing.arrays)
    wanted = [i for i, array in enumerate(arrays) if array.dtype != bool]
    (result,) = before.outputs
    ct = draw(*result.type.shape, salt=9)
    runs = [(before, after, arrays)]
    runs.append((vjp_graph(before, wanted), vjp_graph(after, wanted), [*arrays, ct]))
    for first, second, operands in runs:
        expected = evaluate(first, operands, precise=True)
        for mine, theirs in zip(evaluate(second, operands, precise=True), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)


def test_the_op_takes_what_was_there_and_a_constant_mask_is_an_order() -> None:
    q, k = as_type("float32", (B, T, N, H)), as_type("float32", (B, S, N, H))

    def before(build: Any, q: Any, k: Any, v: Any) -> Any:
        heads = {"lhs_batching": (0, 2), "rhs_batching": (0, 2)}
        logits = build.dot_general(q, k, **heads, lhs_contracting=(3,), rhs_contracting=(3,))
        scaled = build.multiply(logits, build.full_like(logits, 0.5))
        plane = build.array(np.tri(T, S, dtype=bool))
        seen = build.broadcast_in_dim(plane, shape=(B, N, T, S), broadcast_dimensions=(2, 3))
        hidden = build.select(seen, scaled, build.full_like(logits, -1e9))
        weights = build.softmax(hidden, axis=3)
        heads = {"lhs_batching": (0, 1), "rhs_batching": (0, 2)}
        return build.dot_general(weights, v, **heads, lhs_contracting=(3,), rhs_contracting=(1,))

    def after(build: Any, q: Any, k: Any, v: Any) -> Any:
        result = build.attention(q, k, v, scale=0.5, is_causal=True, hidden_logit=-1e9)
        return build.transpose(result, permutation=(0, 2, 1, 3))

    check(AttentionFusion(), Case("scaled_dot_products", (q, k, k), before, after))


def test_heads_that_share_keys_are_not_repeated() -> None:
    found = apply(AttentionFusion(), canonical(repeated_keys, QUERY, FEW_KEYS, FEW_VALUES))
    (node,) = (node for node in found.nodes if node.op.name == "attention")
    assert [value.type.shape[2] for value in node.inputs] == [QUERY.shape[2], K, K]
    assert found.count("broadcast_in_dim") == 0


@pytest.mark.parametrize("function", NEAR_MISSES, ids=lambda each: each.__name__)
def test_a_near_miss_is_left_alone_for_a_reason(function: Any) -> None:
    context = PassContext()
    assert not AttentionFusion()(canonical(function, QUERY, KEY, VALUE), context).changed
    reasons = [why for *rule, why in context.trace.refused if tuple(rule) == RULE]
    assert [why for why in reasons if NEAR_MISSES[function] in why], reasons


def test_other_products_are_no_near_misses() -> None:
    context = PassContext()

    def dense(x: Any, w: Any) -> Any:
        return jax.nn.softmax(jnp.tanh(x @ w) @ w, -1)

    assert not AttentionFusion()(canonical(dense, draw(4, 4), draw(4, 4)), context).changed
    assert not context.trace.refused


def test_lengths_and_examples_may_be_symbolic() -> None:
    with graphc.Graph().as_default():
        q, k, v = (graphc.placeholder("float32", [None, None, 4, 6]) for _ in range(3))
        logits = graphc.ops.einsum("btnh,bsnh->bnts", q, k) * 0.5
        result = graphc.ops.einsum("bnts,bsnv->btnv", graphc.nn.softmax(logits), v)
        slopes = graphc.gradients(result, [q, k, v])
        session = graphc.Session()
        program = session.compile([result, *slopes], [q, k, v])
        assert program.graph("composed").count("attention") == 1
        assert program.graph("differentiated").count("attention_gradient") == 1
        found = session.run([result], {q: QUERY, k: KEY, v: VALUE})[0]
    expected = weigh(logits_of(QUERY, KEY) * 0.5, VALUE)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_an_interior_gradient_keeps_its_path() -> None:
    with graphc.Graph().as_default():
        q, k, v = (graphc.placeholder("float32", list(x.shape)) for x in (QUERY, KEY, VALUE))
        weights = graphc.nn.softmax(graphc.ops.einsum("btnh,bsnh->bnts", q, k))
        result = graphc.ops.einsum("bnts,bsnv->btnv", weights, v)
        (slope,) = graphc.gradients(result, [weights])
        session = graphc.Session()
        assert session.compile([slope], [q, k, v]).graph("composed").count("attention") == 0
        found = session.run(slope, {q: QUERY, k: KEY, v: VALUE})
    expected = np.broadcast_to(VALUE.sum(3).transpose(0, 2, 1)[:, :, None], found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "sees"),
    [
        ("int8", lambda query, key: query >= key),
        ("uint32", lambda query, key: query - key <= 3),
    ],
)
def test_places_that_wrap_around_are_no_order(dtype: str, sees: Any) -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        places = jnp.arange(q.shape[1]).astype(dtype)
        seen = sees(places[:, None], places[None])
        return weigh(jnp.where(seen, logits_of(q, k), -1e9), v)

    arrays = [draw(1, 150, 1, 2, salt=salt) for salt in range(3)]
    before = canonical(attend, *arrays)
    after = AttentionFusion()(before).graph
    (found,) = [node for node in after.nodes if node.op.name == "attention"]
    assert not found.attributes["is_causal"]
    assert found.attributes["local_window_size"] is None
    (mine,), (theirs,) = (evaluate(graph, arrays, precise=True) for graph in (after, before))
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)


# --- with the gradient written out ----------------------------------------------------------------


def step_of(function: Any, cotangent: Any) -> Any:
    """Result and gradients, as JAX writes them."""

    def step(q: Any, k: Any, v: Any, *rest: Any) -> Any:
        result, pull_back = jax.vjp(lambda *x: function(*x, *rest), q, k, v)
        return result, pull_back(cotangent(result))

    return step


@pytest.mark.parametrize("name", WRITINGS)
def test_attention_is_found_together_with_its_written_gradient(name: str) -> None:
    writing = WRITINGS[name]
    before = canonical(step_of(writing.function, jnp.cos), *writing.arrays)
    after = AttentionGradients(least_bytes=0)(before).graph
    assert not after.count("dot_general") + after.count("softmax") + after.count("select")
    assert after.count("attention") == after.count("attention_gradient") == 1
    expected = evaluate(before, writing.arrays, precise=True)
    for mine, theirs in zip(evaluate(after, writing.arrays, precise=True), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("logits_dtype", [None, "float32"])
def test_16_bits_are_found_with_their_gradient(dtype: str, logits_dtype: Any) -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        logits = jnp.einsum("btnh,bsnh->bnts", q, k, preferred_element_type=logits_dtype)
        weights = jax.nn.softmax(logits * 0.5, -1).astype(v.dtype)
        return jnp.einsum("bnts,bsnv->btnv", weights, v)

    arrays = [jnp.asarray(array, dtype) for array in (QUERY, KEY, VALUE)]
    step = step_of(attend, lambda result: result * 2 + 1)
    before = canonical(step, *arrays)
    after = AttentionGradients(least_bytes=0)(before).graph
    assert not after.count("dot_general") + after.count("softmax")
    found = evaluate(after, [np.asarray(array) for array in arrays])
    expected = jax.tree.leaves(step(*[array.astype(jnp.float32) for array in arrays]))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == arrays[0].dtype
        np.testing.assert_allclose(mine.astype(np.float32), theirs, rtol=0.03, atol=0.03)


def also_weights(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(logits_of(q, k), -1)
    return jnp.einsum("bnts,bsnv->btnv", weights, v), weights


def with_aid(use: Any) -> Any:
    """A step in which something reads an array in the middle of the gradient."""

    def step(q: Any, k: Any, v: Any) -> Any:
        weights = jax.nn.softmax(logits_of(q, k), -1)
        ct = jnp.cos(jnp.einsum("bnts,bsnv->btnv", weights, v))
        for_weights = jnp.einsum("btnv,bsnv->bnts", ct, v)
        for_logits = weights * (for_weights - (weights * for_weights).sum(-1, keepdims=True))
        for_query = jnp.einsum("bnts,bsnh->btnh", for_logits, k)
        return for_query, use(weights, for_weights, for_logits, k, ct)

    return step


def for_repeated_keys(q: Any, k: Any, v: Any) -> Any:
    repeated = jnp.repeat(k[:, :, :K], N // K, axis=2)
    values = jnp.repeat(v[:, :, :K], N // K, axis=2)
    result, pull_back = jax.vjp(lambda k: weigh(logits_of(q, k), values), repeated)
    return result, pull_back(q)


def values_of_their_own_cotangent(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(logits_of(q, k), -1)
    values = jnp.einsum("bnts,btnv->bsnv", weights, q) + v
    for_weights = jnp.einsum("btnv,bsnv->bnts", q, values)
    for_logits = weights * (for_weights - (weights * for_weights).sum(-1, keepdims=True))
    result = jnp.einsum("bnts,bsnv->btnv", weights, values)
    return result, jnp.einsum("bnts,bsnh->btnh", for_logits, k)


def less_precise_cotangent_of_weights(q: Any, k: Any, v: Any) -> Any:
    with jax.default_matmul_precision("highest"):
        weights = jax.nn.softmax(logits_of(q, k), -1)
        result = jnp.einsum("bnts,bsnv->btnv", weights, v)
        for_weights = jnp.einsum("btnv,bsnv->bnts", q, v, precision="default")
        for_logits = weights * (for_weights - (weights * for_weights).sum(-1, keepdims=True))
        return result, jnp.einsum("bnts,bsnh->btnh", for_logits, k)


NEAR_GRADIENTS = {
    "repeated keys have cotangents of their own": (for_repeated_keys, "not summed"),
    "the values are made of their own cotangent": (values_of_their_own_cotangent, "come after"),
    "the weights are a result": (
        lambda q, k, v: (
            jax.vjp(also_weights, q, k, v)[0],
            jax.vjp(lambda *x: also_weights(*x)[0], q, k, v)[1](q),
        ),
        "is a result, too",
    ),
    "the weights have a cotangent of their own": (
        lambda q, k, v: jax.grad(
            lambda *x: sum(jnp.sin(each).sum() for each in also_weights(*x)), (0, 1, 2)
        )(q, k, v),
        "",
    ),
    "a bias has a gradient": (
        lambda q, k, v: jax.grad(
            lambda q, bias: jnp.sin(weigh(logits_of(q, k) + bias, v)).sum(), (0, 1)
        )(q, jnp.ones((1, N, T, S))),
        "the cotangent of a bias",
    ),
    "the cotangent of the logits is read": (
        with_aid(lambda w, fw, fl, k, ct: jnp.exp(fl)),
        "exponential reads",
    ),
    "the cotangent of the weights is read": (
        with_aid(lambda w, fw, fl, k, ct: jnp.exp(fw)),
        "the cotangent of the weights is used elsewhere",
    ),
    "another tensor is weighed": (
        with_aid(lambda w, fw, fl, k, ct: jnp.einsum("bnts,bsnh->btnh", w, k)),
        "the weights are used elsewhere",
    ),
    "weights are hidden before the cotangent of values": (
        with_aid(
            lambda w, fw, fl, k, ct: jnp.einsum(
                "bnts,btnv->bsnv", jnp.where(jnp.tri(T, S, dtype=bool), w, 0), ct
            )
        ),
        "hidden once more",
    ),
    "another tensor is in the place of keys": (
        with_aid(lambda w, fw, fl, k, ct: jnp.einsum("bnts,bsnh->btnh", fl, k * k)),
        "neither queries nor keys",
    ),
    "a cotangent is less precise": (
        with_aid(lambda w, fw, fl, k, ct: jnp.einsum("bnts,bsnh->btnh", fl, k, precision="high")),
        "a product has the precision high, that of weights",
    ),
    "the cotangent of the weights is less precise": (
        less_precise_cotangent_of_weights,
        "a product has the precision default, that of weights",
    ),
    "something else is hidden on the way back": (
        with_aid(
            lambda w, fw, fl, k, ct: jnp.einsum("bnts,bsnh->btnh", jnp.where(fw > 0, fl, 0), k)
        ),
        "the cotangent of the weights is used elsewhere",
    ),
    "less is hidden on the way back": (
        with_aid(
            lambda w, fw, fl, k, ct: jnp.einsum(
                "bnts,bsnh->btnh", jnp.where(jnp.tri(T, S, dtype=bool), fl, 0), k
            )
        ),
        "does not hide what attention hides",
    ),
}


@pytest.mark.parametrize("what", NEAR_GRADIENTS)
def test_what_is_nearly_a_gradient_of_attention_is_left_alone_for_a_reason(what: str) -> None:
    function, reason = NEAR_GRADIENTS[what]
    context = PassContext()
    graph = canonical(function, QUERY, KEY, VALUE)
    assert not AttentionGradients(least_bytes=0)(graph, context).changed
    reasons = [why for *_, why in context.trace.refused]
    assert any(reason in why for why in reasons), reasons


def test_short_attention_keeps_its_weights() -> None:
    graph = canonical(step_of(WRITINGS["plain"].function, jnp.cos), QUERY, KEY, VALUE)
    assert not AttentionGradients()(graph).changed


@pytest.mark.cpu
def test_a_step_with_long_attention_runs_in_blocks() -> None:
    arrays = [jnp.asarray(draw(1, 1024, 8, 4, salt=i)) for i in range(3)]
    step = step_of(WRITINGS["plain"].function, jnp.cos)
    ours = graphc.jit(step, pipeline=default_pipeline())
    found, expected = ours(*arrays), jax.jit(step)(*arrays)
    assert ours.graph(*arrays, stage="legalized").count("scan")
    for mine, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)

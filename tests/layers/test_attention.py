"""Layers of attention under every argument of their constructors and calls, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from graphc.ops.masks import mask_of, set_mask
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

QUERIES = np.array([[True, True, True, False], [True, False, True, True]])
KEYS = np.array([[True, True, False, True, False], [True, False, False, False, True]])
SEEN = np.random.default_rng(3).random((2, 4, 5)) < 0.6
SEEN[..., 0] = True
BLIND = SEEN & (np.arange(4) != 2)[:, None]  # one query that sees nothing
BY_HEAD = np.random.default_rng(4).random((2, 3, 4, 5)) < 0.6
BY_HEAD[..., 0] = True

RULES = {
    "kernel_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
    "kernel_constraint": "max_norm",
    "bias_constraint": "non_neg",
}

PAIR = [(2, 4, 3), (2, 5, 3)]
TRIPLE = [(2, 4, 3), (2, 5, 2), (2, 5, 3)]
SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}

WITHOUT_PROJECTIONS = [
    *[
        case(name, inputs, call=call, masks=masks)
        for name in ("Attention", "AdditiveAttention")
        for inputs, call, masks in (
            (PAIR, {}, ()),
            (TRIPLE, SCORES, ()),
            (TRIPLE, {}, (QUERIES, KEYS)),
            (PAIR, {"mask": [QUERIES, KEYS], **CAUSAL}, ()),
            (PAIR, {"mask": [None, KEYS], **CAUSAL, **SCORES}, ()),
        )
    ],
    case("Attention", TRIPLE, use_scale=True),
    case("Attention", TRIPLE, use_scale=True, score_mode="concat", dropout=0.3),
    case("Attention", PAIR, call=CAUSAL | SCORES, score_mode="concat"),
    case("Attention", PAIR, use_scale=True, dropout=0.3, seed=1, masks=(None, KEYS)),
    case("Attention", [(2, 3, 4, 3), (2, 3, 5, 3)]),
    case("AdditiveAttention", PAIR, use_scale=False, dropout=0.3),
]

HEADS = {"num_heads": 3, "key_dim": 2}
INPUTS = ((2, 4, 5), (2, 5, 6))

MULTI_HEAD = [
    case("MultiHeadAttention", *INPUTS, **HEADS),
    case("MultiHeadAttention", *INPUTS, (2, 5, 4), value_dim=3, call=SCORES, **HEADS),
    case("MultiHeadAttention", *INPUTS, use_bias=False, output_shape=7, **HEADS),
    case("MultiHeadAttention", *INPUTS, output_shape=(2, 3), use_gate=True, **HEADS, **RULES),
    case("MultiHeadAttention", *INPUTS, value_dim=3, use_gate=True, call=SCORES, **HEADS),
    case("MultiHeadAttention", *INPUTS, call=CAUSAL, flash_attention=False, **HEADS),
    case("MultiHeadAttention", *INPUTS, call=CAUSAL | SCORES, **HEADS),
    case("MultiHeadAttention", *INPUTS, sliding_window=2, **HEADS),
    case("MultiHeadAttention", *INPUTS, sliding_window=3, call=CAUSAL | SCORES, **HEADS),
    case("MultiHeadAttention", *INPUTS, sliding_window=3, call=CAUSAL, **HEADS),
    case("MultiHeadAttention", *INPUTS, masks=(QUERIES, KEYS), **HEADS),
    case("MultiHeadAttention", *INPUTS, masks=(QUERIES, KEYS), call=CAUSAL | SCORES, **HEADS),
    case("MultiHeadAttention", *INPUTS, (2, 5, 4), masks=(QUERIES, None, KEYS), **HEADS),
    case("MultiHeadAttention", *INPUTS, masks=(QUERIES,), dropout=0.4, seed=2, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"value_mask": KEYS, "key_mask": KEYS}, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"query_mask": QUERIES}, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"attention_mask": SEEN}, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"attention_mask": SEEN[0]}, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"attention_mask": BY_HEAD, **SCORES}, **HEADS),
    case("MultiHeadAttention", *INPUTS, call={"attention_mask": BLIND.astype(np.int32)}, **HEADS),
    case("MultiHeadAttention", *INPUTS, dropout=0.4, call={"attention_mask": BLIND}, **HEADS),
    case("MultiHeadAttention", *INPUTS, dropout=0.4, sliding_window=1, call=CAUSAL, **HEADS),
    case(
        "MultiHeadAttention",
        *INPUTS,
        masks=(QUERIES, KEYS),
        call={"attention_mask": SEEN, **CAUSAL},
        **HEADS,
    ),
    case("MultiHeadAttention", (2, 3, 4, 5), (2, 3, 6, 5), attention_axes=2, **HEADS),
    case("MultiHeadAttention", (2, 3, 4, 5), (2, 3, 6, 5), attention_axes=(-2,), **HEADS),
    case("MultiHeadAttention", (2, 3, 4, 5), (2, 2, 3, 5), call=SCORES, **HEADS),
    case(
        "MultiHeadAttention",
        (2, 3, 4, 5),
        (2, 2, 3, 5),
        call={"attention_mask": np.random.default_rng(5).random((2, 3, 4, 2, 3)) < 0.7},
        **HEADS,
    ),
    case(
        "MultiHeadAttention", (2, 3, 4, 5), (2, 6, 4, 5), attention_axes=1, output_shape=3, **HEADS
    ),
]

GROUPS = {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2}
STEPS = ((2, 4, 5), (2, 5, 5))

GROUPED = [
    case("GroupQueryAttention", *STEPS, **GROUPS),
    case("GroupQueryAttention", *STEPS, use_bias=False, call=SCORES, **GROUPS),
    case("GroupQueryAttention", *STEPS, use_gate=True, **GROUPS, **RULES),
    case("GroupQueryAttention", *STEPS, call=CAUSAL, flash_attention=False, **GROUPS),
    case("GroupQueryAttention", *STEPS, (2, 5, 3), sliding_window=2, call=CAUSAL, **GROUPS),
    case("GroupQueryAttention", *STEPS, sliding_window=2, call=SCORES, **GROUPS),
    case("GroupQueryAttention", *STEPS, dropout=0.3, seed=3, masks=(QUERIES, KEYS), **GROUPS),
    case("GroupQueryAttention", *STEPS, call={"attention_mask": SEEN, **CAUSAL}, **GROUPS),
    case("GroupQueryAttention", *STEPS, call={"query_mask": QUERIES, "key_mask": KEYS}, **GROUPS),
    case(
        "GroupQueryAttention",
        *STEPS,
        call={"attention_mask": BY_HEAD, **SCORES},
        head_dim=3,
        num_query_heads=3,
        num_key_value_heads=1,
    ),
]

CASES = [*WITHOUT_PROJECTIONS, *MULTI_HEAD, *GROUPED]


def test_attention_is_that_of_keras() -> None:
    compare("attention", CASES)


def test_what_asks_for_no_scores_stays_one_op() -> None:
    """So that the compiler finds it, and has the better form of it."""
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", [None, None, 8])
        layers.MultiHeadAttention(2, 4, sliding_window=3)(x, x, use_causal_mask=True)
        layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)
        layers.GroupQueryAttention(4, 4, 2)(x, x)
        layers.Attention(use_scale=True)([x, x], mask=[None, graphc.ops.any(x > 0, -1)])
        found = [node for node in graph.nodes if node.op.name == "attention"]
        assert len(found) == 4
        assert found[0].attributes["is_causal"]
        assert tuple(found[0].attributes["local_window_size"]) == (2, 2)
        assert found[2].inputs[1].type.shape[2] == 2, "heads of keys are repeated"
        layers.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True)
        layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x, training=True)
        layers.AdditiveAttention()([x, x])
        assert sum(node.op.name == "attention" for node in graph.nodes) == 4


def test_training_drops_weights_and_keeps_their_sum_on_average() -> None:
    ones = np.ones((4, 64, 2), np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=1) as session:
        x = graphc.constant(ones)
        made = [
            layers.Attention(dropout=0.25)([x, x], training=True, return_attention_scores=True),
            layers.MultiHeadAttention(1, 2, dropout=0.25, seed=7)(
                x, x, training=True, return_attention_scores=True
            ),
            layers.GroupQueryAttention(2, 2, 1, dropout=0.25)(x, x, training=True),
        ]
        (mixed, dropped), (_, kept), grouped = session.run(made)
    share = np.mean(dropped == 0)
    assert abs(share - 0.25) < 0.02
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 64 / 0.75, rtol=1e-5)
    np.testing.assert_allclose(mixed.mean(), 1, atol=0.05)
    np.testing.assert_allclose(kept, 1 / 64, rtol=1e-5)  # as in Keras: before they are dropped
    assert np.std(grouped, axis=1).max() > 0


def test_masks_go_on_with_the_queries() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [2, 4, 3])
        set_mask(x, graphc.constant(QUERIES))
        values = graphc.placeholder("float32", [2, 5, 3])
        made = [
            layers.MultiHeadAttention(2, 2)(x, values),
            layers.GroupQueryAttention(2, 2, 2)(x, values),
            layers.Attention()([x, values]),
        ]
        masks = session.run([mask_of(each) for each in made])
        assert mask_of(layers.Attention()([values, x])) is None
    assert all(np.array_equal(mask, QUERIES) for mask in masks)


@pytest.mark.parametrize(
    ("name", "config", "call", "said"),
    [
        ("MultiHeadAttention", {"num_heads": 0, "key_dim": 2}, {}, "num_heads"),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 2.5}, {}, "key_dim"),
        ("MultiHeadAttention", {**HEADS, "value_dim": 0}, {}, "value_dim"),
        ("MultiHeadAttention", {**HEADS, "sliding_window": 0}, {}, "sliding_window"),
        ("MultiHeadAttention", {**HEADS, "dropout": 1.5}, {}, "0 ≤ dropout ≤ 1"),
        ("MultiHeadAttention", {**HEADS, "output_shape": (2, None)}, {}, "output_shape"),
        ("MultiHeadAttention", {**HEADS, "attention_axes": 2}, {}, "attention_axes"),
        ("MultiHeadAttention", {**HEADS, "dropout": 0.1, "flash_attention": True}, {}, "dropout=0"),
        ("MultiHeadAttention", {**HEADS, "flash_attention": True}, SCORES, "leave one of them out"),
        ("MultiHeadAttention", HEADS, {"key": np.ones((2, 3, 3), np.float32)}, "one key for each"),
        ("GroupQueryAttention", {**GROUPS, "num_key_value_heads": 3}, {}, "divides that"),
        ("GroupQueryAttention", GROUPS, {"key": np.ones((2, 3), np.float32)}, "sequences"),
        ("Attention", {"score_mode": "sum"}, {}, "concat"),
        ("Attention", {"dropout": -1}, {}, "dropout"),
        ("AdditiveAttention", {}, {"mask": KEYS}, "list"),
    ],
)
def test_a_mistake_is_explained_and_leaves_no_weights(name, config, call, said) -> None:
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", [2, 4, 3])
        given = ([x, x],) if name in ("Attention", "AdditiveAttention") else (x, x)
        with pytest.raises(GraphcError) as caught:
            getattr(layers, name)(**config)(*given, **call)
        assert said in str(caught.value)
        assert not graph.variables


def test_attention_is_called_on_a_list() -> None:
    with graphc.Graph().as_default():
        x = graphc.placeholder("float32", [2, 4, 3])
        for wrong in (x, [x], [x, x, x, x]):
            with pytest.raises(ShapeError, match="two or three"):
                layers.Attention()(wrong)

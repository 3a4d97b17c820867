"""Attention as people write it in JAX, and what it is found to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphc.opset.samples import draw

B, T, S, N, K, H = 2, 5, 7, 4, 2, 6
QUERY, KEY, VALUE = draw(B, T, N, H), draw(B, S, N, H, salt=1), draw(B, S, N, H, salt=2)
FEW_KEYS, FEW_VALUES = draw(B, S, K, H, salt=1), draw(B, S, K, 3, salt=2)
MASK, BIAS = draw(B, 1, T, S, dtype="bool", salt=3), draw(1, N, T, S, salt=4)
LEAST = float(jnp.finfo(jnp.float32).min)


@dataclass(frozen=True)
class Writing:
    """One way to write attention.

    Attributes:
        function: of arrays.
        arrays: what it takes.
        operands: how many the op has.
        attributes: those of the op beside the scale.
        scale: of the op.
    """

    function: Callable[..., Any]
    arrays: tuple[np.ndarray, ...] = (QUERY, KEY, VALUE)
    operands: int = 3
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    scale: float = 1.0


def logits_of(q: Any, k: Any) -> Any:
    return jnp.einsum("btnh,bsnh->bnts", q, k)


def weigh(logits: Any, v: Any) -> Any:
    return jnp.einsum("bnts,bsnv->btnv", jax.nn.softmax(logits, -1), v)


def plain(q: Any, k: Any, v: Any) -> Any:
    return weigh(logits_of(q, k) / math.sqrt(H), v)


def queries_scaled(q: Any, k: Any, v: Any) -> Any:
    return weigh(logits_of(q * 0.5, k), v)


def keys_first(q: Any, k: Any, v: Any) -> Any:
    logits = jnp.einsum("bsnh,btnh->bsnt", k, q) * 0.5
    return jnp.einsum("bsnv,bsnt->bnvt", v, jax.nn.softmax(logits, 1))


def heads_first(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (x.transpose(0, 2, 1, 3) for x in (q, k, v))
    logits = -(q @ k.swapaxes(-1, -2)) * -0.25
    return (jax.nn.softmax(logits, -1) @ v).transpose(0, 2, 1, 3)


def written_out(q: Any, k: Any, v: Any) -> Any:
    logits = logits_of(q, k)
    powers = jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True))
    weights = powers / jnp.sum(powers, axis=-1, keepdims=True)
    return jnp.einsum("bnts,bsnv->btnv", weights, v)


def merged_heads(q: Any, k: Any, v: Any, mask: Any) -> Any:
    def merge(x: Any) -> Any:
        return x.transpose(0, 2, 1, 3).reshape(B * N, -1, H)

    logits = 0.5 * (merge(q) @ merge(k).transpose(0, 2, 1))
    logits = jnp.where(mask, logits.reshape(B, N, T, S), LEAST).reshape(B * N, T, S)
    found = jax.nn.softmax(logits, -1) @ merge(v)
    return found.reshape(B, N, T, H).transpose(0, 2, 1, 3)


def biased(q: Any, k: Any, v: Any, bias: Any) -> Any:
    return weigh((logits_of(q, k) + bias) * 0.5, v)


def biased_and_masked(q: Any, k: Any, v: Any, bias: Any, mask: Any) -> Any:
    return weigh(jnp.where(mask, logits_of(q, k) - bias, -1e9), v)


def masked_by_negation(q: Any, k: Any, v: Any, mask: Any) -> Any:
    return weigh(jnp.where(~mask, -1e4, logits_of(q, k)), v)


def causal(q: Any, k: Any, v: Any) -> Any:
    seen = jnp.tril(jnp.ones((T, S), bool))
    return weigh(jnp.where(seen, logits_of(q, k) * 0.5, -jnp.inf), v)


def causal_by_places(q: Any, k: Any, v: Any, mask: Any) -> Any:
    later = jnp.arange(S)[None, :] > jnp.arange(T)[:, None]
    return weigh(jnp.where(later | ~mask, -1e9, logits_of(q, k)), v)


def window(q: Any, k: Any, v: Any) -> Any:
    distance = jnp.arange(T)[:, None] - jnp.arange(S)[None, :]
    seen = (distance >= 0) & (distance < 3)
    return weigh(jnp.where(seen, logits_of(q, k), -1e9), v)


def few_after(q: Any, k: Any, v: Any) -> Any:
    seen = jnp.arange(S)[None, :] <= jnp.arange(T)[:, None] + 2
    return weigh(jnp.where(seen, logits_of(q, k), -1e9), v)


def repeated_keys(q: Any, k: Any, v: Any) -> Any:
    k, v = (jnp.repeat(x, N // K, axis=2) for x in (k, v))
    return weigh(logits_of(q, k), v)


def grouped_queries(q: Any, k: Any, v: Any) -> Any:
    q = q.reshape(B, T, K, N // K, H)
    weights = jax.nn.softmax(jnp.einsum("btkgh,bskh->bkgts", q, k), -1)
    return jnp.einsum("bkgts,bskv->btkgv", weights, v).reshape(B, T, N, -1)


def one_key_head(q: Any, k: Any, v: Any) -> Any:
    logits = jnp.einsum("btnh,bsh->bnts", q, k[:, :, 0])
    return jnp.einsum("bnts,bsv->btnv", jax.nn.softmax(logits, -1), v[:, :, 0])


def one_example(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(jnp.einsum("tnh,snh->nts", q[0], k[0]), -1)
    return jnp.einsum("nts,snv->tnv", weights, v[0])


def one_head(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (x[:, :, 0] for x in (q, k, v))
    return jax.nn.softmax(q @ k.mT, -1) @ v


def mapped(q: Any, k: Any, v: Any) -> Any:
    """Over examples and heads, as Equinox does it."""

    def single(q: Any, k: Any, v: Any) -> Any:
        logits = jnp.einsum("th,sh->ts", q / 2, k)
        logits = jnp.where(jnp.tril(jnp.ones((T, S), bool)), logits, LEAST)
        return jax.nn.softmax(logits, -1) @ v

    return jax.vmap(jax.vmap(single, 1, 1))(q, k, v)


def of_the_library(q: Any, k: Any, v: Any, bias: Any, mask: Any) -> Any:
    return jax.nn.dot_product_attention(q, k, v, bias=bias, mask=mask, is_causal=True)


CAUSAL = {"is_causal": True}
WRITINGS = {
    "plain": Writing(plain, scale=1 / math.sqrt(H)),
    "queries scaled": Writing(queries_scaled, scale=0.5),
    "keys first": Writing(keys_first, scale=0.5),
    "heads first": Writing(heads_first, scale=0.25),
    "written out": Writing(written_out),
    "merged heads": Writing(
        merged_heads, (QUERY, KEY, VALUE, MASK), 4, {"hidden_logit": LEAST}, 0.5
    ),
    "biased": Writing(biased, (QUERY, KEY, VALUE, BIAS), 4, scale=0.5),
    "biased and masked": Writing(
        biased_and_masked, (QUERY, KEY, VALUE, BIAS, MASK), 5, {"hidden_logit": -1e9}
    ),
    "masked by negation": Writing(
        masked_by_negation, (QUERY, KEY, VALUE, MASK), 4, {"hidden_logit": -1e4}
    ),
    "causal": Writing(causal, attributes=CAUSAL | {"hidden_logit": -np.inf}, scale=0.5),
    "causal by places": Writing(
        causal_by_places, (QUERY, KEY, VALUE, MASK), 4, CAUSAL | {"hidden_logit": -1e9}
    ),
    "window": Writing(
        window, attributes=CAUSAL | {"hidden_logit": -1e9, "local_window_size": (2, 0)}
    ),
    "few after": Writing(few_after, attributes={"hidden_logit": -1e9, "local_window_size": (T, 2)}),
    "repeated keys": Writing(repeated_keys, (QUERY, FEW_KEYS, FEW_VALUES)),
    "grouped queries": Writing(grouped_queries, (QUERY, FEW_KEYS, FEW_VALUES)),
    "one key head": Writing(one_key_head, (QUERY, FEW_KEYS, FEW_VALUES)),
    "one example": Writing(one_example),
    "one head": Writing(one_head),
    "mapped": Writing(mapped, attributes=CAUSAL | {"hidden_logit": LEAST}, scale=0.5),
    "of the library": Writing(
        of_the_library,
        (QUERY, KEY, VALUE, BIAS, MASK),
        5,
        CAUSAL | {"hidden_logit": float(np.float32(-0.7 * np.finfo(np.float32).max))},
        1 / math.sqrt(H),
    ),
}


# --- what is none ---------------------------------------------------------------------------------


def capped(q: Any, k: Any, v: Any) -> Any:
    return weigh(jnp.tanh(logits_of(q, k)), v)


def scaled_by_what_is_learned(q: Any, k: Any, v: Any) -> Any:
    return weigh(logits_of(q, k) * v[0, 0, 0, 0], v)


def dropped_out(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(logits_of(q, k), -1)
    kept = jnp.where(weights > 0.1, weights / 0.9, 0)
    return jnp.einsum("bnts,bsnv->btnv", kept, v)


def weights_are_given_too(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(logits_of(q, k), -1)
    return jnp.einsum("bnts,bsnv->btnv", weights, v), weights


def hidden_by_many_numbers(q: Any, k: Any, v: Any) -> Any:
    return weigh(jnp.where(MASK, logits_of(q, k), BIAS), v)


def hidden_twice(q: Any, k: Any, v: Any) -> Any:
    logits = jnp.where(MASK, logits_of(q, k), -1e9)
    return weigh(jnp.where(jnp.tril(jnp.ones((T, S), bool)), logits, -1e4), v)


def biased_after_hiding(q: Any, k: Any, v: Any) -> Any:
    return weigh(jnp.where(MASK, logits_of(q, k), -1e9) + BIAS, v)


def of_other_heads(q: Any, k: Any, v: Any) -> Any:
    weights = jax.nn.softmax(jnp.einsum("btnh,bsh->bnts", q, k[:, :, 0]), -1)
    return jnp.einsum("bnts,bsnv->btnv", weights, v)


def products_of_two_precisions(q: Any, k: Any, v: Any) -> Any:
    logits = jnp.einsum("btnh,bsnh->bnts", q, k, precision="highest")
    weights = jax.nn.softmax(logits, -1)
    return jnp.einsum("bnts,bsnv->btnv", weights, v, precision="default")


NEAR_MISSES = {
    capped: "the logits go through tanh",
    scaled_by_what_is_learned: "multiplied by what is not one known number",
    dropped_out: "select stands between the softmax and the values",
    weights_are_given_too: "the weights are used elsewhere too",
    hidden_by_many_numbers: "what stands in the place of hidden logits is not one number",
    hidden_twice: "two numbers stand in the place of hidden logits",
    biased_after_hiding: "a bias is added to logits that are hidden already",
    of_other_heads: "keys and values belong to different axes",
    products_of_two_precisions: "a product has the precision highest, that of weights",
}

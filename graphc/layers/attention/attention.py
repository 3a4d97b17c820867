"""Attention and AdditiveAttention: without projections, of one head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.configurable import serialize
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.attention.attention_of_heads import _rate
from graphc.layers.attention.visibility import Visibility, as_truth, with_heads
from graphc.layers.layer import Layer
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.attention import dot_product_attention
from graphc.ops.comparison import where
from graphc.ops.linear_algebra import matmul
from graphc.ops.reductions import sum as sum_along
from graphc.ops.shaping import expand_dims, squeeze, swapaxes
from graphc.ops.smooth_activations import softmax
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import tanh
from graphc.ops.variable import Variable
from graphc.random.masks import dropout as dropped
from graphc.random.streams import SeedGenerator


class Attention(Layer):
    """Each query's mean of values, weighted by products of queries and keys; not scaled by size.

    It is called on [query, value] or [query, value, key]: f[batch, queries, size], f[batch, keys,
    value size], f[batch, keys, size]; keys are the values by default.

    Args:
        use_scale: whether products are multiplied by a weight.
        score_mode: "dot": products; "concat": sums of tanh(query + key), times a weight.
        dropout: the part of the weights that training drops.
        seed: of the dropout.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: there is no such mode.
        ShapeError: it is called on more or fewer tensors.

    Source: Luong and others 2015, https://arxiv.org/abs/1508.04025.
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise GraphcError(
                f"there is no score_mode {score_mode!r} of the layer {self.name!r}",
                expected='"dot" or "concat"',
                origin=capture_origin(),
            )
        self.use_scale = bool(use_scale)
        self.score_mode = score_mode
        self.dropout = _rate(dropout, self.name)
        self.seed = seed
        self._seeds = SeedGenerator(seed)
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    def build(self, input_shape: Any) -> None:
        self._require_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _require_inputs(self, inputs: Any, mask: Any = None) -> None:
        if not isinstance(inputs, (list, tuple)) or not 2 <= len(inputs) <= 3:
            raise ShapeError(
                f"the layer {self.name!r} is called on a list of two or three tensors",
                given=repr(inputs)[:200],
                expected="[query, value] or [query, value, key]",
                origin=capture_origin(),
            )
        if mask is not None and (not isinstance(mask, (list, tuple)) or not 2 <= len(mask) <= 3):
            raise ShapeError(
                f"the layer {self.name!r} takes a list of masks",
                given=repr(mask)[:200],
                expected="[query_mask, value_mask], None for what has none",
                origin=capture_origin(),
            )

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each key fits each query: f[batch, queries, keys]."""
        if self.score_mode == "dot":
            scores = matmul(query, swapaxes(key, -2, -1))
            return scores if self.scale is None else multiply(scores, self.scale)
        pairs = add(expand_dims(query, -2), expand_dims(key, -3))
        if self.scale is not None:
            pairs = multiply(self.scale, pairs)
        return multiply(self.concat_score_weight, sum_along(tanh(pairs), -1))

    def call(
        self,
        inputs: Sequence[Tensor],
        mask: Sequence[Tensor | None] | None = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The attended values, and the weights if they are asked for.

        Args:
            inputs: [query, value] or [query, value, key].
            mask: [query_mask, value_mask]: bool[batch, queries], whose results are 0 where it is
                False, and bool[batch, keys], which values count.
            training: whether to drop weights.
            return_attention_scores: whether to give back the weights f[batch, queries, keys].
            use_causal_mask: whether query i looks only at keys up to i.
        """
        self._require_inputs(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        counted = None if value_mask is None else expand_dims(as_truth(value_mask), -2)
        sees = Visibility(counted, bool(use_causal_mask), None)
        is_plain = self.score_mode == "dot" and type(self) is Attention and query.ndim == 3
        scores: Tensor | None = None
        if is_plain and not return_attention_scores and not (training and self.dropout):
            outputs = self._attended(query, value, key, sees)
        else:
            outputs, scores = self._attended_by_scores(query, value, key, sees, training)
        if query_mask is not None:
            outputs = where(expand_dims(as_truth(query_mask), -1), outputs, 0.0)
        return (outputs, scores) if return_attention_scores else outputs

    def _attended(self, query: Tensor, value: Tensor, key: Tensor, sees: Visibility) -> Tensor:
        """The attended values by one op, which the compiler has better forms for."""
        if self.scale is not None:
            query = multiply(query, self.scale)
        outputs = dot_product_attention(
            *[expand_dims(each, 2) for each in (query, key, value)],
            mask=None if sees.mask is None else with_heads(sees.mask, 4),
            scale=1.0,
            is_causal=sees.is_causal,
        )
        return squeeze(outputs, 2)

    def _attended_by_scores(
        self, query: Tensor, value: Tensor, key: Tensor, sees: Visibility, training: bool
    ) -> tuple[Tensor, Tensor]:
        scores = self._scores(query, key)
        mask = sees.joined(query.shape[-2], key.shape[-2])
        if mask is not None:
            far = 65504.0 if scores.dtype == "float16" else 1e9
            scores = where(mask, scores, subtract(scores, far))
        weights = softmax(scores)
        if training and self.dropout:
            weights = dropped(weights, self.dropout, seed=self._seeds)
        return matmul(weights, value), weights

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the queries."""
        return previous_mask[0] if previous_mask else None


class AdditiveAttention(Attention):
    """Each query's mean of values, weighted by sums of tanh(query + key) times a vector.

    It is called as `Attention` is.

    Args:
        use_scale: whether the sums are weighted by a vector f[size].
        dropout: the part of the weights that training drops.
        **kwargs: `seed`, and see `Layer`.

    Source: Bahdanau and others 2014, https://arxiv.org/abs/1409.0473.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._require_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        sums = tanh(add(expand_dims(query, -2), expand_dims(key, -3)))
        return sum_along(sums if self.scale is None else multiply(self.scale, sums), -1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"seed": serialize(self.seed)}

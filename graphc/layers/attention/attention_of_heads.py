"""What attention layers with heads share: projections, who may look where, dropout, gates.

Where no scores are asked for and nothing is dropped, the products stay one op, `attention`, that
the compiler has better forms for; else they are written out.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from graphc.dtypes import F16
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.attention.visibility import Visibility, mask_of_steps, with_heads
from graphc.layers.layer import Layer
from graphc.layers.projections.einsum_dense import EinsumDense
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import multiply
from graphc.ops.attention import dot_product_attention
from graphc.ops.comparison import where
from graphc.ops.contraction import einsum
from graphc.ops.masks import set_mask
from graphc.ops.reductions import any as any_along
from graphc.ops.shaping import expand_dims, reshape, swapaxes
from graphc.ops.smooth_activations import softmax
from graphc.ops.tensor import Tensor
from graphc.random.masks import dropout as dropped
from graphc.random.streams import SeedGenerator


class _AttentionOfHeads(Layer):
    """Attention between projections of queries, keys and values.

    Attributes:
        dropout: the part of the weights that training drops.
        use_bias: whether projections have a bias.
        use_gate: whether the results are multiplied by a sigmoid of a projection of the queries.
        sliding_window: how many keys a query sees on either side, its own position included.
    """

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        of_kernel: WeightOptions,
        of_bias: WeightOptions,
        projections_regularizer: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.use_bias, self.use_gate = bool(use_bias), bool(use_gate)
        self.dropout = _rate(dropout, self.name)
        self.sliding_window = None
        if sliding_window is not None:
            self.sliding_window = _count(sliding_window, "sliding_window", self.name)
        self.flash_attention = flash_attention
        if flash_attention and self.dropout:
            raise self._no_flash(f"dropout={dropout}", "dropout=0, or flash_attention=None")
        self._of_kernel, self._of_bias = of_kernel, of_bias
        self._projections_regularizer = projections_regularizer
        self._seeds = SeedGenerator(seed)

    def _no_flash(self, given: str, fix: str) -> GraphcError:
        return GraphcError(
            f"flash attention of the layer {self.name!r} has no weights to drop or to give back",
            given=f"flash_attention=True, {given}",
            fix=fix,
            origin=capture_origin(),
        )

    def _project(
        self, name: str, sizes: Sequence[int], shape: Any, contracted: int = 1, gate: bool = False
    ) -> EinsumDense:
        """A projection f[…, *contracted] to f[…, *sizes] for inputs of this shape."""
        letters = string.ascii_lowercase
        summed, kept = letters[:contracted], letters[contracted : contracted + len(sizes)]
        of_kernel, of_bias = self._of_kernel, self._of_bias
        made = EinsumDense(
            f"...{summed},{summed}{kept}->...{kept}",
            sizes,
            "sigmoid" if gate else None,
            kept if self.use_bias else None,
            of_kernel.initializer,
            of_bias.initializer,
            of_kernel.regularizer,
            of_bias.regularizer,
            of_kernel.constraint,
            of_bias.constraint,
            activity_regularizer=self._projections_regularizer,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name=name,
        )
        made.build(tuple(shape))
        return made

    # -- who may look where ----------------------------------------------------------------------

    def _visibility(
        self,
        query_mask: Tensor | None,
        key_masks: Sequence[Tensor | None],
        attention_mask: Tensor | None,
        is_causal: bool,
    ) -> Visibility:
        mask = mask_of_steps(query_mask, key_masks, attention_mask)
        return Visibility(mask, bool(is_causal), self.sliding_window)

    # -- the products ----------------------------------------------------------------------------

    def _attended(
        self, query: Tensor, key: Tensor, value: Tensor, sees: Visibility, size: int
    ) -> Tensor:
        """The mean of the values that each query looks at: f[batch, queries, heads, value size]."""
        window = None if sees.window is None else sees.window - 1
        outputs = dot_product_attention(
            query,
            key,
            value,
            mask=None if sees.mask is None else with_heads(sees.mask, 4),
            scale=1 / math.sqrt(size),
            is_causal=sees.is_causal,
            local_window_size=window,
        )
        if not (self.dropout and sees.has_gaps):
            return outputs
        # As when it is written out: what sees nothing is zero, not the mean of all values.
        mask = sees.joined(query.shape[1], key.shape[1])
        assert mask is not None
        seeing = swapaxes(any_along(with_heads(mask, 4), -1), 1, 2)
        return where(expand_dims(seeing, -1), outputs, 0.0)

    def _attended_by_scores(
        self,
        products: tuple[str, str],
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        size: int,
        axes: int,
        training: bool,
    ) -> tuple[Tensor, Tensor]:
        """The same written out, for any axes; and the weights, f[batch, heads, queries, keys].

        Args:
            products: einsum's subscripts of query and key, and of weights and value.
            query: projected queries.
            key: projected keys.
            value: projected values.
            mask: whom each query sees.
            size: of a key.
            axes: number of axes of the queries, and of the keys.
            training: whether weights are dropped.
        """
        scaled = multiply(query, 1 / math.sqrt(size))
        scores = einsum(products[0], scaled, key)
        seen = None if mask is None else with_heads(mask, scores.ndim, 2 * axes)
        if seen is not None:
            # Keras's logits of keys that are masked
            scores = where(seen, scores, -3e4 if scores.dtype is F16 else -1e9)
        shape = scores.shape
        if axes > 1:
            scores = reshape(scores, (*shape[:-axes], -1))
        weights = softmax(scores)
        if axes > 1:
            weights = reshape(weights, shape)
        if seen is not None:
            weights = where(seen, weights, 0.0)
            set_mask(weights, seen)  # as Keras's Softmax does
        used = weights
        if training and self.dropout:
            used = dropped(weights, self.dropout, seed=self._seeds)
        return einsum(products[1], used, value), weights


def _count(given: Any, what: str, layer: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ShapeError(
            f"{what} of the layer {layer!r} is a number",
            given=repr(given),
            expected="a whole number of at least 1",
            origin=capture_origin(),
        )
    return given


def _rate(given: Any, layer: str) -> float:
    if not isinstance(given, (int, float)) or not 0 <= given <= 1:
        raise GraphcError(
            f"dropout of the layer {layer!r} is a part of the weights",
            given=repr(given),
            expected="0 ≤ dropout ≤ 1",
            origin=capture_origin(),
        )
    return float(given)

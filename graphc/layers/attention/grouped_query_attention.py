"""GroupQueryAttention: several heads of queries share one head of keys and values."""

from __future__ import annotations

from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.attention.attention_of_heads import _AttentionOfHeads, _count
from graphc.layers.projections.einsum_dense import EinsumDense
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import multiply
from graphc.ops.repeating import repeat
from graphc.ops.tensor import Tensor


class GroupedQueryAttention(_AttentionOfHeads, names=("GroupQueryAttention",)):
    """Attention in heads, of which several share their keys and values.

    One head of keys and values is multi-query attention; as many as heads of queries, multi-head
    attention.

    Args:
        head_dim: size of a query, a key and a value, per head.
        num_query_heads: number of heads of queries.
        num_key_value_heads: number of heads of keys and values, which divides that of queries.
        dropout: the part of the weights that training drops.
        use_bias: whether projections have a bias.
        sliding_window: how many keys a query sees on either side, its own position included; all
            by default.
        flash_attention: taken for Keras's sake: the compiler chooses the form. True asks for one
            that has no scores and no dropout.
        kernel_initializer: of the kernels of all projections.
        bias_initializer: of their biases.
        kernel_regularizer: a penalty on each kernel.
        bias_regularizer: a penalty on each bias.
        activity_regularizer: a penalty on the results of each projection, and on those of the
            layer.
        kernel_constraint: what each kernel is held to after each step.
        bias_constraint: what each bias is held to after each step.
        use_gate: whether the heads' results are multiplied by a sigmoid of a projection of the
            queries.
        seed: of the dropout.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: a size is not known or does not fit, or heads cannot be shared evenly.
        GraphcError: scores or dropout are asked for together with flash attention.

    Source: Ainslie and others 2023, https://arxiv.org/abs/2305.13245.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            WeightOptions(kernel_initializer, kernel_regularizer, kernel_constraint),
            WeightOptions(bias_initializer, bias_regularizer, bias_constraint),
            activity_regularizer,
            use_gate,
            seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.head_dim = _count(head_dim, "head_dim", self.name)
        self.num_query_heads = _count(num_query_heads, "num_query_heads", self.name)
        self.num_key_value_heads = _count(num_key_value_heads, "num_key_value_heads", self.name)
        if self.num_query_heads % self.num_key_value_heads:
            raise ShapeError(
                f"heads of queries of the layer {self.name!r} cannot share evenly",
                given=f"{num_query_heads} heads of queries, {num_key_value_heads} of keys",
                expected="a number of heads of keys that divides that of queries",
                origin=capture_origin(),
            )
        self.query_dense: EinsumDense
        self.key_dense: EinsumDense
        self.gate_dense: EinsumDense
        self.value_dense: EinsumDense
        self.output_dense: EinsumDense

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._require_steps(query_shape, value_shape, key_shape)
        of_query = (self.num_query_heads, self.head_dim)
        of_key = (self.num_key_value_heads, self.head_dim)
        self.query_dense = self._project("query", of_query, query_shape)
        self.key_dense = self._project("key", of_key, key_shape)
        if self.use_gate:
            self.gate_dense = self._project("gate", of_query, query_shape, gate=True)
        self.value_dense = self._project("value", of_key, value_shape)
        self.output_dense = self._project(
            "attention_output", (query_shape[-1],), (None, None, *of_query), contracted=2
        )

    def _require_steps(self, *shapes: Any) -> None:
        if any(len(shape) != 3 for shape in shapes):
            raise ShapeError(
                f"queries, values and keys of the layer {self.name!r} are sequences",
                given=", ".join(str(tuple(shape)) for shape in shapes),
                expected="[batch, steps, size]",
                fix="reshape them to one axis of steps, or take MultiHeadAttention",
                origin=capture_origin(),
            )

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The attended values, and the weights if they are asked for.

        Args:
            query: f[batch, queries, size].
            value: f[batch, keys, size].
            key: f[batch, keys, size]; the values by default.
            query_mask: bool[batch, queries]: which queries count.
            value_mask: bool[batch, keys]: which values count.
            key_mask: bool[batch, keys]: which keys count.
            attention_mask: broadcasts with [batch, queries, keys], or with heads before the
                queries: not 0 where a query may look at a key.
            return_attention_scores: whether to give back the weights f[batch, heads, queries,
                keys] as well.
            training: whether to drop weights.
            use_causal_mask: whether query i looks only at keys up to i.

        Returns:
            f[batch, queries, size].
        """
        key = value if key is None else key
        self._require_steps(query.shape, value.shape, key.shape)
        if return_attention_scores and self.flash_attention:
            raise self._no_flash("return_attention_scores=True", "leave one of them out")
        sees = self._visibility(query_mask, (value_mask, key_mask), attention_mask, use_causal_mask)
        gate = self.gate_dense(query) if self.use_gate else None
        queries = self.query_dense(query)
        keys, values = self.key_dense(key), self.value_dense(value)
        scores: Tensor | None = None
        if return_attention_scores or (training and self.dropout):
            shared = self.num_query_heads // self.num_key_value_heads
            outputs, scores = self._attended_by_scores(
                ("bquh,bkuh->buqk", "buqk,bkuh->bquh"),
                queries,
                repeat(keys, shared, axis=2),
                repeat(values, shared, axis=2),
                sees.joined(query.shape[1], key.shape[1]),
                self.head_dim,
                1,
                training,
            )
        else:
            outputs = self._attended(queries, keys, values, sees, self.head_dim)
        if gate is not None:
            outputs = multiply(outputs, gate)
        outputs = self.output_dense(outputs)
        return (outputs, scores) if return_attention_scores else outputs


# Keras's name of it
GroupQueryAttention = GroupedQueryAttention

"""MultiHeadAttention, over one axis of steps or several."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.attention.attention_of_heads import _AttentionOfHeads, _count
from graphc.layers.projections.einsum_dense import EinsumDense
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import multiply
from graphc.ops.known_shapes import known_sizes
from graphc.ops.masks import mask_of
from graphc.ops.tensor import Tensor


class MultiHeadAttention(_AttentionOfHeads):
    """Each query's mean of values, weighted by how well keys fit it, in several heads at once.

    Args:
        num_heads: number of heads.
        key_dim: size of a query and of a key, per head.
        value_dim: size of a value, per head; `key_dim` by default.
        dropout: the part of the weights that training drops.
        use_bias: whether projections have a bias.
        output_shape: sizes of the axes that the result ends with; the size of a query by default.
        attention_axes: along which axes a query looks; all between the batch and the features by
            default.
        sliding_window: how many keys a query sees on either side, its own position included; all
            by default.
        flash_attention: taken for Keras's sake: the compiler chooses the form. True asks for one
            that has no scores and no dropout.
        kernel_initializer: of the kernels of all projections.
        bias_initializer: of their biases.
        kernel_regularizer: a penalty on each kernel.
        bias_regularizer: a penalty on each bias.
        activity_regularizer: a penalty on the results of each projection.
        kernel_constraint: what each kernel is held to after each step.
        bias_constraint: what each bias is held to after each step.
        use_gate: whether the heads' results are multiplied by a sigmoid of a projection of the
            queries.
        seed: of the dropout.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: a size is not known or does not fit.
        GraphcError: scores or dropout are asked for together with flash attention.

    Sources: Vaswani and others 2017, https://arxiv.org/abs/1706.03762; gates: Qiu and others 2025,
    https://arxiv.org/abs/2505.06708.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
            **kwargs,
        )
        self.num_heads = _count(num_heads, "num_heads", self.name)
        self.key_dim = _count(key_dim, "key_dim", self.name)
        self.value_dim = self.key_dim
        if value_dim is not None:
            self.value_dim = _count(value_dim, "value_dim", self.name)
        sizes = [output_shape] if isinstance(output_shape, int) else output_shape
        self._sizes = None
        if sizes:
            self._sizes = tuple([_count(size, "output_shape", self.name) for size in sizes])
        axes = [attention_axes] if isinstance(attention_axes, int) else attention_axes
        self._given_axes: tuple[int, ...] | None = None if axes is None else tuple(axes)
        self.attention_axes: tuple[int, ...] | None = self._given_axes
        self.query_dense: EinsumDense
        self.key_dense: EinsumDense
        self.gate_dense: EinsumDense
        self.value_dense: EinsumDense
        self.output_dense: EinsumDense

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        rank = len(query_shape)
        self.attention_axes = self._axes_of(rank)
        self._require_shapes(query_shape, value_shape, key_shape)
        self.query_dense = self._project("query", (self.num_heads, self.key_dim), query_shape)
        self.key_dense = self._project("key", (self.num_heads, self.key_dim), key_shape)
        of_value = (self.num_heads, self.value_dim)
        if self.use_gate:
            self.gate_dense = self._project("gate", of_value, query_shape, gate=True)
        self.value_dense = self._project("value", of_value, value_shape)
        sizes = (query_shape[-1],) if self._sizes is None else self._sizes
        self.output_dense = self._project(
            "attention_output", sizes, (*query_shape[:-1], *of_value), contracted=2
        )

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        """The axes that queries look along, counted from the front."""
        if self._given_axes is None:
            return tuple(range(1, rank - 1))
        axes = tuple([axis if axis >= 0 else rank + axis for axis in self._given_axes])
        if not axes or len(set(axes)) < len(axes) or not all(0 < a < rank - 1 for a in axes):
            raise ShapeError(
                f"attention_axes of the layer {self.name!r} do not fit its queries",
                given=f"attention_axes={self._given_axes}, queries with {rank} axes",
                expected="axes between that of the batch and that of the features",
                origin=capture_origin(),
            )
        return axes

    def _require_shapes(self, query: Any, value: Any, key: Any) -> None:
        """Hold the shapes of queries, values and keys to each other.

        Raises:
            ShapeError: they do not fit.
        """
        rank = len(query)
        batch = [axis for axis in range(rank - 1) if axis not in self._axes_of(rank)]
        fits = len(value) == len(key) == rank and rank >= 3
        pairs = [(value[axis], key[axis]) for axis in range(rank - 1)] if fits else []
        pairs += [(query[axis], key[axis]) for axis in batch] if fits else []
        if not fits or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ShapeError(
                f"queries, values and keys of the layer {self.name!r} do not fit",
                given=f"{tuple(query)}, {tuple(value)}, {tuple(key)}",
                expected="one key for each value, and as many examples of all three: "
                "[batch, queries, size], [batch, keys, size], [batch, keys, size]",
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
            query: f[batch, queries, size], or with further axes.
            value: f[batch, keys, size].
            key: f[batch, keys, size]; the values by default.
            query_mask: which queries count. As in Keras, it counts where the queries bring it along
                themselves; one that is given here alone changes nothing.
            value_mask: bool[batch, keys]: which values count.
            key_mask: bool[batch, keys]: which keys count.
            attention_mask: broadcasts with [batch, queries, keys], or with heads before the
                queries: not 0 where a query may look at a key.
            return_attention_scores: whether to give back the weights f[batch, heads, queries,
                keys] as well.
            training: whether to drop weights.
            use_causal_mask: whether query i looks only at keys up to i.

        Returns:
            f[batch, queries, …output_shape].
        """
        key = value if key is None else key
        self._require_shapes(*[known_sizes(each) for each in (query, value, key)])
        if return_attention_scores and self.flash_attention:
            raise self._no_flash("return_attention_scores=True", "leave one of them out")
        sees = self._visibility(
            mask_of(query), (value_mask, key_mask), attention_mask, use_causal_mask
        )
        axes = self._axes_of(query.ndim)
        axis = axes[0]
        if len(axes) > 1 and (sees.is_causal or sees.window is not None):
            raise GraphcError(
                f"the layer {self.name!r} looks along several axes, which have no order",
                given=f"attention_axes={axes}, with a causal mask or a sliding window",
                expected="one axis of steps",
                fix="say in attention_mask which query sees which key",
                origin=capture_origin(),
            )
        gate = self.gate_dense(query) if self.use_gate else None
        queries = self.query_dense(query)
        keys, values = self.key_dense(key), self.value_dense(value)
        is_plain = query.ndim == 3 and not return_attention_scores
        if is_plain and not (training and self.dropout):
            outputs, scores = self._attended(queries, keys, values, sees, self.key_dim), None
        else:
            outputs, scores = self._attended_by_scores(
                _subscripts(query.ndim + 1, axes),
                queries,
                keys,
                values,
                sees.joined(query.shape[axis], key.shape[axis]),
                self.key_dim,
                len(axes),
                training,
            )
        if gate is not None:
            outputs = multiply(outputs, gate)
        outputs = self.output_dense(outputs)
        return (outputs, scores) if return_attention_scores else outputs


def _subscripts(rank: int, axes: Sequence[int]) -> tuple[str, str]:
    """Einsum's subscripts for projected queries and keys, and for weights and values.

    Args:
        rank: of what is projected: […, heads, size].
        axes: those that queries look along.
    """
    letters = string.ascii_lowercase
    query = letters[:rank]
    others = iter(letters[rank:])
    key = "".join(next(others) if axis in axes else query[axis] for axis in range(rank - 1))
    batch = "".join(query[axis] for axis in range(rank - 1) if axis not in axes)
    looking = "".join(query[axis] for axis in axes)
    seen = "".join(key[axis] for axis in axes)
    size = query[-1]
    scores = f"{batch}{looking}{seen}"
    return f"{query},{key}{size}->{scores}", f"{scores},{key}{size}->{query}"

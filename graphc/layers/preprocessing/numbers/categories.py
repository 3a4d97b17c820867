"""Layers that turn numbers of categories into vectors, and numbers into categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import I32, as_dtype
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.preprocessing.numbers.batches import batches_of
from graphc.layers.preprocessing.numbers.quantile_summaries import boundaries, merged, summary_of
from graphc.ops.arithmetic import multiply
from graphc.ops.conversion import cast_to
from graphc.ops.encoding import multi_hot, one_hot
from graphc.ops.reductions import sum as sum_of
from graphc.ops.searching import digitize
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.tensor import Tensor

_MODES = ("int", "one_hot", "multi_hot", "count")


class CategoryEncoding(Layer):
    """Numbers of categories as vectors: i[batch, numbers] to f[batch, num_tokens], or one each.

    Args:
        num_tokens: number of categories; a number outside gives nothing.
        output_mode: "multi_hot": 1 where a category occurs in an example; "count": how often;
            "one_hot": a vector for each number.
        sparse: not available.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: there is no category, or no such mode, or it is to be sparse.
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_mode = known_mode(
            {"binary": "multi_hot"}.get(output_mode, output_mode), _MODES[1:]
        )
        refuse_sparse(sparse)
        if not isinstance(num_tokens, int) or num_tokens < 1:
            raise GraphcError(
                "CategoryEncoding needs the number of categories",
                given=f"num_tokens={num_tokens!r}",
                expected="a whole number of at least 1",
                origin=capture_origin(),
            )
        self.num_tokens = num_tokens
        self.autocast = False

    def call(self, inputs: Tensor, count_weights: Tensor | None = None) -> Tensor:
        """Encode; `count_weights`, f[shape of the inputs], is what each number counts as."""
        if count_weights is not None and self.output_mode != "count":
            raise GraphcError(
                f"count_weights are for counts, and the layer {self.name!r} makes none",
                given=f"output_mode={self.output_mode!r}",
                fix='output_mode="count"',
                origin=capture_origin(),
            )
        return encoded(inputs, self.output_mode, self.num_tokens, self.dtype, count_weights)


class Discretization(Layer):
    """The bin that each number lies in: f[…] to i32[…], or to vectors.

    Args:
        bin_boundaries: increasing left edges of all bins but the first; or `adapt` finds them.
        num_bins: how many bins of equal numbers of elements `adapt` looks for.
        epsilon: how exactly: the share of the elements by which a quantile may be wrong.
        output_mode: "int", or as for `CategoryEncoding`.
        sparse: not available.
        dtype, name: see `Layer`.

    Raises:
        GraphcError: both or neither of bin_boundaries and num_bins are given, or there is no such
            mode, or it is to be sparse.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.output_mode = known_mode(output_mode, _MODES)
        refuse_sparse(sparse)
        if (bin_boundaries is None) == (num_bins is None) or (num_bins or 1) < 1:
            raise GraphcError(
                "Discretization needs boundaries, or the number of bins to look for",
                given=f"bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}",
                expected="one of them",
                origin=capture_origin(),
            )
        self.bin_boundaries = None if bin_boundaries is None else list(bin_boundaries)
        self.num_bins, self.epsilon = num_bins, epsilon

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find boundaries between bins that hold equally many elements of the data.

        Args:
            data: an array, or batches: arrays in any iterable.
            steps: how many batches; all by default.

        Raises:
            GraphcError: the layer has boundaries that it was given.
            ShapeError: there is no element.
        """
        if self.num_bins is None:
            raise GraphcError(
                f"the layer {self.name!r} has the boundaries that it was given",
                fix="give it num_bins= where adapt() is to find boundaries",
                origin=capture_origin(),
            )
        known = np.zeros((2, 0), np.float32)
        for number, batch in enumerate(batches_of(data, self.name)):
            if steps is not None and number >= steps:
                break
            known = merged(summary_of(batch, self.epsilon), known, self.epsilon)
        self.bin_boundaries = boundaries(known, self.num_bins)

    def call(self, inputs: Tensor) -> Tensor:
        if self.bin_boundaries is None:
            raise GraphcError(
                f"the layer {self.name!r} knows no boundaries yet",
                fix="call adapt(data) first, or give it bin_boundaries=",
                origin=capture_origin(),
            )
        edges = np.asarray(self.bin_boundaries, np.float32)
        bins = digitize(inputs, edges)
        return encoded(bins, self.output_mode, len(edges) + 1, self.compute_dtype, None)

    def get_config(self) -> dict[str, Any]:
        """With the boundaries that `adapt` found, in place of the number of bins."""
        config = super().get_config()
        if self.bin_boundaries is not None and self.num_bins is not None:
            found = [float(edge) for edge in self.bin_boundaries]
            return config | {"bin_boundaries": found, "num_bins": None}
        return config


def encoded(inputs: Tensor, mode: str, depth: int, dtype: Any, weights: Tensor | None) -> Tensor:
    """Numbers of categories as they are ("int"), or as vectors of `depth`; see the layers."""
    numbers = inputs if inputs.dtype.is_integer else cast_to(inputs, I32)
    if mode == "int":
        wanted = as_dtype(dtype)
        return cast_to(numbers, wanted if wanted.is_integer else I32)
    if numbers.ndim == 0:
        numbers = expand_dims(numbers, 0)
    if mode == "multi_hot":
        return multi_hot(numbers, depth, dtype=dtype)
    if mode == "one_hot":
        has_one = numbers.ndim > 1 and numbers.shape[-1] == 1
        return one_hot(squeeze(numbers, -1) if has_one else numbers, depth, dtype=dtype)
    vectors = one_hot(numbers, depth, dtype=dtype if weights is None else weights.dtype)
    if weights is not None:
        vectors = multiply(vectors, expand_dims(weights, -1))
    return sum_of(vectors, 1 if numbers.ndim > 1 else 0)


def known_mode(given: str, modes: Sequence[str]) -> str:
    """An output_mode, if it is one of these."""
    if given not in modes:
        raise GraphcError(
            "there is no such output_mode",
            given=repr(given),
            expected=", ".join(modes),
            origin=capture_origin(),
        )
    return given


def refuse_sparse(sparse: bool) -> None:
    """Refuse `sparse=True`."""
    if sparse:
        raise GraphcError(
            "there are no sparse tensors here", fix="leave sparse= out", origin=capture_origin()
        )

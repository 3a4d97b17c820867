"""Layers that put strings and numbers into bins by their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.preprocessing.numbers.categories import encoded, known_mode, refuse_sparse
from graphc.layers.preprocessing.text.fingerprints import (
    fingerprint,
    joined_fingerprint,
    keyed_hash,
)
from graphc.layers.preprocessing.text.host_strings import Array, known_values
from graphc.ops.conversion import constant_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor

_CROSSING_KEY = 0xDECAFCAFFE  # TensorFlow's, so that crossings are those of Keras


def bin_of(salt: tuple[int, int] | None, bins: int) -> Callable[[Any], int]:
    """What gives the bin of a string or of a whole number, as its decimal digits."""

    def found(thing: Any) -> int:
        text = (thing if isinstance(thing, str) else str(int(thing))).encode()
        return (fingerprint(text) if salt is None else keyed_hash(text, salt)) % bins

    return found


def known_salt(given: Any) -> tuple[int, int] | None:
    """The two numbers of a key; one stands for both.

    Raises:
        GraphcError: it is neither.
    """
    pair = (given, given) if isinstance(given, int) else given
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    if pair is not None and not (is_pair and all(isinstance(n, int) for n in pair)):
        raise GraphcError(
            "salt does not fit",
            given=repr(given)[:200],
            expected="a whole number, or two",
            origin=capture_origin(),
        )
    return None if pair is None else (pair[0], pair[1])


class Hashing(Layer):
    """The bin of each string or whole number by its hash: […] to i32[…], or to vectors.

    Bins are those of Keras: FarmHash's fingerprint, or SipHash with a salt.

    Args:
        num_bins: how many there are, that of `mask_value` included.
        mask_value: what gets bin 0 for itself.
        salt: one or two whole numbers: another hash.
        output_mode: "int", "one_hot", "multi_hot" or "count"; see `CategoryEncoding`.
        sparse: not available.
        **kwargs: see `Layer`; dtype is int32 for bins, else `floatx()` by default.

    Raises:
        GraphcError: one of them does not fit, or what it is called on is computed by the graph.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        self.output_mode = known_mode(output_mode, ("int", "one_hot", "multi_hot", "count"))
        if self.output_mode == "int" and kwargs.get("dtype") is None:
            kwargs["dtype"] = "int32"
        super().__init__(**kwargs)
        refuse_sparse(sparse)
        self.num_bins = _known_count(num_bins)
        self.mask_value, self.salt = mask_value, known_salt(salt)

    def call(self, inputs: Any) -> Tensor:
        values = known_values(inputs, self.name)
        has_mask = self.mask_value is not None and self.num_bins > 1
        place = bin_of(self.salt, self.num_bins - has_mask)
        flat = [
            0 if has_mask and value == self.mask_value else place(value) + has_mask
            for value in values.ravel()
        ]
        return _encoded(np.array(flat, np.int32).reshape(values.shape), self)


class HashedCrossing(Layer):
    """The bin of each combination of values by its hash: several […] to i32[…], or to vectors.

    Args:
        num_bins: how many there are.
        output_mode: "int" or "one_hot".
        sparse: not available.
        name, dtype: see `Layer`; int32 for bins, else `floatx()` by default.
        **kwargs: nothing.

    Raises:
        GraphcError: one of them does not fit, or what it is called on is computed by the graph.
        ShapeError: the inputs differ in shape, or have more than one value for an example.
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        self.output_mode = known_mode(output_mode, ("int", "one_hot"))
        if self.output_mode == "int" and dtype is None:
            dtype = "int32"
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse(sparse)
        self.num_bins = _known_count(num_bins)

    def call(self, inputs: Sequence[Any]) -> Tensor:
        several = isinstance(inputs, (list, tuple)) and len(inputs) > 1
        columns = [known_values(each, self.name) for each in inputs] if several else []
        shapes = {column.shape for column in columns}
        fits = len(shapes) == 1 and (len(shape := shapes.pop()) < 2 or shape[1:] == (1,))
        if not fits or any(column.dtype.kind == "f" for column in columns):
            raise ShapeError(
                f"the layer {self.name!r} crosses strings or whole numbers, one for each example",
                given=", ".join(f"{c.dtype}{list(c.shape)}" for c in columns) or repr(inputs)[:200],
                expected="at least two of one shape: [], [batch] or [batch, 1]",
                origin=capture_origin(),
            )
        crossed = [self._bin(row) for row in zip(*[c.ravel() for c in columns], strict=True)]
        return _encoded(np.array(crossed, np.int32).reshape(columns[0].shape), self)

    def _bin(self, row: Sequence[Any]) -> int:
        joined = _CROSSING_KEY
        for value in row:
            own = fingerprint(value.encode()) if isinstance(value, str) else int(value)
            joined = joined_fingerprint(joined, own % (1 << 64))
        return joined % self.num_bins


def _encoded(bins: Array, layer: Hashing | HashedCrossing) -> Tensor:
    numbers = constant_tensor(get_default_graph(), bins, I32)
    return encoded(numbers, layer.output_mode, layer.num_bins, layer.compute_dtype, None)


def _known_count(given: Any) -> int:
    if not isinstance(given, int) or given < 1:
        raise GraphcError(
            "num_bins does not fit",
            given=repr(given)[:200],
            expected="a whole number of at least 1",
            origin=capture_origin(),
        )
    return given

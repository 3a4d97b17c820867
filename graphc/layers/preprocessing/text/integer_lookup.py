"""Whole numbers as indices of a vocabulary, or as vectors, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import I32, I64
from graphc.layers.preprocessing.text.host_strings import Array
from graphc.layers.preprocessing.text.lookup import NOTHING, Lookup
from graphc.ops.arithmetic import mod
from graphc.ops.comparison import equal, where
from graphc.ops.conversion import cast_to, constant_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.gathering import known_array, take
from graphc.ops.searching import searchsorted
from graphc.ops.tensor import Tensor


class IntegerLookup(Lookup):
    """The index of each whole number in a vocabulary: i[…] to i32[…], or to vectors.

    Args:
        max_tokens: how many indices there may be, special ones included.
        num_oov_indices: how many are for numbers that the vocabulary does not have; with 0 these
            are errors.
        mask_token: gets index 0 with "int", and is left out of vectors.
        oov_token: what stands for other numbers when indices are inverted.
        vocabulary: tokens, or the path of a file with one in each line; or `adapt` finds them.
        vocabulary_dtype: "int64", the only one.
        idf_weights: of "tf_idf": one for each token.
        invert: whether indices become numbers.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf"; see `StringLookup`.
        sparse: not available.
        pad_to_max_tokens: whether vectors have `max_tokens` elements in any case.
        oov_method: which of several indices an unknown number has: "floormod", the remainder of the
            division by their count; or "farmhash", by the hash of its decimal digits.
        salt: of "farmhash": one or two whole numbers: another hash.
        name: see `Layer`.
        **kwargs: accepted for Keras's sake: `vocabulary_size` and such.

    Raises:
        GraphcError: one of them does not fit; or numbers that the graph computes are to be hashed,
            or have no index where they are unknown.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            name,
            kwargs,
        )
        methods = ("floormod", "farmhash")
        self._require(vocabulary_dtype == "int64", f"{vocabulary_dtype=}", '"int64"')
        self._require(oov_method in methods, f"{oov_method=}", '"floormod" or "farmhash"')
        self._require(salt is None or oov_method == "farmhash", "salt", 'oov_method="farmhash"')
        self.oov_method = oov_method

    def _read(self, given: Any) -> int:
        return int(given)

    def _as_tokens(self, tokens: Array) -> Tensor:
        return constant_tensor(get_default_graph(), tokens.astype(np.int64), I64)

    def _oov_bin(self, token: Any) -> int:
        if self.oov_method == "farmhash":
            return super()._oov_bin(token)
        return token % self.num_oov_indices

    def call(self, inputs: Any) -> Tensor:
        in_graph = isinstance(inputs, Tensor) and known_array(inputs) is None
        is_hashed = self.num_oov_indices > 1 and self.oov_method == "farmhash"
        if not in_graph or is_hashed or self.num_oov_indices == 0 or not inputs.dtype.is_integer:
            return super().call(inputs)
        return self._tokens_of(inputs) if self.invert else self._looked_up(inputs)

    def _looked_up(self, numbers: Tensor) -> Tensor:
        """The same by nodes of the graph: each number is sought in the sorted vocabulary."""
        self._require(bool(self.tokens), "no vocabulary yet", "vocabulary=, or adapt(data) first")
        values = cast_to(numbers, I64)
        order = np.argsort(np.array(self.tokens, np.int64), kind="stable")
        known = constant_tensor(values.graph, np.array(self.tokens, np.int64)[order], I64)
        position = cast_to(searchsorted(known, values), I32)
        indices = constant_tensor(values.graph, (order + self._first_token).astype(np.int32), I32)
        unknown = cast_to(mod(values, self.num_oov_indices), I32) + self._first_oov
        found = where(
            equal(take(known, position, mode="clip"), values),
            take(indices, position, mode="clip"),
            unknown,
        )
        if self.mask_token is not None:
            masked = 0 if self.output_mode == "int" else NOTHING
            found = where(equal(values, self.mask_token), np.int32(masked), found)
        return self._encoded(found)

    def _tokens_of(self, indices: Tensor) -> Tensor:
        vocabulary = [self.oov_token if t is None else t for t in self.get_vocabulary()]
        table = constant_tensor(indices.graph, np.array(vocabulary, np.int64), I64)
        inside = (indices >= 0) & (indices < len(vocabulary))
        return where(inside, take(table, indices, mode="clip"), np.int64(self.oov_token))

"""Layers that know a vocabulary: indices of what is in it, or vectors of them, and back."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import graphc.settings as settings
from graphc.dtypes import I32, as_dtype
from graphc.errors import GraphcError, ModelFileError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.preprocessing.numbers.categories import encoded, known_mode, refuse_sparse
from graphc.layers.preprocessing.text.hashing import bin_of, known_salt
from graphc.layers.preprocessing.text.host_strings import Array, known_values
from graphc.ops.conversion import constant_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
NOTHING = np.iinfo(np.int32).max
"""What is left out of vectors."""


class Lookup(Layer):
    """A layer with a vocabulary; a base class. The arguments are those of `StringLookup`.

    Indices begin with that of `mask_token`, where bins are "int"; then come those of what is not in
    the vocabulary; then the tokens, in their order.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        salt: Any,
        name: str | None,
        kwargs: Mapping[str, Any],
    ) -> None:
        super().__init__(name=name)
        for given in set(kwargs) - {
            "vocabulary_size",
            "has_input_vocabulary",
            "trainable",
            "dtype",
        }:
            raise TypeError(f"{type(self).__name__} has no argument {given!r}")
        self.output_mode = known_mode(_OLD_MODES.get(output_mode, output_mode), _MODES)
        refuse_sparse(sparse)
        self._require(
            max_tokens is None or max_tokens > 1, f"max_tokens={max_tokens!r}", "2 or more"
        )
        self._require(num_oov_indices >= 0, f"num_oov_indices={num_oov_indices}", "0 or more")
        self._require(
            not pad_to_max_tokens or max_tokens is not None, "pad_to_max_tokens=True", "max_tokens="
        )
        self._require(
            not invert or self.output_mode == "int",
            f"output_mode={output_mode!r}",
            '"int" to invert',
        )
        self._require(
            idf_weights is None or self.output_mode == "tf_idf",
            "idf_weights",
            'output_mode="tf_idf"',
        )
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.invert = mask_token, oov_token, invert
        self.pad_to_max_tokens, self.salt = pad_to_max_tokens, known_salt(salt)
        self.tokens: list[Any] = []
        self.idf_weights: Array | None = None
        self._places: dict[Any, int] = {}
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _require(self, fits: bool, given: str, expected: str) -> None:
        if not fits:
            raise GraphcError(
                f"an argument of {type(self).__name__} does not fit",
                given=given,
                expected=expected,
                origin=capture_origin(),
            )

    @property
    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first_token(self) -> int:
        return self._first_oov + self.num_oov_indices

    def _read(self, given: Any) -> Any:
        """A token as it is compared."""
        raise NotImplementedError

    # -- the vocabulary --------------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens by index; before them the mask and, for each index of others, `oov_token`."""
        special = [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices
        return [*(special if include_special_tokens else []), *self.tokens]

    def vocabulary_size(self) -> int:
        """How many indices there are."""
        return self._first_token + len(self.tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Know these tokens, and no others.

        Args:
            vocabulary: tokens in the order of their indices, with all special ones before them or
                none; or the path of a file with one in each line.
            idf_weights: of "tf_idf": one for each.

        Raises:
            GraphcError: a token is there twice, or there are too many, or weights do not fit.
        """
        if isinstance(vocabulary, str):
            lines = Path(vocabulary).read_text(encoding="utf-8").splitlines()
            vocabulary = [line for line in lines if line]
        listed = [self._read(token) for token in np.asarray(vocabulary).ravel().tolist()]
        special = self.get_vocabulary()[: self._first_token]
        has_special = listed[: self._first_token] == special
        tokens = listed[self._first_token :] if has_special else listed
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        self._require(bool(listed), "an empty vocabulary", "at least one token")
        self._require(not twice, f"{twice[:5]} twice", "each token once")
        reserved = [self.mask_token] + [self.oov_token] * self.invert
        inside = [token for token in reserved if token is not None and token in tokens]
        self._require(not inside, f"{inside} among the tokens", f"special ones at first: {special}")
        count = self._first_token + len(tokens)
        self._require(
            self.max_tokens is None or count <= self.max_tokens,
            f"{count} indices",
            f"at most max_tokens={self.max_tokens}",
        )
        weights = None
        if self.output_mode == "tf_idf":
            self._require(idf_weights is not None, "no idf_weights", "one for each token")
            weights = np.asarray(idf_weights, np.float64)
            self._require(
                weights.shape == (len(listed),),
                f"idf_weights of shape {weights.shape}",
                f"{len(listed)} numbers",
            )
            if not has_special:
                weights = np.concatenate([np.full(self._first_token, weights.mean()), weights])
        self._know(tokens, weights)

    def _know(self, tokens: list[Any], weights: Array | None) -> None:
        self.tokens, self.idf_weights = tokens, weights
        self._places = {token: self._first_token + i for i, token in enumerate(tokens)}

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Take the vocabulary from data: the most frequent tokens, and of those the last first.

        Args:
            data: an array or a list, or batches in another iterable. For "tf_idf" its rows are the
                documents.
            steps: how many batches; all by default.

        Raises:
            GraphcError: it has no token.
        """
        self.adapt_to_documents(map(self._documents, batches_of_values(data)), steps)

    def adapt_to_documents(
        self, batches: Iterable[Iterable[list[Any]]], steps: int | None = None
    ) -> None:
        """Take the vocabulary from batches of documents, which are lists of tokens."""
        counts: Counter[Any] = Counter()
        documents: Counter[Any] = Counter()
        total = 0
        for batch in itertools.islice(batches, steps):
            for row in batch:
                counts.update(row)
                documents.update(set(row))
                total += 1
        for special in (self.mask_token, self.oov_token):
            counts.pop(special, None)
        self._require(bool(counts), "data without a token", "at least one")
        tokens = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens:
            tokens = tokens[: self.max_tokens - self._first_token]
        weights = None
        if self.output_mode == "tf_idf":
            own = np.log(1 + total / (1 + np.array([documents[token] for token in tokens])))
            weights = np.concatenate([np.full(self._first_token, own.mean()), own])
        self._know(tokens, weights)

    def _documents(self, batch: Any) -> Iterator[list[Any]]:
        """The tokens of each row."""
        values = known_values(batch, self.name)
        for row in values.reshape((len(values), -1)) if values.ndim else [values.ravel()]:
            yield [self._read(each) for each in row.tolist()]

    # -- calls -----------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Tensor:
        values = known_values(inputs, self.name)
        if self.invert:
            return self._tokens_at(values)
        flat = [self.index_of(self._read(each)) for each in values.ravel().tolist()]
        return self.encode(np.array(flat, np.int64).reshape(values.shape))

    def encode(self, indices: Array) -> Tensor:
        """Indices as the output mode has them: i32[…], or vectors."""
        return self._encoded(constant_tensor(get_default_graph(), indices.astype(np.int32), I32))

    def _encoded(self, numbers: Tensor) -> Tensor:
        if self.output_mode == "int":
            return numbers
        self._require(bool(self.tokens), "no vocabulary yet", "vocabulary=, or adapt(data) first")
        depth = self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()
        assert depth is not None
        if self.output_mode != "tf_idf":
            return encoded(numbers, self.output_mode, depth, "int32", None)
        assert self.idf_weights is not None
        floats = as_dtype(settings.floatx.get())
        weights = np.zeros(depth)
        weights[: len(self.idf_weights)] = self.idf_weights[:depth]
        counts = encoded(numbers, "count", depth, floats, None)
        return counts * constant_tensor(numbers.graph, weights.astype(floats.numpy), floats)

    def index_of(self, token: Any) -> int:
        """The index of a token, in a vector the place."""
        if self.mask_token is not None and token == self.mask_token:
            return 0 if self.output_mode == "int" else NOTHING
        place = self._places.get(token)
        if place is not None:
            return place
        if self.num_oov_indices == 0:
            raise GraphcError(
                f"the layer {self.name!r} has no index for what is not in its vocabulary",
                given=repr(token),
                expected="a token of the vocabulary",
                fix="num_oov_indices=1",
                origin=capture_origin(),
            )
        return self._first_oov + (self._oov_bin(token) if self.num_oov_indices > 1 else 0)

    def _oov_bin(self, token: Any) -> int:
        """Which of several indices a token has that is not known."""
        return bin_of(self.salt, self.num_oov_indices)(token)

    def _tokens_at(self, indices: Array) -> Tensor:
        vocabulary = self.get_vocabulary()
        found = [
            vocabulary[index] if 0 <= index < len(vocabulary) else self.oov_token
            for index in indices.ravel().tolist()
        ]
        return self._as_tokens(np.array(found, object).reshape(indices.shape))

    def _as_tokens(self, tokens: Array) -> Tensor:
        return constant_tensor(get_default_graph(), tokens)

    # -- configuration ---------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """With the vocabulary that it has, however it came by it."""
        config = super().get_config()
        if self.tokens:
            weights = None if self.idf_weights is None else self.idf_weights.tolist()
            config |= {"vocabulary": self.get_vocabulary(), "idf_weights": weights}
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        refuse_paths(config)
        return super().from_config(config)


def refuse_paths(config: Mapping[str, Any]) -> None:
    """Refuse a description that would read a file.

    Raises:
        ModelFileError: its vocabulary is a path.
    """
    if isinstance(config.get("vocabulary"), str):
        raise ModelFileError(
            "a description names a file to read a vocabulary from",
            given=config["vocabulary"][:200],
            expected="the tokens themselves",
            fix="make the layer, and call set_vocabulary(path)",
            origin=capture_origin(),
        )


def batches_of_values(data: Any) -> Iterable[Any]:
    """An array or a list is one batch; another iterable gives them."""
    is_one = isinstance(data, (str, bytes, Sequence, np.ndarray)) or hasattr(data, "__array__")
    return [data] if is_one or isinstance(data, Tensor) else data

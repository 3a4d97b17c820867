"""Texts as indices of their words, or as vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.preprocessing.text.host_strings import Array, known_values
from graphc.layers.preprocessing.text.lookup import NOTHING, batches_of_values, refuse_paths
from graphc.layers.preprocessing.text.string_lookup import StringLookup
from graphc.ops.conversion import constant_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor

_MARKS = str.maketrans("", "", "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'")
_STANDARDS = (None, "lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLITS = (None, "whitespace", "character")


class TextVectorization(Layer):
    """Texts as indices of their words: strings [batch] or [batch, 1] to i32[batch, words].

    Args:
        max_tokens: how many indices there may be, special ones included.
        standardize: "lower_and_strip_punctuation", "lower" or "strip_punctuation", of ASCII; None;
            or a function of an array of strings.
        split: "whitespace", "character" or None; or a function of an array of strings that gives a
            list of words for each.
        ngrams: up to how many words are one token together, or a tuple of numbers of words.
        output_mode: "int", "multi_hot", "count" or "tf_idf"; see `StringLookup`.
        output_sequence_length: of "int": how many indices a text has; longer ones lose the end.
        pad_to_max_tokens: whether vectors have `max_tokens` elements in any case.
        vocabulary: tokens, or the path of a file with one in each line; or `adapt` finds them.
        idf_weights: of "tf_idf": one for each token.
        sparse, ragged: not available: shorter texts are filled up with 0.
        encoding: "utf-8".
        name: see `Layer`.
        **kwargs: accepted for Keras's sake: `vocabulary_size` and such.

    Raises:
        GraphcError: one of them does not fit, or what it is called on is computed by the graph.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[Array], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[Array], Any] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        self.standardize: Any = _known("standardize", standardize, _STANDARDS)
        self.split: Any = _known("split", split, _SPLITS)
        self.ngrams = ngrams
        self.output_sequence_length, self.ragged = output_sequence_length, ragged
        if ragged:
            _refuse("ragged", ragged, "False")
        if not _are_counts(ngrams):
            _refuse("ngrams", ngrams, "a number of words, or a tuple of numbers")
        if output_sequence_length is not None and output_mode != "int":
            _refuse("output_sequence_length", output_sequence_length, 'None, or output_mode="int"')
        self.lookup = StringLookup(
            max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            **kwargs,
        )

    # -- the vocabulary --------------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens by index; before them "" and "[UNK]"."""
        return self.lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many indices there are."""
        return self.lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Know these tokens, and no others; see `StringLookup.set_vocabulary`."""
        self.lookup.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take the vocabulary from texts: the most frequent tokens, and of those the last first.

        Args:
            data: an array or a list of texts, or batches of them in another iterable.
            batch_size: accepted for Keras's sake: all are counted.
            steps: how many batches; all by default.
        """
        rows = (self._tokens(batch) for batch in batches_of_values(data))
        self.lookup.adapt_to_documents(rows, steps)

    # -- calls -----------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Tensor:
        given = known_values(inputs, self.name)
        rows = [[self.lookup.index_of(token) for token in row] for row in self._tokens(given)]
        mode = self.lookup.output_mode
        length = max(map(len, rows), default=0)
        if mode == "int" and self.output_sequence_length is not None:
            length = self.output_sequence_length
        table = np.full((len(rows), length), 0 if mode == "int" else NOTHING, np.int32)
        for place, row in enumerate(rows):
            table[place, : min(length, len(row))] = row[:length]
        is_split = self.split is not None or self.ngrams is not None
        if is_split or self.output_sequence_length is not None:
            numbers = table if given.ndim else table[0]
        else:  # each text is a word
            numbers = table.reshape(given.shape)
        if mode == "int":
            return constant_tensor(get_default_graph(), numbers, I32)
        return self.lookup.encode(numbers)

    def _tokens(self, given: Any) -> list[list[str]]:
        """The tokens of each text."""
        texts = known_values(given, self.name)
        if texts.ndim > 1 and texts.shape[-1] != 1 and self.split is not None:
            raise ShapeError(
                f"the layer {self.name!r} takes one text for each example",
                given=f"an array of shape {texts.shape}",
                expected="[batch] or [batch, 1]",
                fix="split=None for words",
                origin=capture_origin(),
            )
        texts = self._standardized(texts)
        rows = texts.reshape((len(texts), -1)) if texts.ndim else texts.reshape((1, 1))
        if self.split is None:
            words = [list(row) for row in rows]
        elif callable(self.split):
            cut: Any = self.split(rows[:, 0])
            words = [[str(word) for word in row] for row in cut]
        else:
            words = [_split(row[0], self.split) for row in rows]
        return [list(_runs(row, self.ngrams)) for row in words]

    def _standardized(self, texts: Array) -> Array:
        if callable(self.standardize):
            return known_values(self.standardize(texts.astype(str)), self.name)
        how = self.standardize or ""

        def standardized(text: str) -> str:
            lower = text.encode().lower().decode() if how.startswith("lower") else text
            return lower.translate(_MARKS) if how.endswith("strip_punctuation") else lower

        flat = [standardized(str(text)) for text in texts.ravel()]
        return np.array(flat, object).reshape(texts.shape)

    # -- configuration ---------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """With the vocabulary that it has, however it came by it."""
        known = self.lookup.get_config()
        return super().get_config() | {key: known[key] for key in ("vocabulary", "idf_weights")}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        refuse_paths(config)
        return super().from_config(config)


def _split(text: str, how: str) -> list[str]:
    if how == "character":
        return list(text)
    return [word.decode() for word in text.encode().split()]  # at spaces of ASCII


def _runs(words: Sequence[str], ngrams: Any) -> Iterator[str]:
    """Words, or as many in a row as are wanted."""
    if ngrams is None:
        yield from words
        return
    for count in range(1, ngrams + 1) if isinstance(ngrams, int) else ngrams:
        for start in range(len(words) - count + 1):
            yield " ".join(words[start : start + count])


def _known(name: str, given: Any, choices: tuple[str | None, ...]) -> Any:
    if given not in choices and not callable(given):
        _refuse(name, given, ", ".join(map(repr, choices)) + ", or a function")
    return given


def _refuse(name: str, given: Any, expected: str) -> None:
    raise GraphcError(
        f"{name} of a TextVectorization does not fit",
        given=repr(given)[:200],
        expected=expected,
        origin=capture_origin(),
    )


def _are_counts(given: Any) -> bool:
    if given is None or isinstance(given, int):
        return True
    return isinstance(given, (list, tuple)) and all(isinstance(n, int) for n in given)

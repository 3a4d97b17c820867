"""Strings as indices of a vocabulary, or as vectors, and back."""

from __future__ import annotations

from typing import Any

from graphc.layers.preprocessing.text.lookup import Lookup


class StringLookup(Lookup):
    """The index of each string in a vocabulary: strings […] to i32[…], or to vectors.

    Args:
        max_tokens: how many indices there may be, special ones included.
        num_oov_indices: how many are for strings that the vocabulary does not have, by their hash;
            with 0 these are errors.
        mask_token: gets index 0 with "int", and is left out of vectors.
        oov_token: what stands for other strings when indices are inverted.
        vocabulary: tokens, or the path of a file with one in each line; or `adapt` finds them.
        idf_weights: of "tf_idf": one for each token.
        invert: whether indices become strings.
        output_mode: "int", "one_hot", "multi_hot", "count" (see `CategoryEncoding`) or "tf_idf":
            counts by weights that are greater the fewer documents have the token.
        pad_to_max_tokens: whether vectors have `max_tokens` elements in any case.
        sparse: not available.
        encoding: "utf-8".
        name: see `Layer`.
        salt: one or two whole numbers: other indices of unknown strings.
        **kwargs: accepted for Keras's sake: `vocabulary_size` and such.

    Raises:
        GraphcError: one of them does not fit, or what it is called on is computed by the graph.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
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
        self._require(encoding.lower() == "utf-8", f"encoding={encoding!r}", '"utf-8"')

    def _read(self, given: Any) -> str:
        return given.decode("utf-8") if isinstance(given, bytes) else str(given)

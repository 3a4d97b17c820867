"""Names that classes give to what they build."""

from __future__ import annotations

import re


def snake_case(name: str) -> str:
    """The name of a class in small letters: "layer_normalization" for "LayerNormalization".

    As in Keras, a number belongs to the letter behind it: "conv2d_transpose" for "Conv2DTranspose".
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", name).lower()

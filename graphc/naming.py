"""Names that classes give to what they build, and that tell things of one name apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container


def snake_case(name: str) -> str:
    """The name of a class in small letters: "layer_normalization" for "LayerNormalization".

    As in Keras, a number belongs to the letter behind it: "conv2d_transpose" for "Conv2DTranspose".
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", name).lower()


def numbered(name: str, taken: Container[str]) -> str:
    """The name, with the first number behind it that makes it another than those taken."""
    candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)

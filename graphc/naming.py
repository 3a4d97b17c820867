"""Names that classes give to what they build."""

from __future__ import annotations

import re


def snake_case(name: str) -> str:
    """The name of a class in small letters: "layer_normalization" for "LayerNormalization"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()

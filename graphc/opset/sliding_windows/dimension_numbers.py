"""Which axis of a convolution's operands is what, as HLO writes it: `b01f_01io->b01f`.

b: batch, f: feature; i, o: input and output feature of the kernel; digits: spatial axes.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from graphc.ir.attributes import AttributeKind

Axes = tuple[int, ...]

_TEXT = re.compile(r"([bf0-9]+)_([io0-9]+)->([bf0-9]+)")


class DimensionNumbers(NamedTuple):
    """Axes in the order of JAX's specs: batch and feature, then the spatial ones.

    Of the kernel: output and input feature, then the spatial ones.
    """

    lhs: Axes
    rhs: Axes
    out: Axes


@lru_cache(256)
def read_dimension_numbers(text: str) -> DimensionNumbers:
    """The axes that a text describes.

    Raises:
        ValueError: it is no such text.
    """
    match = _TEXT.fullmatch(text)
    count = len(text.partition("_")[0]) - 2
    digits = "".join(str(axis) for axis in range(count))
    found: list[Axes] = []
    for part, letters in zip(match.groups() if match else (), ("bf", "oi", "bf"), strict=False):
        if sorted(part) != sorted(letters + digits):
            break
        found.append(tuple([part.index(letter) for letter in letters + digits]))
    if len(found) != 3 or count > 10:
        raise ValueError(f"{text!r} names no axes; write them as in b01f_01io->b01f")
    return DimensionNumbers(*found)


def _normalise(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    read_dimension_numbers(value)
    return value


DIMENSION_NUMBERS = AttributeKind(
    "axes as in b01f_01io->b01f", _normalise, json.dumps, lambda text: _normalise(json.loads(text))
)


def write_dimension_numbers(numbers: DimensionNumbers) -> str:
    """The text for axes."""
    parts: list[str] = []
    for axes, letters in zip(numbers, ("bf", "oi", "bf"), strict=True):
        names = [*letters, *[str(axis) for axis in range(len(axes) - 2)]]
        parts.append("".join(names[axes.index(axis)] for axis in range(len(axes))))
    return f"{parts[0]}_{parts[1]}->{parts[2]}"

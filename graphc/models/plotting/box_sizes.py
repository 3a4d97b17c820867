"""How large the boxes of a picture are, and where in them their cells are, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphc.models.plotting.boxes import Box, Cell

TITLE_SIZE: Final = 14.0
TEXT_SIZE: Final = 12.0
PAD: Final = 10.0
_ROW: Final = 28.0

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} ")
_WIDE: Final = frozenset("mwMW@%")


def text_width(text: str, size: float) -> float:
    """How wide bold letters without serifs are, roughly and rather too much."""
    units = sum(
        0.36 if c in _NARROW else 0.92 if c in _WIDE else 0.74 if c.isupper() else 0.62
        for c in text
    )
    return units * size


@dataclass(frozen=True)
class Rectangle:
    """A part of the picture; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


def _cell_width(cell: Cell, size: float) -> float:
    return text_width(cell.label + cell.value, size) + 2 * PAD


def box_size(box: Box) -> tuple[float, float]:
    """The width and the height that hold all cells."""
    rows = [sum(_cell_width(cell, TEXT_SIZE) for cell in row) for row in box.rows]
    return max([_cell_width(box.title, TITLE_SIZE), *rows]), _ROW * (1 + len(rows))


def cells_of(box: Box, r: Rectangle) -> list[tuple[Cell, Rectangle]]:
    """The cells of a box: those of a row share what is left of its width."""
    placed = [(box.title, Rectangle(r.x, r.y, r.width, _ROW))]
    for number, row in enumerate(box.rows, start=1):
        widths = [_cell_width(cell, TEXT_SIZE) for cell in row]
        spare = (r.width - sum(widths)) / len(row)
        x = r.x
        for cell, width in zip(row, widths, strict=True):
            placed.append((cell, Rectangle(x, r.y + _ROW * number, width + spare, _ROW)))
            x += width + spare
    return placed

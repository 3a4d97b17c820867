"""A picture as SVG, which browsers and notebooks draw; nothing but text is needed to make it."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from typing import Final

from graphc.models.plotting.box_sizes import PAD, TEXT_SIZE, TITLE_SIZE, Rectangle
from graphc.models.plotting.boxes import BLACK, Box, Cell
from graphc.models.plotting.placing import Places, Point

_FONT: Final = "Helvetica, Arial, sans-serif"
_ARROW: Final = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0,0 L10,5 L0,10 z"/></marker></defs>'
)


def to_svg(places: Places, title: str, curved: bool) -> str:
    """The picture as one `<svg>` element.

    Args:
        places: of all that is drawn.
        title: what it shows, for those who cannot see it.
        curved: whether edges bend smoothly.
    """
    width, height = round(places.width), round(places.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FONT}" role="img">',
        f"<title>{html.escape(title)}</title>",
        _ARROW,
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for group, border in places.groups:
        lines.append(_rectangle(border, "none", ' stroke="#777777" stroke-dasharray="5 4"'))
        x, y = border.x + PAD, border.y + 1.3 * TEXT_SIZE
        lines.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{TEXT_SIZE:g}" '
                     f'fill="#555555">{html.escape(group.label)}</text>')  # fmt: skip
    for points in places.edges:
        path = curve(points) if curved else "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<path d="{path}" fill="none" stroke="{BLACK}" stroke-width="1.5" '
                     f'marker-end="url(#arrow)"/>')  # fmt: skip
    for box, cells in places.boxes:
        lines += _box(box, cells)
    return "\n".join([*lines, "</svg>"])


def _rectangle(r: Rectangle, fill: str, more: str) -> str:
    return (
        f'<rect x="{r.x:.1f}" y="{r.y:.1f}" width="{r.width:.1f}" height="{r.height:.1f}" '
        f'fill="{fill}"{more}/>'
    )


def _box(box: Box, cells: Sequence[tuple[Cell, Rectangle]]) -> list[str]:
    lines = ["<g>"]
    for cell, r in cells:
        size = TITLE_SIZE if cell is box.title else TEXT_SIZE
        lines.append(_rectangle(r, cell.fill, f' stroke="{BLACK}"'))
        x, y = r.x + r.width / 2, r.y + r.height / 2 + 0.35 * size
        lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="middle" '
            f'fill="{cell.ink}">{html.escape(cell.label)}'
            f'<tspan font-weight="bold">{html.escape(cell.value)}</tspan></text>'
        )
    return [*lines, "</g>"]


def curve(points: Sequence[Point]) -> str:
    """A path through points; between two, it leaves the first and meets the second upright."""
    is_upright = abs(points[0][0] - points[1][0]) < abs(points[0][1] - points[1][1])
    parts = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        first, second = ((x0, my), (x1, my)) if is_upright else ((mx, y0), (mx, y1))
        parts.append("C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in (first, second, (x1, y1))))
    return " ".join(parts)

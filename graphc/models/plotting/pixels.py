"""A picture in the forms that matplotlib writes, such as PNG and PDF."""

from __future__ import annotations

import os
from typing import Any, Final

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.models.plotting.box_sizes import PAD, TEXT_SIZE, TITLE_SIZE
from graphc.models.plotting.boxes import BLACK
from graphc.models.plotting.placing import Places

_PER_INCH: Final = 96.0
_POINTS: Final = 72.0 / _PER_INCH
_MOST_PIXELS: Final = 30_000  # on a side; twice as many are refused by the library below


def write_pixels(places: Places, path: str | os.PathLike[str], form: str, dpi: int) -> None:
    """Draw a picture into a file.

    Raises:
        GraphcError: matplotlib is not installed, or does not know the form.
    """
    try:
        from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]
    except ImportError as problem:
        raise GraphcError(
            f"a picture as {form} needs matplotlib, which is not installed",
            given=f"to_file={os.fspath(path)!r}",
            fix='name an ".svg" or a ".dot", or pip install "graphc-xla[plot]"',
            origin=capture_origin(),
        ) from problem
    longest = max(places.width, places.height) / _PER_INCH
    figure = Figure(figsize=(places.width / _PER_INCH, places.height / _PER_INCH))
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, places.width), ylim=(places.height, 0))
    axes.axis("off")
    _draw(places, axes)
    known = figure.canvas.get_supported_filetypes()
    if form not in known:
        raise GraphcError(
            f"pictures are not written as {form!r}",
            given=f"to_file={os.fspath(path)!r}",
            expected=", ".join(sorted({"dot", "svg", *known})),
            origin=capture_origin(),
        )
    figure.savefig(path, format=form, dpi=min(dpi, _MOST_PIXELS / longest), facecolor="white")


def _draw(places: Places, axes: Any) -> None:
    from matplotlib.patches import Rectangle  # pyright: ignore[reportMissingImports]

    for group, r in places.groups:
        frame = {"fill": False, "edgecolor": "#777777", "linestyle": "--"}
        axes.add_patch(Rectangle((r.x, r.y), r.width, r.height, **frame))
        small = TEXT_SIZE * _POINTS
        axes.text(r.x + PAD, r.y + 1.3 * TEXT_SIZE, group.label, size=small, color="#555555")
    for points in places.edges:
        axes.plot(*zip(*points[:-1], strict=True), color=BLACK, linewidth=1.1)
        arrow = {"arrowstyle": "-|>", "color": BLACK, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
        axes.annotate("", points[-1], points[-2], arrowprops=arrow)
    for box, cells in places.boxes:
        for cell, r in cells:
            axes.add_patch(
                Rectangle(
                    *((r.x, r.y), r.width, r.height),
                    **{"facecolor": cell.fill, "edgecolor": BLACK, "linewidth": 0.8},
                )
            )
            is_title = cell is box.title
            size = (TITLE_SIZE if is_title else TEXT_SIZE) * _POINTS * 0.9
            text = _plain(cell.label + cell.value)
            options = {"ha": "center", "va": "center", "size": size, "color": cell.ink}
            options["weight"] = "bold" if is_title else "normal"
            axes.text(r.x + r.width / 2, r.y + r.height / 2, text, **options)


def _plain(text: str) -> str:
    """Text in which a dollar begins no formula."""
    return text.replace("$", r"\$")

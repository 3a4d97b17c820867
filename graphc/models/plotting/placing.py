"""Where the boxes, groups and edges of a picture are drawn, in pixels.

All is laid out from the top to the bottom, groups inside first; a picture that runs another way is
turned at the end, for which boxes and groups change height and width before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from graphc.models.plotting.box_sizes import (
    PAD,
    TEXT_SIZE,
    Rectangle,
    box_size,
    cells_of,
    text_width,
)
from graphc.models.plotting.boxes import Box, Cell, Edge, Group
from graphc.models.plotting.layered_layout import Layout, Link, lay_out

Direction = Literal["TB", "BT", "LR", "RL"]
Point = tuple[float, float]

_MARGIN: Final = 28.0  # of a group, with room for its label
_CHANNEL: Final = 10.0
_LEAST_GAP: Final = 36.0  # between ranks
_LOOP: Final = 16.0
_STRAIGHT: Final = 0.5


@dataclass
class Places:
    """A picture with everything in its place.

    Attributes:
        width: of the picture.
        height: of the picture.
        boxes: with the cells of each and where they are.
        groups: the borders of nested models, the outer first.
        edges: the points of each; straight from one to the next.
    """

    width: float = 0.0
    height: float = 0.0
    boxes: list[tuple[Box, list[tuple[Cell, Rectangle]]]] = field(default_factory=list)
    groups: list[tuple[Group, Rectangle]] = field(default_factory=list)
    edges: list[list[Point]] = field(default_factory=list)


@dataclass
class _Level:
    """A group, with its parts where they are in it."""

    width: float
    height: float
    boxes: dict[str, Rectangle]
    groups: dict[str, Rectangle]
    edges: list[list[Point]]

    def add(self, other: _Level, x: float, y: float) -> None:
        self.boxes |= {k: _moved(r, x, y) for k, r in other.boxes.items()}
        self.groups |= {k: _moved(r, x, y) for k, r in other.groups.items()}
        self.edges += [[(px + x, py + y) for px, py in edge] for edge in other.edges]


def place(group: Group, direction: Direction, right_angles: bool) -> Places:
    """A picture of a group.

    Args:
        group: of the whole model.
        direction: from where to where its data flow.
        right_angles: whether edges run along the axes only.
    """
    is_turned = direction in ("LR", "RL")
    level = _place_group(group, is_turned, right_angles)
    size = level.width, level.height
    turn = _turned(direction, size)
    places = Places(*((level.height, level.width) if is_turned else size))
    for box in group.boxes():
        places.boxes.append((box, cells_of(box, turn(level.boxes[box.key]))))
    for inner in list(group.groups())[1:]:
        places.groups.append((inner, turn(level.groups[inner.key])))
    for edge in level.edges:
        corners = [turn(Rectangle(x, y, 0, 0)) for x, y in edge]
        places.edges.append([(corner.x, corner.y) for corner in corners])
    return places


def _turned(direction: Direction, size: Point) -> Callable[[Rectangle], Rectangle]:
    def turn(r: Rectangle) -> Rectangle:
        y = size[1] - r.y - r.height if direction in ("BT", "RL") else r.y
        if direction in ("LR", "RL"):
            return Rectangle(y, r.x, r.height, r.width)
        return Rectangle(r.x, y, r.width, r.height)

    return turn


def _moved(r: Rectangle, x: float, y: float) -> Rectangle:
    return Rectangle(r.x + x, r.y + y, r.width, r.height)


def _place_group(group: Group, is_turned: bool, right_angles: bool) -> _Level:
    inside: dict[str, _Level] = {}
    sizes: dict[str, Point] = {}
    for key, member in group.members.items():
        if isinstance(member, Group):
            inside[key] = _place_group(member, is_turned, right_angles)
            sizes[key] = inside[key].width, inside[key].height
        else:
            width, height = box_size(member)
            sizes[key] = (height, width) if is_turned else (width, height)
            inside[key] = _Level(*sizes[key], {key: Rectangle(0, 0, *sizes[key])}, {}, [])
    layout = lay_out(
        {key: width for key, (width, _) in sizes.items()},
        [_link(edge, inside) for edge in group.edges],
    )
    label = text_width(group.label, TEXT_SIZE)
    width = layout.width + 2 * _MARGIN
    if not is_turned:
        width = max(width, label + 2 * PAD)
    shift = (width - layout.width) / 2
    ranks = _rank_places(layout, sizes)
    level = _Level(width, ranks.bands[-1][1] + _MARGIN, {}, {}, [])
    for key, inner in inside.items():
        x, y = layout.middle[key] + shift - inner.width / 2, ranks.tops[key]
        level.add(inner, x, y)
        if isinstance(group.members[key], Group):
            level.groups[key] = Rectangle(x, y, inner.width, inner.height)
    for edge, path, is_upward in zip(group.edges, layout.paths, layout.is_upward, strict=True):
        first = layout.rank[path[0]] if path else 0
        route = _route(
            *(edge, path, is_upward, lambda node: layout.middle[node] + shift),
            *(level, ranks, first, right_angles),
        )
        level.edges.append(route)
    return level


def _link(edge: Edge, inside: Mapping[str, _Level]) -> Link:
    """The edge, with the places of its boxes in the members that hold them."""

    def along(member: str, box: str) -> float:
        found = inside[member].boxes[box]
        return found.x + found.width / 2 - inside[member].width / 2

    return Link(
        *(edge.source, edge.target),
        *(along(edge.source, edge.leaves), along(edge.target, edge.enters)),
    )


@dataclass
class _Ranks:
    """Where the ranks of a group are.

    Attributes:
        tops: of the members.
        bands: from where to where each rank reaches.
        channels: by rank and node, where edges from the node turn on their way to the next rank.
    """

    tops: dict[Any, float] = field(default_factory=dict)
    bands: list[tuple[float, float]] = field(default_factory=list)
    channels: dict[tuple[int, Any], float] = field(default_factory=dict)


def _rank_places(layout: Layout, sizes: Mapping[Any, Point]) -> _Ranks:
    """The ranks one below the other, with room between for edges that turn."""
    ranks = _Ranks()
    turning: list[dict[Any, float]] = [{} for _ in layout.ranks]
    for path in layout.paths:
        for rank, (upper, lower) in enumerate(
            itertools.pairwise(path), start=layout.rank[path[0]] if path else 0
        ):
            if upper in sizes or abs(layout.middle[upper] - layout.middle[lower]) > _STRAIGHT:
                turning[rank][upper] = layout.middle[upper]
    top = _MARGIN
    for number, rank in enumerate(layout.ranks):
        heights = {node: sizes[node][1] for node in rank if node in sizes}
        bottom = top + max(heights.values(), default=0.0)
        for node, height in heights.items():
            ranks.tops[node] = (top + bottom - height) / 2
        ranks.bands.append((top, bottom))
        ordered = sorted(turning[number], key=turning[number].__getitem__)
        gap = max(_LEAST_GAP, _CHANNEL * (len(ordered) + 1))
        for count, node in enumerate(ordered, start=1):
            ranks.channels[number, node] = bottom + gap * count / (len(ordered) + 1)
        top = bottom + gap
    return ranks


def _route(
    edge: Edge, path: Sequence[Any], is_upward: bool, middle: Callable[[Any], float],
    level: _Level, ranks: _Ranks, first_rank: int, right_angles: bool,
) -> list[Point]:  # fmt: skip
    """The points of an edge, from what makes the tensor to what takes it."""
    leaves, enters = level.boxes[edge.leaves], level.boxes[edge.enters]
    if edge.source == edge.target:
        return _loop(leaves, enters)
    upper, lower = (enters, leaves) if is_upward else (leaves, enters)
    x, end = upper.x + upper.width / 2, (lower.x + lower.width / 2, lower.y)
    points: list[Point] = [(x, upper.y + upper.height)]
    for rank, node in enumerate(path[:-1], start=first_rank):
        bottom, below = ranks.bands[rank][1], path[rank - first_rank + 1]
        points.append((x, bottom))
        after = end[0] if below is path[-1] else middle(below)
        if right_angles and abs(x - after) > _STRAIGHT:
            turn = ranks.channels.get((rank, node), bottom + PAD)
            points += [(x, turn), (after, turn)]
        x = after
        points.append((x, ranks.bands[rank + 1][0]))
    points.append(end)
    return _without_stops(points[::-1] if is_upward else points)


def _loop(leaves: Rectangle, enters: Rectangle) -> list[Point]:
    """Round the right side, from a box back to it, or to one before it in the same model."""
    right = max(leaves.x + leaves.width, enters.x + enters.width)
    start = leaves.y + leaves.height * 2 / 3
    end = enters.y + enters.height / 3
    return [
        *((leaves.x + leaves.width, start), (right + _LOOP, start)),
        *((right + _LOOP, end), (enters.x + enters.width, end)),
    ]


def _without_stops(points: Sequence[Point]) -> list[Point]:
    """Without the points on a straight way."""
    kept: list[Point] = []
    for point in points:
        if kept and abs(kept[-1][0] - point[0]) + abs(kept[-1][1] - point[1]) < _STRAIGHT:
            continue
        if len(kept) > 1 and _is_straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def _is_straight(a: Point, b: Point, c: Point) -> bool:
    cross = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    return abs(cross) < _STRAIGHT

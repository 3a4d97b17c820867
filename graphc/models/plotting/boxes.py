"""What a picture of a model is made of, before anything has a place: boxes and edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
GREEN: Final = "#228b22"
RED: Final = "#b22222"


class Cell(NamedTuple):
    """A field of a box: a label, and what it is about in bold letters."""

    label: str
    value: str
    fill: str = WHITE
    ink: str = BLACK


@dataclass(frozen=True)
class Box:
    """A layer: a title, and rows of fields below it.

    Attributes:
        key: another for every box of the picture.
        title: its first row.
        rows: those below it.
    """

    key: str
    title: Cell
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True)
class Edge:
    """A tensor that one box makes and another takes, in the group that holds both.

    Attributes:
        source: the member of the group that it leaves.
        target: the member of the group that it enters.
        leaves: the box in the source, which is the source itself where that is no group.
        enters: the box in the target.
    """

    source: str
    target: str
    leaves: str
    enters: str


@dataclass
class Group:
    """A model: its boxes, the groups of the models inside, and the edges between them."""

    key: str
    label: str
    members: dict[str, Box | Group] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def connect(self, edge: Edge) -> None:
        """Add an edge, if it is not there."""
        if edge not in self.edges:
            self.edges.append(edge)

    def boxes(self) -> Iterator[Box]:
        """All boxes, those of the groups inside included."""
        for member in self.members.values():
            if isinstance(member, Box):
                yield member
            else:
                yield from member.boxes()

    def groups(self) -> Iterator[Group]:
        """The group itself and those inside."""
        yield self
        for member in self.members.values():
            if isinstance(member, Group):
                yield from member.groups()

"""The cotangents of values while they are gathered: what several paths give is added.

What comes back through a slice is a piece with zeros around it. Pieces that do not overlap are laid
side by side instead: of a product that is split into four gates, a sum of four padded arrays would
compute all four for every element, and each of a thousand steps a sum as long as the sequence.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphc.ir.builder import Builder
from graphc.ir.node import Value


class _Piece(NamedTuple):
    """A cotangent that is zero before `start` and from `end` on, along one axis."""

    axis: int
    start: int
    end: int
    inner: Value
    whole: Value


class Cotangents:
    """What is known so far, by value.

    Args:
        build: adds the nodes of sums.
    """

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._sums: dict[Value, Value] = {}
        self._pieces: dict[Value, list[_Piece]] = {}

    def __contains__(self, value: Value) -> bool:
        return value in self._sums or value in self._pieces

    def add(self, value: Value, cotangent: Value) -> None:
        """Add to the cotangent of a value; both of one type."""
        piece = _as_piece(cotangent)
        if piece is not None:
            self._pieces.setdefault(value, []).append(piece)
        else:
            before = self._sums.get(value)
            self._sums[value] = cotangent if before is None else self._build.add(before, cotangent)

    def __getitem__(self, value: Value) -> Value:
        """The cotangent of a value.

        Raises:
            KeyError: nothing was added to it.
        """
        for whole in self._side_by_side(self._pieces.pop(value, ())):
            before = self._sums.get(value)
            self._sums[value] = whole if before is None else self._build.add(before, whole)
        return self._sums[value]

    def _side_by_side(self, pieces: Sequence[_Piece]) -> Iterator[Value]:
        for chain in _chains(pieces):
            yield chain[0].whole if len(chain) == 1 else self._concatenated(chain)

    def _concatenated(self, chain: Sequence[_Piece]) -> Value:
        """One array of pieces of one axis, in order, none of which overlap."""
        first, axis = chain[0], chain[0].axis
        size = first.whole.type.shape[axis]
        assert isinstance(size, int)
        ends = [piece.start for piece in chain[1:]] + [size]
        parts = [
            self._padded(piece, piece.start if piece is first else 0, end - piece.end)
            for piece, end in zip(chain, ends, strict=True)
        ]
        return self._build.concatenate(*parts, dimension=axis)

    def _padded(self, piece: _Piece, before: int, after: int) -> Value:
        """A piece with so many zeros before and after it."""
        if not before and not after:
            return piece.inner
        node, none = piece.whole.node, [0] * piece.inner.type.rank
        low, high = [*none], [*none]
        low[piece.axis], high[piece.axis] = before, after
        return self._build.pad(piece.inner, node.inputs[1], low=low, high=high, interior=none)


def _as_piece(cotangent: Value) -> _Piece | None:
    """What a cotangent is a piece of, if it is zero around a part of one axis."""
    node = cotangent.node
    if node.op.name != "pad" or any(node.attributes["interior"]):
        return None
    low, high = node.attributes["low"], node.attributes["high"]
    axes = [axis for axis, edges in enumerate(zip(low, high, strict=True)) if edges != (0, 0)]
    if len(axes) != 1 or not is_zero(node.inputs[1]):
        return None
    (axis,) = axes
    start, inner = low[axis], node.inputs[0]
    taken = inner.type.shape[axis]
    if not all(isinstance(size, int) and size >= 0 for size in (start, high[axis], taken)):
        return None
    return _Piece(axis, start, start + taken, inner, cotangent)


def is_zero(value: Value) -> bool:
    """Whether a value is a constant of zeros, as what arrays are padded with."""
    return value.node.op.name == "constant" and not value.node.attributes["value"].array.any()


def _chains(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Divide pieces into as few chains as can be, those of each in order and without overlap."""
    chains: list[list[_Piece]] = []
    open_ends: dict[int, list[tuple[int, int]]] = {}
    for piece in sorted(pieces, key=lambda piece: (piece.start, piece.end)):
        ends = open_ends.setdefault(piece.axis, [])
        if ends and ends[0][0] <= piece.start:
            _, number = heapq.heappop(ends)
            chains[number].append(piece)
        else:
            number = len(chains)
            chains.append([piece])
        heapq.heappush(ends, (piece.end, number))
    yield from chains

"""Which keys a condition hides from a query: later ones, far ones, or any.

A condition is taken apart into what must all hold. A comparison of places, such as
`iota(queries) >= iota(keys)`, becomes a bound of the distance between a query and a key; everything
else stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from graphc.ir.node import Value
from graphc.rewriting.splats import splat_of
from passes.attention_fusion.axis_atoms import Atoms, Axes

_NEGATED: Final = {"GE": "LT", "GT": "LE", "LE": "GT", "LT": "GE", "EQ": "NE", "NE": "EQ"}
_MIRRORED: Final = {"GE": "LE", "GT": "LT", "LE": "GE", "LT": "GT", "EQ": "EQ", "NE": "NE"}
_MOST_ELEMENTS: Final = 2**24


@dataclass(frozen=True)
class Condition:
    """Where a query may look at a key, as far as it is not a matter of places.

    Attributes:
        value: truth values.
        axes: their axes.
        holds: whether true means that it may.
    """

    value: Value
    axes: Axes
    holds: bool


@dataclass
class Masks:
    """All that hides keys.

    Attributes:
        atoms: of the match.
        key: the atom of keys.
        conditions: those that are no matter of places.
        query: the atom along which places of queries were compared, if they were.
        before: how many keys before its own place a query sees at most, if there is a bound.
        after: how many keys after it.
    """

    atoms: Atoms
    key: int
    conditions: list[Condition] = field(default_factory=list[Condition])
    query: int | None = None
    before: int | None = None
    after: int | None = None

    def add(self, value: Value, axes: Axes, holds: bool) -> None:
        """Take a condition apart."""
        value, axes = self.atoms.bare(value, axes)
        name, operands = value.node.op.name, self.atoms.editor.operands(value.node)
        if name == "not":
            return self.add(operands[0], axes, not holds)
        if name == ("and" if holds else "or"):
            for operand in operands:
                self.add(operand, axes, holds)
            return None
        if name == "compare":
            direction = value.node.attributes["direction"]
            if (inner := self._truth(operands)) is not None and direction in ("EQ", "NE"):
                return self.add(inner, axes, holds == (direction == "NE"))
            if self._add_bound(operands, axes, direction if holds else _NEGATED[direction]):
                return None
        if name == "constant" and self._add_triangle(value, axes, holds):
            return None
        self.conditions.append(Condition(value, axes, holds))
        return None

    def _truth(self, operands: tuple[Value, ...]) -> Value | None:
        """The truth values that are compared with 0 as numbers."""
        left, right = operands
        if left.node.op.name != "convert" or self._splat(right) != 0:
            return None
        (inner,) = self.atoms.editor.operands(left.node)
        return inner if inner.type.dtype.kind == "bool" else None

    def _splat(self, value: Value) -> Any:
        found = splat_of(value, self.atoms.editor)
        return None if found is None else found.scalar

    # --- places -------------------------------------------------------------------------------

    def _add_bound(self, operands: tuple[Value, ...], axes: Axes, direction: str) -> bool:
        places = [self._place(operand, axes) for operand in operands]
        if places[0] is None or places[1] is None:
            return False
        steps = dict(places[0].steps)
        for atom, step in places[1].steps.items():
            steps[atom] = steps.get(atom, 0) - step
        first = places[0].first - places[1].first
        steps = {atom: step for atom, step in steps.items() if step}
        sign = -steps.pop(self.key, 0)
        if abs(sign) != 1 or list(steps.values()) != [sign]:
            return False
        if sign < 0:
            first, direction = -first, _MIRRORED[direction]
        (query,) = steps
        # query - key + first <direction> 0
        if direction in ("GE", "GT"):
            return self._limit(query, after=first - (direction == "GT"))
        if direction in ("LE", "LT"):
            return self._limit(query, before=-first - (direction == "LT"))
        return False

    def _limit(self, query: int, before: int | None = None, after: int | None = None) -> bool:
        if self.query not in (None, query) or min(before or 0, after or 0) < 0:
            return False
        self.query = query
        self.before = _least(self.before, before)
        self.after = _least(self.after, after)
        return True

    def _place(self, value: Value, axes: Axes) -> _Place | None:
        """A tensor of whole numbers as a sum of places along axes."""
        value, axes = self.atoms.bare(value, axes)
        dtype = value.type.dtype
        if dtype.kind != "signed" or dtype.itemsize < 4:  # places and distances may wrap around
            return None
        name, operands = value.node.op.name, self.atoms.editor.operands(value.node)
        number = self._splat(value)
        if number is not None:
            return _Place({}, int(number))
        if name == "iota":
            return _along(axes[value.node.attributes["iota_dimension"]], 0)
        if name == "constant" and value.type.rank == 1:
            literal = value.node.attributes["value"]
            if literal.is_detached:
                return None
            places = np.arange(literal.array.size) + literal.array[0]
            same = np.array_equal(literal.array, places)
            return _along(axes[0], int(literal.array[0])) if same else None
        if name == "convert":
            return self._place(operands[0], axes)
        if name in ("add", "subtract"):
            left, right = (self._place(operand, axes) for operand in operands)
            if left is None or right is None:
                return None
            sign = 1 if name == "add" else -1
            steps = dict(left.steps)
            for atom, step in right.steps.items():
                steps[atom] = steps.get(atom, 0) + sign * step
            return _Place(steps, left.first + sign * right.first)
        return None

    def _add_triangle(self, value: Value, axes: Axes, holds: bool) -> bool:
        """A constant that holds the truth values of a causal mask."""
        literal, flat = value.node.attributes["value"], self.atoms.flat(axes)
        if literal.is_detached or len(flat) != 2 or literal.array.size > _MOST_ELEMENTS:
            return False
        array = literal.array if holds else ~literal.array
        plane = array.reshape([size for size in array.shape if size != 1])
        if flat[0] == self.key:
            flat, plane = flat[::-1], plane.T
        if (
            flat[1] != self.key
            or plane.ndim != 2
            or not np.array_equal(plane, np.tri(*plane.shape))
        ):
            return False
        return self._limit(flat[0], after=0)


@dataclass(frozen=True)
class _Place:
    steps: dict[int, int]
    first: int


def _along(axis: tuple[int, ...], first: int) -> _Place | None:
    """The places along an axis: of one atom, or of size 1."""
    return None if len(axis) > 1 else _Place(dict.fromkeys(axis, 1), first)


def _least(mine: int | None, other: int | None) -> int | None:
    if mine is None or other is None:
        return other if mine is None else mine
    return min(mine, other)

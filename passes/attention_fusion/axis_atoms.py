"""Axes by what they stand for.

People keep examples, heads, queries and keys in any order, merged and split. An *atom* is a number
that stands for one of them; each axis of a tensor is a sequence of atoms, none where its size is 1.
Going from a tensor to what it was made of by a transpose, a reshape or a broadcast, atoms tell
which axis is which. A reshape that cuts an axis cuts its atom, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from graphc.dimensions import Dimension, equal, exact_quotient, product
from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.node import Value

Axes = tuple[tuple[int, ...], ...]
LAYOUT: Final = frozenset({"transpose", "reshape", "broadcast_in_dim"})


class Atoms:
    """The atoms of one match.

    Args:
        editor: the graph.
    """

    def __init__(self, editor: GraphEditor) -> None:
        self.editor = editor
        self._sizes: list[Dimension] = []
        self._parts: dict[int, tuple[int, ...]] = {}

    def fresh(self, shape: Iterable[Dimension]) -> Axes:
        """An atom of its own for each axis."""
        return tuple([() if size == 1 else (self._new(size),) for size in shape])

    def _new(self, size: Dimension) -> int:
        self._sizes.append(size)
        return len(self._sizes) - 1

    def size(self, atom: int) -> Dimension:
        return self._sizes[atom]

    def sizes(self, atoms: Iterable[int]) -> tuple[Dimension, ...]:
        return tuple([self._sizes[atom] for atom in atoms])

    def flat(self, axes: Iterable[Iterable[int]]) -> list[int]:
        """The atoms of axes in order, as their parts where they were cut."""
        found: list[int] = []
        stack = [atom for axis in axes for atom in axis][::-1]
        while stack:
            atom = stack.pop()
            parts = self._parts.get(atom)
            if parts is None:
                found.append(atom)
            else:
                stack += parts[::-1]
        return found

    def identify(self, atom: int, other: int) -> None:
        """From now on the first atom is the second, which has the same size."""
        self._parts[atom] = (other,)

    def now(self, axes: Axes) -> Axes:
        """Axes with the parts of what was cut since."""
        return tuple([tuple(self.flat([axis])) for axis in axes])

    def regroup(self, axes: Axes, shape: Sequence[Dimension], may_cut: bool) -> Axes | None:
        """The axes of the same elements in another shape; None where they cannot be told."""
        left = self.flat(axes)[::-1]
        found: list[tuple[int, ...]] = []
        for size in shape:
            taken: list[int] = []
            while size != 1:
                if not left:
                    return None
                atom = left.pop()
                mine = self._sizes[atom]
                if equal(mine, size) is True:
                    rest: Dimension | None = 1
                else:
                    rest = _quotient(size, mine)
                    cut = _quotient(mine, size) if may_cut and rest is None else None
                    if cut is not None:
                        atom, other = self._cut(atom, size, cut)
                        left.append(other)
                        rest = 1
                if rest is None:
                    return None
                taken.append(atom)
                size = rest
            found.append(tuple(taken))
        return None if left else tuple(found)

    def _cut(self, atom: int, first: Dimension, second: Dimension) -> tuple[int, int]:
        parts = self._new(first), self._new(second)
        self._parts[atom] = parts
        return parts

    def above(
        self, value: Value, axes: Axes, *, may_cut: bool = False
    ) -> tuple[Value, Axes] | None:
        """What a layout op was applied to, and its axes; None for other ops.

        Args:
            value: the tensor.
            axes: its axes.
            may_cut: whether to go through a reshape that merged axes, too. What was repeated along
                an axis that was merged then is always found.
        """
        node = value.node
        if node.op.name not in LAYOUT:
            return None
        (operand,) = self.editor.operands(node)
        if node.op.name == "reshape":
            may_cut = may_cut or operand.node.op.name == "broadcast_in_dim"
            made = self.regroup(axes, operand.type.shape, may_cut)
            return None if made is None else (operand, made)
        found: list[tuple[int, ...]] = [()] * operand.type.rank
        if node.op.name == "transpose":
            for axis, source in enumerate(node.attributes["permutation"]):
                found[source] = axes[axis]
        else:
            for source, axis in enumerate(node.attributes["broadcast_dimensions"]):
                if operand.type.shape[source] != 1:
                    found[source] = axes[axis]
        return operand, tuple(found)

    def bare(self, value: Value, axes: Axes) -> tuple[Value, Axes]:
        """What a value was made of by layout ops alone."""
        while (found := self.above(value, axes)) is not None:
            value, axes = found
        return value, self.now(axes)

    # --- layouts ------------------------------------------------------------------------------

    def arrange(
        self, build: Builder, value: Value, axes: Axes, groups: Sequence[Sequence[int]]
    ) -> Value:
        """A tensor with one axis for each group of atoms.

        An atom that the tensor lacks is repeated; a group of which it has none becomes an axis of
        size 1.
        """
        groups = [self.flat([group]) for group in groups]
        mine = self.flat(axes)
        groups = [group if set(group) & set(mine) else [] for group in groups]
        wanted = [atom for group in groups for atom in group]
        shape = [product(self.sizes(group)) for group in groups]
        at: tuple[Value, Axes] | None = (value, axes)
        while at is not None:  # it may have been in that order before
            if self.flat(at[1]) == wanted:
                return reshaped(build, at[0], shape)
            at = self.above(*at)
        mine = self.flat(axes)
        order = [atom for atom in wanted if atom in mine]
        value = reshaped(build, value, self.sizes(mine))
        permutation = [mine.index(atom) for atom in order]
        if permutation != sorted(permutation):
            value = build.transpose(value, permutation=permutation)
        if order != wanted:
            value = build.broadcast_in_dim(
                value,
                shape=self.sizes(wanted),
                broadcast_dimensions=[wanted.index(atom) for atom in order],
            )
        return reshaped(build, value, shape)


def reshaped(build: Builder, value: Value, shape: Sequence[Dimension]) -> Value:
    """A value in another shape; itself where it has it."""
    if value.type.shape == tuple(shape):
        return value
    return build.reshape(value, shape=tuple(shape))


def _quotient(size: Dimension, divisor: Dimension) -> Dimension | None:
    if isinstance(size, int) and isinstance(divisor, int):
        return size // divisor if divisor and size % divisor == 0 else None
    return exact_quotient(size, divisor)

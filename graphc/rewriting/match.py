"""What a pattern found, and the graph around it as matchers see it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec
from graphc.ir.types import TensorType
from graphc.rewriting.splats import EXACT_EVERYWHERE, SPLAT_OPS, SplatNumber, splat_of

_UNSEEN: Final = object()


@dataclass(frozen=True, eq=False)
class SplatMaker:
    """An op through which splats are seen, and what it made.

    Attributes:
        op: the op.
        is_splat: whether its result is a splat.
        number: of what, where it is one of the small numbers that every element type holds.
    """

    op: OpSpec
    is_splat: bool
    number: bool | int | float | complex | None


OperandMaker: TypeAlias = OpSpec | SplatMaker
_splat_maker: Final = functools.cache(SplatMaker)


class MatchScope:
    """The graph as matchers see it: operands as they are now, and splats, remembered.

    Attributes:
        editor: the graph being rewritten.
        operands: gives the operands of a node as they are now.
    """

    __slots__ = ("_makers", "_splats", "editor", "operands")

    def __init__(self, editor: GraphEditor) -> None:
        self.editor = editor
        self.operands = editor.operands
        self._splats: dict[Value, SplatNumber | None] = {}
        self._makers: dict[Value, SplatMaker] = {}

    def splat(self, value: Value) -> SplatNumber | None:
        """The number that a value holds at every position, or None."""
        found: Any = self._splats.get(value, _UNSEEN)
        if found is _UNSEEN:
            found = None
            if value.node.op.name in SPLAT_OPS:
                found = splat_of(value, self.editor)
            self._splats[value] = found
        return found

    def maker(self, value: Value) -> OperandMaker:
        """The op that made a value, and as which number: what patterns are chosen by."""
        op = value.node.op
        if op.name not in SPLAT_OPS:
            return op
        found = self._makers.get(value)
        if found is None:
            splat = self.splat(value)
            number = None if splat is None else splat.number
            exact = number if number in EXACT_EVERYWHERE else None
            found = self._makers[value] = _splat_maker(op, splat is not None, exact)
        return found

    def forget(self) -> None:
        """Look at every value anew: operands have changed."""
        self._splats.clear()
        self._makers.clear()


class Match:
    """What a pattern found.

    Attributes:
        node: the node that the rule would replace.
        build: makes the new nodes.
        scope: the graph around it.
    """

    __slots__ = ("_names", "_registers", "node", "scope")

    def __init__(
        self,
        node: Node,
        names: Mapping[str, int],
        registers: Sequence[Any],
        scope: MatchScope,
    ) -> None:
        self.node = node
        self.scope = scope
        self._names = names
        self._registers = registers

    @property
    def build(self) -> Builder:
        return self.scope.editor.build

    @property
    def editor(self) -> GraphEditor:
        return self.scope.editor

    @property
    def type(self) -> TensorType:
        """The type of the value that the rule would replace."""
        return self.node.outputs[0].type

    def __getitem__(self, name: str) -> Value:
        """The value of a variable or a named result."""
        return self._registers[self._names[name]]

    def attribute(self, name: str) -> Any:
        """A captured attribute."""
        return self._registers[self._names[name]]

    def operands(self, value: Value | None = None) -> tuple[Value, ...]:
        """The operands, as they are now, of the node that made a value; of the root by default."""
        return self.scope.editor.operands(self.node if value is None else value.node)

    def number(self, name: str) -> Any:
        """The NumPy scalar that a splat variable holds at every position."""
        splat = self.scope.splat(self[name])
        assert splat is not None, f"{name} is no splat variable"
        return splat.scalar

    def full(self, number: Any, like: Value | None = None) -> Value:
        """A constant of one number with the type of a value; of the root by default."""
        type_ = self.type if like is None else like.type
        return self.build.full(np.asarray(number), type_.dtype, type_.shape)

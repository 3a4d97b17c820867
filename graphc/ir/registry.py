"""The closed registry of ops: a name to its `OpSpec`.

`graphc/opset/` fills it. Files and text can name registered ops only; a third party registers its
own from Python with `REGISTRY.register(spec)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.op import OpSpec


class OpRegistry:
    """Ops by name."""

    def __init__(self) -> None:
        self._ops: dict[str, OpSpec] = {}

    def register(self, op: OpSpec) -> OpSpec:
        """Add an op and give it back.

        Raises:
            GraphcError: another op has the name.
        """
        if op.name in self._ops:
            raise GraphcError(
                f"an op named {op.name!r} is registered already", fix="choose another name"
            )
        self._ops[op.name] = op
        return op

    def find(self, name: str) -> OpSpec | None:
        return self._ops.get(name)

    def __getitem__(self, name: str) -> OpSpec:
        """The op of that name.

        Raises:
            GraphcError: there is none; the message holds names that look like it.
        """
        found = self._ops.get(name)
        if found is None:
            raise GraphcError(f"there is no op named {name!r}", fix=self.suggestion(name))
        return found

    def suggestion(self, name: str) -> str:
        """Names that look like `name`, as a sentence."""
        return did_you_mean(name, self._ops)

    def __contains__(self, name: object) -> bool:
        return name in self._ops

    def __iter__(self) -> Iterator[OpSpec]:
        return iter(list(self._ops.values()))

    def __len__(self) -> int:
        return len(self._ops)


REGISTRY: Final = OpRegistry()

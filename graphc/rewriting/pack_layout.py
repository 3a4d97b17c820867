"""Which variables a session keeps stacked: each pack is one array with a row per variable.

A variable is in at most one pack. The first program that reads variables stacked decides; a pack is
never split. Programs that group variables otherwise go without.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from graphc.ir.graph import Graph


class PackLayout:
    """The packs of one session; of none where nobody keeps state.

    Attributes:
        members: the variables of each pack, in the order of its rows.
    """

    def __init__(self, members: Mapping[str, Sequence[str]] | None = None) -> None:
        self.members: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        for names in (members or {}).values():
            self.claim(names)

    def claim(self, names: Sequence[str]) -> str | None:
        """The name of the pack of these variables, which is made if they are free.

        None where one of them is in another pack already.
        """
        members = tuple(names)
        pack = f"{members[0]}..{members[-1]}"
        with self._lock:
            if self.members.get(pack) == members:
                return pack
            if pack in self.members or any(name in self._rows for name in members):
                return None
            self.members[pack] = members
            self._rows.update((name, (pack, row)) for row, name in enumerate(members))
            return pack

    def row_of(self, name: str) -> tuple[str, int] | None:
        """The pack that holds a variable, and its row there."""
        return self._rows.get(name)


def pack_members(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The packs that a graph takes, with the variables that are their rows."""
    attributes = [value.node.attributes for value in graph.inputs]
    return {each["name"]: each["members"] for each in attributes if each["members"]}

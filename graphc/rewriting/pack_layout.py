"""Which variables a session keeps stacked: each pack is one array with a row per variable.

A variable is in at most one pack. The first program that reads variables stacked decides; a pack is
never split. Programs that group variables otherwise go without. Variables that one program trains
better apart stay so in all, for a pack would have it cut and write rows at each step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

from graphc.ir.graph import Graph


class PackLayout:
    """The packs of one session; of none where nobody keeps state.

    Attributes:
        members: the variables of each pack, in the order of its rows.
        apart: the variables that are in none, and stay so.
    """

    def __init__(self, members: Mapping[str, Sequence[str]] | None = None) -> None:
        self.members: dict[str, tuple[str, ...]] = {}
        self.apart: set[str] = set()
        self._rows: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        for names in (members or {}).values():
            self.claim(names)

    def claim(self, names: Sequence[str]) -> str | None:
        """The name of the pack of these variables, which is made if they are free.

        None where one of them is in another pack already, or to stay in none.
        """
        members = tuple(names)
        pack = f"{members[0]}..{members[-1]}"
        with self._lock:
            if self.members.get(pack) == members:
                return pack
            taken = any(name in self._rows or name in self.apart for name in members)
            if pack in self.members or taken:
                return None
            self.members[pack] = members
            self._rows.update((name, (pack, row)) for row, name in enumerate(members))
            return pack

    def keep_apart(self, names: Iterable[str]) -> None:
        """Let variables that are in no pack stay in none."""
        with self._lock:
            self.apart.update(name for name in names if name not in self._rows)

    def row_of(self, name: str) -> tuple[str, int] | None:
        """The pack that holds a variable, and its row there."""
        return self._rows.get(name)


def pack_members(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The packs that a graph takes, with the variables that are their rows."""
    attributes = [value.node.attributes for value in graph.inputs]
    return {each["name"]: each["members"] for each in attributes if each["members"]}

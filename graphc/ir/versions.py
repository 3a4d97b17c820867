"""The version of the op set, and how text of an older one is brought up to date.

Every change to an op's name or attributes raises `OPSET_VERSION` and adds one function here, so
that every text ever written can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

OPSET_VERSION: Final = 1

NodeText = tuple[str, dict[str, str]]
"""An op's name and the texts of its attributes, as they stand in a file."""

# version -> what turns a node of that version into one of the next
UPGRADES: Final[dict[int, Callable[[NodeText], NodeText]]] = {}


def upgrade(node: NodeText, version: int) -> NodeText:
    """A node of an older op set as the current one writes it.

    Raises:
        ValueError: the text is of a later op set than this program knows.
    """
    if not 1 <= version <= OPSET_VERSION:
        raise ValueError(
            f"the text is of op set {version}, this version of graphc knows 1 to {OPSET_VERSION}"
        )
    for step in range(version, OPSET_VERSION):
        node = UPGRADES[step](node)
    return node

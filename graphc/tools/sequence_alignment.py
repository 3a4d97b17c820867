"""Which items of two sequences stand for each other, in order.

Layers of a model repeat, so the lines of its graph do. Python's `difflib` takes lines that repeat
for noise in long texts, and then finds nothing in common between two deep models. The shortest
edit script has no such trouble and is quick where few lines differ; `difflib` is for the rest.

Source: E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986, section 3.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final, NamedTuple

_MOST_EDITS: Final = 400  # the work and the memory grow with its square


class Block(NamedTuple):
    """A run of items that are equal on both sides."""

    left: int
    right: int
    size: int


def align(left: Sequence[str], right: Sequence[str], most_edits: int = _MOST_EDITS) -> list[Block]:
    """Runs of equal items in order, as long and as many as can be had with the fewest edits.

    With more than `most_edits` insertions and deletions, there may be longer ones.
    """
    numbers = {item: number for number, item in enumerate(dict.fromkeys([*left, *right]))}
    mine, theirs = [numbers[item] for item in left], [numbers[item] for item in right]
    matches = _shortest_script(mine, theirs, most_edits)
    if matches is None:
        found = difflib.SequenceMatcher(None, mine, theirs).get_matching_blocks()
        return [Block(*match) for match in found if match.size]
    blocks: list[Block] = []
    for block in matches:
        last = blocks[-1] if blocks else None
        if last and (last.left + last.size, last.right + last.size) == block[:2]:
            blocks[-1] = last._replace(size=last.size + block.size)
        else:
            blocks.append(block)
    return blocks


def _shortest_script(
    left: Sequence[int], right: Sequence[int], most_edits: int
) -> list[Block] | None:
    """The runs between the edits of a shortest script; None where it has too many."""
    # reached[k]: the furthest position on the left, on the diagonal left - right = k.
    reached = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(most_edits, len(left) + len(right)) + 1):
        history.append(dict(reached))
        for diagonal in range(-edits, edits + 1, 2):
            i = (
                reached[diagonal + 1]
                if _inserts(reached, edits, diagonal)
                else (reached[diagonal - 1] + 1)
            )
            j = i - diagonal
            while i < len(left) and j < len(right) and left[i] == right[j]:
                i += 1
                j += 1
            reached[diagonal] = i
            if i >= len(left) and j >= len(right):
                return _walk_back(history, i, j)
    return None


def _inserts(reached: dict[int, int], edits: int, diagonal: int) -> bool:
    """Whether a diagonal is entered by an insertion, from the one above, not by a deletion."""
    return diagonal == -edits or (
        diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1]
    )


def _walk_back(history: list[dict[int, int]], i: int, j: int) -> list[Block]:
    blocks: list[Block] = []
    for edits, reached in reversed(list(enumerate(history))):
        diagonal = i - j
        inserts = _inserts(reached, edits, diagonal)
        before = reached[diagonal + 1] if inserts else reached[diagonal - 1]
        start = before if inserts else before + 1
        if i > start:
            blocks.append(Block(start, start - diagonal, i - start))
        i, j = before, before - (diagonal + 1 if inserts else diagonal - 1)
    return blocks[::-1]

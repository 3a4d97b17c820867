"""Alignments are valid and as long as can be, however the sequences look."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.tools.sequence_alignment import Block, align

LETTERS = st.text("abc", max_size=12)


def longest_common(left: str, right: str) -> int:
    """The length of the longest common subsequence, by its textbook recurrence."""
    row = [0] * (len(right) + 1)
    for letter in left:
        before = row[:]
        for j, other in enumerate(right):
            row[j + 1] = before[j] + 1 if letter == other else max(before[j + 1], row[j])
    return row[-1]


def check(left: Sequence[str], right: Sequence[str], blocks: list[Block]) -> None:
    i = j = -1
    for block in blocks:
        assert block.size > 0
        # Blocks that touch on both sides would be one.
        assert block.left >= i
        assert block.right >= j
        assert (block.left, block.right) != (i, j)
        i, j = block.left + block.size, block.right + block.size
        assert list(left[block.left : i]) == list(right[block.right : j])


@given(LETTERS, LETTERS)
def test_an_alignment_is_valid_and_the_longest_there_is(left, right):
    blocks = align(left, right)
    check(left, right, blocks)
    assert sum(block.size for block in blocks) == longest_common(left, right)


@given(LETTERS, LETTERS)
def test_where_too_much_differs_it_is_valid_all_the_same(left, right):
    check(left, right, align(left, right, most_edits=1))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("", "", []),
        ("", "ab", []),
        ("ab", "ab", [(0, 0, 2)]),
        ("ab", "cd", []),
        ("abcd", "acd", [(0, 0, 1), (2, 1, 2)]),
        ("acd", "abcd", [(0, 0, 1), (1, 2, 2)]),
        ("ab", "xaby", [(0, 1, 2)]),
    ],
)
def test_small_alignments(left, right, expected):
    assert align(left, right) == expected


def test_sequences_with_nothing_in_common_are_given_up_early():
    assert align(["a"] * 20_000, ["b"] * 20_000) == []

"""Two graphs side by side, line for line of their text, whatever their values are numbered.

A node that one side alone has renumbers every value after it. So lines are matched without numbers
and without the names of nodes, and two that match are equal when what they use matches too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.text import format_attributes
from graphc.tools.sequence_alignment import align

Sign = Literal[" ", "-", "+"]
_AROUND: Final = 3


@dataclass(frozen=True)
class Line:
    """A line of a graph's text.

    Attributes:
        text: the line.
        key: what it says, without numbers of values and the name of its node.
        operands: the values that it uses.
        results: the values that it defines.
    """

    text: str
    key: str
    operands: tuple[Value, ...] = ()
    results: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Hunk:
    """Lines that differ, with those around them.

    Attributes:
        left_start: the 1-based number of the first line on the left.
        right_start: on the right.
        lines: each with " " (both sides have it; the left one is shown), "-" or "+".
    """

    left_start: int
    right_start: int
    lines: tuple[tuple[Sign, str], ...]


def lines_of(graph: Graph) -> list[Line]:
    """The lines of a graph's text, with what each uses and defines."""
    texts = iter(str(graph).splitlines())
    header = next(texts)
    return [Line(header, header), *_lines(graph, texts)]


def _lines(graph: Graph, texts: Iterator[str]) -> Iterator[Line]:
    opening = next(texts)
    yield Line(opening, opening)
    for value in graph.inputs:
        attributes = value.node.attributes
        key = f"input {value.type} {attributes['kind']} {attributes['name']!r}"
        yield Line(next(texts), key, (), (value,))
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        types = ", ".join(str(value.type) for value in node.outputs)
        key = f"{node.op.name} {{{format_attributes(node)}}} {types}"
        yield Line(next(texts), key, node.inputs, node.outputs)
        for region in node.regions:
            yield from _lines(region, texts)
    for _ in graph.constraints:
        text = next(texts)
        yield Line(text, text)
    yield Line(next(texts), f"return {len(graph.fetches)}", graph.fetches)
    for name, value in graph.updates.items():
        yield Line(next(texts), f"update {name!r}", (value,))
    closing = next(texts)
    yield Line(closing, closing)


def compare_lines(left: Sequence[Line], right: Sequence[Line]) -> list[tuple[Sign, int, int]]:
    """Every line of both sides in order: its sign, and how many lines stand before it on each."""
    partner: dict[Value, Value] = {}
    rows: list[tuple[Sign, int, int]] = []

    def differ(left_range: range, right_range: range) -> None:
        rows.extend([("-", i, right_range.start) for i in left_range])
        rows.extend([("+", left_range.stop, j) for j in right_range])

    for i, i_end, j, j_end, matched in _matches(left, right):
        if not matched:
            differ(range(i, i_end), range(j, j_end))
            partner.update(_replaced(left[i:i_end], right[j:j_end]))
            continue
        for first, second in zip(range(i, i_end), range(j, j_end), strict=True):
            one, other = left[first], right[second]
            if [partner.get(value) for value in one.operands] == list(other.operands):
                rows.append((" ", first, second))
            else:
                differ(range(first, first + 1), range(second, second + 1))
            # Also where the operands differ: what uses the results did not change by itself.
            partner.update(zip(one.results, other.results, strict=True))
    return rows


def _replaced(left: Sequence[Line], right: Sequence[Line]) -> Iterator[tuple[Value, Value]]:
    """What stands for what where lines were replaced: users of both are not told to differ."""
    if len(left) != len(right):
        left, right = left[-1:], right[-1:]
    for one, other in zip(left, right, strict=False):
        if len(one.results) == len(other.results):
            yield from zip(one.results, other.results, strict=True)


def _matches(
    left: Sequence[Line], right: Sequence[Line]
) -> Iterator[tuple[int, int, int, int, bool]]:
    """Ranges of lines of both sides in order, and whether they match."""
    mine, theirs = [line.key for line in left], [line.key for line in right]
    i = j = 0
    for block in align(mine, theirs):
        if (block.left, block.right) != (i, j):
            yield i, block.left, j, block.right, False
        i, j = block.left + block.size, block.right + block.size
        yield block.left, i, block.right, j, True
    if (i, j) != (len(mine), len(theirs)):
        yield i, len(mine), j, len(theirs), False


def hunks(left: Graph, right: Graph, around: int = _AROUND) -> list[Hunk]:
    """Where two graphs differ, with some lines around each place; empty where they are equal."""
    mine, theirs = lines_of(left), lines_of(right)
    rows = compare_lines(mine, theirs)
    changed = [position for position, row in enumerate(rows) if row[0] != " "]
    found: list[Hunk] = []
    position = 0
    while position < len(changed):
        start = changed[position]
        while position + 1 < len(changed) and changed[position + 1] - changed[position] <= (
            2 * around
        ):
            position += 1
        shown = rows[max(0, start - around) : changed[position] + around + 1]
        _, left_start, right_start = shown[0]
        lines: list[tuple[Sign, str]] = [
            (sign, theirs[j].text if sign == "+" else mine[i].text) for sign, i, j in shown
        ]
        found.append(Hunk(left_start + 1, right_start + 1, tuple(lines)))
        position += 1
    return found

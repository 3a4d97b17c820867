"""What can be saved where, and in which order: from what costs least work a byte to all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from graphc.ir.editor import GraphEditor
from graphc.ir.node import Value
from passes.memory_budget.blocked_loops import place_blocked_pair
from passes.memory_budget.kept_sets import KeptSet, bytes_of, choices, flops_of, work_of
from passes.memory_budget.late_bodies import LateBody, late_bodies
from passes.memory_budget.late_recomputation import place_stretches
from passes.memory_budget.long_lived_values import LongLived, ways_to_keep_less
from passes.memory_budget.loop_pairs import LoopPair
from passes.memory_budget.recomputation import WrittenPair, place_pair, write_pair


@dataclass(frozen=True)
class Option:
    """One way to compute a part of a program.

    Attributes:
        bytes: what it keeps.
        work: what it computes again.
        flops: the floating-point operations of that.
        apply: writes it; does nothing for what is written already.
    """

    bytes: int
    work: int
    flops: int
    apply: Callable[[GraphEditor], object] = field(default=lambda editor: None)

    def repeated(self, times: int) -> Option:
        """The same in a loop: its memory is used again each time, its work done each time."""
        return replace(self, work=self.work * times, flops=self.flops * times)


def pair_options(pair: LoopPair) -> list[Option]:
    """The ways to compute a pair of loops that are worth their work, the one it is in first."""
    forth, body = pair.forth, pair.forth.body
    length = forth.length

    def price(value: Value) -> int:
        if value.node.op.name == "input" and body.inputs.index(value) >= forth.carries:
            return 0
        return max(1, length * bytes_of(value))

    own = Option(pair.stacked_bytes, 0, 0)
    found = [own]
    starts = sum(bytes_of(value) for value in body.inputs[: forth.carries])
    work = length * sum(map(work_of, body.nodes))
    flops = length * sum(map(flops_of, body.nodes))
    blocks = [block for block in range(2, length) if length % block == 0]
    row = pair.row_bytes
    chosen = choices(pair.wanted, price)
    least = min(chosen, key=lambda choice: choice.bytes)
    smallest, its_block = own, None
    for choice in chosen:
        again, again_flops = length * choice.work, length * choice.flops
        apply = partial(_place_anew, pair=pair, choice=choice, block=None)
        ways: list[tuple[Option, int | None]] = [
            (Option(choice.bytes, again, again_flops, apply), None)
        ]
        for block in blocks:
            kept = length // block * starts + block * (choice.bytes // length + row)
            apply = partial(_place_anew, pair=pair, choice=choice, block=block)
            ways.append((Option(kept, work + again, flops + again_flops, apply), block))
        found += [option for option, _ in ways]
        if choice is least:
            smallest, its_block = min(ways, key=lambda way: way[0].bytes)
    for late in late_bodies(write_pair(pair, least)):
        more, more_flops = smallest.work + length * late.work, smallest.flops + length * late.flops
        apply = partial(_place_late, pair=pair, late=late, block=its_block)
        found.append(Option(smallest.bytes - late.bytes, more, more_flops, apply))
    return worthwhile(found)


def _place_anew(editor: GraphEditor, pair: LoopPair, choice: KeptSet, block: int | None) -> None:
    _place(editor, pair, write_pair(pair, choice), block)


def _place_late(editor: GraphEditor, pair: LoopPair, late: LateBody, block: int | None) -> None:
    _place(editor, pair, late.write(), block)


def _place(editor: GraphEditor, pair: LoopPair, written: WrittenPair, block: int | None) -> None:
    if block is None:
        place_pair(editor, pair, written)
    else:
        place_blocked_pair(editor, pair, written, block)


def long_lived_options(found: LongLived) -> list[Option]:
    """The ways to compute a graph outside of loops that are worth their work, its own first."""
    options = [Option(found.kept_bytes, 0, 0)]
    for way in ways_to_keep_less(found):
        apply = partial(place_stretches, found=found, way=way)
        options.append(Option(way.bytes, way.work, way.flops, apply))
    return worthwhile(options)


def worthwhile(options: Sequence[Option]) -> list[Option]:
    """Those that no other beats in both bytes and work, from the least work to the least bytes."""
    kept: list[Option] = []
    for option in sorted(options, key=lambda option: (option.work, option.bytes)):
        if not kept or option.bytes < kept[-1].bytes:
            kept.append(option)
    return kept


def plans(parts: Sequence[Sequence[Option]]) -> list[tuple[Option, ...]]:
    """One option for each part: all at their first, then step by step to the last of each.

    Each step is the one that saves most bytes for its work.
    """
    places = [0] * len(parts)
    found = [tuple([options[0] for options in parts])]
    while True:
        steps = [
            (_gain(options[place], options[place + 1]), number)
            for number, (options, place) in enumerate(zip(parts, places, strict=True))
            if place + 1 < len(options)
        ]
        if not steps:
            return found
        _, number = max(steps)
        places[number] += 1
        found.append(tuple([options[place] for options, place in zip(parts, places, strict=True)]))


def _gain(before: Option, after: Option) -> float:
    return (before.bytes - after.bytes) / max(1, after.work - before.work)

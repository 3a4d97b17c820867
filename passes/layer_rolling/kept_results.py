"""What a loop keeps of its iterations for those that come after: as little as it can.

What is cheap is computed again where it is read, from products, draws and carried values, which are
stacked. A carried value that is cheap too, such as the activation that a layer hands on, is stacked
where that takes no more than what it would be computed again from. Where no more than three
iterations are read by nodes in no loop, those compute again what is cheap, and nothing is stacked.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from passes.layer_rolling.loops import Carried, Inside, Loop
from passes.layer_rolling.orbits import Orbit

Result = tuple[Orbit, int]
"""A result of the nodes of an orbit."""

_CHEAP: Final = Trait.ELEMENTWISE | Trait.REDUCTION | Trait.SHAPE_MOVE
_DEAR: Final = Trait.CONTRACTION | Trait.REGION | Trait.RANDOM | Trait.BARRIER
FEW_ROWS: Final = 3
"""So many rows are rather computed again where they are read in no loop: the last layer, which is
written out, and those next to it; stacks for them would hold all layers."""
UNKNOWN_SIZE: Final = 1 << 14
"""In place of the bytes of what has symbolic sizes: an activation of a small batch."""


def costs_little(node: Node) -> bool:
    """Whether a node is rather computed again than kept."""
    return _is_cheap(node.op) and not _looks_for_selected(node)


def _looks_for_selected(node: Node) -> bool:
    """Whether numbers that are computed again would be looked for among some that are kept.

    Loops round in ways of their own, so that the largest of a segment is none of its elements when
    these are computed again: its gradient would be lost. What is found in the first loop is kept.
    """
    if node.op.name != "compare" or node.attributes["direction"] not in ("EQ", "NE"):
        return False
    sources = [_source(value) for value in node.inputs]
    is_rounded = node.inputs[0].type.dtype.is_inexact
    return is_rounded and any(map(_is_selection, sources)) and any(_is_cheap(n.op) for n in sources)


def _source(value: Value) -> Node:
    """The node that computes numbers which others only move."""
    while value.node.op.has(Trait.SHAPE_MOVE) and value.node.inputs:
        value = value.node.inputs[0]
    return value.node


def _is_selection(node: Node) -> bool:
    """Whether a node, which is kept, may give elements of what it reads: a scatter, a sort."""
    return bool(node.inputs) and not _is_cheap(node.op) and not node.op.has(_DEAR)


@functools.lru_cache(maxsize=1024)
def _is_cheap(op: OpSpec) -> bool:
    return bool(op.traits & _CHEAP) and not op.traits & _DEAR


def carried_results(loop: Loop) -> list[Result]:
    """What a loop hands on from one iteration to the next."""
    found = dict[Result, None]()
    for operands in loop.operands.values():
        for operand in operands:
            if isinstance(operand, Carried):
                found[operand.edge.source, operand.edge.index] = None
    return list(found)


def results_read(loops: Sequence[Loop]) -> list[list[Result]]:
    """For each loop, which of its results other loops read in many iterations."""
    place_of = {
        orbit.nodes[element]: (number, orbit)
        for number, loop in enumerate(loops)
        for orbit in loop.orbits
        for element in loop.schedule.elements(orbit)
    }
    found: list[dict[Result, None]] = [{} for _ in loops]
    for reader, loop in enumerate(loops):
        for value in itertools.chain(*loop.stacks()):
            place = place_of.get(value.node)
            if place is not None and place[0] != reader:
                found[place[0]][place[1], value.index] = None
    return [list(read) for read in found]


def worth_keeping(loop: Loop, read: Iterable[Result]) -> set[Result]:
    """The results that are cheap, and yet better stacked than computed again.

    Carried ones, and those that take less than what they are computed of: of a sum of two products,
    as in a recurrent cell, one array is kept in place of two.

    Args:
        loop: the loop.
        read: which of its results loops after it read, in all iterations.
    """
    wanted = list(read)
    kept: set[Result] = set()
    least = stacked_bytes(loop, wanted, kept)
    carried = dict.fromkeys(carried_results(loop))
    for result in (*carried, *_smaller_than_operands(loop)):
        if not costs_little(result[0].nodes[0]):
            continue
        more = {*kept, result}
        bytes_ = stacked_bytes(loop, wanted, more)
        if bytes_ < least or (bytes_ == least and result in carried):
            kept, least = more, bytes_
    return kept


def _smaller_than_operands(loop: Loop) -> Iterator[Result]:
    """The results that are smaller than what other nodes of the loop give for them, together."""
    for orbit in loop.orbits:
        given = {
            (operand.edge.source, operand.edge.index)
            for operand in loop.operands[orbit]
            if isinstance(operand, Inside | Carried)
        }
        result = (orbit, 0)
        if sum(map(bytes_of, given)) > bytes_of(result):
            yield result


def stacked_bytes(loop: Loop, wanted: Iterable[Result], kept: set[Result]) -> int:
    """The bytes of an iteration that must be stacked for some results to be had again."""
    pending = list(wanted)
    seen: set[Result] = set()
    stacks: set[object] = set()
    bytes_ = 0
    while pending:
        result = pending.pop()
        if result in seen:
            continue
        seen.add(result)
        orbit, _ = result
        if result in kept or not costs_little(orbit.nodes[0]):
            bytes_ += bytes_of(result) if result not in stacks else 0
            stacks.add(result)
            continue
        for operand in loop.operands[orbit]:
            if isinstance(operand, Inside):
                pending.append((operand.edge.source, operand.edge.index))
            elif isinstance(operand, Carried):
                source = (operand.edge.source, operand.edge.index)
                if source in kept:
                    pending.append(source)
                elif ("before", source) not in stacks:  # with the initial value: a stack of its own
                    stacks.add(("before", source))
                    bytes_ += bytes_of(source)
    return bytes_


def unrolled_bytes(loop: Loop, wanted: Iterable[Result]) -> int:
    """The bytes of a layer that XLA keeps for some results, where layers are written out.

    It keeps arrays that are operands of what is dear, and computes others where they are read.
    """
    operands = {
        (operand.edge.source, operand.edge.index)
        for orbit, given in loop.operands.items()
        if not costs_little(orbit.nodes[0])
        for operand in given
        if isinstance(operand, Inside | Carried)
    }
    pending = list(wanted)
    seen: set[Result] = set()
    bytes_ = 0
    while pending:
        result = pending.pop()
        if result in seen:
            continue
        seen.add(result)
        orbit, _ = result
        if result in operands or not costs_little(orbit.nodes[0]):
            bytes_ += bytes_of(result)
            continue
        pending += [
            (operand.edge.source, operand.edge.index)
            for operand in loop.operands[orbit]
            if isinstance(operand, Inside | Carried)
        ]
    return bytes_


def bytes_of(result: Result) -> int:
    """The size of a result, in one iteration; `UNKNOWN_SIZE` where it is symbolic."""
    orbit, index = result
    size = orbit.nodes[0].outputs[index].type.byte_size
    return size if isinstance(size, int) else UNKNOWN_SIZE


def read_again_outside(
    loop: Loop,
    reads: Mapping[Result, list[int]],
    needed: Callable[[Value], bool],
    kept: set[Result],
) -> dict[Result, list[int]]:
    """What is read outside once what is cheap is computed again there.

    Args:
        loop: the loop.
        reads: which iterations' results are read outside.
        needed: whether a value is read by another loop, or is a result of the graph.
        kept: the carried results to keep.
    """
    iteration_of = {
        orbit: {element: i for i, element in enumerate(loop.schedule.elements(orbit))}
        for orbit in loop.orbits
    }
    found: dict[Result, set[int]] = {result: set(given) for result, given in reads.items()}
    for orbit in reversed(loop.orbits):  # readers before what they read
        elements = loop.schedule.elements(orbit)
        results = [(orbit, value.index) for value in orbit.nodes[0].outputs]
        given = [(result, found[result]) for result in results if result in found]
        if not given or not costs_little(orbit.nodes[0]):
            continue
        if any(
            result in kept
            or len(iterations) > FEW_ROWS
            or any(needed(orbit.nodes[elements[i]].outputs[result[1]]) for i in iterations)
            for result, iterations in given
        ):
            continue
        for result, iterations in given:
            del found[result]
            for iteration in iterations:
                node = orbit.nodes[elements[iteration]]
                for place, operand in enumerate(loop.operands[orbit]):
                    if not isinstance(operand, Inside | Carried):
                        continue
                    source, index = operand.edge.source, operand.edge.index
                    value = node.inputs[place]
                    for element, earlier in iteration_of[source].items():
                        if source.nodes[element].outputs[index] is value:
                            found.setdefault((source, index), set()).add(earlier)
    return {result: sorted(iterations) for result, iterations in found.items()}

"""Which orbits beside a cycle are worth having in its loop, where stacking costs.

A variable that a session keeps is stacked where it lies, and costs nothing in a loop. An argument
of a function is not: what each block reads is copied into a stack, what each block gives is cut out
of one, and both lie in memory beside the originals. An optimizer's update that is written out reads
three such stacks and gives three; outside of the loop it reads one, of gradients.

So the orbits that run in the loop are one side of a minimum cut: between the cycle, and all that is
outside. An edge costs what must be stacked where it is cut.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final

import networkx as nx
from networkx.algorithms.flow import boykov_kolmogorov

from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.ir.types import TensorType
from passes.layer_rolling.kept_results import (
    FEW_ROWS,
    UNKNOWN_SIZE,
    results_read,
    stacked_bytes,
    unrolled_bytes,
    worth_keeping,
)
from passes.layer_rolling.loops import Invariant, Loop, Operand, Scanned
from passes.layer_rolling.node_signatures import Users, heaviness
from passes.layer_rolling.orbits import Orbit
from passes.layer_rolling.stacked_rows import StackedRows

_A_STACK: Final = 1 << 14
"""What making a stack costs beside its bytes: a kernel to compile and to run for each row."""
_A_NODE: Final = 1 << 10
"""What a node costs outside of the loop, where there is one for each block."""
_SOON_COMPILED: Final = 100
"""So many matrix products are compiled in about as long as it takes to find loops and compile them
(32 layers of a product and its two gradients: 2.6 s written out, 3.5 s as loops)."""
_LITTLE: Final = 1 << 20
"""So many bytes more are no reason to write layers out."""
_STAYS: Final = Trait.CONTRACTION | Trait.REGION | Trait.RANDOM | Trait.REDUCTION


def is_argument(value: Value) -> bool:
    """Whether a value is an argument of the program, not a variable that lies where it is kept."""
    return value.node.op.name == "input" and value.node.attributes["kind"] == "feed"


def stacks_arguments(loop: Loop) -> bool:
    """Whether a loop reads another argument of the program in each iteration."""
    return any(map(is_argument, itertools.chain(*loop.stacks())))


def takes_more_memory(loops: Sequence[Loop], users: Users) -> str | None:
    """Why layers are better left written out; None where they are not.

    Stacks of arguments, and of results that nodes in no loop read, lie beside the originals, as do
    those that are put together anew of what other loops stack. Loops make up for that by what they
    compute again, which XLA keeps of layers that are written out; or by the time that they save:
    few heavy nodes are soon compiled.

    Args:
        loops: those that others depend on first.
        users: of the nodes of the graph.
    """
    rolled = {node for loop in loops for node in loop.nodes()}
    if sum(map(heaviness, rolled)) > _SOON_COMPILED or not any(map(stacks_arguments, loops)):
        return None
    saved = 0
    arguments: set[Value] = set()
    results: set[Value] = set()
    for loop, read in zip(loops, results_read(loops), strict=True):
        length, kept = loop.schedule.length, worth_keeping(loop, read)
        saved += length * (unrolled_bytes(loop, read) - stacked_bytes(loop, read, kept))
        arguments.update(filter(is_argument, itertools.chain(*loop.stacks())))
        for orbit in loop.orbits:
            outside = [
                node.outputs[place.index]
                for place in orbit.nodes[0].outputs
                if (orbit, place.index) not in read
                for node in _nodes(loop, orbit)
                if any(
                    user not in rolled and user.inputs[position].index == place.index
                    for user, position in users[node]
                )
            ]
            results.update(outside if len(outside) > FEW_ROWS else ())
    more = _bytes_of_stacks(arguments, results) + _bytes_copied(loops)
    if more - saved <= _LITTLE:
        return None
    return f"stacks of arguments and results take {more:,} bytes, and loops keep {saved:,} less"


def _bytes_copied(loops: Sequence[Loop]) -> int:
    """The bytes of stacks that are put together of what several loops, or others too, give."""
    rows, copied = StackedRows(), dict[tuple[Value, ...], int]()
    for loop in loops:
        for values in filter(rows.are_apart, loop.stacks()):
            copied[values] = sum(_bytes(value.type) for value in values)
        rows.add(loop)
    return sum(copied.values())


def _bytes_of_stacks(arguments: Iterable[Value], results: Iterable[Value]) -> int:
    """The bytes of stacks; a result lies where an argument of its type lay (`StackReuse`)."""
    rows = Counter(value.type for value in arguments)
    rows |= Counter(value.type for value in results)
    return sum(count * _bytes(type_) for type_, count in rows.items())


def orbits_worth_rolling(
    loop: Loop, cycle: Iterable[Orbit], users: Users, is_output: Callable[[Value], bool]
) -> set[Orbit]:
    """The orbits of a loop whose stacks cost least.

    Only those are left out that lead to nothing but results of the program.
    """
    tails = _tails(loop, cycle, users)
    cut: nx.DiGraph[Hashable] = nx.DiGraph()
    downstream = _downstream(loop, cycle)
    for orbit in loop.orbits:
        if orbit in tails:
            cut.add_edge("in", orbit, capacity=_A_NODE)
        else:
            cut.add_edge("in", orbit)  # without a capacity: never cut
        for operand in loop.operands[orbit]:
            _add_operand(cut, orbit, operand, downstream)
        if orbit not in tails:
            continue
        for value in orbit.nodes[0].outputs:
            copies = [node.outputs[value.index] for node in _nodes(loop, orbit)]
            if any(map(is_output, copies)):
                cut.add_edge(orbit, (orbit, value.index), capacity=_bytes(value.type) + _A_STACK)
                cut.add_edge((orbit, value.index), "out")
    if not tails or "out" not in cut:
        return set(loop.orbits)
    _, (inside, _) = nx.minimum_cut(cut, "in", "out", flow_func=boykov_kolmogorov)
    return {orbit for orbit in loop.orbits if orbit in inside}


def _tails(loop: Loop, cycle: Iterable[Orbit], users: Users) -> set[Orbit]:
    """The orbits, none of the cycle, that are read by tails alone, or by nothing."""
    members = {node: orbit for orbit in loop.orbits for node in _nodes(loop, orbit)}
    fixed = set(cycle)
    found: set[Orbit] = set()
    for orbit in reversed(loop.orbits):
        if orbit in fixed or orbit.nodes[0].op.has(_STAYS):
            continue
        readers = {members.get(user) for node in _nodes(loop, orbit) for user, _ in users[node]}
        if readers <= found:
            found.add(orbit)
    return found


def _add_operand(
    cut: nx.DiGraph[Hashable], orbit: Orbit, operand: Operand, downstream: set[Orbit]
) -> None:
    """What an operand costs: to stack it where it is outside, or its reader is."""
    if isinstance(operand, Scanned):
        if any(map(is_argument, operand.values)):
            cut.add_edge(orbit, operand.values)
            cost = _bytes(operand.values[0].type) + _A_STACK
            cut.add_edge(operand.values, "out", capacity=cost)
        return
    if isinstance(operand, Invariant):
        return
    edge = operand.edge
    source, result = edge.source, (edge.source, edge.index)
    cost = _bytes(source.nodes[0].outputs[edge.index].type) + _A_STACK
    cut.add_edge(source, result, capacity=cost)
    cut.add_edge(result, orbit)
    if source in downstream:
        cut.add_edge(orbit, source)  # the loop would read what depends on it
    else:
        stack = ("stack", *result)
        cut.add_edge(orbit, stack)
        cut.add_edge(stack, source, capacity=cost)


def _bytes(type_: TensorType) -> int:
    size = type_.byte_size
    return size if isinstance(size, int) else UNKNOWN_SIZE


def _nodes(loop: Loop, orbit: Orbit) -> list[Node]:
    return [orbit.nodes[element] for element in loop.schedule.elements(orbit)]


def _downstream(loop: Loop, cycle: Iterable[Orbit]) -> set[Orbit]:
    """The orbits that depend on the cycle, and the cycle."""
    found = set(cycle)
    pending = list(found)
    while pending:
        for edge in pending.pop().readers:
            if edge.reader not in found and edge.reader in loop.operands:
                found.add(edge.reader)
                pending.append(edge.reader)
    return found

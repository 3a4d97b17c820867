"""Branches and loops whose bodies watch their nodes: records and peaks go in and come out.

Peaks of what every iteration sees whole are computed once, outside; those of carries are carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from graphc.dtypes import U32
from graphc.instrumentation.numerics_table import Loop
from graphc.instrumentation.peaks import PEAK, has_peak, peak_of
from graphc.instrumentation.watching import (
    WORD,
    Loops,
    Peaks,
    RegionWriter,
    Site,
    Watcher,
    body_peak,
)
from graphc.ir.builder import Builder, GraphBuilder, inline
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.opset.control_flow.loop_derivatives import LoopParts


def _present(peaks: Sequence[Value | None]) -> list[Value]:
    return [peak for peak in peaks if peak is not None]


def _spread(peaks: Sequence[Value | None], given: Sequence[Value]) -> Peaks:
    """`given` at the places where `peaks` has something."""
    rest = iter(given)
    return [None if peak is None else next(rest) for peak in peaks]


def _take_peaks(build: Builder, peaks: Sequence[Value | None], what: str) -> Peaks:
    """An input for each peak."""
    return [
        None if peak is None else build.input(PEAK, f"numerics/{what}{position}")
        for position, peak in enumerate(peaks)
    ]


def _take(build: Builder, values: Sequence[Value]) -> list[Value]:
    """An input for each input of a body."""
    return [
        build.input(value.type, value.node.attributes["name"], value.node.attributes["kind"])
        for value in values
    ]


def write_cond(
    watcher: Watcher, site: Site, node: Node, inputs: Sequence[Value], loops: Loops
) -> None:
    """A `cond` or `case`: each branch gives its record and the peaks of its results."""
    build = site.build
    peaks = [site.peaks[value] for value in inputs[1:]]
    branches: list[Graph] = []
    for region in node.regions:
        branch = GraphBuilder(watcher.registry, build.origin, build.name)
        operands = _take(branch, region.inputs)
        inner = Site(branch)
        inner.bind(region.inputs, operands, _take_peaks(branch, peaks, "peak"))
        outputs, found = watcher.write_body(inner, region, loops)
        given = [body_peak(branch, v.type, p) for v, p in zip(outputs, found, strict=True)]
        branches.append(branch.finish([*outputs, watcher.record(inner), *_present(given)]))
    made = build.make(node.op, (*inputs, *_present(peaks)), node.attributes, tuple(branches))
    count = len(node.outputs)
    results, record, found = made.outputs[:count], made.outputs[count], made.outputs[count + 1 :]
    site.records.append(record)
    wanted = [value if has_peak(value.type) else None for value in results]
    site.bind(node.outputs, results, _spread(wanted, found))


class _LoopBody:
    """The body of a loop with what a watched one carries besides.

    Carries are followed by a record, the number of the iteration, and the peaks of the carries;
    invariants by the peaks of theirs.

    Attributes:
        build: makes the nodes of the body.
        carries: inputs for the carries of the original.
    """

    def __init__(self, watcher: Watcher, build: GraphBuilder, carries: Sequence[Value]) -> None:
        self.watcher = watcher
        self.build = build
        self.carries = _take(build, carries)
        self.record = build.input(watcher.record_type, "numerics/record")
        self.iteration = build.input(WORD, "numerics/iteration")
        wanted = [value if has_peak(value.type) else None for value in carries]
        self.peaks = _take_peaks(build, wanted, "carry")

    def results(
        self, new: Sequence[Value], peaks: Sequence[Value | None], record: Value, loops: Loops
    ) -> list[Value]:
        """The new values of all carries."""
        build, watcher = self.build, self.watcher
        now = watcher.numbered(build, record, loops, self.iteration)
        following = build.add(self.iteration, build.full(1, U32))
        found = [body_peak(build, v.type, p) for v, p in zip(new, peaks, strict=True)]
        return [*new, watcher.first_found(build, self.record, now), following, *_present(found)]


def _first_carries(watcher: Watcher, site: Site, carries: Sequence[Value]) -> list[Value]:
    """What a loop starts from."""
    build = site.build
    peaks = [body_peak(build, value.type, site.peaks[value]) for value in carries]
    return [*carries, watcher.no_record(build), build.full(0, U32), *_present(peaks)]


def _bind_carries(site: Site, node: Node, made: Node, carries: int) -> int:
    """Take a loop's final carries and its record; gives where its other results begin."""
    wanted = [value if has_peak(value.type) else None for value in made.outputs[:carries]]
    end = carries + 2 + len(_present(wanted))
    peaks = _spread(wanted, made.outputs[carries + 2 : end])
    site.records.append(made.outputs[carries])
    site.bind(node.outputs[:carries], made.outputs[:carries], peaks)
    return end


def write_scan(
    watcher: Watcher, site: Site, node: Node, inputs: Sequence[Value], loops: Loops
) -> None:
    """A `scan`, counted or not: the peaks of slices are looked at in each iteration."""
    build, attributes = site.build, node.attributes
    parts = LoopParts.of(node.call)
    (region,) = node.regions
    carries, scanned, invariants = parts.split(parts.of_body(inputs))
    peaks = [site.peaks[value] for value in invariants]
    own_carries, own_scanned, own_invariants = parts.split(region.inputs)

    inner_build = GraphBuilder(watcher.registry, build.origin, build.name)
    body = _LoopBody(watcher, inner_build, own_carries)
    slices = _take(inner_build, own_scanned)
    whole = _take(inner_build, own_invariants)
    slice_peaks = [peak_of(inner_build, value) for value in slices]
    inner = Site(inner_build)
    inner.bind(
        region.inputs,
        [*body.carries, *slices, *whole],
        [*body.peaks, *slice_peaks, *_take_peaks(inner_build, peaks, "invariant")],
    )
    length = None if parts.counts_first else attributes["length"]
    inside = (*loops, Loop(node, length, attributes["reverse"]))
    outputs, found = watcher.write_body(inner, region, inside)
    count = parts.carries
    results = body.results(outputs[:count], found[:count], watcher.record(inner), inside)
    given = _first_carries(watcher, site, carries)
    changed = {"carries": len(given), "invariants": parts.invariants + len(_present(peaks))}
    made = build.make(
        node.op,
        (*inputs[: int(parts.counts_first)], *given, *scanned, *invariants, *_present(peaks)),
        node.op.attributes.make({**attributes, **changed}, node.op.name),
        (inner_build.finish([*results, *outputs[count:]]),),
    )
    end = _bind_carries(site, node, made, count)
    stacked = made.outputs[end:]
    site.bind(node.outputs[count:], stacked, [peak_of(build, value) for value in stacked])


def write_while(
    watcher: Watcher, site: Site, node: Node, inputs: Sequence[Value], loops: Loops
) -> None:
    """A `while_loop`: a condition that computes floats is watched in the body, and at the end."""
    build = site.build
    condition, region = node.regions
    count = node.attributes["carries"]
    peaks = [site.peaks[value] for value in inputs[count:]]
    inside = (*loops, Loop(node))

    inner_build = GraphBuilder(watcher.registry, build.origin, build.name)
    body = _LoopBody(watcher, inner_build, region.inputs[:count])
    whole = _take(inner_build, region.inputs[count:])
    operands = [*body.carries, *whole]
    operand_peaks = [*body.peaks, *_take_peaks(inner_build, peaks, "invariant")]
    inner = Site(inner_build)
    is_watched = any(has_peak(v.type) for n in condition.nodes for v in n.outputs)
    if is_watched:
        inner.bind(condition.inputs, operands, operand_peaks)
        watcher.write_body(inner, condition, inside)
    inner.bind(region.inputs, operands, operand_peaks)
    outputs, found = watcher.write_body(inner, region, inside)
    results = body.results(outputs[:count], found[:count], watcher.record(inner), inside)

    given = _first_carries(watcher, site, inputs[:count])
    test = GraphBuilder(watcher.registry, build.origin, build.name)
    test_inputs = [test.input(value.type, f"operand{i}") for i, value in enumerate(given)]
    test_inputs += [test.input(v.type, f"invariant{i}") for i, v in enumerate(inputs[count:])]
    for position, _ in enumerate(_present(peaks)):
        test.input(PEAK, f"numerics/invariant{position}")
    read = [*test_inputs[:count], *test_inputs[len(given) :]]
    made = build.make(
        node.op,
        (*given, *inputs[count:], *_present(peaks)),
        node.op.attributes.make({**node.attributes, "carries": len(given)}, node.op.name),
        (
            test.finish(inline(test, condition, read)),
            inner_build.finish([*results, *outputs[count:]]),
        ),
    )
    rest = made.outputs[_bind_carries(site, node, made, count) :]
    site.bind(node.outputs[count:], rest, [peak_of(build, value) for value in rest])
    if is_watched:
        record, iteration = made.outputs[count : count + 2]
        last = _last_test(watcher, site, node, inputs[count:], inside)
        last = watcher.numbered(build, last, inside, iteration)
        site.records[-1] = watcher.first_found(build, record, last)


def _last_test(
    watcher: Watcher, site: Site, node: Node, invariants: Sequence[Value], inside: Loops
) -> Value:
    """The record of the condition as it was when the loop ended, which no body sees."""
    condition = node.regions[0]
    last = Site(site.build)
    carries = node.outputs[: node.attributes["carries"]]
    operands = [*[site[value] for value in carries], *invariants]
    last.bind(condition.inputs, operands, [site.peaks[value] for value in operands])
    watcher.write_body(last, condition, inside)
    return watcher.record(last)


REGION_WRITERS: Final[Mapping[str, RegionWriter]] = {
    "case": write_cond,
    "cond": write_cond,
    "counted_scan": write_scan,
    "scan": write_scan,
    "while_loop": write_while,
}

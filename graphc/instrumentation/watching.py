"""Writing a graph anew so that it watches its nodes: one graph, and what its record says.

A record is a vector of u32 that one graph gives: the code of the first node to blame in it or in a
region of it, then the iteration of each loop around that node, as many as loops are ever nested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from graphc.dtypes import U32
from graphc.instrumentation.numerics_table import CLASSES, NOTHING, CheckedNode, Loop, NumericsTable
from graphc.instrumentation.peaks import (
    classes_of,
    has_peak,
    peak_of,
    peak_of_literal,
    stack,
    worst_peak,
    zero_peak,
)
from graphc.instrumentation.program_order import in_phases, write_fusions_out
from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from graphc.ir.types import TensorType, tensor_type

RULE: Final = "numerics_checks"
WORD: Final = tensor_type(U32, ())
Loops = tuple[Loop, ...]
Peaks = list["Value | None"]

# Results are as good as the only operand: nothing has to be looked at again.
_SAME_NUMBERS: Final = frozenset(
    {
        *("reshape", "transpose", "reverse", "broadcast_in_dim", "negate", "abs"),
        *("stop_gradient", "optimization_barrier", "tap"),
    }
)
_STACKED_AT_ONCE: Final = 256


class Site:
    """One graph being written.

    Attributes:
        build: makes its nodes.
        peaks: peaks of its values; None where they are always finite.
        marks: for each node that can be blamed its number, its peak and that of its operands.
        records: the records of its regions.
    """

    def __init__(self, build: Builder) -> None:
        self.build = build
        self.peaks: dict[Value, Value | None] = {}
        self.marks: list[tuple[int, Value, Value | None]] = []
        self.records: list[Value] = []
        self._values: dict[Value, Value] = {}

    def __getitem__(self, value: Value) -> Value:
        """What stands for a value of the original."""
        return self._values[value]

    def bind(
        self, olds: Sequence[Value], news: Sequence[Value], peaks: Sequence[Value | None]
    ) -> None:
        """Let new values stand for old ones."""
        self._values.update(zip(olds, news, strict=True))
        self.peaks.update(zip(news, peaks, strict=True))

    def copy(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value]:
        """The results of a node here."""
        return self.build.make(node.op, inputs, node.attributes, node.regions).outputs

    def outputs_of(self, graph: Graph) -> tuple[list[Value], list[Value | None]]:
        """The results of a graph that was written here, and their peaks."""
        outputs = [self[value] for value in graph.outputs]
        return outputs, [self.peaks[value] for value in outputs]


class EditedSite(Site):
    """A graph that is edited: nodes that are only watched stay."""

    def __init__(self, editor: GraphEditor) -> None:
        super().__init__(editor.build)
        self._editor = editor

    def __getitem__(self, value: Value) -> Value:
        return self._editor.resolve(value)

    def bind(
        self, olds: Sequence[Value], news: Sequence[Value], peaks: Sequence[Value | None]
    ) -> None:
        for old, new in zip(olds, news, strict=True):
            self._editor.replace(old, new)
        self.peaks.update(zip(news, peaks, strict=True))

    def copy(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value]:
        return node.outputs


RegionWriter = Callable[["Watcher", Site, Node, Sequence[Value], Loops], None]


class Watcher:
    """Writes graphs, and numbers their nodes.

    Args:
        registry: the ops that may be made.
        region_writers: how each region op is written, by name. One that is missing is watched as a
            whole.
        depth: how deep loops are nested.
    """

    def __init__(
        self, registry: OpRegistry, region_writers: Mapping[str, RegionWriter], depth: int
    ) -> None:
        self.registry = registry
        self.table = NumericsTable(depth=depth)
        self._region_writers = region_writers
        self._numbers: dict[tuple[Node, Loops], int] = {}
        self._flat: dict[Graph, Graph] = {}

    # -- nodes -----------------------------------------------------------------------------------

    def write_body(self, site: Site, graph: Graph, loops: Loops) -> tuple[list[Value], Peaks]:
        """Write a region's graph, whose inputs are bound at the site: its results, their peaks."""
        flat = self._flat.get(graph)
        if flat is None:
            editor = GraphEditor(graph, self.registry)
            write_fusions_out(editor)
            flat = self._flat[graph] = editor.freeze()[0]
        self.write(site, in_phases(flat.nodes), loops)
        return site.outputs_of(flat)

    def write(self, site: Site, nodes: Sequence[Node], loops: Loops) -> None:
        """Write nodes in this order, which is the order of blame."""
        build = site.build
        for node in nodes:
            if node.op.name == "input":
                continue
            inputs = tuple([site[value] for value in node.inputs])
            write_region = self._region_writers.get(node.op.name)
            with build.located(node.origin.with_rule(RULE), node.name):
                if write_region is None:
                    self._watch(site, node, inputs, site.copy(node, inputs), loops)
                else:
                    write_region(self, site, node, inputs, loops)

    def _watch(
        self,
        site: Site,
        node: Node,
        inputs: Sequence[Value],
        made: Sequence[Value],
        loops: Loops,
    ) -> None:
        build, name = site.build, node.op.name
        if name == "constant":
            site.bind(node.outputs, made, [peak_of_literal(build, node.attributes["value"])])
            return
        if name in _SAME_NUMBERS and has_peak(node.output.type):
            site.bind(node.outputs, made, [site.peaks[inputs[0]]])
            return
        peaks = [peak_of(build, value) for value in made]
        site.bind(node.outputs, made, peaks)
        found = worst_peak(build, peaks)
        inexact = [value for value in inputs if value.type.dtype.is_inexact]
        if found is not None and all(has_peak(value.type) for value in inexact):
            allowed = worst_peak(build, [site.peaks[value] for value in inexact])
            site.marks.append((self._number(node, loops), found, allowed))

    def _number(self, node: Node, loops: Loops) -> int:
        key = (node, loops)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.table.nodes)
            self.table.nodes.append(CheckedNode(node, loops))
        return found

    # -- records ---------------------------------------------------------------------------------

    @property
    def record_type(self) -> TensorType:
        return tensor_type(U32, (1 + self.table.depth,))

    def no_record(self, build: Builder) -> Value:
        """The record of a graph in which nothing is to blame."""
        return build.array(np.array([NOTHING] + [0] * self.table.depth, np.uint32))

    def record(self, site: Site) -> Value:
        """The record of a graph that was written."""
        build = site.build
        firsts = [
            _first_code(build, site.marks[start : start + _STACKED_AT_ONCE])
            for start in range(0, len(site.marks), _STACKED_AT_ONCE)
        ]
        record = self.no_record(build)
        if firsts:
            first = firsts[0]
            for other in firsts[1:]:
                first = build.minimum(first, other)
            rest = build.array(np.zeros(self.table.depth, np.uint32))
            record = build.concatenate(build.reshape(first, shape=(1,)), rest, dimension=0)
        for other in site.records:
            record = self.earlier(build, record, other)
        return record

    def earlier(self, build: Builder, record: Value, other: Value) -> Value:
        """Of two records of one graph, that of the node that comes first."""
        is_earlier = build.compare(head(build, other), head(build, record), direction="LT")
        return build.select(is_earlier, other, record)

    def numbered(self, build: Builder, record: Value, loops: Loops, iteration: Value) -> Value:
        """A record of a body that also says in which iteration of its loop."""
        place = np.zeros(1 + self.table.depth, np.uint32)
        place[len(loops)] = 1
        repeated = build.broadcast_in_dim(
            iteration, shape=record.type.shape, broadcast_dimensions=()
        )
        return build.add(record, build.multiply(build.array(place), repeated))

    def first_found(self, build: Builder, before: Value, now: Value) -> Value:
        """The record of the earlier iterations of a loop, or else that of this one."""
        is_nothing = build.compare(head(build, before), build.full(NOTHING, U32), direction="EQ")
        return build.select(is_nothing, now, before)


def head(build: Builder, record: Value) -> Value:
    """The code of a record."""
    if record.type.shape == (1,):
        return build.reshape(record, shape=())
    first = build.slice(record, start_indices=(0,), limit_indices=(1,), strides=(1,))
    return build.reshape(first, shape=())


def _first_code(build: Builder, marks: Sequence[tuple[int, Value, Value | None]]) -> Value:
    """The smallest code of the marked nodes that are to blame."""
    found = classes_of(build, stack(build, [peak for _, peak, _ in marks]))
    allowed = classes_of(
        build,
        stack(build, [zero_peak(build) if peak is None else peak for _, _, peak in marks]),
    )
    numbers = np.array([number * CLASSES for number, _, _ in marks], np.uint32)
    codes = build.add(build.array(numbers), found)
    nothing = build.full(NOTHING, U32, codes.type.shape)
    is_to_blame = build.compare(found, allowed, direction="GT")
    return build.reduce_min(build.select(is_to_blame, codes, nothing), axes=(0,))


def body_peak(build: Builder, type_: TensorType, peak: Value | None) -> Value | None:
    """The peak of a region's result as a result of its own, None for types without one."""
    if not has_peak(type_):
        return None
    return zero_peak(build) if peak is None else peak

"""Numerics checks: a program that finds the first node which makes an infinity or a NaN.

The rule, with finite < infinite < NaN: a node is to blame when a result of it is worse than each of
its operands. So a logarithm of 0 is to blame, and a product of 0 with an infinite mask; neither is
what only passes on, compares with or chooses from infinities, nor a constant, nor a reduction of no
elements. Integers are not looked at; a complex number is as bad as the worse of its parts. A
composite is one node. A value is looked at wherever it is computed, whether or not a `select`
leaves it out afterwards.

The first node is the first in the order of the graph after the last stage, operands before users,
the forward pass before gradients before updates; in a loop the first in the first iteration that
has any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from graphc.dtypes import U32
from graphc.instrumentation.numerics_table import CLASSES, NOTHING, NumericsTable
from graphc.instrumentation.peaks import NAN, peak_of, stack, worst_peak
from graphc.instrumentation.program_order import in_phases, write_fusions_out
from graphc.instrumentation.watched_regions import REGION_WRITERS
from graphc.instrumentation.watching import RULE, EditedSite, Site, Watcher, head
from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage

CHECKED: Final = "checked"


@dataclass(frozen=True)
class NumericsChecks(GraphPass):
    """Lets a program say which node made the first number that is not finite, and undo itself.

    It runs last, on static sizes: a fused region is written out in its place, and no rewrite moves
    anything afterwards. The program gets one more fetch, the last: a small vector of u32 that a
    `NumericsTable` reads, which is left in `context.memo[NumericsTable]`. Where it says that
    something was found, every variable gets its old value as its new one.

    A feed or variable that holds a NaN is named when no node is to blame and a result holds one.
    """

    name: ClassVar[str] = RULE

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        watcher = Watcher(context.registry, REGION_WRITERS, _loop_depth(graph))
        table = watcher.table
        table.inputs = graph.inputs
        context.memo[NumericsTable] = table
        editor = GraphEditor(graph, context.registry)
        build = editor.build
        build.name = "numerics"
        write_fusions_out(editor)
        nodes = in_phases(editor.order(), editor)
        site = EditedSite(editor)
        site.bind(graph.inputs, graph.inputs, [peak_of(build, value) for value in graph.inputs])
        watcher.write(site, nodes, ())
        found = watcher.record(site)
        given = _first_nan_input(site, graph)
        is_bad = build.or_(_is_code(build, head(build, found)), _is_code(build, given))
        result = build.concatenate(found, build.reshape(given, shape=(1,)), dimension=0)
        kept = _kept_state(editor, is_bad)
        editor.set_outputs([*graph.fetches, result, *kept], graph.update_names)
        return PassResult.of(editor, {"checked": len(table.nodes)})


def with_numerics_checks(pipeline: Pipeline) -> Pipeline:
    """A pipeline that ends with a stage "checked"."""
    return Pipeline((*pipeline.stages, Stage(CHECKED, (NumericsChecks(),))))


def _loop_depth(graph: Graph) -> int:
    """How deep loops are nested."""
    return max(
        [
            (node.op.name in ("counted_scan", "scan", "while_loop")) + _loop_depth(region)
            for node in graph.nodes
            for region in node.regions
        ],
        default=0,
    )


def _is_code(build: Builder, code: Value) -> Value:
    return build.compare(code, build.full(NOTHING, U32), direction="NE")


def _first_nan_input(site: Site, graph: Graph) -> Value:
    """The code of the first input that holds a NaN, if a result holds one."""
    build = site.build
    result = worst_peak(build, [site.peaks[site[value]] for value in graph.outputs])
    peaks = [site.peaks[value] for value in graph.inputs]
    numbers = [number for number, peak in enumerate(peaks) if peak is not None]
    if result is None or not numbers:
        return build.full(NOTHING, U32)
    codes = build.array(np.array(numbers, np.uint32) * CLASSES + NAN)
    is_nan = _is_nan(build, stack(build, [peak for peak in peaks if peak is not None]))
    nothing = build.full(NOTHING, U32, codes.type.shape)
    first = build.reduce_min(build.select(is_nan, codes, nothing), axes=(0,))
    return build.select(_is_nan(build, result), first, build.full(NOTHING, U32))


def _is_nan(build: Builder, peaks: Value) -> Value:
    return build.compare(peaks, peaks, direction="NE")


def _kept_state(editor: GraphEditor, is_bad: Value) -> list[Value]:
    """New values of variables: the old ones where something is bad."""
    build = editor.build
    states = {
        value.node.attributes["name"]: value
        for value in editor.graph.inputs
        if value.node.attributes["kind"] == "state"
    }
    kept: list[Value] = []
    for name, new in editor.graph.updates.items():
        old = states.get(name)
        if old is None:  # set without being read
            old = build.input(new.type, name, "state")
            editor.inputs.append(old)
        kept.append(build.select(is_bad, old, new))
    return kept

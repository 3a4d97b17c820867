"""Running a pipeline: stages in order, each pass timed, its result checked, its failure named.

    run = PassManager(pipeline).run(graph, until="simplified")
    run.graph("canonical"), run.values("canonical")[some_value], run.records

In a fixpoint stage neighbouring rule passes run as one, and the stage repeats until no pass changes
anything. A pass is not run on a graph on which it is known to change nothing: `simplified` after
`canonical` costs nothing when no pass between them did anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import graphc.settings as settings
from graphc.errors import GraphcError, PassError, VerifyError
from graphc.garbage_collection import paused_collection
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import OpSpec, Trait
from graphc.ir.origin import UNKNOWN, Origin
from graphc.ir.verifier import check_allowed, verify
from graphc.rewriting.driver import rewrite_jointly
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.pipeline_run import PassRecord, PipelineRun
from graphc.rewriting.rewrite_step import Observer, RewriteStep
from graphc.rewriting.rule_pass import RulePass

_SHOWN_PASSES: Final = 12


@dataclass(frozen=True)
class PassManager:
    """Runs a pipeline.

    Attributes:
        pipeline: the stages.
    """

    pipeline: Pipeline

    def run(
        self,
        graph: Graph,
        until: str | None = None,
        start_after: str | None = None,
        context: PassContext | None = None,
        observe: Observer | None = None,
    ) -> PipelineRun:
        """Run stages on a graph.

        Args:
            graph: the graph; with `start_after`, one that has been through that stage.
            until: the last stage to run; all by default.
            start_after: the stage that the graph has been through; none by default.
            context: what passes may need to know.
            observe: is told of each change as it is made.

        Raises:
            GraphcError: a name is no stage's.
            PassError: a pass failed or broke the graph; names it, those before it, and the line.
        """
        names = self.pipeline.stage_names
        first = 0 if start_after is None else names.index(self._known(start_after)) + 1
        last = len(names) if until is None else names.index(self._known(until)) + 1
        with paused_collection():
            running = _Running(graph, context or PassContext(), observe)
            for stage in self.pipeline.stages[first:last]:
                running.stage(stage)
            running.remember()
        return running.run

    def _known(self, name: str) -> str:
        return self.pipeline.stage(name).name


@dataclass(frozen=True)
class _Known:
    """What is known of a graph: passes that change nothing, and nodes that were verified."""

    graph: Graph
    closed: frozenset[GraphPass]
    verified: frozenset[Node]


class _Running:
    """One run, while it goes on."""

    def __init__(self, graph: Graph, context: PassContext, observe: Observer | None) -> None:
        self.run = PipelineRun(graph, context.trace)
        self.observe = observe
        self.current = graph
        self.context = context
        self.verify_mode = settings.verify_passes.get()
        self.applied: list[str] = []
        self.verified: set[Node] = set()
        self.verified_graph: Graph | None = None
        # Passes by a graph on which they are known to change nothing.
        self.closed: dict[Graph, set[GraphPass]] = {}
        self.ops: dict[Graph, Counter[OpSpec]] = {}
        known = context.memo.get(_Known)
        if known is not None and known.graph is graph:
            self.closed[graph] = set(known.closed)
            self.verified, self.verified_graph = set(known.verified), graph

    def remember(self) -> None:
        """Keep what is known of the result, for a run that goes on from it."""
        graph = self.current
        if self.verified_graph is graph:
            closed = frozenset(self.closed.get(graph, ()))
            self.context.memo[_Known] = _Known(graph, closed, frozenset(graph.nodes))

    def stage(self, stage: Stage) -> None:
        records: dict[int, PassRecord] = {}
        units = list(_units(stage))
        start, passes_before = self.current, len(self.applied)
        for round_number in range(settings.rewrite_cap.get() + 1):
            changed = [
                each.name
                for positions, passes in units
                if self.unit(stage, positions, passes, records)
                for each in passes
            ]
            if not (stage.fixpoint and changed):
                break
            if round_number == settings.rewrite_cap.get():
                raise PassError(
                    f"the stage {stage.name!r} finds no end: passes undo each other",
                    given=f"{round_number} rounds; still changing: {', '.join(changed)}",
                    fix="give one of them a condition, or raise settings.rewrite_cap",
                )
        if self.verify_mode != "never":
            self.check_stage(stage, start, self.applied[:passes_before])
        ordered = [records[position] for position in sorted(records)]
        self.run.end_stage(stage.name, self.current, ordered)

    def unit(
        self,
        stage: Stage,
        positions: Sequence[int],
        passes: Sequence[GraphPass],
        records: dict[int, PassRecord],
    ) -> bool:
        """Run one pass, or several as one; gives whether the graph changed."""
        graph = self.current
        before = self.count(graph)
        together = tuple(each.name for each in passes) if len(passes) > 1 else ()
        for position, each in zip(positions, passes, strict=True):
            if position not in records:
                records[position] = PassRecord(
                    stage.name, each.name, before, before, jointly=together
                )
        if self.closed.setdefault(graph, set()).issuperset(passes):
            return False
        fired_before = Counter(self.context.trace.fired)
        started = time.perf_counter()
        result = self.apply(stage, passes, graph)
        seconds = (time.perf_counter() - started) / len(passes)
        self.applied += [each.name for each in passes]
        if result.changed:
            self.current = result.graph
            self.run.add_values(result.values)
        after = self.count(self.current)
        fired = self.context.trace.fired - fired_before
        closed = self.closed.setdefault(self.current, set())
        for position, each in zip(positions, passes, strict=True):
            details, changed = result.details, result.changed
            if together:
                details = _own_details(each, details)
                changed = bool(details)
            records[position].add_run(seconds, after, changed, details, fired)
            if each.idempotent or not result.changed:
                closed.add(each)
        if result.changed and self.verify_mode == "pass":
            self.verify(self.current, together or (passes[0].name,), self.applied[: -len(passes)])
        if result.changed and self.observe is not None:
            self.observe(RewriteStep(stage, tuple(passes), graph, self.current, result.details))
        return result.changed

    def apply(self, stage: Stage, passes: Sequence[GraphPass], graph: Graph) -> PassResult:
        try:
            if len(passes) == 1:
                return passes[0].apply(graph, self.context)
            sets = [each.active_rules for each in passes if isinstance(each, RulePass)]
            return rewrite_jointly(graph, sets, self.context)
        except GraphcError as error:
            if type(error) in (GraphcError, VerifyError, PassError):
                raise self.failure(stage, passes, error) from error
            # What the user did wrong shows only here: a gradient that does not exist, sizes that
            # do not fit. It keeps its class.
            error.add_note(f"found by the pass {_names(passes)!r} of the stage {stage.name!r}")
            raise
        except Exception as error:
            raise self.failure(stage, passes, error) from error

    def failure(self, stage: Stage, passes: Sequence[GraphPass], error: Exception) -> PassError:
        problem = f"the pass {_names(passes)!r} failed in the stage {stage.name!r}"
        history = self.history(self.applied)
        if not isinstance(error, GraphcError):
            return PassError(
                f"{problem}: {error!r}",
                given=history,
                fix="this is a mistake in the pass; see pipeline.without(...) to do without it",
                origin=_line_at_work(error),
            )
        return PassError(
            f"{problem}: {error.message}",
            given=history if error.given is None else f"{error.given}; {history}",
            expected=error.expected,
            fix=error.fix,
            origin=error.origin or _line_at_work(error),
            context=error.context,
        )

    def history(self, applied: Sequence[str]) -> str:
        shown = list(applied[-_SHOWN_PASSES:])
        if len(applied) > len(shown):
            shown.insert(0, "…")
        return f"passes before it: {', '.join(shown) or 'none'}"

    def ops_of(self, graph: Graph) -> Counter[OpSpec]:
        """How many nodes there are of each op, those of regions included."""
        found = self.ops.get(graph)
        if found is None:
            found = self.ops[graph] = Counter(node.op for node in graph.walk())
        return found

    def count(self, graph: Graph) -> int:
        """Number of nodes without the inputs, regions included."""
        return sum(n for op, n in self.ops_of(graph).items() if op.name != "input")

    def verify(self, graph: Graph, suspects: Sequence[str], before: Sequence[str]) -> None:
        """Run the type rules again on what is new, and check where everything stands."""
        if graph is self.verified_graph:
            return
        try:
            verify(graph, self.verified)
        except VerifyError as error:
            raise self.broken(error, suspects, before) from error
        self.verified.update(graph.nodes)
        self.verified_graph = graph

    def broken(
        self, error: VerifyError, suspects: Sequence[str], before: Sequence[str]
    ) -> PassError:
        names = " or ".join(repr(name) for name in suspects)
        return PassError(
            f"the pass {names} broke the graph: {error.message}",
            given=f"{error.given}; {self.history(before)}" if error.given else self.history(before),
            expected=error.expected,
            fix="GRAPHC_VERIFY_PASSES=pass checks after every pass and names the one to blame",
            origin=error.origin,
        )

    def check_stage(self, stage: Stage, start: Graph, before: Sequence[str]) -> None:
        """Check everything at the end of a stage."""
        suspects = [each.name for each in stage.passes]
        if self.current is not start or not suspects:
            self.verify(self.current, suspects or [stage.name], before)
        if not stage.forbidden:
            return
        names = {item for item in stage.forbidden if isinstance(item, str)}
        traits = [item for item in stage.forbidden if isinstance(item, Trait)]
        left = {
            op.name
            for op in self.ops_of(self.current)
            if op.name in names or any(op.has(trait) for trait in traits)
        }
        if not left:
            return
        try:
            check_allowed(self.current.nodes, left, stage.name)
        except VerifyError as error:
            raise self.broken(error, suspects or [stage.name], before) from error


def _units(stage: Stage) -> Iterator[tuple[list[int], list[GraphPass]]]:
    """The passes of a stage by what runs as one: neighbouring rule passes of a fixpoint stage."""
    positions: list[int] = []
    passes: list[GraphPass] = []
    for position, each in enumerate(stage.passes):
        joins = stage.fixpoint and passes and isinstance(each, RulePass)
        if not (joins and isinstance(passes[-1], RulePass)):
            if passes:
                yield positions, passes
            positions, passes = [], []
        positions.append(position)
        passes.append(each)
    if passes:
        yield positions, passes


def _names(passes: Sequence[GraphPass]) -> str:
    return "+".join(each.name for each in passes)


def _own_details(each: GraphPass, details: Mapping[str, Any]) -> dict[str, Any]:
    """Of what rule passes reported together, the part of one."""
    prefix = f"{each.name}."
    return {name: value for name, value in details.items() if name.startswith(prefix)}


def _line_at_work(error: BaseException) -> Origin | None:
    """The user's line of the node that a pass was at when it failed.

    Passes walk over nodes in a variable that they call `node`: the innermost one in the traceback
    is the one to blame.
    """
    found: Origin | None = None
    trace = error.__traceback__
    while trace is not None:
        node = trace.tb_frame.f_locals.get("node")
        if isinstance(node, Node) and node.origin is not UNKNOWN:
            found = node.origin
        trace = trace.tb_next
    return found

"""What a pipeline made of a graph: the graph after each stage, and a record of each pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.editor import ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.rewriting.trace import RewriteTrace


@dataclass
class PassRecord:
    """What one pass did in one stage, over all rounds of it.

    Attributes:
        stage: the stage.
        pass_name: the pass.
        nodes_before: nodes without inputs, those of regions included, before its first run.
        nodes_after: after its last.
        seconds: time spent. Passes that ran as one share it evenly.
        runs: how often it ran; 0 where the graph was known to be left alone by it.
        changed: whether it changed the graph.
        jointly: the passes that it ran as one with, itself included; empty where alone.
        details: what the pass reported; numbers of several runs are added up.
        fired: how often each of its rules fired.
    """

    stage: str
    pass_name: str
    nodes_before: int
    nodes_after: int
    seconds: float = 0.0
    runs: int = 0
    changed: bool = False
    jointly: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    fired: Counter[str] = field(default_factory=Counter[str])

    def add_run(
        self,
        seconds: float,
        nodes_after: int,
        changed: bool,
        details: Mapping[str, Any],
        fired: Mapping[tuple[str, str], int],
    ) -> None:
        """Add one more run of the pass; `fired` is what fired in it, of other passes too."""
        self.runs += 1
        self.fired.update(
            {rule: n for (owner, rule), n in fired.items() if owner == self.pass_name}
        )
        self.seconds += seconds
        self.nodes_after = nodes_after
        self.changed |= changed
        for name, value in details.items():
            before = self.details.get(name)
            if isinstance(value, (int, float)) and isinstance(before, (int, float)):
                value = before + value
            self.details[name] = value

    @property
    def was_skipped(self) -> bool:
        """Whether it was known beforehand to change nothing."""
        return self.runs == 0


class StageValues:
    """Where the values of the graph that a run started from are after a stage."""

    def __init__(self, maps: Sequence[ValueMap]) -> None:
        self._maps = tuple(maps)

    def __getitem__(self, value: Value) -> Value:
        for mapped in self._maps:
            value = mapped[value]
        return value


@dataclass
class PipelineRun:
    """What a pipeline made of a graph.

    Attributes:
        start: the graph that it was given.
        records: what each pass did, in order.
        trace: what each rule did, and what it refused.
    """

    start: Graph
    trace: RewriteTrace
    records: list[PassRecord] = field(default_factory=list[PassRecord])
    _graphs: dict[str, Graph] = field(default_factory=dict[str, Graph])
    _maps: list[ValueMap] = field(default_factory=list[ValueMap])
    _maps_at: dict[str, int] = field(default_factory=dict[str, int])

    def add_values(self, values: ValueMap) -> None:
        """Note where a pass put values."""
        self._maps.append(values)

    def end_stage(self, stage: str, graph: Graph, records: Iterable[PassRecord]) -> None:
        """Note the graph after a stage, and what its passes did."""
        self._graphs[stage] = graph
        self._maps_at[stage] = len(self._maps)
        self.records += records

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages that were run."""
        return tuple(self._graphs)

    @property
    def result(self) -> Graph:
        """The graph after the last stage."""
        return list(self._graphs.values())[-1] if self._graphs else self.start

    def graph(self, stage: str) -> Graph:
        """The graph after a stage.

        Raises:
            GraphcError: the stage was not run.
        """
        if stage not in self._graphs:
            raise GraphcError(
                f"the stage {stage!r} was not run", expected="one of " + ", ".join(self._graphs)
            )
        return self._graphs[stage]

    def values(self, stage: str | None = None) -> StageValues:
        """Where values of the starting graph are after a stage; after the last by default."""
        if stage is None:
            return StageValues(self._maps)
        self.graph(stage)
        return StageValues(self._maps[: self._maps_at[stage]])

    def graphs(self) -> Mapping[str, Graph]:
        """The graph after every stage, in order."""
        return dict(self._graphs)

"""What compiling a program did, as a table and as a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from graphc.lowering.executable import Executable
from graphc.rewriting.pipeline_run import PassRecord, PipelineRun
from graphc.session.memory_fitting import MemoryFit
from graphc.session.report_wording import describe_refusals, describe_rolling
from graphc.session.rolling_savings import RollingSavings, estimate_savings


@dataclass(frozen=True)
class PassRow:
    """One pass.

    Attributes:
        stage: the stage it belongs to.
        name: the pass.
        seconds: how long it took.
        nodes_before: nodes of the graph it was given.
        nodes_after: nodes of the graph it gave back.
        changed: whether it changed anything.
        details: what the pass says of itself.
        fired: how often each of its rules fired here.
        was_skipped: whether it was known beforehand to change nothing.
    """

    stage: str
    name: str
    seconds: float
    nodes_before: int
    nodes_after: int
    changed: bool
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    fired: dict[str, int] = field(default_factory=dict[str, int])
    was_skipped: bool = False


@dataclass(frozen=True)
class CompileReport:
    """What a program's way from the built graph to XLA's executable took, and what came out.

    Attributes:
        passes: seconds and nodes, a row per pass.
        fired: "pass.rule" to how often it fired.
        refused: "pass.rule: reason" to how often its check refused.
        lowering_seconds: writing the jaxpr and StableHLO.
        xla_seconds: XLA's compilation.
        equations: equations of the jaxpr.
        hlo_lines: lines of the optimized HLO.
        temp_bytes: XLA's scratch memory.
        argument_bytes: feeds, variables and large constants.
        output_bytes: fetches and new values of variables.
        alias_bytes: outputs that reuse a donated argument's memory.
        cache: "hit" or "miss" of the disk cache, "off" without one.
        sizes: the sizes that symbols had.
        memory: how a memory budget was met: asked, predicted, XLA's number, what is computed
            again; None without one.
        savings: what loops of repeated layers have saved, an estimate; None without such loops.
        as_written: why calls of a JAX function run it as it was written, and not what is reported
            here; None where they run it.
    """

    passes: tuple[PassRow, ...]
    fired: dict[str, int]
    refused: dict[str, int]
    lowering_seconds: float
    xla_seconds: float
    equations: int
    hlo_lines: int
    temp_bytes: int
    argument_bytes: int
    output_bytes: int
    alias_bytes: int
    cache: str
    sizes: dict[str, int]
    memory: MemoryFit | None = None
    savings: RollingSavings | None = None
    as_written: str | None = None

    @classmethod
    def of(
        cls,
        symbolic: PipelineRun,
        concrete: PipelineRun,
        executable: Executable,
        sizes: dict[str, int],
        fit: MemoryFit | None = None,
        as_written: str | None = None,
    ) -> CompileReport:
        """Gather the report of a program that has been compiled."""
        memory = executable.memory_analysis()
        records: Sequence[PassRecord] = (*symbolic.records, *concrete.records)
        trace = concrete.trace
        return cls(
            passes=tuple(
                PassRow(
                    record.stage,
                    record.pass_name,
                    record.seconds,
                    record.nodes_before,
                    record.nodes_after,
                    record.changed,
                    dict(record.details),
                    dict(record.fired),
                    record.was_skipped,
                )
                for record in records
            ),
            fired={f"{owner}.{rule}": count for (owner, rule), count in trace.fired.items()},
            refused={
                f"{owner}.{rule}: {reason}": count
                for (owner, rule, reason), count in trace.refused.items()
            },
            lowering_seconds=executable.lowering_seconds,
            xla_seconds=executable.xla_seconds,
            equations=executable.lowered.equations,
            hlo_lines=executable.hlo().count("\n"),
            temp_bytes=int(getattr(memory, "temp_size_in_bytes", 0)),
            argument_bytes=int(getattr(memory, "argument_size_in_bytes", 0)),
            output_bytes=int(getattr(memory, "output_size_in_bytes", 0)),
            alias_bytes=int(getattr(memory, "alias_size_in_bytes", 0)),
            cache=executable.cache,
            sizes=dict(sizes),
            memory=fit,
            savings=estimate_savings(concrete.result, executable.xla_seconds),
            as_written=as_written,
        )

    @property
    def pass_seconds(self) -> float:
        """Seconds in all passes together."""
        return sum(row.seconds for row in self.passes)

    @property
    def loops(self) -> tuple[dict[str, Any], ...]:
        """The loops of repeated layers: their blocks, and what is carried, stacked and shared."""
        return tuple([each for loops in self._details("layer_rolling", "loops") for each in loops])

    def _details(self, name: str, what: str) -> list[Any]:
        """What a pass says of itself under a word, wherever it ran and has something to say."""
        rows = [row for row in self.passes if row.name == name]
        return [row.details[what] for row in rows if row.details.get(what)]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)

    def table(self) -> Table:
        """The passes that ran as a rich table, with the totals in its caption."""
        table = Table(title="compile report", title_justify="left", caption_justify="left")
        for name, justify in (
            ("stage", "left"), ("pass", "left"), ("ms", "right"), ("nodes", "right"),
            ("fired", "left"),
        ):  # fmt: skip
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for row in self.passes:
            if row.was_skipped:
                continue
            nodes = str(row.nodes_after)
            if row.nodes_before != row.nodes_after:
                nodes = f"{row.nodes_before} → {row.nodes_after}"
            fired = ", ".join(f"{rule}×{count}" for rule, count in row.fired.items())
            table.add_row(row.stage, row.name, f"{row.seconds * 1e3:.2f}", nodes, fired)
        table.caption = self._summary()
        return table

    def _summary(self) -> str:
        sizes = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        lines = [
            f"passes {self.pass_seconds * 1e3:.1f} ms, lowering {self.lowering_seconds * 1e3:.1f} "
            f"ms ({self.equations} equations), XLA {self.xla_seconds * 1e3:.0f} ms "
            f"({self.hlo_lines} lines of HLO), disk cache: {self.cache}",
            f"bytes: arguments {self.argument_bytes:,}, outputs {self.output_bytes:,} "
            f"({self.alias_bytes:,} in place), temporary {self.temp_bytes:,}",
        ]
        if self.as_written is not None:
            lines.append(f"calls run the function as it was written: {self.as_written}")
        if self.memory is not None:
            lines.append(str(self.memory))
        lines += describe_rolling(self.loops, self._details("variable_packing", "packs"))
        for count in self._details("updates_in_loops", "variables"):
            lines.append(f"updated in the loops that make their gradients: {count} stacked arrays")
        if self.savings is not None:
            lines.append(str(self.savings))
        if sizes:
            lines.append(f"sizes: {sizes}")
        lines += describe_refusals(self.refused)
        return "\n".join(lines)

    def __str__(self) -> str:
        console = Console(file=StringIO(), width=110, force_terminal=False)
        console.print(self.table())
        output = console.file
        assert isinstance(output, StringIO)
        return output.getvalue()

"""What `Session.verify` found: a row per step, a table, a dictionary, an error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from graphc.errors import VerifyError
from graphc.session.verifying.differences import Difference


@dataclass(frozen=True)
class VerifyRow:
    """One step.

    Attributes:
        stage: the stage.
        name: the passes that changed something, or what XLA ran.
        numerics: what they may do to numbers: "exact", "reassociates", "stabilises".
        nodes: of the graph after it.
        precise_error: largest relative error in float64; None where it was not computed.
        native_error: the same as the graph declares its element types.
        difference: what is wrong, if anything.
        rule: the rule to blame, as "pass.rule", where one can be told.
    """

    stage: str
    name: str
    numerics: tuple[str, ...]
    nodes: int
    precise_error: float | None
    native_error: float | None
    difference: Difference | None = None
    rule: str | None = None

    @property
    def ok(self) -> bool:
        return self.difference is None


@dataclass(frozen=True)
class VerifyReport:
    """The NumPy reference against every pass and XLA.

    Attributes:
        rows: in the order in which passes ran; XLA comes last.
        tolerance: the relative error that was allowed in float64.
        native_tolerance: the one allowed as the graph declares its element types.
        results: what was compared: fetches and new values of variables.
    """

    rows: tuple[VerifyRow, ...]
    tolerance: float
    native_tolerance: float
    results: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(row.ok for row in self.rows)

    @property
    def first_broken(self) -> VerifyRow | None:
        """The first step that breaks the numbers."""
        return next((row for row in self.rows if not row.ok), None)

    def raise_if_broken(self) -> None:
        """Do nothing if all is well.

        Raises:
            VerifyError: names the first pass that breaks the numbers, the rule where it can be
                told, the result and its worst element.
        """
        row = self.first_broken
        if row is None:
            return
        difference = row.difference
        assert difference is not None
        is_xla = row.name.startswith("XLA")
        who = row.name if is_xla else f"the pass {row.name!r} of the stage {row.stage!r}"
        if row.rule is not None:
            who += f", by its rule {row.rule!r},"
        breaks = "disagrees with the NumPy reference" if is_xla else "changes what is computed"
        raise VerifyError(
            f"{who} {breaks}: {describe(difference)}",
            given=_text(difference.found),
            expected=_text(difference.expected),
            fix="report the program: session.dump(..., format='text', stage='built')"
            if is_xla
            else f"do without it: pipeline.without({row.name.split(' + ')[0]!r})",
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        made = asdict(self)
        made["ok"] = self.ok
        for row in made["rows"]:
            if row["difference"] is not None:
                for key in ("found", "expected"):
                    row["difference"][key] = _text(row["difference"][key])
        return made

    def table(self) -> Table:
        """The rows as a rich table."""
        table = Table(title="verification", title_justify="left", caption_justify="left")
        for name, justify in (
            ("stage", "left"), ("pass", "left"), ("promises", "left"), ("nodes", "right"),
            ("float64", "right"), ("as declared", "right"), ("verdict", "left"),
        ):  # fmt: skip
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for row in self.rows:
            verdict = "ok" if row.difference is None else describe(row.difference)
            if row.rule is not None:
                verdict += f"; rule {row.rule}"
            table.add_row(
                row.stage,
                row.name,
                ", ".join(row.numerics),
                str(row.nodes),
                _error(row.precise_error),
                _error(row.native_error),
                verdict,
            )
        table.caption = (
            f"{len(self.results)} results; allowed relative errors: {self.tolerance:g} in float64, "
            f"{self.native_tolerance:g} as declared"
        )
        return table

    def __str__(self) -> str:
        console = Console(file=StringIO(), width=120, force_terminal=False)
        console.print(self.table())
        output = console.file
        assert isinstance(output, StringIO)
        return output.getvalue()


def describe(difference: Difference) -> str:
    """A difference in one line."""
    text = f"{difference.result}: {difference.problem}"
    if difference.index is not None:
        text += f", worst at {list(difference.index)}"
        if np.isfinite(difference.error):
            text += f" with a relative error of {difference.error:.1e}"
    return text


def _error(error: float | None) -> str:
    return "" if error is None else f"{error:.1e}"


def _text(item: Any) -> str | None:
    return None if item is None else str(item)

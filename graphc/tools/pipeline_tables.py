"""`graphc passes`: the default pipeline, and every rule in it."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc.rewriting.graph_pass import GraphPass
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rule_pass import RulePass
from graphc.session.session import default_pipeline
from graphc.tools.command import Command

_NUMERICS_STYLES: Final = {"exact": "green", "reassociates": "yellow", "stabilises": "cyan"}


def first_line(thing: object) -> str:
    """The first line of what something says about itself."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def pipeline_table(pipeline: Pipeline) -> Table:
    """Stages and their passes, a line of documentation each."""
    table = Table(box=box.SIMPLE_HEAD, title="the pipeline", title_justify="left")
    for column in ("stage", "pass", "what it does"):
        table.add_column(column, no_wrap=column != "what it does")
    first_stages: dict[GraphPass, str] = {}
    for stage in pipeline.stages:
        name = f"{stage.name} ↻" if stage.fixpoint else stage.name
        for position, each in enumerate(stage.passes):
            if each in first_stages:
                doc = Text(f"as in {first_stages[each]}", style="dim")
            else:
                first_stages[each] = stage.name
                doc = Text(first_line(type(each)))
            table.add_row("" if position else name, _label(each), doc)
        if not stage.passes:
            table.add_row(name, "", Text("no pass yet: a place for one", style="dim"))
    table.caption = (
        "↻ repeated until nothing changes\n* cannot be left out: what it removes is never lowered"
    )
    table.caption_justify = "left"
    return table


def _label(each: GraphPass) -> str:
    return f"{each.name}*" if each.required else each.name


def rule_tables(pipeline: Pipeline) -> Iterator[Table]:
    """A table per pass of rules: each rule, what it does to numbers, and its documentation."""
    seen: set[str] = set()
    for stage in pipeline.stages:
        for each in stage.passes:
            if isinstance(each, RulePass) and each.name not in seen:
                seen.add(each.name)
                yield _rule_table(each, [s for s in pipeline.stages if each in s.passes])


def _rule_table(each: RulePass, stages: list[Stage]) -> Table:
    places = ", ".join(stage.name for stage in stages)
    title = f"{each.name}: {len(each.active_rules.rules)} rules (in {places})"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("rule", overflow="fold")
    table.add_column("numbers", no_wrap=True)
    table.add_column("what it does")
    for rule in each.active_rules:
        doc = rule.doc or " or ".join(map(str, rule.patterns))
        numerics = Text(rule.numerics, style=_NUMERICS_STYLES[rule.numerics])
        table.add_row(Text(rule.name), numerics, Text(doc))
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules", action="store_true", help="list every rule and what it does to numbers"
    )


def _execute(options: argparse.Namespace, console: Console) -> int:
    pipeline = default_pipeline()
    if not options.rules:
        console.print(pipeline_table(pipeline))
        return 0
    for table in rule_tables(pipeline):
        console.print(table)
    return 0


PASSES: Final = Command(
    "passes",
    "list the stages, passes and rules of the default pipeline",
    "List the default pipeline: its stages in order, their passes, and what each does. The names\n"
    "are those of dumps, reports, --stage and Pipeline.without(…).\n"
    "A rule is exact (keeps every bit), reassociates (rounds differently), or stabilises (finite\n"
    "where the original is not).",
    ("graphc passes", "graphc passes --rules"),
    _add_arguments,
    _execute,
)

"""`graphc dump` and `graphc view`: a stage of a graph as text or a picture."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path
from typing import Final

from rich.console import Console

from graphc.ir.graph import Graph
from graphc.session.dump import to_dot, to_html
from graphc.tools.command import Command
from graphc.tools.graph_files import (
    STANDARD_INPUT,
    add_graph_arguments,
    read_graph,
    write_text,
)
from graphc.tools.printing import print_plain, print_source
from graphc.tools.stages import add_size_argument, add_stage_argument, graph_at

_LEXERS: Final = {"text": "llvm", "dot": "dot", "html": "html"}


def read_at_stage(options: argparse.Namespace, stage: str) -> Graph:
    """The graph that a command's arguments name, after a stage.

    Raises:
        GraphcError: a file, a stage or a size is not as it must be.
    """
    graph = read_graph(options.file, options.constants)
    return graph_at(graph, stage, dict(options.sizes))


def render(graph: Graph, stage: str, form: str) -> str:
    """A graph as "text", "dot" or "html"."""
    if form == "text":
        return str(graph)
    return to_dot(graph, stage) if form == "dot" else to_html(graph, stage)


def _add_dump_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_stage_argument(parser)
    add_size_argument(parser)
    parser.add_argument(
        "--format", choices=sorted(_LEXERS), default="text", help="what to write (default: text)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="write it there, not to the console")


def _dump(options: argparse.Namespace, console: Console) -> int:
    graph = read_at_stage(options, options.stage)
    text = render(graph, options.stage, options.format)
    if options.output is None:
        print_source(console, text, _LEXERS[options.format])
    else:
        write_text(options.output, text + "\n")
        print_plain(console, f"wrote {graph.count()} nodes to {options.output}")
    return 0


DUMP: Final = Command(
    "dump",
    "print a stage of a graph",
    "Read a graph, take it through the pipeline up to a stage, and print it as text, as Graphviz\n"
    "dot or as an html page. Text can be read again by every command.",
    (
        "graphc dump model.txt --stage canonical",
        "graphc dump model.txt --size n0=32 -o fused.txt",
        "graphc dump model.txt --stage simplified --format dot | dot -Tsvg > model.svg",
    ),
    _add_dump_arguments,
    _dump,
)


def _add_view_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_stage_argument(parser)
    add_size_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the page (default: FILE.STAGE.html, here)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def _view(options: argparse.Namespace, console: Console) -> int:
    graph = read_at_stage(options, options.stage)
    stem = "graph" if options.file == STANDARD_INPUT else Path(options.file).stem
    path = Path(options.output or f"{stem}.{options.stage}.html")
    write_text(str(path), render(graph, options.stage, "html") + "\n")
    print_plain(console, f"wrote the stage {options.stage} to {path}: open it in a browser")
    if options.open and not webbrowser.open(path.resolve().as_uri()):
        print_plain(console, "no browser could be started", style="yellow")
    return 0


VIEW: Final = Command(
    "view",
    "write a stage of a graph as a page for a browser",
    "Read a graph, take it through the pipeline up to a stage, and write a page that needs\n"
    "nothing but itself: operands are links, each node shows the line that made it, and a field\n"
    "filters the rows.",
    ("graphc view model.txt --stage simplified", "graphc view model.txt --size n0=32 --open"),
    _add_view_arguments,
    _view,
)

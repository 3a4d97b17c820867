"""`graphc diff`: where two graphs, or two stages of one graph, differ."""

from __future__ import annotations

import argparse
from typing import Final

from rich.console import Console

from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.tools.command import Command
from graphc.tools.graph_files import add_constants_argument, read_graph
from graphc.tools.printing import print_plain
from graphc.tools.stages import add_size_argument, graph_at
from graphc.tools.text_comparison import Hunk, hunks

_STYLES: Final = {" ": "", "-": "red", "+": "green"}


def print_difference(
    console: Console, left: Graph, right: Graph, left_name: str, right_name: str
) -> bool:
    """Print where two graphs differ, names of nodes aside; gives whether they do."""
    difference = first_difference(left, right)
    if difference is None:
        print_plain(console, f"{left_name} and {right_name} are equal, names of nodes aside")
        return False
    print_plain(console, f"--- {left_name}: {left.count()} nodes", style="bold red")
    print_plain(console, f"+++ {right_name}: {right.count()} nodes", style="bold green")
    print_plain(console, f"first difference: {difference}", style="bold")
    for hunk in hunks(left, right):
        _print_hunk(console, hunk)
    return True


def _print_hunk(console: Console, hunk: Hunk) -> None:
    left = sum(sign != "+" for sign, _ in hunk.lines)
    right = sum(sign != "-" for sign, _ in hunk.lines)
    place = f"@@ -{hunk.left_start},{left} +{hunk.right_start},{right} @@"
    print_plain(console, place, style="cyan")
    for sign, text in hunk.lines:
        print_plain(console, f"{sign}{text}", style=_STYLES[sign])


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("left", metavar="A", help="a graph in text form; - is standard input")
    parser.add_argument("right", metavar="B", nargs="?", help="another; left out with --stages")
    parser.add_argument(
        "--stages",
        nargs=2,
        metavar=("FIRST", "SECOND"),
        help="compare A after one stage of the pipeline with A after another",
    )
    add_size_argument(parser)
    add_constants_argument(parser)


def _execute(options: argparse.Namespace, console: Console) -> int:
    if (options.right is None) == (options.stages is None):
        options.usage_error("give two graphs, or one graph and --stages FIRST SECOND")
    graph = read_graph(options.left, options.constants)
    if options.stages is None:
        other = read_graph(options.right, options.constants)
        differ = print_difference(console, graph, other, options.left, options.right)
    else:
        first, second = options.stages
        sizes = dict(options.sizes)
        one, other = graph_at(graph, first, sizes), graph_at(graph, second, sizes)
        differ = print_difference(console, one, other, f"stage {first}", f"stage {second}")
    return 1 if differ else 0


DIFF: Final = Command(
    "diff",
    "compare two graphs, or two stages of one",
    "Compare two graphs node by node. Names of nodes and numbers of values do not count; names of\n"
    "inputs and of updated variables do. Exit status 1 when they differ, as diff has it.",
    (
        "graphc diff before.txt after.txt",
        "graphc diff model.txt --stages canonical simplified",
        "graphc diff model.txt --stages simplified fused --size n0=32",
    ),
    _add_arguments,
    _execute,
)

"""`graphc bench`: the benchmarks of a checkout, listed and run."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc.errors import GraphcError, did_you_mean
from graphc.tools.command import Command, whole_number

_ROOT: Final = Path(__file__).resolve().parents[2]


def find_benchmarks(root: Path = _ROOT) -> dict[str, str]:
    """The benchmarks of a checkout, each with the first line of its documentation.

    Raises:
        GraphcError: there is no folder of benchmarks: the package was installed without it.
    """
    folder = root / "benchmarks"
    if not (folder / "harness.py").is_file():
        raise GraphcError(
            "the benchmarks are not installed with the package",
            expected=f"a checkout of the project, with the folder {folder.name}/ beside graphc/",
            fix='clone the repository, pip install -e ".[test]" there, and call graphc bench again',
        )
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        functions = {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}
        if "make_cases" in functions:
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def benchmark_table(benchmarks: dict[str, str]) -> Table:
    """The names of benchmarks and what they measure."""
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left")
    table.add_column("benchmark", no_wrap=True)
    table.add_column("what it measures")
    for name, summary in benchmarks.items():
        table.add_row(Text(name), Text(summary))
    table.caption = Text("graphc bench NAME runs one, graphc bench NAME --smoke only tries it")
    return table


def run_benchmark(name: str, arguments: list[str], root: Path = _ROOT) -> int:
    """Run a benchmark in a process of its own; gives its exit status.

    Raises:
        GraphcError: there is none of that name.
    """
    benchmarks = find_benchmarks(root)
    if name not in benchmarks:
        raise GraphcError(f"there is no benchmark {name!r}", fix=did_you_mean(name, benchmarks))
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="the benchmark; all are listed else"
    )
    parser.add_argument("--smoke", action="store_true", help="run quickly, judge nothing")
    parser.add_argument(
        "--pairs", type=whole_number(1), metavar="N", help="pairs or rounds per case"
    )
    parser.add_argument("--json", metavar="PATH", help="append a line of JSON per case")
    parser.add_argument("--only", metavar="TEXT", help="run the cases whose name contains TEXT")


def _execute(options: argparse.Namespace, console: Console) -> int:
    if options.name is None:
        console.print(benchmark_table(find_benchmarks()))
        return 0
    arguments = ["--smoke"] if options.smoke else []
    if options.pairs is not None:
        arguments += ["--pairs", str(options.pairs)]
    if options.json is not None:
        # The benchmark runs in the checkout, the path is meant from here.
        arguments += ["--json", str(Path(options.json).absolute())]
    if options.only is not None:
        arguments += ["--only", options.only]
    return run_benchmark(options.name, arguments)


BENCH: Final = Command(
    "bench",
    "list or run the benchmarks of a checkout",
    "List the benchmarks, or run one: graphc beside hand-written JAX, pair by pair, in a process\n"
    "of its own. Exit status 1 when a target is missed. Needs a checkout of the project.",
    ("graphc bench", "graphc bench dispatch --smoke", "graphc bench dispatch --json results.jsonl"),
    _add_arguments,
    _execute,
)

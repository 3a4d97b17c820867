"""`graphc run`: feeds from files and from the command line, results to files and to a table."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc.errors import FeedError
from graphc.session.checkpoint import read_variables
from graphc.session.session import default_pipeline
from graphc.tools.command import Command
from graphc.tools.graph_files import (
    add_graph_arguments,
    read_array,
    read_graph,
    refuse_detached,
    unwritable,
)
from graphc.tools.printing import print_plain
from graphc.tools.running import Output, Run, run_graph

Array = np.ndarray[Any, Any]

_SHOWN_ELEMENTS: Final = 60


def parse_feeds(items: Sequence[str]) -> dict[str, Any]:
    """The arrays of `name=array.npy`, `name=1.5`, `name=[1, 2]` and `name=text`.

    Raises:
        FeedError: an item has no name, or two have the same.
        GraphcError: a file is missing or damaged.
    """
    feeds: dict[str, Any] = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not (name and equals):
            raise FeedError(
                "this is no feed", given=item, expected="name=array.npy, name=1.5 or name=[1, 2]"
            )
        if name in feeds:
            raise FeedError(f"{name!r} is fed twice", given=item)
        feeds[name] = _parse_feed(text)
    return feeds


def _parse_feed(text: str) -> Any:
    if text.endswith(".npy"):
        return read_array(text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def save_outputs(path: str, outputs: Sequence[Output]) -> None:
    """Write results to an .npz file under their keys.

    NumPy's format has no name for bfloat16 and float8: they are written as float32, which holds
    them exactly. Nothing is ever pickled.

    Raises:
        GraphcError: the disk refused.
    """
    try:
        with zipfile.ZipFile(path, "w") as archive:
            for output in outputs:
                with archive.open(f"{output.key}.npy", "w", force_zip64=True) as member:
                    array = _storable(output.array)
                    np.lib.format.write_array(member, array, allow_pickle=False)
    except OSError as problem:
        raise unwritable(path, problem) from problem


def _storable(given: Any) -> Array:
    array = np.asarray(given)
    if array.dtype == object:  # strings
        items = array.ravel().tolist()
        kind = str if all(isinstance(item, str) for item in items) else bytes
        encoded = [i.encode() if kind is bytes and isinstance(i, str) else i for i in items]
        return np.array(encoded, dtype=kind).reshape(array.shape)
    if array.dtype.kind == "V":
        return array.astype(np.float32)
    return array


def results_table(run: Run) -> Table:
    """The results of a run."""
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left", title_justify="left")
    for column in ("output", "type", "value"):
        table.add_column(column)
    for output in run.outputs:
        table.add_row(Text(output.key), Text(output.text), Text(_shown(output.array)))
    table.caption = (
        f"compiled in {run.compile_seconds:.2f} s, ran in {run.run_seconds * 1e3:.2f} ms"
    )
    return table


def _shown(given: Any) -> str:
    if isinstance(given, (str, bytes)):
        return repr(given)
    return np.array2string(np.asarray(given), threshold=_SHOWN_ELEMENTS, edgeitems=3)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        "--feed",
        metavar="NAME=ARRAY",
        dest="feeds",
        action="extend",
        nargs="+",
        default=[],
        help="an input: a .npy file, a number, or a JSON list; variables that the graph reads are "
        "inputs too",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="values of variables that are not fed, and the random state: what session.save wrote",
    )
    parser.add_argument("--save", metavar="OUT.npz", help="also write the results there")
    parser.add_argument(
        "--stage",
        choices=("all", "none"),
        default="all",
        help="run all passes, or none but those that nothing can be lowered without (default: all)",
    )
    parser.add_argument(
        "--device", metavar="NAME", help="where to run: cpu, gpu:0, … (see devices)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of random ops, unless a checkpoint says (default: 0)"
    )


def _execute(options: argparse.Namespace, console: Console) -> int:
    graph = read_graph(options.file, options.constants)
    refuse_detached(graph, options.file)
    pipeline = default_pipeline()
    if options.stage == "none":
        pipeline = pipeline.only()
    run = run_graph(
        graph,
        parse_feeds(options.feeds),
        variables=read_variables(options.checkpoint) if options.checkpoint else None,
        pipeline=pipeline,
        device=options.device,
        seed=options.seed & 0xFFFFFFFF,
    )
    console.print(results_table(run))
    if options.save is not None:
        save_outputs(options.save, run.outputs)
        print_plain(console, f"wrote {len(run.outputs)} arrays to {options.save}")
    return 0


RUN: Final = Command(
    "run",
    "run a graph on arrays",
    "Read a graph, compile it with XLA, run it once on the given arrays and print the results.\n"
    "Sizes of symbols are taken from the arrays. A variable's old value is an input under its\n"
    "name; its new value is a result.",
    (
        "graphc run model.txt --feed images=images.npy --save out.npz",
        "graphc run line.txt --feed x=[1,2,3] scale=1.5",
        "graphc run step.txt --feed images=images.npy labels=labels.npy --checkpoint model.ckpt",
        "graphc run model.txt --feed x=1.5 --stage none    # are the passes to blame?",
    ),
    _add_arguments,
    _execute,
)

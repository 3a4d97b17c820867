"""`graphc run`: a graph from a file, compiled by XLA and run on arrays from files."""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc.dtypes import STRING, TOKEN
from graphc.errors import ExecutionError, FeedError, did_you_mean
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Value
from graphc.ir.origin import UNKNOWN
from graphc.lowering.executable import Executable
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline
from graphc.session.devices import find_device
from graphc.session.feeds import bind_sizes, convert_feed
from graphc.session.host import run_on_host
from graphc.session.program import LAST_SYMBOLIC_STAGE
from graphc.session.session import default_pipeline
from graphc.session.state import COUNTER, SEED
from graphc.tools.command import Command
from graphc.tools.graph_files import (
    add_graph_arguments,
    read_array,
    read_graph,
    refuse_detached,
    unwritable,
)
from graphc.tools.printing import print_plain

Array = np.ndarray[Any, Any]

_SHOWN_ELEMENTS: Final = 60


@dataclass(frozen=True)
class Output:
    """One result of a run.

    Attributes:
        key: its name in the file of results, and in the table.
        array: a NumPy array; a `str` or `bytes` for a scalar string.
        text: its type as the graph declares it.
    """

    key: str
    array: Any
    text: str


@dataclass(frozen=True)
class Run:
    """What a run gave.

    Attributes:
        outputs: fetches, then new values of variables.
        compile_seconds: passes, lowering and XLA.
        run_seconds: one call, until the results are there.
    """

    outputs: tuple[Output, ...]
    compile_seconds: float
    run_seconds: float


def run_graph(
    graph: Graph,
    feeds: Mapping[str, Any],
    *,
    pipeline: Pipeline | None = None,
    device: str | None = None,
    seed: int = 0,
) -> Run:
    """Run a graph once.

    Args:
        graph: a graph at any stage.
        feeds: arrays by the names of inputs; variables that the graph reads are inputs too.
        pipeline: the passes; the default ones if None.
        device: as in `Session`.
        seed: of random ops, unless the random state is fed.

    Raises:
        FeedError: an input is not fed, or a feed does not fit or belongs to no input.
    """
    started = time.perf_counter()
    found = find_device(device)
    numbers = [value for value in graph.fetches if not value.type.dtype.is_host]
    strings = [value for value in graph.fetches if value.type.dtype is STRING]
    tokens = [value for value in graph.fetches if value.type.dtype is TOKEN]
    platform = found.platform if found is not None else jax.default_backend()
    context = PassContext(platform=platform)
    manager = PassManager(pipeline or default_pipeline())
    program = _slice(graph, [*numbers, *tokens], keep_updates=True)
    symbolic = manager.run(program, until=LAST_SYMBOLIC_STAGE, context=context).result
    host = _slice(graph, strings)

    given: dict[str, Any] = {SEED: np.uint32(seed), COUNTER: np.uint32(0), **feeds}
    wanted = list({value.node: value for value in (*symbolic.inputs, *host.inputs)}.values())
    _check_names(wanted, feeds, given)
    arrays = {value: convert_feed(given[name_of(value)], value, name_of(value)) for value in wanted}
    fed = [arrays[value] for value in symbolic.inputs]
    context.sizes = bind_sizes(symbolic.inputs, fed, dict.fromkeys(graph.constraints, UNKNOWN))
    concrete = manager.run(symbolic, start_after=LAST_SYMBOLIC_STAGE, context=context).result
    executable = None
    if concrete.outputs:
        executable = Executable(concrete, device=found, donate=False)
        executable.compile()
    compiled = time.perf_counter()

    results = _call(executable, fed) if executable is not None else []
    texts = run_on_host(host, [arrays[value] for value in host.inputs]) if strings else []
    ran = time.perf_counter()
    fetched = [value for value in graph.fetches if value.type.dtype is not TOKEN]
    keys = _unique_keys(
        [*[value.node.name for value in fetched], *[f"update/{n}" for n in concrete.update_names]]
    )
    types = [value.type for value in (*fetched, *concrete.updates.values())]
    numeric, textual = iter(results), iter(texts)
    outputs = [
        Output(key, next(textual if type_.dtype is STRING else numeric), str(type_))
        for key, type_ in zip(keys, types, strict=True)
    ]
    return Run(tuple(outputs), compiled - started, ran - compiled)


def name_of(value: Value) -> str:
    """The name under which an input is fed."""
    return str(value.node.attributes["name"])


def _slice(graph: Graph, outputs: Sequence[Value], keep_updates: bool = False) -> Graph:
    """What some outputs need, and with them the new values of variables."""
    updates = graph.updates if keep_updates else {}
    kept = [*outputs, *updates.values()]
    needed = set(topological_order(kept))
    nodes = [node for node in graph.nodes if node in needed]
    inputs = [value for value in graph.inputs if value.node in needed]
    constraints = graph.constraints if keep_updates else ()
    return Graph(inputs, kept, nodes, tuple(updates), constraints)


def _check_names(wanted: Sequence[Value], feeds: Iterable[str], given: Mapping[str, Any]) -> None:
    names = [name_of(value) for value in wanted]
    for name in feeds:
        if name not in names:
            raise FeedError(
                f"the graph needs no input named {name!r}", fix=did_you_mean(name, names)
            )
    missing = [value for value in wanted if name_of(value) not in given]
    if missing:
        first = name_of(missing[0])
        raise FeedError(
            f"{len(missing)} inputs that the graph needs are not fed",
            expected="; ".join(
                f"{name_of(value)!r} ({value.node.attributes['kind']}): {value.type}"
                for value in missing
            ),
            fix=f"--feed {first}={first.rpartition('/')[2]}.npy, or a number, or a JSON list",
        )


def _call(executable: Executable, arrays: Sequence[Any]) -> list[Array]:
    states = executable.lowered.states
    others = [position for position in range(len(arrays)) if position not in set(states)]
    ordered = [arrays[position] for position in (*states, *others)]
    try:
        return [np.asarray(result) for result in executable.call(*executable.constants, *ordered)]
    except Exception as problem:
        raise ExecutionError(f"XLA failed: {problem}") from problem


def _unique_keys(names: Sequence[str]) -> list[str]:
    """A key for each result: its name, where that is its alone and names no place outside."""
    clean = ["/".join(p for p in name.split("/") if p not in ("", ".", "..")) for name in names]
    return [
        name if name and clean.count(name) == 1 else f"output_{position}"
        for position, name in enumerate(clean)
    ]


# -- feeds and results of the command line ---------------------------------------------------------


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
    parser.add_argument("--seed", type=int, default=0, help="of random ops (default: 0)")


def _execute(options: argparse.Namespace, console: Console) -> int:
    graph = read_graph(options.file, options.constants)
    refuse_detached(graph, options.file)
    pipeline = default_pipeline()
    if options.stage == "none":
        pipeline = pipeline.only()
    run = run_graph(
        graph,
        parse_feeds(options.feeds),
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
        "graphc run model.txt --feed x=1.5 --stage none    # are the passes to blame?",
    ),
    _add_arguments,
    _execute,
)

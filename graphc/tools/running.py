"""A graph from a file, at any stage, compiled by XLA and run once on arrays."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

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

Array = np.ndarray[Any, Any]


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
    variables: Mapping[str, Any] | None = None,
    pipeline: Pipeline | None = None,
    device: str | None = None,
    seed: int = 0,
) -> Run:
    """Run a graph once.

    Args:
        graph: a graph at any stage.
        feeds: arrays by the names of inputs; variables that the graph reads are inputs too.
        variables: old values of variables that are not fed; those that nothing reads are ignored.
        pipeline: the passes; the default ones if None.
        device: as in `Session`.
        seed: of random ops, unless the random state is among the feeds or variables.

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

    random = {SEED: np.uint32(seed), COUNTER: np.uint32(0)}
    given: dict[str, Any] = {**random, **(variables or {}), **feeds}
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
        lines = [f"{name_of(v)!r} ({v.node.attributes['kind']}): {v.type}" for v in missing]
        raise FeedError(
            f"{len(missing)} inputs that the graph needs are not fed",
            expected="\n    ".join(["", *lines]),
            fix=f"--feed {first}={first.rpartition('/')[2]}.npy, or a number, or a JSON list; "
            "--checkpoint FILE for variables",
        )


def _call(executable: Executable, arrays: Sequence[Any]) -> list[Array]:
    ordered = [arrays[position] for position in executable.lowered.order]
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

"""Measures graphc beside hand-written JAX, and how a cost grows with size.

The two sides of a `Comparison` run in one process, in turn, and what counts is the ratio within
each pair: a machine that slows down slows both, so the median of the ratios holds still where the
seconds do not. A `Growth` times one action at several sizes, in turn too, and fits the exponent
`p` of `seconds = a * size**p` in each round. A `Footprint` compares bytes, which do not vary.

A benchmark is one file: a function that makes its cases, and

    if __name__ == "__main__":
        sys.exit(main("dispatch", make_cases))

An action must finish its own work: JAX's arrays are promises, so it ends with `np.asarray` or
`block_until_ready`. Timings are judged here and never in tests; `--smoke` judges nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

Action = Callable[[], object]
Clock = Callable[[], float]

SMOKE_ROUNDS = 2
FULL_ROUNDS = 15


@dataclass(frozen=True)
class Comparison:
    """Two actions that do the same work, ours and theirs.

    Attributes:
        name: what is compared.
        ours: one piece of work done by graphc.
        theirs: the same piece done by hand-written JAX.
        target: the highest ratio ours / theirs that is good enough, None where there is no aim.
        calls: how often an action runs within one timing; more for one of microseconds.
        least_seconds: how long one timing is to take, about; there are more calls if they end
            sooner, since the first ones after a collection of garbage take longer.
        warmups: untimed runs of each action before the first pair.
        prepare: runs untimed before each timing, to clear a cache for example.
    """

    name: str
    ours: Action
    theirs: Action
    target: float | None = None
    calls: int = 1
    least_seconds: float = 0.0
    warmups: int = 2
    prepare: Action | None = None


@dataclass(frozen=True)
class Growth:
    """One action at several sizes.

    Attributes:
        name: whose cost grows.
        at_size: makes the action for a size; called once per size, untimed.
        sizes: at least two sizes, ascending.
        target: the highest exponent that is good enough, None where there is no aim.
        calls: how often an action runs within one timing.
        warmups: untimed runs at each size before the first round.
        prepare: runs untimed before each timing.
    """

    name: str
    at_size: Callable[[int], Action]
    sizes: tuple[int, ...]
    target: float | None = None
    calls: int = 1
    warmups: int = 1
    prepare: Action | None = None


@dataclass(frozen=True)
class Footprint:
    """Two programs that do the same work, ours and theirs, and the bytes that each needs.

    Attributes:
        name: what is compared.
        ours: the bytes that graphc's program needs.
        theirs: those of hand-written JAX.
        target: the highest ratio ours / theirs that is good enough, None where there is no aim.
    """

    name: str
    ours: Callable[[], int]
    theirs: Callable[[], int]
    target: float | None = None


Case = Comparison | Growth | Footprint


@dataclass(frozen=True)
class Result:
    """What one case measured.

    Attributes:
        name: the name of the case.
        quantity: what the values are, "ratio" or "exponent".
        values: one per pair or round.
        seconds: for each side or size, one time per pair or round; empty where none was taken.
        target: the highest median that is good enough.
        bytes: for each side, where bytes were compared.
    """

    name: str
    quantity: str
    values: tuple[float, ...]
    seconds: dict[str, tuple[float, ...]]
    target: float | None
    bytes: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def median(self) -> float:
        """The figure that is compared with the target."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third quartile of the values."""
        low, high = np.quantile(np.asarray(self.values), [0.25, 0.75])
        return float(low), float(high)

    @property
    def met(self) -> bool | None:
        """Whether the median is within the target, None where there is no target."""
        return None if self.target is None else self.median <= self.target

    @property
    def medians(self) -> dict[str, float]:
        """The median of the seconds of each side or size."""
        return {side: statistics.median(all_) for side, all_ in self.seconds.items()}

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, the medians of the seconds among it."""
        return {
            "name": self.name,
            "quantity": self.quantity,
            "median": self.median,
            "quartiles": list(self.quartiles),
            "target": self.target,
            "met": self.met,
            "rounds": len(self.values),
            "seconds": self.medians,
            "bytes": self.bytes,
        }


def growth_exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit `p` of `seconds = a * size**p`: the slope of the least-squares line through the logs.

    Raises:
        ValueError: if there are fewer than two sizes, or a size or time is not positive.
    """
    if len(sizes) != len(seconds) or len(set(sizes)) < 2:
        raise ValueError(
            f"A growth exponent needs two or more different sizes, each with its seconds; "
            f"given sizes {list(sizes)} and seconds {list(seconds)}."
        )
    if min(*sizes, *seconds) <= 0:
        raise ValueError(f"Sizes and seconds must be positive; given {sizes} and {seconds}.")
    fit = statistics.linear_regression([math.log(x) for x in sizes], [math.log(x) for x in seconds])
    return fit.slope


def measure(case: Case, rounds: int, clock: Clock = time.perf_counter) -> Result:
    """Measure a case in `rounds` pairs (of a comparison) or rounds (of a growth); bytes once."""
    if isinstance(case, Comparison):
        both = {"ours": case.ours, "theirs": case.theirs}
        seconds = _time_in_turn(case, both, rounds, clock, case.least_seconds)
        ratios = tuple(a / b for a, b in zip(seconds["ours"], seconds["theirs"], strict=True))
        return Result(case.name, "ratio", ratios, seconds, case.target)
    if isinstance(case, Footprint):
        needed = {"ours": case.ours(), "theirs": case.theirs()}
        ratio = needed["ours"] / needed["theirs"]
        return Result(case.name, "ratio", (ratio,), {}, case.target, needed)
    actions = {str(size): case.at_size(size) for size in case.sizes}
    seconds = _time_in_turn(case, actions, rounds, clock)
    each_round = zip(*seconds.values(), strict=True)
    exponents = tuple(growth_exponent(case.sizes, times) for times in each_round)
    return Result(case.name, "exponent", exponents, seconds, case.target)


def _time_in_turn(
    case: Comparison | Growth,
    actions: dict[str, Action],
    rounds: int,
    clock: Clock,
    least_seconds: float = 0.0,
) -> dict[str, tuple[float, ...]]:
    for action in actions.values():
        for _ in range(case.warmups):
            action()
    calls = case.calls
    if least_seconds:
        fastest = min(_time(action, 1, clock) for action in actions.values())
        calls = max(calls, math.ceil(least_seconds / fastest))
    seconds: dict[str, list[float]] = {side: [] for side in actions}
    for number in range(rounds):
        # One round's garbage is not to be collected at the expense of the next.
        gc.collect()
        # Every other round runs backwards: who always goes second finds the caches warm.
        order = list(actions) if number % 2 == 0 else list(reversed(actions))
        for side in order:
            if case.prepare is not None:
                case.prepare()
            seconds[side].append(_time(actions[side], calls, clock))
    return {side: tuple(times) for side, times in seconds.items()}


def _time(action: Action, calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        action()
    return (clock() - start) / calls


def describe_environment() -> dict[str, Any]:
    """What a figure depends on: cores, platform and versions."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "platform": jax.default_backend(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


def format_seconds(seconds: float) -> str:
    """Seconds in the unit that suits them: `15.20 µs`, `1.25 s`."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.2f} {unit}"
    return f"{seconds / 1e-9:.2f} ns"


def format_bytes(count: int) -> str:
    """Bytes in MiB: `12.5 MiB`."""
    return f"{count / 2**20:.1f} MiB"


def make_table(title: str, results: Sequence[Result], smoke: bool) -> Table:
    """Lay results out as a table, one row per case."""
    table = Table(title=title + (" (smoke run: nothing is judged)" if smoke else ""))
    for heading in ("case", "median seconds, bytes", "measured", "quartiles", "target", "verdict"):
        table.add_column(heading, no_wrap=heading != "case")
    for result in results:
        sides = {side: format_seconds(each) for side, each in result.medians.items()}
        sides |= {side: format_bytes(each) for side, each in result.bytes.items()}
        low, high = result.quartiles
        table.add_row(
            result.name,
            "\n".join(f"{side}: {text}" for side, text in sides.items()),
            f"{result.quantity} {result.median:.3f}",
            f"{low:.3f} to {high:.3f}",
            "" if result.target is None else f"<= {result.target:g}",
            "" if smoke or result.met is None else ("met" if result.met else "missed"),
        )
    return table


def main(
    name: str,
    make_cases: Callable[[bool], Sequence[Case]],
    arguments: Sequence[str] | None = None,
    console: Console | None = None,
) -> int:
    """Run a benchmark from the command line.

    Args:
        name: the benchmark's name, in the table's title and in every JSON line.
        make_cases: makes the cases; its argument is true for a smoke run, which wants small sizes.
        arguments: the command line, by default that of the process.
        console: where the table goes.

    Returns:
        The exit status: 1 if a target was missed in a full run, else 0.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--smoke", action="store_true", help="run quickly, judge nothing")
    parser.add_argument("--pairs", type=int, metavar="N", help="pairs or rounds per case")
    parser.add_argument("--json", type=Path, metavar="PATH", help="append a JSON line per case")
    parser.add_argument("--only", metavar="TEXT", help="run the cases whose name contains TEXT")
    options = parser.parse_args(arguments)
    rounds = options.pairs
    if rounds is None:
        rounds = SMOKE_ROUNDS if options.smoke else FULL_ROUNDS
    elif rounds < 1:
        parser.error(f"--pairs must be 1 or more, given {rounds}")
    cases = [case for case in make_cases(options.smoke) if (options.only or "") in case.name]
    if not cases:
        parser.error(f"no case of {name} has {options.only!r} in its name")

    console = console or Console(width=120)
    results: list[Result] = []
    for case in cases:
        with console.status(f"measuring {case.name}"):
            results.append(measure(case, rounds))
        if options.json:
            append_json_line(options.json, name, results[-1], options.smoke)
    console.print(make_table(name, results, options.smoke))
    return 0 if options.smoke or all(result.met is not False for result in results) else 1


def append_json_line(path: Path, benchmark: str, result: Result, smoke: bool) -> None:
    """Append a result, with the environment it was measured in, as one line of JSON."""
    line = {
        "benchmark": benchmark,
        **result.to_dict(),
        "smoke": smoke,
        "environment": describe_environment(),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")

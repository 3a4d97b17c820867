"""How one nesting of fetches with one set of feeds runs: worked out once, called many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from graphc.dtypes import STRING
from graphc.errors import NumericsError
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ops.tensor import Operation, Tensor
from graphc.session.failures import execution_failure
from graphc.session.fast_calls import make_fast_call, wait_for
from graphc.session.feeds import convert_feed
from graphc.session.fetches import Rebuild
from graphc.session.host import run_on_host
from graphc.session.program import Program, Signature
from graphc.session.state import Compute, VariableStore


class PlanMaker(Protocol):
    """What a plan asks of its session."""

    store: VariableStore

    def make_program(
        self,
        fetches: list[Value],
        feeds: list[Value],
        check_numerics: bool = False,
        *,
        memory_budget: int = 0,
    ) -> Program: ...

    def make_host(self, fetches: list[Value], feeds: list[Value]) -> Graph: ...

    @property
    def compute_initial_values(self) -> Compute: ...


class Plan:
    """A program, the host's part of a run, and where the results of both go.

    Attributes:
        run: runs once on one array per feed, positional, with NumPy results. After the first run it
            is a function made for that run's types; see `fast_calls`.
        store: the session's variables.
        number_count: how many results are handed over as arrays.
        is_single: whether the fetch is one tensor, not in any nesting.
        program: what XLA runs; None when everything is on the host.
        reset: variables that get their initial values back before the run.
    """

    def __init__(
        self,
        leaves: Sequence[Tensor | Operation],
        rebuild: Rebuild,
        feeds: Sequence[Tensor],
        maker: PlanMaker,
        check_numerics: bool = False,
        memory_budget: int = 0,
    ) -> None:
        self._rebuild = rebuild
        self.store = maker.store
        self._initialize = maker.compute_initial_values
        self._feeds = [(tensor.value, tensor.name) for tensor in feeds]
        numbers: list[Value] = []
        strings: list[Value] = []
        effects: list[Value] = []
        self._sources: list[tuple[str, int]] = []
        for leaf in leaves:
            if isinstance(leaf, Operation):
                effects.append(leaf.node.outputs[0])
                self._sources.append(("nothing", 0))
            elif leaf.dtype is STRING:
                self._sources.append(("string", len(strings)))
                strings.append(leaf.value)
            else:
                self._sources.append(("number", len(numbers)))
                numbers.append(leaf.value)
        self.number_count = len(numbers)
        self.is_single = rebuild is next and len(numbers) == 1
        effects = [value for value in effects if value.type.dtype is not STRING]
        values = [value for value, _ in self._feeds]
        self._fed_numbers = [i for i, v in enumerate(values) if v.type.dtype is not STRING]
        self.program: Program | None = None
        self.reset: tuple[str, ...] = ()
        if numbers or effects:
            fed = [values[i] for i in self._fed_numbers]
            self.program = maker.make_program(
                numbers + effects, fed, check_numerics, memory_budget=memory_budget
            )
            self.reset = tuple(
                name
                for node in self.program.built.nodes
                if node.op.name == "initialize"
                for name in node.attributes["variables"]
            )
        self._host = maker.make_host(strings, values) if strings else None
        self.run: Callable[..., Any] = self._run

    def _run(self, *given: Any) -> Any:
        """Run with NumPy results; what `run` is before the first signature is known."""
        result, last = self._run_once(given, as_numpy=True)
        types = [(feed.dtype, feed.shape) for feed in given if type(feed) is np.ndarray]
        plain = self._host is None and not self.reset and len(types) == len(given)
        if plain and last is not None and last.result_count and last.numerics is None:
            self.run = make_fast_call(self, last, types)
        return result

    def run_for(self, given: Sequence[Any], as_numpy: bool) -> Any:
        """Run once, on one array per feed: feeds are checked and converted, variables initialized.

        Args:
            given: one array per feed, in order.
            as_numpy: whether to wait and to copy results to NumPy arrays.

        Raises:
            FeedError: one does not fit.
        """
        return self._run_once(given, as_numpy)[0]

    def _run_once(self, given: Sequence[Any], as_numpy: bool) -> tuple[Any, Signature | None]:
        """The results of a run, and the signature that gave them."""
        arrays = self._convert(given)
        if self.reset:
            self.store.reset(self.reset, self._initialize)
        numbers: Sequence[Any] = ()
        signature = None
        if self.program is not None:
            fed = [arrays[i] for i in self._fed_numbers]
            signature = self.program.signature(fed)
            numbers = self._run_program(signature, fed, as_numpy)
        strings = run_on_host(self._host, arrays) if self._host else ()
        return self.arrange(numbers, strings), signature

    def _convert(self, given: Sequence[Any]) -> list[Any]:
        return [
            convert_feed(array, value, name)
            for array, (value, name) in zip(given, self._feeds, strict=True)
        ]

    def feeds_of_program(self, given: Sequence[Any]) -> list[Any]:
        """What the program is fed of one array per feed: the others are strings.

        Raises:
            FeedError: one does not fit.
        """
        arrays = self._convert(given)
        return [arrays[i] for i in self._fed_numbers]

    def arrange(self, numbers: Sequence[Any], strings: Sequence[Any] = ()) -> Any:
        """Results in the nesting of the fetches."""
        return self._rebuild(self._collect(numbers, strings))

    def _collect(self, numbers: Sequence[Any], strings: Sequence[Any]) -> Iterator[Any]:
        for kind, position in self._sources:
            if kind == "number":
                yield numbers[position]
            else:
                yield strings[position] if kind == "string" else None

    def _run_program(
        self, signature: Signature, fed: Sequence[Any], as_numpy: bool
    ) -> Sequence[Any]:
        if not as_numpy:
            # Nobody waits for the result, so a feed that XLA reads in place must be a copy.
            fed = [np.array(array) if type(array) is np.ndarray else array for array in fed]
        count = self.number_count
        waits = as_numpy and count == 0
        results = dispatch(signature, fed, self.store, self._initialize, waits)
        if not as_numpy:
            return results[:count]
        try:
            # Copies: what a person holds must not keep XLA from reusing a variable's memory.
            return [np.array(result) for result in results[:count]]
        except Exception as problem:
            raise execution_failure(problem, signature.update_names) from problem


def dispatch(
    signature: Signature,
    fed: Sequence[Any],
    store: VariableStore,
    initialize: Compute,
    waits: bool = False,
) -> list[Any]:
    """Call a program on feeds and the variables it reads; set the variables it updates.

    Returns its results, new values of variables included, perhaps before they are computed; with
    `waits` after the first of them is.

    Raises:
        ExecutionError: XLA failed; says whether state was lost.
        NumericsError: the program checks its numbers, and one is not finite.
    """
    results = _call(signature, fed, store, initialize, waits)
    try:
        signature.check_numbers(results)
    except NumericsError:
        raise
    except Exception as problem:
        raise execution_failure(problem, signature.update_names) from problem
    return results


def _call(
    signature: Signature,
    fed: Sequence[Any],
    store: VariableStore,
    initialize: Compute,
    waits: bool,
) -> list[Any]:
    executable = signature.executable
    names, updates = signature.state_names, signature.update_names
    if not names and not updates:
        try:
            return executable.call(*executable.constants, *fed)
        except Exception as problem:
            raise execution_failure(problem, []) from problem
    # A donated buffer must not be read by another thread between look-up and dispatch.
    with store.lock:
        if store.lacks(names):  # a program computes them: XLA compiles both at once
            executable.begin_compiling()
            store.ensure(names, initialize)
        state = store.values(names)
        try:
            results = executable.call(*executable.constants, *state, *fed)
        except Exception as problem:
            raise execution_failure(problem, store.lost()) from problem
        if updates:
            store.update(updates, results[signature.fetch_count :])
        if waits:  # in here: once the lock is open, the next program may consume a variable
            wait_for(results, updates)
    return results

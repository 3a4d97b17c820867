"""How one nesting of fetches with one set of feeds runs: worked out once, called many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from graphc.dtypes import STRING
from graphc.errors import ExecutionError
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ops.tensor import Operation, Tensor
from graphc.session.feeds import convert_feed
from graphc.session.fetches import Rebuild
from graphc.session.host import run_on_host
from graphc.session.program import Program, Signature
from graphc.session.state import Compute, VariableStore


class PlanMaker(Protocol):
    """What a plan asks of its session."""

    store: VariableStore

    def make_program(self, fetches: list[Value], feeds: list[Value]) -> Program: ...

    def make_host(self, fetches: list[Value], feeds: list[Value]) -> Graph: ...

    @property
    def compute_initial_values(self) -> Compute: ...


class Plan:
    """A program, the host's part of a run, and where the results of both go.

    Attributes:
        run: runs once on a sequence of one array per feed, with NumPy results. After the first run
            it is a function made for that run's types, which falls back on `run_for`.
        program: what XLA runs; None when everything is on the host.
        reset: variables that get their initial values back before the run.
    """

    def __init__(
        self,
        leaves: Sequence[Tensor | Operation],
        rebuild: Rebuild,
        feeds: Sequence[Tensor],
        maker: PlanMaker,
    ) -> None:
        self._rebuild = rebuild
        self._store = maker.store
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
        self._number_count = len(numbers)
        effects = [value for value in effects if value.type.dtype is not STRING]
        values = [value for value, _ in self._feeds]
        self._fed_numbers = [i for i, v in enumerate(values) if v.type.dtype is not STRING]
        self.program: Program | None = None
        self.reset: tuple[str, ...] = ()
        if numbers or effects:
            fed = [values[i] for i in self._fed_numbers]
            self.program = maker.make_program(numbers + effects, fed)
            self.reset = tuple(
                name
                for node in self.program.built.nodes
                if node.op.name == "initialize"
                for name in node.attributes["variables"]
            )
        self._last: Signature | None = None
        self._host = maker.make_host(strings, values) if strings else None
        self.run: Callable[[Sequence[Any]], Any] = self._run

    def _run(self, given: Sequence[Any]) -> Any:
        """Run with NumPy results; what `run` is before the first signature is known."""
        result = self.run_for(given, as_numpy=True)
        plain = self._host is None and not self.reset
        if plain and self._last is not None and self._last.result_count:
            self.run = self._make_fast_path(self._last, [type_of_feed(feed) for feed in given])
        return result

    def run_for(self, given: Sequence[Any], as_numpy: bool) -> Any:
        """Run once, on one array per feed: feeds are checked and converted, variables initialized.

        Args:
            given: one array per feed, in order.
            as_numpy: whether to wait and to copy results to NumPy arrays.

        Raises:
            FeedError: one does not fit.
        """
        arrays = self._convert(given)
        if self.reset:
            self._store.reset(self.reset, self._initialize)
        numbers: Sequence[Any] = ()
        if self.program is not None:
            fed = [arrays[i] for i in self._fed_numbers]
            self._last = self.program.signature(fed)
            numbers = self._run_program(self._last, fed, as_numpy)
        strings = run_on_host(self._host, arrays) if self._host else ()
        return self._rebuild(self._collect(numbers, strings))

    def _make_fast_path(self, signature: Signature, types: list[Any]) -> Callable[..., Any]:
        """`run` for NumPy arrays of exactly these types: nothing is looked up or converted.

        A call of a small program costs XLA and JAX 7 µs, of which a layer of Python is a tenth:
        hence one function with everything in its closure.
        """
        if None in types:
            return self._run
        executable, store, collect = signature.executable, self._store, self._collect
        constants, rebuild, count = executable.constants, self._rebuild, self._number_count
        names, updates = signature.state_names, signature.update_names
        first_update, stateless = signature.fetch_count, not (names or updates)
        single = rebuild is next and count == 1
        array_type, copy = np.ndarray, np.array

        def run(given: Sequence[Any]) -> Any:
            for array, (dtype, shape) in zip(given, types, strict=True):
                if type(array) is not array_type or array.dtype != dtype or array.shape != shape:
                    return self.run_for(given, as_numpy=True)
            try:
                if stateless:
                    results = executable.call(*constants, *given)
                else:
                    with store.lock:
                        state = [store.arrays[name] for name in names]
                        results = executable.call(*constants, *state, *given)
                        if updates:
                            store.update(updates, results[first_update:])
            except Exception as problem:
                lost = store.lost()
                if lost:
                    raise _failure(problem, lost) from problem
                return self.run_for(given, as_numpy=True)  # it says what is wrong
            try:
                if single:
                    return copy(results[0])
                if count == 0:
                    results[0].block_until_ready()
                return rebuild(collect([copy(result) for result in results[:count]], ()))
            except Exception as problem:
                raise _failure(problem, updates) from problem

        return run

    def _convert(self, given: Sequence[Any]) -> list[Any]:
        return [
            convert_feed(array, value, name)
            for array, (value, name) in zip(given, self._feeds, strict=True)
        ]

    def show_for(self, given: Sequence[Any]) -> None:
        """Let the program's dumps and reports use the sizes of these feeds."""
        assert self.program is not None
        arrays = self._convert(given)
        self.program.show_for([arrays[i] for i in self._fed_numbers])

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
        results = dispatch(signature, fed, self._store, self._initialize)
        count = self._number_count
        if not as_numpy:
            return results[:count]
        try:
            if count == 0:
                # XLA may read feeds in place: the run is over when the program is.
                for result in results[:1]:
                    result.block_until_ready()
            # Copies: what a person holds must not keep XLA from reusing a variable's memory.
            return [np.array(result) for result in results[:count]]
        except Exception as problem:
            raise _failure(problem, signature.update_names) from problem


def type_of_feed(array: Any) -> tuple[Any, tuple[int, ...]] | None:
    """Element type and shape of a NumPy array, None for anything else."""
    return (array.dtype, array.shape) if type(array) is np.ndarray else None


def dispatch(
    signature: Signature, fed: Sequence[Any], store: VariableStore, initialize: Compute
) -> list[Any]:
    """Call a program on feeds and the variables it reads; set the variables it updates.

    Returns its results, new values of variables included, perhaps before they are computed.

    Raises:
        ExecutionError: XLA failed; says whether state was lost.
    """
    executable = signature.executable
    names, updates = signature.state_names, signature.update_names
    if not names and not updates:
        try:
            return executable.call(*executable.constants, *fed)
        except Exception as problem:
            raise _failure(problem, []) from problem
    # A donated buffer must not be read by another thread between look-up and dispatch.
    with store.lock:
        store.ensure(names, initialize)
        state = store.values(names)
        try:
            results = executable.call(*executable.constants, *state, *fed)
        except Exception as problem:
            raise _failure(problem, store.lost()) from problem
        if updates:
            store.update(updates, results[signature.fetch_count :])
    return results


def _failure(problem: Exception, lost: Sequence[str]) -> ExecutionError:
    if lost:
        return ExecutionError(
            f"XLA failed after the program had begun: {problem}",
            given=f"the values of {', '.join(lost[:8])} were donated to it and are lost",
            fix="restore a checkpoint or run the initializer; Session(donate=False) never donates",
        )
    return ExecutionError(f"XLA failed: {problem}", expected="the session's state is unchanged")

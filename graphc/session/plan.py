"""How one nesting of fetches with one set of feeds runs: worked out once, called many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import jax
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
        self._host = maker.make_host(strings, values) if strings else None
        # The commonest shape of all, one tensor, needs no nesting.
        self._is_single = rebuild is next and self._sources[0][0] == "number"

    def run(self, given: Sequence[Any], as_numpy: bool = True) -> Any:
        """Run once, on one array per feed."""
        arrays = [
            convert_feed(array, value, name)
            for array, (value, name) in zip(given, self._feeds, strict=True)
        ]
        if self.reset:
            with self._store.lock:
                self._store.forget(self.reset)
                self._store.ensure(self.reset, self._initialize)
        numbers: Sequence[Any] = ()
        if self.program is not None:
            fed = [arrays[i] for i in self._fed_numbers] if self._host else arrays
            numbers = self._run_program(self.program, fed, as_numpy)
            if self._is_single:
                return numbers[0]
        strings = run_on_host(self._host, arrays) if self._host else ()
        return self._rebuild(self._collect(numbers, strings))

    def show_for(self, given: Sequence[Any]) -> None:
        """Let the program's dumps and reports use the sizes of these feeds."""
        assert self.program is not None
        arrays = [
            convert_feed(array, value, name)
            for array, (value, name) in zip(given, self._feeds, strict=True)
        ]
        self.program.show_for([arrays[i] for i in self._fed_numbers])

    def _collect(self, numbers: Sequence[Any], strings: Sequence[Any]) -> Iterator[Any]:
        for kind, position in self._sources:
            if kind == "number":
                yield numbers[position]
            else:
                yield strings[position] if kind == "string" else None

    def _run_program(self, program: Program, fed: list[Any], as_numpy: bool) -> Sequence[Any]:
        if not as_numpy:
            # Nobody waits for the result, so a feed that XLA reads in place must be a copy.
            fed = [np.array(array) if type(array) is np.ndarray else array for array in fed]
        signature = program.signature(fed)
        results = dispatch(signature, fed, self._store, self._initialize)
        if not as_numpy:
            return results[: self._number_count]
        if self._number_count == 0:
            # XLA may read feeds in place: the run is over when the program is.
            jax.block_until_ready(results[:1])
            return ()
        return [np.array(result) for result in results[: self._number_count]]


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
            return executable.call(fed)
        except Exception as problem:
            raise _failure(problem, []) from problem
    # A donated buffer must not be read by another thread between look-up and dispatch.
    with store.lock:
        store.ensure(names, initialize)
        try:
            results = executable.call([*fed, *store.values(names)])
        except Exception as problem:
            raise _failure(problem, store.lost()) from problem
        if updates:
            store.update(updates, results[signature.fetch_count :])
    return results


def _failure(problem: Exception, lost: list[str]) -> ExecutionError:
    if lost:
        return ExecutionError(
            f"XLA failed after the program had begun: {problem}",
            given=f"the values of {', '.join(lost[:8])} were donated to it and are lost",
            fix="restore a checkpoint or run the initializer; Session(donate=False) never donates",
        )
    return ExecutionError(f"XLA failed: {problem}", expected="the session's state is unchanged")

"""Sessions, as in TensorFlow 1: `run` computes fetches, variables live between runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

import graphc.settings as settings
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.lowering.disk_cache import DiskCache
from graphc.memory_sizes import parse_bytes
from graphc.ops.context import pop_session, push_session
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.importing import import_graph
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.variable import Variable
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.step_form import StepForm
from graphc.session.checkpoint import read_variables, write_variables
from graphc.session.devices import Device, find_device, list_devices
from graphc.session.dump import Format, render, write_dump
from graphc.session.feeds import require_feed_list, require_feeds
from graphc.session.fetches import fetch_key, flatten_fetches, resolve_feeds
from graphc.session.host import host_slice
from graphc.session.initialization import compute_initial_values, initial_values
from graphc.session.plan import Plan
from graphc.session.program import Program
from graphc.session.refusals import (
    nothing_but_strings,
    nothing_to_dump,
    require_arguments,
    session_closed,
    wrong_number_of_arrays,
)
from graphc.session.standard_passes import default_pipeline
from graphc.session.state import VariableStore
from graphc.session.verifying.program_verification import verify_program
from graphc.session.verifying.verify_report import VerifyReport

_are_checked_by_setting: Final = settings.check_numerics.get


class Session:
    """Runs parts of a graph, and holds the values of its variables; several threads may use it.

    Args:
        graph: the graph to run, or a frozen one to import; the default graph if None.
        device: "cpu", "gpu:0", "/device:CPU:0"; JAX's default if None.
        seed: of every random op and initializer; equal seeds give equal numbers.
        pipeline: the passes; `passes.default_pipeline()` if None.
        donate: let programs overwrite the variables they update. Without it a failed program never
            costs state, and updates need twice the memory.
        memory_budget: the most temporary memory that a program may take by XLA's own analysis:
            bytes, or "512MiB". What does not fit is computed again instead of kept.
        check_numerics: let every program find the first node that makes a NaN or an infinity, and
            keep all variables as they were then; `settings.check_numerics` if None. Costs time:
            each number is looked at once more, and each run waits for the answer.
        cache_dir: a folder that keeps compiled programs between processes; only you may be able to
            write it. `settings.cache_dir` if None.

    Attributes:
        graph: the graph it runs.
        store: the values of variables.
        memory_budget: in bytes; 0 without one.
    """

    def __init__(
        self,
        graph: DataflowGraph | Graph | None = None,
        *,
        device: str | None = None,
        seed: int = 0,
        pipeline: Pipeline | None = None,
        donate: bool = True,
        memory_budget: int | str | None = None,
        check_numerics: bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        require_arguments(graph, pipeline, device, donate, check_numerics, seed)
        if isinstance(graph, Graph):
            graph = import_graph(graph)
        self.graph: DataflowGraph = get_default_graph() if graph is None else graph
        self._pipeline = pipeline or default_pipeline()
        self._device = find_device(device)
        self._donate = donate
        self._check_numerics = check_numerics
        self.memory_budget = parse_bytes(memory_budget)
        directory = cache_dir or settings.cache_dir.get()
        self._disk_cache = DiskCache(directory) if directory else None
        self.store = VariableStore(self.graph, seed, self._device)
        self._plans: dict[Any, Plan] = {}
        self._programs: dict[Any, Program] = {}
        self._last_program: Program | None = None
        self._closed = False

    # -- running ---------------------------------------------------------------------------------

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        *,
        as_numpy: bool = True,
        check_numerics: bool | None = None,
    ) -> Any:
        """Compute fetches.

        Args:
            fetches: tensors, operations, variables and names ("scope/add:0"), in any nesting of
                lists, tuples and dictionaries.
            feed_dict: tensors (or their names) to what NumPy makes arrays of. Any tensor can be
                fed, placeholders must be when they are needed.
            as_numpy: False leaves the results on the device, and does not wait for them.
            check_numerics: for this run, whatever the session says.

        Returns:
            The same nesting: NumPy arrays for tensors, `str` or `bytes` for string scalars, None
            for operations. A plain fetch of a variable is its value before the run.

        Raises:
            FeedError: a feed is missing, unknown, or of the wrong shape or element type.
            FetchError: a fetch cannot be computed.
            GraphMixError: something belongs to another graph.
            NumericsError: numbers are checked, and one is not finite; no variable has changed.
            SessionClosedError: the session is closed.
        """
        feeds = {} if feed_dict is None else require_feeds(feed_dict)
        plan = self._plan(fetches, tuple(feeds), check_numerics)
        given = list(feeds.values())
        return plan.run(*given) if as_numpy else plan.run_for(given, as_numpy=False)

    def make_callable(
        self,
        fetches: Any,
        feed_list: Sequence[Any] = (),
        *,
        as_numpy: bool = True,
        check_numerics: bool | None = None,
    ) -> Callable[..., Any]:
        """`run` with everything looked up beforehand.

        Args:
            fetches: as in `run`.
            feed_list: the tensors that the function's positional arguments feed.
            as_numpy: as in `run`.
            check_numerics: for its runs, whatever the session says.
        """
        plan = self._plan(fetches, tuple(require_feed_list(feed_list)), check_numerics)
        expected = len(feed_list)

        def call(*arrays: Any) -> Any:
            if len(arrays) != expected or self._closed:
                self.require_open()
                raise wrong_number_of_arrays(len(arrays), expected)
            return plan.run(*arrays) if as_numpy else plan.run_for(arrays, as_numpy=False)

        return call

    def _plan(
        self, fetches: Any, feeds: tuple[Any, ...], checked: bool | None = None, budget: int = 0
    ) -> Plan:
        if self._closed:
            raise session_closed()
        checked = self._checks_numerics(checked)
        key: Any = (fetch_key(fetches), feeds)
        if checked or budget:
            key = (key, checked, budget)
        try:
            found = self._plans.get(key)
        except TypeError:  # something unhashable among the fetches or feeds
            found = key = None
        if found is None:
            asked = (*flatten_fetches(fetches, self.graph), resolve_feeds(feeds, self.graph))
            found = Plan(*asked, self, checked, budget or self.memory_budget)
            if key is not None:
                self._plans[key] = found
            self._last_program = found.program or self._last_program
        return found

    def _checks_numerics(self, asked: bool | None = None) -> bool:
        asked = self._check_numerics if asked is None else asked
        return _are_checked_by_setting() if asked is None else asked

    # -- programs --------------------------------------------------------------------------------

    def make_program(
        self,
        fetches: list[Value],
        feeds: list[Value],
        check_numerics: bool = False,
        form: StepForm | None = None,
        memory_budget: int = 0,
    ) -> Program:
        """The program of these values; one per set, however the fetches are nested."""
        key = (tuple(fetches), tuple(feeds), check_numerics, form, memory_budget)
        found = self._programs.get(key)
        if found is None:
            platform = self._device.platform if self._device is not None else None
            found = Program(
                self.graph,
                fetches,
                feeds,
                pipeline=self._pipeline,
                platform=platform,
                device=self._device,
                donate=self._donate,
                disk_cache=self._disk_cache,
                packs=self.store.packs,
                check_numerics=check_numerics,
                form=form,
                memory_budget=memory_budget,
            )
            found = self._programs.setdefault(key, found)
        return found

    def make_host(self, fetches: list[Value], feeds: list[Value]) -> Graph:
        """The graph of strings, which run on the host."""
        return host_slice(self.graph, fetches, feeds)

    def compute_initial_values(self, groups: Sequence[Sequence[Variable]]) -> list[Any]:
        """The initial values of groups of variables; the store asks for them."""
        values, form = initial_values(self.graph, groups)
        program = self.make_program(values, [], self._checks_numerics(), form)
        return compute_initial_values(program, len(groups), self.store, self.compute_initial_values)

    def compile(
        self,
        fetches: Any,
        feeds: Any = None,
        *,
        check_numerics: bool | None = None,
        memory_budget: int | str | None = None,
    ) -> Program:
        """The program of fetches, to look at.

        Args:
            fetches: as in `run`.
            feeds: tensors, or a `feed_dict` whose arrays say the sizes; by default the feeds of the
                last program of these fetches, else all the placeholders that they need.
            check_numerics: as in `run`.
            memory_budget: for this program, whatever the session says.

        Raises:
            FeedError: as `run`.
        """
        budget = parse_bytes(memory_budget)
        if feeds is None:
            return self._program_of(fetches, self._checks_numerics(check_numerics), budget)
        plan = self._plan(fetches, tuple(feeds), check_numerics, budget)
        if plan.program is None:
            raise nothing_but_strings("to compile")
        if isinstance(feeds, Mapping):
            plan.program.show_for(plan.feeds_of_program(list(feeds.values())))
        return plan.program

    def _program_of(self, fetches: Any, checks: bool, budget: int) -> Program:
        """The last program of these fetches; without one, that of all placeholders they need."""
        leaves, _ = flatten_fetches(fetches, self.graph)
        values = [value for leaf in leaves for value in leaf.control_values]
        for (made, _, *how), program in reversed(list(self._programs.items())):
            if how == [checks, None, budget or self.memory_budget] and set(values) == set(made):
                return program
        needed = set(slice_graph(self.graph, values).inputs)
        feeds = [t for t in self.graph.inputs if t.value in needed]
        return self.compile(fetches, feeds, check_numerics=checks, memory_budget=budget or None)

    def dump(
        self,
        fetches: Any = None,
        stage: str = "fused",
        format: Format = "text",
        path: str | os.PathLike[str] | None = None,
        feed_dict: Mapping[Any, Any] | None = None,
    ) -> str:
        """A stage of a program as text or a picture.

        Args:
            fetches: as in `run`; None takes the last program that was made.
            stage: "built", "functional", "canonical", …, "fused"; see `passes.default_pipeline()`.
            format: "text", "dot" (Graphviz), "html" (a page), "stablehlo" or "hlo".
            path: also write it there.
            feed_dict: says the sizes that stages from `specialised` on need; else those of the last
                run are used.

        Raises:
            FeedError: the stage needs sizes that nothing gives; says what to feed.
            GraphcError: there is no such stage or format.
        """
        if fetches is not None:
            program = self.compile(fetches, feed_dict or None)
        elif self._last_program is not None:
            program = self._last_program
        else:
            raise nothing_to_dump()
        text = render(program, stage, format)
        if path is not None:
            write_dump(path, text)
        return text

    def verify(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        tolerance: float | None = None,
    ) -> VerifyReport:
        """Compute what every pass makes of a program in NumPy, and hold it and XLA to each other.

        Slow: the reference runs once or twice per pass. No variable changes.

        Args:
            fetches: as in `run`.
            feed_dict: as in `run`.
            tolerance: the relative error that is allowed in float64; by default 1e-9, and 1e-5 in
                a program with shorter floats, whose constants are rounded.

        Returns:
            The report: prints as a table; `.ok`, `.raise_if_broken()`, `.to_dict()`.

        Raises:
            FeedError: as `run`.
            PassError: a pass fails or breaks the graph.
        """
        feeds = feed_dict or {}
        plan = self._plan(fetches, tuple(feeds), False)
        if plan.program is None:
            raise nothing_but_strings("to verify")
        fed = plan.feeds_of_program(list(feeds.values()))
        return verify_program(plan.program, fed, self.store, self.compute_initial_values, tolerance)

    # -- state, devices, life --------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write every variable of the graph, and where the random numbers stand, to one file.

        Raises:
            CheckpointError: the disk refused; the previous file is untouched.
        """
        self.require_open()
        with self.store.lock:
            self.store.ensure(list(self.graph.variables), self.compute_initial_values)
            arrays = self.store.snapshot()
        write_variables(path, arrays)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Read variables from a file that `save` wrote: all of them, or none.

        Raises:
            CheckpointError: the file is damaged, or does not fit the graph.
        """
        self.require_open()
        self.store.load(read_variables(path))

    def set_variables(self, values: Mapping[Any, Any]) -> None:
        """Set variables (or those of these names), at once; see `VariableStore.assign`."""
        self.require_open()
        self.store.assign(values)

    def list_devices(self) -> list[Device]:
        """The devices of this process; printed as TensorFlow 1 prints them."""
        return list_devices()

    def close(self) -> None:
        """Let go of variables and programs; later runs are errors."""
        self._closed = True
        self._plans.clear()
        self._programs.clear()
        self.store.clear()

    def require_open(self) -> None:
        if self._closed:
            raise session_closed()

    @contextlib.contextmanager
    def as_default(self) -> Generator[Session]:
        """Make it this thread's default session inside the block; it stays open at the end."""
        self.require_open()
        push_session(self)
        try:
            yield self
        finally:
            pop_session(self)

    def __enter__(self) -> Session:
        self.require_open()
        push_session(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pop_session(self)
        self.close()

"""One set of fetches and feeds: its graph at every stage, and an executable per signature.

Up to `simplified` the pipeline runs once, on symbolic sizes; from `specialised` on it runs once per
concrete signature.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import jax
import numpy as np

import graphc.settings as settings
from graphc.errors import FeedError, GraphcError, did_you_mean
from graphc.garbage_collection import paused_collection
from graphc.instrumentation.numerics_checks import CHECKED, with_numerics_checks
from graphc.instrumentation.numerics_table import NumericsTable
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.origin import capture_origin
from graphc.lowering.disk_cache import DiskCache
from graphc.lowering.executable import Executable
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.slicing_graphs import slice_graph
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.rewriting.pack_layout import PackLayout
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.pipeline_run import PipelineRun
from graphc.rewriting.step_form import StepForm
from graphc.rewriting.step_repetition import STEPS
from graphc.session.feeds import bind_sizes
from graphc.session.memory_fitting import MemoryFit, fit_memory
from graphc.session.report import CompileReport

LAST_SYMBOLIC_STAGE: Final = "simplified"


class Signature:
    """A program for concrete sizes.

    Attributes:
        sizes: the sizes of symbols.
        run: what the pipeline did from `specialised` on.
        executable: the compiled program.
        state_names: the variables it reads, in argument order.
        update_names: the variables it sets, in result order.
        fetch_count: how many of the results are fetches; the others are new values of variables.
        result_count: how many there are.
        memory: how a memory budget was met; None without one.
        last_use: grows with each time that it is looked up.
        numerics: what the last fetch means where the program checks its numbers, else None.
    """

    def __init__(
        self,
        sizes: dict[str, int],
        run: PipelineRun,
        executable: Executable,
        numerics: NumericsTable | None = None,
    ) -> None:
        self.sizes = sizes
        self.run = run
        self.executable = executable
        inputs = [value.node.attributes for value in executable.graph.inputs]
        self.state_names = tuple(a["name"] for a in inputs if a["kind"] == "state")
        self.update_names = executable.graph.update_names
        self.fetch_count = len(executable.graph.fetches)
        self.result_count = len(executable.graph.outputs)
        self.numerics = numerics
        self.memory: MemoryFit | None = None
        self.last_use = 0

    def check_numbers(self, results: Sequence[Any]) -> None:
        """Wait for what a checked program found in its numbers; nothing for any other.

        Raises:
            NumericsError: something that is not finite; the program has kept all variables.
        """
        if self.numerics is not None:
            found = np.asarray(results[self.fetch_count - 1])
            if (problem := self.numerics.error(found.tolist())) is not None:
                raise problem


class Program:
    """What a session runs for given fetches and feeds. Made by `Session.compile`.

    Attributes:
        feeds: the values that are fed, in order.
        built: the graph as it was built.
        pipeline: the passes.
        platform: what it is compiled for: "cpu", "gpu" or "tpu".
        device: where it runs; JAX's default if None.
        memory_budget: the most temporary memory it may take, in bytes; 0 for no limit.

    With a `form` it may be a loop of many steps, some of its feeds stacked by step, or leave out
    samples; see `graphc.rewriting.step_form`.
    """

    def __init__(
        self,
        graph: DataflowGraph,
        fetches: Sequence[Value],
        feeds: Sequence[Value],
        *,
        pipeline: Pipeline,
        platform: str | None,
        device: Any,
        donate: bool,
        disk_cache: DiskCache | None,
        packs: PackLayout,
        check_numerics: bool = False,
        form: StepForm | None = None,
        memory_budget: int = 0,
    ) -> None:
        self._dataflow = graph
        self.feeds = tuple(feeds)
        with paused_collection():
            self.built: Graph = slice_graph(graph, fetches, feeds)
        self._refuse_unfed(feeds)
        self.pipeline = with_numerics_checks(pipeline) if check_numerics else pipeline
        self.memory_budget = memory_budget
        form = form or StepForm()
        self._stacked = None if form.stacked is None else frozenset(form.stacked)
        self.pipeline = form.apply_to(self.pipeline)
        self._context = PassContext(
            platform=platform or jax.default_backend(),
            packs=packs,
            memory=MemoryGoal(0) if memory_budget else None,
        )
        self.platform = self._context.platform
        self.device = device
        self._donate = donate
        self._runs_once = form.runs_once
        self._disk_cache = disk_cache
        self._lock = threading.RLock()
        self._symbolic: PipelineRun | None = None
        self._signatures: dict[Any, Signature] = {}
        self._last: Signature | None = None
        self._uses = 0

    def _refuse_unfed(self, feeds: Sequence[Value]) -> None:
        fed = len(feeds)
        for value in self.built.inputs[fed:]:
            raise FeedError(
                f"the placeholder {value.node.name!r} is needed and not fed",
                expected=value.type,
                fix=f"feed_dict={{{value.node.name}: ...}}",
                origin=value.node.origin,
            )

    # -- stages ----------------------------------------------------------------------------------

    def symbolic(self) -> PipelineRun:
        """What the pipeline did up to `simplified`."""
        with self._lock:
            if self._symbolic is None:
                manager = PassManager(self.pipeline)
                self._symbolic = manager.run(
                    self.built, until=LAST_SYMBOLIC_STAGE, context=self._context
                )
            return self._symbolic

    def signature(self, arrays: Sequence[Any]) -> Signature:
        """The executable for arrays of these shapes.

        Raises:
            FeedError: their sizes do not fit together.
        """
        key = tuple([array.shape for array in arrays])
        found = self._signatures.get(key)
        if found is None:
            with self._lock:
                found = self._signatures.get(key)
                if found is None:
                    found = self._specialise(self.bind(arrays))
                    self._make_room()
                    self._signatures[key] = found
        self._uses = found.last_use = self._uses + 1
        self._last = found
        return found

    @property
    def signature_count(self) -> int:
        """For how many sizes it is compiled, those that were let go not counted."""
        return len(self._signatures)

    def _make_room(self) -> None:
        """Let go of the executables that were not used for longest, beyond `settings.kept_sizes`.

        The plan that runs one without looking it up, as `fast_calls` does, keeps it.
        """
        most, kept = settings.kept_sizes.get(), self._signatures
        while most and len(kept) >= most:
            del kept[min(kept, key=lambda key: kept[key].last_use)]

    def bind(self, arrays: Sequence[Any]) -> dict[str, int]:
        """The sizes of symbols where these arrays are fed.

        Raises:
            FeedError: they do not fit together.
        """
        constraints = dict(self._dataflow.constraints)  # another thread may be building
        if self._stacked is None:
            return bind_sizes(self.feeds, arrays, constraints)
        steps = 0
        of_one_step: list[Any] = []
        for value, array in zip(self.feeds, arrays, strict=False):
            if value in self._stacked:
                steps, *sizes = array.shape
                array = Shaped(tuple(sizes))
            of_one_step.append(array)
        return {**bind_sizes(self.feeds, of_one_step, constraints), STEPS: steps}

    def _specialise(self, sizes: dict[str, int]) -> Signature:
        if not self.memory_budget:
            return self._attempt(sizes, None)
        made, fit = fit_memory(self.memory_budget, lambda goal: self._attempt(sizes, goal))
        made.memory = fit
        return made

    def _attempt(self, sizes: dict[str, int], goal: MemoryGoal | None) -> Signature:
        symbolic = self.symbolic()
        context = replace(
            self._context,
            sizes=sizes,
            memory=goal,
            trace=symbolic.trace.copy(),
            memo=dict(self._context.memo),
        )
        run = PassManager(self.pipeline).run(
            symbolic.result, start_after=LAST_SYMBOLIC_STAGE, context=context
        )
        executable = Executable(
            run.result,
            device=self.device,
            donate=self._donate,
            disk_cache=self._disk_cache,
            runs_once=self._runs_once,
        )
        return Signature(sizes, run, executable, context.memo.get(NumericsTable))

    def concrete(self) -> Signature:
        """The signature to show: the one asked for, the last one run, or the only one there is.

        Raises:
            FeedError: sizes are open and nothing says what they are.
        """
        if self._last is not None:
            return self._last
        open_feeds = [value for value in self.feeds if not value.type.is_static]
        if open_feeds:
            names = ", ".join(repr(value.node.name) for value in open_feeds)
            raise FeedError(
                "this stage needs concrete sizes, and the program has not run yet",
                given=f"open sizes in {', '.join(str(v.type) for v in open_feeds)}",
                fix=f"give arrays for {names}: feed_dict={{...}}, or run the program once",
                origin=capture_origin(),
            )
        return self.signature([Shaped(value.type.shape) for value in self.feeds])

    def show_for(self, arrays: Sequence[Any]) -> None:
        """Use these arrays' sizes where a stage needs concrete ones, until the next run."""
        self.signature(arrays)

    def graph(self, stage: str = "fused") -> Graph:
        """The graph after a stage.

        Raises:
            GraphcError: there is no such stage.
            FeedError: the stage needs sizes that nothing has given.
        """
        if stage == "built":
            return self.built
        names = [item.name for item in self.pipeline.stages]
        if stage == "lowered":
            stage = names[-1]
        if stage not in names:
            raise GraphcError(
                f"there is no stage {stage!r}",
                fix="ask for it with check_numerics=True"
                if stage == CHECKED
                else did_you_mean(stage, ["built", *names, "lowered"]),
                origin=capture_origin(),
            )
        if names.index(stage) <= names.index(LAST_SYMBOLIC_STAGE):
            return self.symbolic().graph(stage)
        return self.concrete().run.graph(stage)

    def as_text(self, stage: str = "fused") -> str:
        """The text form of the graph after a stage."""
        return str(self.graph(stage))

    def lower(self) -> Program:
        """Go as far as StableHLO, and no further; XLA compiles at the first run."""
        self.concrete()
        return self

    # -- what XLA makes of it --------------------------------------------------------------------

    def stablehlo(self) -> str:
        """The StableHLO that XLA is given."""
        return self.concrete().executable.stablehlo()

    def hlo(self) -> str:
        """The HLO after XLA's optimizations."""
        return self.concrete().executable.hlo()

    def cost_analysis(self) -> dict[str, float]:
        """XLA's estimate of FLOPs and bytes."""
        return self.concrete().executable.cost_analysis()

    def memory_analysis(self) -> Any:
        """XLA's own numbers: argument, output, temp and alias bytes."""
        return self.concrete().executable.memory_analysis()

    def as_jax(self) -> Callable[..., list[Any]]:
        """The program as a function of JAX arrays: variables' values first, then the feeds.

        Returns the fetches, then the new values of variables; see `graph("fused")` for both lists.
        """
        return self.concrete().executable.call

    def report(self) -> CompileReport:
        """What compiling did."""
        signature = self.concrete()
        signature.executable.compile()
        return CompileReport.of(
            self.symbolic(),
            signature.run,
            signature.executable,
            signature.sizes,
            signature.memory,
        )


class Shaped:
    """Stands for an array where only its shape is asked for."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape

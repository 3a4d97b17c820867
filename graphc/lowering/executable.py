"""One static graph, compiled by XLA for one device and called with a flat argument list."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from graphc.errors import GraphcError
from graphc.garbage_collection import paused_collection
from graphc.ir.graph import Graph
from graphc.lowering.compile_options import (
    CompileOption,
    do_without_options,
    options_to_compile_soon,
)
from graphc.lowering.disk_cache import DiskCache
from graphc.lowering.jax_internals import (
    Aval,
    jit_from_jaxpr,
    scoped_compilation_cache,
    scoped_x64,
)
from graphc.lowering.jaxpr import LoweredGraph, aval_of, lower_graph


class Executable:
    """A program on a device.

    Args:
        graph: static and without effects.
        name: of the program in XLA.
        device: where it runs; JAX's default if None.
        donate: let calls consume the variables that it updates.
        consumed: positions of further inputs of the graph that a call consumes where it can.
        disk_cache: where the compiled program is looked for and kept.
        runs_once: compile it in little time, at the price of a slower program.

    Attributes:
        graph: the graph it was made of, static and without effects.
        lowered: its jaxpr, and the constants that are handed over at each call.
        constants: large constants, on the device.
        call: takes `constants`, then variables, then feeds, all positional; gives a list of arrays
            that are perhaps not computed yet. Compiles at the first call.
        donated: positions among the graph's inputs whose buffers a call consumes.
        lowering_seconds: writing the jaxpr and StableHLO.
        xla_seconds: compiling it.
        cache: "hit" or "miss" of the disk cache, "off" without one.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        name: str = "graph",
        device: Any = None,
        donate: bool = True,
        consumed: Sequence[int] = (),
        disk_cache: DiskCache | None = None,
        runs_once: bool = False,
    ) -> None:
        self.graph = graph
        self.device = device
        self._name = name
        self._disk_cache = disk_cache
        started = time.perf_counter()
        with scoped_x64(), paused_collection():
            self.lowered: LoweredGraph = lower_graph(graph, name)
        self._scope: Callable[[], contextlib.AbstractContextManager[Any]] = (
            scoped_x64 if self.lowered.needs_x64 else contextlib.nullcontext
        )
        self.donated = self._donations(consumed) if donate else ()
        arguments = {place: i for i, place in enumerate(self.lowered.order)}
        offset = len(self.lowered.hoisted)
        self._donated_arguments = [offset + arguments[state] for state in self.donated]
        with self._scope(), self._on_device(), paused_collection():
            self.constants: list[Any] = [
                jax.device_put(array, device) for array in self.lowered.hoisted
            ]
        self._options = options_to_compile_soon(self._platform()) if runs_once else {}
        self._write(self._options)
        self.call: Callable[..., list[Any]] = self._first_call
        self.lowering_seconds = time.perf_counter() - started
        self.xla_seconds = 0.0
        self.cache = "off"
        self._compiled: Any = None
        self._compiling = threading.Lock()

    def _platform(self) -> str:
        return jax.default_backend() if self.device is None else str(self.device.platform)

    def _write(self, options: Mapping[str, CompileOption]) -> None:
        """Write the StableHLO of a function that is compiled with these options."""
        self._function = jit_from_jaxpr(
            self.lowered.program, self._name, self._donated_arguments, compiler_options=options
        )
        with self._scope(), self._on_device(), paused_collection():
            self._stages: Any = self._function.lower(*self._specs())

    def _specs(self) -> list[Any]:
        avals = self.lowered.program.in_avals
        return [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]

    def _donations(self, consumed: Sequence[int]) -> tuple[int, ...]:
        updated = set(self.graph.update_names)
        candidates = [
            position
            for position, value in enumerate(self.graph.inputs)
            if position in consumed
            or (
                value.node.attributes["kind"] == "state"
                and value.node.attributes["name"] in updated
            )
        ]
        in_avals = [aval_of(value.type) for value in self.graph.inputs]
        out_avals = [aval_of(value.type) for value in self.graph.outputs]
        return _usable_donations(in_avals, out_avals, candidates)

    def _first_call(self, *arguments: Any) -> list[Any]:
        self.compile()
        plain = self.device is None and not self.lowered.needs_x64
        # Without 64-bit types and a device of its own, nothing stands between a call and XLA.
        self.call = self._function if plain else self._scoped_call
        return self.call(*arguments)

    def _scoped_call(self, *arguments: Any) -> list[Any]:
        if self.device is None:
            with scoped_x64():
                return self._function(*arguments)
        with self._scope(), self._on_device():
            return self._function(*arguments)

    def _on_device(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self.device is None else jax.default_device(self.device)

    def compile(self) -> Any:
        """XLA's compiled program, made at the first call of this method or of the function."""
        with self._compiling:  # several threads may make the first call
            if self._compiled is None:
                started = time.perf_counter()
                with self._scope(), self._on_device(), contextlib.ExitStack() as stack:
                    hits = 0
                    if self._disk_cache is not None:
                        hits = self._disk_cache.hits
                        stack.enter_context(scoped_compilation_cache(self._disk_cache))
                    self._compiled = self._compile()
                    if self._disk_cache is not None:
                        self.cache = "hit" if self._disk_cache.hits > hits else "miss"
                self.xla_seconds = time.perf_counter() - started
        return self._compiled

    def _compile(self) -> Any:
        try:
            return self._stages.compile()
        except Exception:
            if not self._options:
                raise
        # Perhaps this XLA has no such option; what else is wrong is wrong without it too.
        self._write({})
        compiled = self._stages.compile()
        do_without_options(self._platform())
        return compiled

    def begin_compiling(self) -> None:
        """Compile in a thread of its own; who needs the program meanwhile waits for it."""
        if self._compiled is None:
            threading.Thread(target=self._compile_aside, name=f"compile {self._name}").start()

    def _compile_aside(self) -> None:
        with contextlib.suppress(Exception):  # who calls the program fails likewise, and is told
            self.compile()

    def stablehlo(self) -> str:
        """The StableHLO module as text."""
        return str(self._stages.as_text())

    def hlo(self) -> str:
        """The HLO after XLA's optimizations, as text.

        Raises:
            GraphcError: the platform does not give it.
        """
        text = self.compile().as_text()
        if text is None:
            raise GraphcError("this platform does not hand out its optimized HLO")
        return str(text)

    def cost_analysis(self) -> dict[str, float]:
        """XLA's own estimate: flops, bytes accessed, transcendentals."""
        analysis = self.compile().cost_analysis() or {}
        return dict(analysis)

    def memory_analysis(self) -> Any:
        """XLA's own numbers: argument, output, temp and alias bytes."""
        return self.compile().memory_analysis()


def _usable_donations(
    in_avals: Sequence[Aval], out_avals: Sequence[Aval], candidates: Sequence[int]
) -> tuple[int, ...]:
    """Keeps the candidates that JAX can give to an output of the same shape and dtype, in order.

    JAX's own greedy matching (``mlir._set_up_aliases``): what is left never makes it warn.
    """
    free: dict[tuple[Any, Any], int] = {}
    for aval in out_avals:
        free[aval.shape, aval.dtype] = free.get((aval.shape, aval.dtype), 0) + 1
    kept: list[int] = []
    for index in candidates:
        if free.get(key := (in_avals[index].shape, in_avals[index].dtype), 0):
            free[key] -= 1
            kept.append(index)
    return tuple(kept)

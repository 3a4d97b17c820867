"""What the passes make of a JAX function for arguments of one signature, and how that is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, cast

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jax.extend.core.primitives import convert_element_type_p

from graphc.importers.jax_functions.typed_keys import is_key, key_generator
from graphc.ir.graph import Graph
from graphc.lowering.executable import Executable
from graphc.lowering.jax_internals import close_jaxpr, jit_from_jaxpr
from graphc.lowering.jaxpr import lower_graph
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.pipeline_run import PipelineRun
from graphc.session.memory_fitting import MemoryFit, fit_memory
from graphc.session.program import LAST_SYMBOLIC_STAGE
from graphc.session.rolling_savings import is_rolled

_JAX: Final = cast(Any, jax)  # much of it has no types
_MOST_WRITTEN_OUT: Final = 6000
"""Nodes of a function: so many XLA compiles in 20 s, without loops of layers (16 layers of a
Transformer with Adam, two cores). A budget that loops do not meet is worth that, but no minutes."""


@dataclass(frozen=True)
class OpenProgram:
    """A traced function whose arrays are all arguments.

    Attributes:
        program: its jaxpr; what it closes over comes first among its inputs.
        held: the values of these.
        consumed: positions of the inputs that are donated.
    """

    program: ClosedJaxpr
    held: Sequence[Any]
    consumed: Sequence[int]

    @classmethod
    def of(cls, traced: Any, name: str) -> OpenProgram:
        """What `jax.jit(function).trace(...)` gave, opened."""
        closed: Any = traced.jaxpr
        jaxpr = closed.jaxpr
        given = [info.donated for info in _JAX.tree.leaves(traced.args_info)]
        if not jaxpr.constvars or jaxpr.effects:
            return cls(closed, (), [place for place, each in enumerate(given) if each])
        inputs = [*jaxpr.constvars, *jaxpr.invars]
        opened = close_jaxpr((), inputs, jaxpr.outvars, jaxpr.eqns, name).jaxpr
        held = len(jaxpr.constvars)
        consumed = [held + place for place, each in enumerate(given) if each]
        return cls(ClosedJaxpr(opened, ()), closed.consts, consumed)


@dataclass
class Compiled:
    """What the passes made of a function for arguments of one signature.

    Attributes:
        symbolic: the pipeline up to the last symbolic stage.
        concrete: what follows it.
        name: the function's.
        consumed: positions of the inputs that a call consumes.
        fit: how a memory budget was met.
    """

    symbolic: PipelineRun
    concrete: PipelineRun
    name: str
    consumed: Sequence[int] = ()
    fit: MemoryFit | None = None
    _executable: Executable | None = None

    @property
    def executable(self) -> Executable:
        """The program alone; calls of the function compile it as a part of their own."""
        if self._executable is None:
            self._executable = Executable(
                self.concrete.result, name=self.name, consumed=self.consumed
            )
        return self._executable


def compile_graph(
    graph: Graph, pipeline: Pipeline, name: str, memory_budget: int, consumed: Sequence[int] = ()
) -> Compiled:
    """What a pipeline makes of a graph; with a budget, until it fits.

    Args:
        graph: of a function.
        pipeline: the passes.
        name: the function's.
        memory_budget: in bytes; 0 for none.
        consumed: positions of the inputs that a call consumes.

    Raises:
        MemoryBudgetError: it does not.
    """
    attempt = _Attempts(graph, pipeline, name, consumed)
    if not memory_budget:
        return attempt(None)
    written_out = None
    has_loops = any(map(is_rolled, attempt.symbolic.result.walk()))
    if has_loops and graph.count() <= _MOST_WRITTEN_OUT:
        written_out = _Attempts(graph, pipeline.without("layer_rolling"), name, consumed)
    with _JAX.ensure_compile_time_eval():
        made, made.fit = fit_memory(memory_budget, attempt, written_out)
    return made


@dataclass(frozen=True)
class _Attempts:
    """What a pipeline makes of a graph with different goals; what is symbolic is made once."""

    graph: Graph
    pipeline: Pipeline
    name: str
    consumed: Sequence[int]

    @cached_property
    def manager(self) -> PassManager:
        return PassManager(self.pipeline)

    @cached_property
    def context(self) -> PassContext:
        return PassContext(platform=_JAX.default_backend())

    @cached_property
    def symbolic(self) -> PipelineRun:
        return self.manager.run(self.graph, until=LAST_SYMBOLIC_STAGE, context=self.context)

    def __call__(self, goal: MemoryGoal | None) -> Compiled:
        start, symbolic = self.context, self.symbolic
        own = replace(start, trace=start.trace.copy(), memo=dict(start.memo), memory=goal)
        concrete = self.manager.run(symbolic.result, start_after=LAST_SYMBOLIC_STAGE, context=own)
        return Compiled(symbolic, concrete, self.name, self.consumed)


def callable_of(graph: Graph, program: ClosedJaxpr, name: str) -> Callable[..., list[Any]]:
    """A function that runs a graph with the types and the derivatives of the jaxpr it was made of.

    Raises:
        GraphcError: the graph cannot be lowered.
    """
    lowered = lower_graph(graph, name)
    call = jit_from_jaxpr(lowered.program, name)

    def run(*arrays: Any) -> list[Any]:
        given = [_JAX.random.key_data(a) if is_key(_JAX.typeof(a)) else a for a in arrays]
        results = call(*lowered.hoisted, *given)
        return [_as(aval, r) for aval, r in zip(program.out_avals, results, strict=True)]

    return _with_derivatives_of(jaxpr_as_fun(program), run)


def _as(aval: Any, result: Any) -> Any:
    """A result as JAX has it: a key as a key, a weak type as a weak type."""
    if is_key(aval):
        return _JAX.random.wrap_key_data(result, impl=key_generator(aval))
    if not getattr(aval, "weak_type", False):
        return result
    return convert_element_type_p.bind(
        result, new_dtype=np.dtype(aval.dtype), weak_type=True, sharding=None
    )


def _with_derivatives_of(
    original: Callable[..., Any], run: Callable[..., Any]
) -> Callable[..., Any]:
    """A function that runs as one does, and has the derivatives of another."""
    function = _JAX.custom_jvp(lambda *arrays: run(*arrays))

    @function.defjvp
    def derive(primals: Any, tangents: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return _JAX.jvp(lambda *arrays: original(*arrays), primals, tangents)

    return function

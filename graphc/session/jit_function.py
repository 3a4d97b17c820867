"""`graphc.jit`: a JAX function through the passes, in place of `jax.jit`.

The function is `jax.jit` of a function that, when JAX traces it, traces the given one, imports the
jaxpr, runs the passes, and gives back what they made. So signatures, caches, pytrees, static and
donated arguments are JAX's own, and a call costs what a call of `jax.jit` costs. Derivatives are
those of the function as it was written: what passes make is for running, not for differentiating.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jax.extend.core.primitives import convert_element_type_p

from graphc.errors import GraphcError, MemoryBudgetError
from graphc.importers.jax_functions import import_jaxpr
from graphc.importers.jax_functions.typed_keys import is_key, key_generator
from graphc.ir.graph import Graph
from graphc.ir.origin import capture_origin
from graphc.lowering.executable import Executable
from graphc.lowering.jax_internals import close_jaxpr, jit_from_jaxpr
from graphc.lowering.jaxpr import lower_graph
from graphc.memory_sizes import format_bytes, parse_bytes
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.pipeline_run import PipelineRun
from graphc.session.memory_fitting import MemoryFit, fit_memory
from graphc.session.program import LAST_SYMBOLIC_STAGE
from graphc.session.report import CompileReport
from graphc.session.standard_passes import default_pipeline

_JAX: Final = cast(Any, jax)  # much of it has no types


@dataclass(frozen=True)
class _Traced:
    """A function for arguments of one signature.

    Attributes:
        program: its jaxpr; the constants that it holds are arguments here, the first ones.
        constants: what they are.
        structure: how its results nest.
    """

    program: ClosedJaxpr
    constants: Sequence[Any]
    structure: Any


@dataclass
class _Compiled:
    """What the passes made of a function for arguments of one signature.

    Attributes:
        symbolic: the pipeline up to the last symbolic stage.
        concrete: what follows it.
        name: the function's.
        fit: how a memory budget was met.
    """

    symbolic: PipelineRun
    concrete: PipelineRun
    name: str
    fit: MemoryFit | None = None
    _executable: Executable | None = None

    @property
    def executable(self) -> Executable:
        """The program alone; calls of the function compile it as a part of their own."""
        if self._executable is None:
            self._executable = Executable(self.concrete.result, name=self.name)
        return self._executable


class JitFunction:
    """What `graphc.jit` gives: called as the function is, with the same results.

    Attributes:
        unoptimized: why signatures were run as they were written, in the order of their traces.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        static_argnums: int | Sequence[int],
        donate_argnums: int | Sequence[int],
        pipeline: Pipeline | None,
        memory_budget: int = 0,
    ) -> None:
        functools.update_wrapper(self, function)
        self.unoptimized: list[str] = []
        self._function = function
        self._static = (
            (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
        )
        self._pipeline = pipeline or default_pipeline()
        self._budget = memory_budget
        self._name = getattr(function, "__name__", "function")

        def traced(*arguments: Any, **named: Any) -> Any:
            return self._run_traced(arguments, named)

        traced.__name__ = traced.__qualname__ = self._name
        self._jitted = _JAX.jit(
            traced, static_argnums=static_argnums, donate_argnums=donate_argnums
        )

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._jitted(*arguments, **named)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method of the instance, where the function is one of a class."""
        return self if instance is None else functools.partial(self, instance)

    def lower(self, *arguments: Any, **named: Any) -> Any:
        """As `jax.jit(function).lower`."""
        return self._jitted.lower(*arguments, **named)

    def graph(self, *arguments: Any, stage: str = "fused", **named: Any) -> Graph:
        """The graph of the function for these arguments, after a stage of the pipeline.

        Raises:
            ImportModelError: the function cannot be a graph; it runs as it was written.
            GraphcError: there is no such stage.
        """
        traced, _ = self._trace(arguments, named)
        imported = import_jaxpr(traced.program)
        if stage == "built":
            return imported
        compiled = self._compile(imported)
        names = list(self._pipeline.stage_names)
        is_symbolic = stage in names[: names.index(LAST_SYMBOLIC_STAGE) + 1]
        return (compiled.symbolic if is_symbolic else compiled.concrete).graph(stage)

    def report(self, *arguments: Any, **named: Any) -> CompileReport:
        """What compiling the function for these arguments does; compiles it once more.

        Raises:
            ImportModelError: the function cannot be a graph; it runs as it was written.
        """
        traced, _ = self._trace(arguments, named)
        made = self._compile(import_jaxpr(traced.program))
        made.executable.compile()
        return CompileReport.of(made.symbolic, made.concrete, made.executable, {}, made.fit)

    # -- tracing ---------------------------------------------------------------------------------

    def _trace(self, arguments: Sequence[Any], named: Any) -> tuple[_Traced, list[Any]]:
        """The jaxpr for these arguments, and the arrays among them."""
        dynamic = [a for i, a in enumerate(arguments) if not self._is_static(i, len(arguments))]
        leaves, tree = _JAX.tree.flatten((dynamic, named))

        def flat(*arrays: Any) -> Any:
            given, keywords = _JAX.tree.unflatten(tree, arrays)
            rest = iter(given)
            whole = [
                argument if self._is_static(i, len(arguments)) else next(rest)
                for i, argument in enumerate(arguments)
            ]
            return self._function(*whole, **keywords)

        closed, shapes = _JAX.make_jaxpr(flat, return_shape=True)(*leaves)
        jaxpr = closed.jaxpr
        opened = jaxpr
        if jaxpr.constvars and not jaxpr.effects:
            inputs = [*jaxpr.constvars, *jaxpr.invars]
            opened = close_jaxpr((), inputs, jaxpr.outvars, jaxpr.eqns, self._name).jaxpr
        program = ClosedJaxpr(opened, closed.consts if opened is jaxpr else ())
        constants = () if opened is jaxpr else tuple(closed.consts)
        return _Traced(program, constants, _JAX.tree.structure(shapes)), leaves

    def _is_static(self, place: int, count: int) -> bool:
        return place in self._static or place - count in self._static

    def _run_traced(self, arguments: Sequence[Any], named: Any) -> Any:
        traced, leaves = self._trace(arguments, named)
        original = jaxpr_as_fun(traced.program)
        run: Callable[..., Any] = original
        try:
            run = self._optimized(traced.program)
        except GraphcError as problem:
            if self._budget:
                raise _unmet(self._budget, problem) from problem
            self.unoptimized.append(str(problem))
        if run is not original:
            run = _with_derivatives_of(original, run)
        results = run(*traced.constants, *leaves)
        return _JAX.tree.unflatten(traced.structure, results)

    # -- passes ----------------------------------------------------------------------------------

    def _compile(self, graph: Graph) -> _Compiled:
        """What the pipeline makes of a graph; with a budget, until it fits.

        Raises:
            MemoryBudgetError: it does not.
        """
        manager = PassManager(self._pipeline)
        platform = _JAX.default_backend()
        context = PassContext(platform=platform)
        symbolic = manager.run(graph, until=LAST_SYMBOLIC_STAGE, context=context)

        def attempt(goal: MemoryGoal | None) -> _Compiled:
            own = replace(context, trace=context.trace.copy(), memo=dict(context.memo), memory=goal)
            concrete = manager.run(symbolic.result, start_after=LAST_SYMBOLIC_STAGE, context=own)
            return _Compiled(symbolic, concrete, self._name)

        if not self._budget:
            return attempt(None)
        with _JAX.ensure_compile_time_eval():
            made, made.fit = fit_memory(self._budget, attempt)
        return made

    def _optimized(self, program: ClosedJaxpr) -> Callable[..., list[Any]]:
        """What the passes make of a jaxpr, as a function of its arguments.

        Raises:
            GraphcError: a pass refuses, or the jaxpr cannot be a graph.
        """
        lowered = lower_graph(self._compile(import_jaxpr(program)).concrete.result, self._name)
        call = jit_from_jaxpr(lowered.program, self._name)

        def run(*arrays: Any) -> list[Any]:
            given = [_JAX.random.key_data(a) if is_key(_aval(a)) else a for a in arrays]
            results = call(*lowered.hoisted, *given)
            return [_as(aval, r) for aval, r in zip(program.out_avals, results, strict=True)]

        return run


def _unmet(budget: int, problem: GraphcError) -> GraphcError:
    """Why a budget cannot be met where the function cannot be optimized at all."""
    if isinstance(problem, MemoryBudgetError):
        return problem
    return MemoryBudgetError(
        f"the function runs as it was written, so no budget can be met: {problem.message}",
        given=f"memory_budget={format_bytes(budget)}",
        fix="leave memory_budget out, or what cannot be in a graph",
        origin=problem.origin,
    )


def _aval(array: Any) -> Any:
    return _JAX.typeof(array)


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


def jit(
    function: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    donate_argnums: int | Sequence[int] = (),
    pipeline: Pipeline | None = None,
    memory_budget: int | str | None = None,
) -> Any:
    """`jax.jit` by way of the passes: same arguments, same results, repeated layers as one loop.

    Works under `jax.grad`, `jvp`, `hessian`, `vmap` and `jit`. A function that cannot be a graph
    (it prints, it calls back) runs as it was written; `unoptimized` of what is given back says why.

    Args:
        function: of arrays and pytrees of arrays; None where `jit(...)` is used as a decorator.
        static_argnums: as in `jax.jit`.
        donate_argnums: as in `jax.jit`.
        pipeline: the passes; `passes.default_pipeline()` if None.
        memory_budget: the most temporary memory that the function may take by XLA's own analysis:
            bytes, or "512MiB". What does not fit is computed again instead of kept; donated
            arguments are not counted on. The function is then compiled at least once more.

    Returns:
        A `JitFunction`: called as the function is; `.graph(*args, stage=…)`, `.report(*args)`.
    """
    budget = parse_bytes(memory_budget)
    if function is None:
        return lambda given: JitFunction(given, static_argnums, donate_argnums, pipeline, budget)
    if not callable(function):
        raise GraphcError("jit takes a function", given=repr(function), origin=capture_origin())
    return JitFunction(function, static_argnums, donate_argnums, pipeline, budget)


def from_jax(function: Callable[..., Any], *specs: Any) -> Graph:
    """The graph of a JAX function.

    Args:
        function: of arrays and pytrees of arrays; prints and callbacks are refused.
        *specs: arrays, or `jax.ShapeDtypeStruct`: they say the types of the arguments.

    Raises:
        ImportModelError: the function does more than compute.
    """
    return import_jaxpr(_JAX.make_jaxpr(function)(*specs))

"""`graphc.jit`: a JAX function through the passes, in place of `jax.jit`.

The function is `jax.jit` of a function that, when JAX traces it, traces the given one, imports the
jaxpr, runs the passes, and gives back what they made. So signatures, caches, pytrees, static and
donated arguments are JAX's own, and a call costs what a call of `jax.jit` costs. Derivatives are
those of the function as it was written: what passes make is for running, not for differentiating.

Where the passes cannot help (see `jit_choice`) the function is called as it was written, by way of
the `jax.jit` that traced it: it is not traced again, and nothing stands between it and XLA.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

import jax

from graphc.errors import GraphcError, ImportModelError, MemoryBudgetError
from graphc.garbage_collection import paused_collection
from graphc.importers.jax_functions import import_jaxpr
from graphc.ir.graph import Graph
from graphc.ir.origin import capture_origin
from graphc.memory_sizes import format_bytes, parse_bytes
from graphc.rewriting.pipeline import Pipeline
from graphc.session.jit_choice import nothing_to_gain, nothing_was_gained
from graphc.session.jit_compilation import Compiled, OpenProgram, callable_of, compile_graph
from graphc.session.program import LAST_SYMBOLIC_STAGE
from graphc.session.report import CompileReport
from graphc.session.standard_passes import default_pipeline

_JAX: Final = cast(Any, jax)  # much of it has no types


class _Arguments(NamedTuple):
    """How arguments are taken: the options of `jax.jit` of these names, and all others."""

    static_argnums: int | Sequence[int] | None
    static_argnames: str | Iterable[str] | None
    donate_argnums: int | Sequence[int] | None
    donate_argnames: str | Iterable[str] | None
    keep_unused: bool
    others: dict[str, Any]

    @property
    def static(self) -> dict[str, Any]:
        """Those that say what is static."""
        return {"static_argnums": self.static_argnums, "static_argnames": self.static_argnames}

    @property
    def all(self) -> dict[str, Any]:
        """The options of `jax.jit`."""
        named = self._asdict()
        return named.pop("others") | named


class JitFunction:
    """What `graphc.jit` gives: called as the function is, with the same results.

    Attributes:
        unoptimized: why signatures were run as they were written, in the order of their traces.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: _Arguments,
        pipeline: Pipeline | None,
        memory_budget: int = 0,
    ) -> None:
        functools.update_wrapper(self, function)
        self.unoptimized: list[str] = []
        self._function = function
        self._arguments = arguments
        self._pipeline = pipeline
        self._budget = memory_budget
        self._name = getattr(function, "__name__", "function")

        @functools.wraps(function)
        def traced(*arguments: Any, **named: Any) -> Any:
            return self._run_traced(arguments, named)

        self._plain = _JAX.jit(function, **arguments.static)
        self._tracing = _JAX.jit(function, **arguments.all) if memory_budget else self._plain
        self._jitted = _JAX.jit(traced, **arguments.all)
        # a class of its own, whose call is that of `jax.jit`: one more frame of Python costs small
        # functions a tenth of their time
        own = {"__call__": staticmethod(self._jitted), "__module__": __name__}
        self.__class__ = cast(Any, type("JitFunction", (JitFunction,), own))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._jitted(*arguments, **named)

    def __repr__(self) -> str:
        return f"<graphc.jit of {self._function!r}>"

    def __copy__(self) -> JitFunction:
        return self  # as functions are: what is compiled is not compiled again

    def __deepcopy__(self, memo: dict[int, Any]) -> JitFunction:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """It is made again of the function: what was compiled stays behind."""
        return JitFunction, (self._function, self._arguments, self._pipeline, self._budget)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method of the instance, where the function is one of a class."""
        return self if instance is None else functools.partial(self, instance)

    def lower(self, *arguments: Any, **named: Any) -> Any:
        """As `jax.jit(function).lower`."""
        return self._jitted.lower(*arguments, **named)

    def trace(self, *arguments: Any, **named: Any) -> Any:
        """As `jax.jit(function).trace`."""
        return self._jitted.trace(*arguments, **named)

    def eval_shape(self, *arguments: Any, **named: Any) -> Any:
        """As `jax.jit(function).eval_shape`."""
        return self._plain.eval_shape(*arguments, **named)

    def clear_cache(self) -> None:
        """As `jax.jit(function).clear_cache`."""
        self._jitted.clear_cache()
        self._plain.clear_cache()

    def graph(self, *arguments: Any, stage: str = "fused", **named: Any) -> Graph:
        """The graph that a stage of the pipeline makes of the function for these arguments.

        Calls run the last one, unless `report(...).as_written` says why they do not.

        Raises:
            ImportModelError: the function cannot be a graph; it runs as it was written.
            GraphcError: there is no such stage.
        """
        opened = self._trace(arguments, named)
        imported = import_jaxpr(opened.program)
        if stage == "built":
            return imported
        compiled = self._compile(imported, opened)
        names = list(self._passes.stage_names)
        is_symbolic = stage in names[: names.index(LAST_SYMBOLIC_STAGE) + 1]
        return (compiled.symbolic if is_symbolic else compiled.concrete).graph(stage)

    def report(self, *arguments: Any, **named: Any) -> CompileReport:
        """What compiling the function for these arguments does; compiles it once more.

        Raises:
            ImportModelError: the function cannot be a graph; it runs as it was written.
        """
        opened = self._trace(arguments, named)
        made = self._compile(import_jaxpr(opened.program), opened)
        reason = None
        if self._may_choose:
            reason = nothing_to_gain(opened.program) or nothing_was_gained(made, opened.program)
        made.executable.compile()
        return CompileReport.of(
            made.symbolic, made.concrete, made.executable, {}, made.fit, as_written=reason
        )

    # -- tracing ---------------------------------------------------------------------------------

    def _trace(self, arguments: Sequence[Any], named: Any) -> OpenProgram:
        return OpenProgram.of(self._tracing.trace(*arguments, **named), self._name)

    def _run_traced(self, arguments: Sequence[Any], named: Any) -> Any:
        if _JAX.config.jax_disable_jit:
            return self._function(*arguments, **named)
        with paused_collection():  # of JAX's own trace too: a quarter of it
            traced = self._tracing.trace(*arguments, **named)
            opened = OpenProgram.of(traced, self._name)
            # JAX is tracing: what is not static is a tracer
            leaves = [
                a for a in _JAX.tree.leaves((arguments, named)) if isinstance(a, _JAX.core.Tracer)
            ]
            given = [*opened.held, *leaves]
            try:
                if len(given) != len(opened.program.in_avals):
                    raise ImportModelError("the function closes over arrays that JAX is tracing")
                run = self._optimized(opened)
            except GraphcError as problem:
                if self._budget:
                    raise _unmet(self._budget, problem) from problem
                run = str(problem)
            if not isinstance(run, str):
                return _JAX.tree.unflatten(traced.out_tree, run(*given))
        self.unoptimized.append(run)
        return self._plain(*arguments, **named)

    # -- passes ----------------------------------------------------------------------------------

    @property
    def _passes(self) -> Pipeline:
        """The pipeline; the passes are imported when a function needs them."""
        if self._pipeline is None:
            return default_pipeline()
        return self._pipeline

    @property
    def _may_choose(self) -> bool:
        """Whether it may run as it was written: neither passes nor a budget were asked for."""
        return self._pipeline is None and not self._budget

    def _compile(self, graph: Graph, opened: OpenProgram) -> Compiled:
        return compile_graph(graph, self._passes, self._name, self._budget, opened.consumed)

    def _optimized(self, opened: OpenProgram) -> Callable[..., list[Any]] | str:
        """What the passes make of a jaxpr, as a function; or why that is not worth it.

        Raises:
            GraphcError: a pass refuses, or the jaxpr cannot be a graph.
        """
        program = opened.program
        if self._may_choose and (reason := nothing_to_gain(program)):
            return reason
        made = self._compile(import_jaxpr(program), opened)
        if self._may_choose and (reason := nothing_was_gained(made, program)):
            return reason
        return callable_of(made.concrete.result, program, self._name)


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


def jit(
    function: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Iterable[str] | None = None,
    keep_unused: bool = False,
    pipeline: Pipeline | None = None,
    memory_budget: int | str | None = None,
    **options: Any,
) -> Any:
    """`jax.jit` by way of the passes: same arguments, same results, repeated layers as one loop.

    Works under `jax.grad`, `jvp`, `hessian`, `vmap` and `jit`. A function that cannot be a graph
    (it prints, it calls back), or that gains nothing (it is small, or nothing in it repeats), runs
    as it was written; `unoptimized` of what is given back says why, and so does its report.

    Where a formula overflows, as log(softmax(x)) does, the passes give the value of one that does
    not, and JAX inf or NaN; `pipeline=passes.default_pipeline().without("stabilisation")` overflows
    as well.

    Args:
        function: of arrays and pytrees of arrays; None where `jit(...)` is used as a decorator.
        static_argnums: as in `jax.jit`, as the four that follow.
        static_argnames: which arguments are Python values, by name.
        donate_argnums: which arguments may be overwritten.
        donate_argnames: which of them, by name.
        keep_unused: whether arguments that nothing reads are handed to XLA.
        pipeline: the passes, which then run whatever they gain; None for
            `passes.default_pipeline()` where it gains something.
        memory_budget: the most temporary memory that the function may take by XLA's own analysis:
            bytes, or "512MiB". What does not fit is computed again instead of kept; where loops
            of layers have no room for that, layers are written out. The function is then compiled
            at least once more.
        **options: what else `jax.jit` takes: `in_shardings`, `out_shardings`, `inline`,
            `compiler_options`, `device`, `backend`.

    Returns:
        A `JitFunction`: called as the function is; `.graph(*args, stage=…)`, `.report(*args)`.

    Raises:
        GraphcError: what is given is no function.
        TypeError: `jax.jit` has no such option.
        ValueError: JAX's own, for argument numbers and names that the function does not have.
    """
    budget = parse_bytes(memory_budget)
    arguments = _Arguments(
        static_argnums, static_argnames, donate_argnums, donate_argnames, keep_unused, options
    )
    if function is None:
        return lambda given: JitFunction(given, arguments, pipeline, budget)
    if not callable(function):
        raise GraphcError("jit takes a function", given=repr(function), origin=capture_origin())
    return JitFunction(function, arguments, pipeline, budget)


def from_jax(function: Callable[..., Any], *specs: Any) -> Graph:
    """The graph of a JAX function.

    Args:
        function: of arrays and pytrees of arrays; prints and callbacks are refused.
        *specs: arrays, or `jax.ShapeDtypeStruct`: they say the types of the arguments.

    Raises:
        ImportModelError: the function does more than compute.
    """
    return import_jaxpr(_JAX.make_jaxpr(function)(*specs))

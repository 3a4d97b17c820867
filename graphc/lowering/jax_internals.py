"""The one file that touches JAX's private modules: jaxprs made by hand, and what that needs.

Public JAX is used wherever it exists (``jax.extend.core``, ``jax.enable_x64``). What has no public
name is listed here with the reason. All were read and measured in JAX 0.10.2, and run in 0.11.2;
all but one are in 0.10.0 too, the floor of the package.

* ``core.ShapedArray``: the type of a variable.
* ``core.current_jaxpr_eqn_context``: the flags (threefry form, mesh) that an equation is lowered
  under. Absent in 0.10.0, where ``new_jaxpr_eqn`` makes a context each time.
* ``JaxprEqn.__init__``: the class is public, its seven positional fields are not promised.
  ``new_jaxpr_eqn`` looks through effects and flags again for each equation.
* ``source_info_util.NameStack``, ``Scope``, ``SourceInfo``: an equation's name scope and line.
* ``source_info_util.register_exclusion``: keeps this file's own frames out of XLA's metadata.
* ``lib.xla_client.Traceback``: the object that carries a source line into XLA's metadata.
* ``named_sharding.UNSPECIFIED``, ``mesh.get_concrete_mesh``: parameters of the ``jit`` primitive.
* ``__fun_debug_info__``: an attribute that names the arguments of a function given to ``jax.jit``.
* ``interpreters.mlir._lowerings``, ``_platform_specific_lowerings``: the only list of all
  primitives; ``jax.extend.core.primitives`` lacks about a third (no ``optimization_barrier``).
* ``compilation_cache._cache``, its flags, its mutex, ``_initialize_cache``: JAX has one persistent
  cache per process and reads its directory once; a cache per session has to stand in for it.
* ``config.persistent_cache_min_compile_time_secs``: ``jax.config`` lacks its scoped form.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax._src import compilation_cache as _compilation_cache
from jax._src import config as _config
from jax._src import core as _core
from jax._src import mesh as _mesh
from jax._src import source_info_util as _source_info
from jax._src.interpreters import mlir as _mlir
from jax._src.lib import xla_client as _xla_client  # pyright: ignore[reportPrivateImportUsage]
from jax._src.named_sharding import UNSPECIFIED as _UNSPECIFIED
from jax.extend.core import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal, Primitive, Var
from jax.extend.core.primitives import jit_p

Aval = _core.ShapedArray
Atom = Var | Literal

_source_info.register_exclusion(__file__)
_capture_traceback = _xla_client.Traceback.get_traceback
_no_effects = _core.no_effects  # public in jax.extend.core
_current_context: Callable[[], Any] = getattr(_core, "current_jaxpr_eqn_context", None) or (
    lambda: _core.new_jaxpr_eqn([], [], jit_p, {}, _no_effects).ctx
)


@functools.cache
def make_aval(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Aval:
    """Returns JAX's type of an array, never weak and never sharded.

    Args:
        shape: concrete sizes.
        dtype: any NumPy dtype that JAX has, 64-bit ones too, whatever the x64 flag says.
    """
    return Aval(shape, dtype)


make_var: Callable[[Aval], Var] = Var


def make_literal(value: np.generic | np.ndarray[Any, Any], aval: Aval) -> Literal:
    """Makes an inline scalar constant.

    Args:
        value: a NumPy scalar or array of shape ``()``, of exactly the dtype of ``aval``.
        aval: its type.

    Raises:
        ValueError: the value is not a scalar of that dtype.
    """
    scalar = np.array(value)  # an array even so: float8 scalars have no constant handler in JAX
    if scalar.ndim or aval.shape or scalar.dtype != aval.dtype:
        raise ValueError(
            f"A literal is a scalar of its own type; given {scalar.dtype}{list(scalar.shape)} for "
            f"{aval}. Pass larger constants through close_jaxpr(constants=...)."
        )
    return Literal(scalar, aval)


@functools.lru_cache(maxsize=65536)
def _source_of(scope: str | None, location: tuple[str, int] | None) -> _source_info.SourceInfo:
    parts = tuple(_source_info.Scope(part) for part in scope.split("/") if part) if scope else ()
    traceback = _traceback_at(*location) if location else None
    return _source_info.SourceInfo(traceback, _source_info.NameStack(parts))


def _traceback_at(file_name: str, line: int) -> Any:
    """Returns a traceback whose innermost frame is a line of the user's file.

    XLA's Traceback cannot be made from names, only captured: so a function that says it was written
    at that line captures it. The frames outside are those of whoever lowers first.
    """
    code = (lambda: _capture_traceback()).__code__
    placed = code.replace(co_filename=file_name, co_firstlineno=line, co_qualname="graph")
    return types.FunctionType(placed, {"_capture_traceback": _capture_traceback})()


def make_equation(
    primitive: Primitive,
    params: dict[str, Any],
    inputs: list[Atom],
    outputs: list[Var],
    scope: str | None = None,
    location: tuple[str, int] | None = None,
) -> JaxprEqn:
    """Makes one equation without checking it (about 1 microsecond; 2 with its variable and type).

    Args:
        primitive: an effect-free primitive; :func:`abstract_eval` tells, once per op.
        params: every parameter of this JAX version, none left to default (``mul`` has one, ``add``
            none): take them from a traced template. Kept, not copied; may be shared.
        inputs: variables and literals. Kept, not copied.
        outputs: fresh variables. Kept, not copied.
        scope: name scope with ``/`` between its parts; becomes part of ``op_name`` in HLO.
        location: the user's file and line; becomes the source location in HLO, free in lowering.
    """
    source = _source_of(scope, location)
    return JaxprEqn(inputs, outputs, primitive, params, _no_effects, source, _current_context())


def close_jaxpr(
    constants: Iterable[tuple[Var, Any]],
    inputs: Sequence[Var],
    outputs: Sequence[Atom],
    equations: Sequence[JaxprEqn],
    name: str = "graph",
    input_names: Sequence[str] | None = None,
) -> ClosedJaxpr:
    """Closes equations, given in topological order, over their inputs and constants.

    Args:
        constants: variables and their arrays, embedded in the HLO. Keep them small: 100 MB costs
            1.6 s and 200 MB of memory more than an argument does (measured).
        inputs: one variable per argument, in order.
        outputs: results, in order.
        equations: see :func:`make_equation`.
        name: of the program.
        input_names: shown by JAX in errors and by XLA as the parameters' ``op_name``.
    """
    held = list(constants)
    names = None if input_names is None else tuple(input_names)
    debug_info = DebugInfo("jit", name, names, None)
    variables = [variable for variable, _ in held]
    jaxpr = Jaxpr(variables, inputs, outputs, equations, _no_effects, debug_info)
    return ClosedJaxpr(jaxpr, [array for _, array in held])


class InlinedJaxpr(NamedTuple):
    """A template instantiated with fresh variables."""

    equations: list[JaxprEqn]
    outputs: list[Atom]
    constants: list[tuple[Var, Any]]


def inline_jaxpr(
    template: ClosedJaxpr,
    inputs: Sequence[Atom],
    scope: str | None = None,
    location: tuple[str, int] | None = None,
) -> InlinedJaxpr:
    """Copies a traced jaxpr's equations onto other inputs (about 1.2 microseconds per equation).

    Parameters are shared with the template: nested jaxprs are lowered once, however many copies.

    Args:
        template: for example ``jax.make_jaxpr(rule)(*specs)``, made once per signature and kept.
        inputs: one atom per input of the template.
        scope: put before the scopes that the template's own equations carry.
        location: replaces the line of the rule that was traced by the user's.

    Returns:
        Equations, outputs, and the array constants, to be given to :func:`close_jaxpr`. An output
        may be one of ``inputs``. Scalar constants become literals.

    Raises:
        ValueError: wrong number of inputs, or the template has effects.
    """
    jaxpr = template.jaxpr
    if len(inputs) != len(jaxpr.invars):
        raise ValueError(f"The template takes {len(jaxpr.invars)} inputs; given {len(inputs)}.")
    if jaxpr.effects:
        raise ValueError(f"A template must be free of effects; it has {jaxpr.effects}.")
    outer = _source_of(scope, location)
    atoms: dict[Var, Atom] = dict(zip(jaxpr.invars, inputs, strict=True))
    constants: list[tuple[Var, Any]] = []
    for variable, value in zip(jaxpr.constvars, template.consts, strict=True):
        if np.ndim(value) == 0 and isinstance(value, (np.ndarray, np.generic, jax.Array)):
            atoms[variable] = Literal(np.array(value), variable.aval)
        else:
            atoms[variable] = fresh = Var(variable.aval)
            constants.append((fresh, value))
    equations: list[JaxprEqn] = []
    sources: dict[Any, _source_info.SourceInfo] = {}
    for equation in jaxpr.eqns:
        inner = equation.source_info.name_stack
        if (source := sources.get(inner)) is None:
            name_stack = outer.name_stack + inner
            source = sources[inner] = _source_info.SourceInfo(outer.traceback, name_stack)
        operands = [atom if type(atom) is Literal else atoms[atom] for atom in equation.invars]
        results: list[Var] = []
        for variable in equation.outvars:
            atoms[variable] = fresh = Var(variable.aval)
            results.append(fresh)
        copied = (equation.primitive, equation.params, _no_effects, source, equation.ctx)
        equations.append(JaxprEqn(operands, results, *copied))
    outputs = [atom if type(atom) is Literal else atoms[atom] for atom in jaxpr.outvars]
    return InlinedJaxpr(equations, outputs, constants)


@functools.cache
def _parameters_of_jit() -> dict[str, Any]:
    """The parameters of a ``jit`` equation: JAX changes their number, and what stands for "no"."""
    # with an operand that is traced: without one, jit is run at once while constants are worked out
    with jax.disable_jit(False):
        program = jax.make_jaxpr(jax.jit(lambda x: -x))(0.0)
    return dict(program.eqns[0].params)


def call_params(program: ClosedJaxpr, name: str, keep_unused: bool = True) -> dict[str, Any]:
    """What calls of a jaxpr may share: they call one function of the StableHLO module."""
    ins, outs = len(program.in_avals), len(program.out_avals)
    return {
        **_parameters_of_jit(),
        "jaxpr": program,
        "in_shardings": (_UNSPECIFIED,) * ins,
        "out_shardings": (_UNSPECIFIED,) * outs,
        "in_layouts": (None,) * ins,
        "out_layouts": (None,) * outs,
        "donated_invars": (False,) * ins,  # XLA ignores an inner call's donation
        "ctx_mesh": _mesh.get_concrete_mesh(),
        "name": name,
        "keep_unused": keep_unused,
    }


def jit_from_jaxpr(
    program: ClosedJaxpr,
    name: str,
    donate_argnums: Sequence[int] = (),
    keep_unused: bool = True,
    compiler_options: Mapping[str, bool | int] | None = None,
) -> Callable[..., list[Any]]:
    """Returns a ``jax.jit`` function of flat arguments that runs a jaxpr; it returns a list.

    Its trace binds one ``jit`` equation (1 ms, whatever the size); ``inline=True`` would copy every
    equation into the outer trace (4 to 9 microseconds each) and gains nothing in XLA. Calls take
    jit's C++ path; ``lower``, ``trace`` and ``eval_shape`` work as on any jitted function.

    Args:
        program: see :func:`close_jaxpr`.
        name: becomes ``jit(<name>)`` in HLO.
        donate_argnums: arguments whose buffers become the outputs' (state that is updated). JAX
            warns about one that no output can take.
        keep_unused: keeps arguments that nothing reads, so that a donated one is freed too.
        compiler_options: of XLA; part of the key of any cache. One that it does not know is an
            error when it compiles.

    Raises:
        TypeError: from a call, when the arguments are not of the program's types, as when 64-bit
            ones are given outside :func:`scoped_x64`.
    """
    params = call_params(program, name, keep_unused)

    def call(*arguments: Any) -> list[Any]:
        # Runs once per signature, under a trace; the jit primitive itself checks nothing.
        expected = [(aval.shape, aval.dtype) for aval in program.in_avals]
        given = [(each.shape, each.dtype) for each in arguments]
        if given != expected:
            raise TypeError(f"Program {name!r} takes {expected}; given {given}.")
        return jit_p.bind(*arguments, **{**params, "ctx_mesh": _mesh.get_concrete_mesh()})

    call.__name__ = call.__qualname__ = name
    if program.jaxpr.debug_info.arg_names is not None:
        vars(call)["__fun_debug_info__"] = program.jaxpr.debug_info
    return jax.jit(
        call,
        donate_argnums=tuple(donate_argnums),
        keep_unused=keep_unused,
        compiler_options=dict(compiler_options) if compiler_options else None,
    )


@functools.cache
def primitive_by_name(name: str) -> Primitive:
    """Finds a primitive that can be lowered, by its name (unique in 0.10.2: 269 names).

    Raises:
        KeyError: no module imported so far registers a primitive of that name. Not remembered.
    """
    for table in (_mlir._lowerings, *_mlir._platform_specific_lowerings.values()):
        for primitive in table:
            if primitive.name == name:
                return primitive
    raise KeyError(f"No primitive {name!r} with a lowering in the JAX modules imported so far.")


def abstract_eval(
    primitive: Primitive, avals: Sequence[Aval], params: Mapping[str, Any]
) -> tuple[tuple[Aval, ...], frozenset[Any]]:
    """Applies a primitive's own type rule; returns result types (never weak) and effects.

    Call it inside :func:`scoped_x64`: some rules make index types from the flag. Errors are JAX's
    own (``TypeError`` or ``ValueError``). About 16 microseconds: memoise, or have own type rules.
    """
    results, effects = primitive.abstract_eval(*avals, **params)
    found = results if primitive.multiple_results else (results,)
    avals_out = [aval.update(weak_type=False) if aval.weak_type else aval for aval in found]
    return tuple(avals_out), frozenset(effects)


def scoped_x64() -> contextlib.AbstractContextManager[None]:
    """Allows 64-bit types in this thread while open (0.7 microseconds); lower and call inside.

    Public (``jax.enable_x64``), here so that it has one home. The flag is part of jit's cache key:
    what is called inside and outside compiles twice, and outside 64-bit feeds become 32-bit.
    """
    return jax.enable_x64(True)


class ExecutableStore(Protocol):
    """Where a session keeps compiled programs; it sees every hit and miss.

    Values are executables, hence code: the owner checks that only the user can write there,
    verifies what it reads, and answers None when damaged (JAX only warns if one does not load).
    """

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


class _RoutedCache:
    """Stands in for JAX's cache: a thread with a store uses it, the others what they had before."""

    def __init__(self) -> None:
        self.local = threading.local()
        self.lock = threading.Lock()
        self.users = 0
        self.previous: tuple[Any, ...] = (None, False, False, False)

    def get(self, key: str) -> bytes | None:
        target = getattr(self.local, "store", self.previous[0])
        return target.get(key) if target is not None else None

    def put(self, key: str, value: bytes) -> None:
        target = getattr(self.local, "store", self.previous[0])
        if target is not None:
            target.put(key, value)


_routed_cache = _RoutedCache()
_CACHE_STATE = ("_cache", "_cache_initialized", "_cache_checked", "_cache_used")


def _exchange_cache_state(values: tuple[Any, ...]) -> tuple[Any, ...]:
    with _compilation_cache._cache_initialized_mutex:
        before = tuple(getattr(_compilation_cache, name) for name in _CACHE_STATE)
        for name, value in zip(_CACHE_STATE, values, strict=True):
            setattr(_compilation_cache, name, value)
    return before


@contextlib.contextmanager
def scoped_compilation_cache(store: ExecutableStore) -> Iterator[None]:
    """Sends what this thread compiles to a store while it is open; for compiling, not for calls.

    JAX asks ``store.get(key)`` before XLA compiles and ``store.put(key, value)`` after a miss. The
    key covers the module without its locations, compile options, devices, XLA flags and the jaxlib
    version. Other threads keep the cache that the process has configured, if any.
    """
    router = _routed_cache
    with router.lock:
        if router.users == 0:
            _compilation_cache._initialize_cache()  # the configured one, to go back to
            router.previous = _exchange_cache_state((router, True, True, True))
        router.users += 1
    outer = dict(vars(router.local))
    router.local.store = store
    try:
        with _config.persistent_cache_min_compile_time_secs(0.0):
            yield
    finally:
        del router.local.store
        vars(router.local).update(outer)
        with router.lock:
            router.users -= 1
            if router.users == 0:
                _exchange_cache_state(router.previous)

"""A jaxpr as a graph: one walk over its equations.

Calls (`jit`, `remat`, functions with rules of their own) are written out in place; loops and
branches become regions. An equation that is no op of the set becomes a `jax_primitive`, whose type,
lowering and gradient are JAX's own. User names and lines survive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from graphc.dtypes import as_dtype
from graphc.errors import GraphcError, ImportModelError
from graphc.importers.jax_functions.calls import called_jaxpr
from graphc.importers.jax_functions.equation_table import Results, spread
from graphc.importers.jax_functions.equations import ELEMENTS, PlainOps, plain_ops
from graphc.importers.jax_functions.indexing import POSITIONS
from graphc.importers.jax_functions.loops_and_branches import REGIONS
from graphc.importers.jax_functions.products_and_windows import PRODUCTS
from graphc.importers.jax_functions.sharing_builder import SharingBuilder
from graphc.importers.jax_functions.typed_keys import (
    has_keys,
    is_key,
    key_words,
    words_of,
    write_key_equation,
)
from graphc.ir.graph import Graph
from graphc.ir.literal import as_literal
from graphc.ir.node import Value
from graphc.ir.origin import UNKNOWN, Origin, origin_of_frames
from graphc.ir.types import TensorType, tensor_type

_JAX: Final = cast(Any, jax)  # much of it has no types

_JAX_FOLDER: Final = str(Path(_JAX.__file__).parent)

_EQUATIONS: Final = {**ELEMENTS, **POSITIONS, **PRODUCTS}


def trace_function(function: Callable[..., Any], *specs: Any) -> ClosedJaxpr:
    """The jaxpr of a function of arrays.

    Args:
        function: what `jax.jit` takes.
        *specs: arrays, or `jax.ShapeDtypeStruct`, in any nesting.
    """
    return _JAX.make_jaxpr(function)(*specs)


def import_jaxpr(program: ClosedJaxpr, names: Sequence[str] = ()) -> Graph:
    """The graph of a jaxpr. Its inputs are the arguments; what the jaxpr holds become constants.

    Random keys are the words that they are made of: u32 arrays with one axis more.

    Args:
        program: without effects.
        names: of the arguments.

    Raises:
        ImportModelError: it has effects, or an array of a type that there is none of here.
    """
    jaxpr = program.jaxpr
    if jaxpr.effects:
        listed = ", ".join(sorted(str(effect) for effect in jaxpr.effects))
        raise ImportModelError(
            f"the function does more than compute: {listed}",
            expected="a function that gives results and does nothing else",
            fix="take prints, callbacks and references out of it",
        )
    importer = JaxprImporter()
    build = importer.build
    given = list(names) or [f"argument{i}" for i in range(len(jaxpr.invars))]
    inputs = [
        build.input(type_of(variable.aval), name, "feed")
        for variable, name in zip(jaxpr.invars, given, strict=True)
    ]
    return build.finish(importer.closed(program, inputs))


@functools.lru_cache(maxsize=4096)
def type_of(aval: Any) -> TensorType:
    """The type of an array; of random keys, the words that they are made of.

    Raises:
        ImportModelError: there is no such element type here.
    """
    if is_key(aval):
        aval = key_words(aval)
    try:
        return tensor_type(as_dtype(aval.dtype), tuple(aval.shape))
    except (GraphcError, AttributeError, TypeError):
        raise ImportModelError(f"{aval} is no array that a graph can hold") from None


class JaxprImporter:
    """Adds the equations of jaxprs to one graph, or to the body of a region.

    Attributes:
        build: makes the nodes.
    """

    def __init__(self, plain: PlainOps | None = None) -> None:
        self.build = SharingBuilder()
        self._literals: dict[tuple[bytes, Any, tuple[int, ...]], Value] = {}
        self._origins: dict[Any, Origin] = {}
        self._plain = plain_ops() if plain is None else plain

    def run(self, jaxpr: Any, operands: Sequence[Value]) -> list[Value]:
        """Add the equations of a jaxpr on `operands`, its constants first; gives its results."""
        values: dict[Any, Value] = dict(
            zip((*jaxpr.constvars, *jaxpr.invars), operands, strict=True)
        )

        build, origins = self.build, self._origins
        before = build.origin, build.name
        for equation in jaxpr.eqns:
            source = equation.source_info
            origin = origins.get(source.traceback)  # layers written in a loop have equal ones
            if origin is None:
                origin = origins[source.traceback] = _origin_of(source.traceback)
            build.origin, build.name = origin, str(source.name_stack)
            operands = [
                self._literal(atom) if isinstance(atom, Literal) else values[atom]
                for atom in equation.invars
            ]
            results = self.equation(equation, operands)
            values.update(zip(equation.outvars, results, strict=True))
        build.origin, build.name = before
        return [
            self._literal(atom) if isinstance(atom, Literal) else values[atom]
            for atom in jaxpr.outvars
        ]

    def _literal(self, atom: Any) -> Value:
        """A number that stands in an equation."""
        array = np.asarray(atom.val, atom.aval.dtype)
        key = array.tobytes(), array.dtype, array.shape
        found = self._literals.get(key)
        if found is None:
            found = self._literals[key] = self.build.literal(as_literal(array))
        return found

    def closed(self, program: ClosedJaxpr, operands: Sequence[Value]) -> list[Value]:
        """Add a closed jaxpr, whose constants become constants."""
        held = [self.build.array(words_of(constant)) for constant in program.consts]
        return self.run(program.jaxpr, [*held, *operands])

    def body(
        self, program: ClosedJaxpr, types: Sequence[TensorType], places: Sequence[int]
    ) -> Graph:
        """A closed jaxpr as the body of a region.

        Args:
            program: the jaxpr.
            types: of the inputs of the region.
            places: which of these is the i-th argument of the jaxpr.
        """
        return self.region(
            types, lambda inner, inputs: inner.closed(program, [inputs[place] for place in places])
        )

    def region(
        self,
        types: Sequence[TensorType],
        write: Callable[[JaxprImporter, Sequence[Value]], list[Value]],
    ) -> Graph:
        """The body of a region.

        Args:
            types: of its inputs.
            write: adds what it computes of them; gives the results.
        """
        importer = JaxprImporter(self._plain)
        inputs = [importer.build.input(type_, f"argument{i}") for i, type_ in enumerate(types)]
        return importer.build.finish(write(importer, inputs))

    def equation(self, equation: Any, operands: list[Value]) -> list[Value]:
        """Add one equation; gives its results."""
        name = equation.primitive.name
        inner = called_jaxpr(equation)
        if isinstance(inner, ClosedJaxpr):
            return self.closed(inner, operands)
        if inner is not None:  # an open jaxpr, without constants
            return self.run(inner, operands)
        if name in REGIONS:
            return REGIONS[name](self, equation, operands)
        if has_keys(equation):
            return write_key_equation(self.build, equation, operands)
        try:
            made = self._op(equation, operands)
        except GraphcError:
            made = None  # the primitive takes an element type or a shape that the op does not
        if made is None:
            made = self.build.jax_primitive(
                *operands, primitive=equation.primitive, parameters=dict(equation.params)
            )
        return [made] if isinstance(made, Value) else list(made)

    def _op(self, equation: Any, operands: list[Value]) -> Results:
        """The equation as an op of the set, if it is one."""
        plain = self._plain.get(equation.primitive.name)
        if plain is not None and dict(equation.params) == dict(plain[1]):
            op, _ = plain
            type_ = type_of(equation.outvars[0].aval)
            inputs = tuple([spread(self.build, each, type_) for each in operands])
            return self.build.make(op, inputs).output
        write = _EQUATIONS.get(equation.primitive.name)
        if write is None or not equation.outvars:
            return None
        type_ = type_of(equation.outvars[0].aval)
        return write(self.build, equation.params, operands, type_)


def _origin_of(traceback: Any) -> Origin:
    """The user's line: the innermost frame that is neither JAX's nor graphc's."""
    if traceback is None:
        return UNKNOWN
    frames = [(f.file_name, f.line_num, f.function_name) for f in traceback.frames]
    return origin_of_frames(frame for frame in frames if not frame[0].startswith(_JAX_FOLDER))

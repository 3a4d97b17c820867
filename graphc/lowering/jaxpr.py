"""A frozen graph as a jaxpr, its equations written directly.

An op that is one JAX primitive becomes one equation without tracing. Other ops are traced once per
attributes and types, and the template is copied in with fresh variables. Composites without a
lowering are written out in place; so are fusions, but for those that are there many times, which
become calls of one function. Scalar constants are literals; large ones are handed over as
arguments, because XLA would keep a second copy and hash it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import jax
import numpy as np
from jax.extend.core.primitives import jit_p

from graphc.errors import GraphcError
from graphc.ir.builder import decomposition_graph
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.op import (
    ByDecomposition,
    InlineLowering,
    NotLowered,
    OpCall,
    PrimitiveLowering,
    RegionLowering,
    TracedLowering,
)
from graphc.ir.origin import UNKNOWN
from graphc.ir.types import TensorType
from graphc.lowering.jax_internals import (
    ClosedJaxpr,
    call_params,
    close_jaxpr,
    inline_jaxpr,
    make_aval,
    make_equation,
    make_literal,
    make_var,
)
from graphc.lowering.repeated_bodies import RepeatedBodies
from graphc.lowering.tracing import default_precision, precision_setting, trace_call, with_precision
from graphc.lowering.wide_types import holds_wide_types


class _Template(NamedTuple):
    """The jaxpr of an op that has to be traced."""

    program: ClosedJaxpr
    holds_wide_types: bool


HOISTED_BYTES: Final = 65536
"""Constants of at least this size become arguments of the program."""

_TEMPLATE_LIMIT: Final = 20_000
_templates: Final[dict[Any, _Template]] = {}


def aval_of(type_: TensorType) -> Any:
    """JAX's type for a static type; kept with it.

    Raises:
        GraphcError: a size is still symbolic, or the elements never reach XLA.
    """
    if type_.aval is None:
        if not type_.is_static or type_.dtype.is_host:
            raise GraphcError(
                "this type cannot be lowered",
                given=type_,
                expected="numbers with sizes that are known",
            )
        type_.aval = make_aval(type_.shape, type_.dtype.numpy)
    return type_.aval


@dataclass(frozen=True)
class LoweredGraph:
    """A jaxpr and the constants that its first arguments stand for.

    Attributes:
        program: takes the hoisted constants, then variables, then the other inputs of the graph.
        hoisted: the large constants, in argument order.
        order: the positions of the graph's inputs in argument order, variables first.
        equations: number of equations.
        needs_x64: whether a type in it has elements of 64 bits (128 for complex numbers).
    """

    program: ClosedJaxpr
    hoisted: tuple[np.ndarray[Any, Any], ...]
    order: tuple[int, ...]
    equations: int
    needs_x64: bool


class _Emitter:
    """Collects the equations of one program, or of a function in it, whose nodes have no names."""

    def __init__(self, repeated: RepeatedBodies, *, has_names: bool = True) -> None:
        self.equations: list[Any] = []
        self.constants: list[tuple[Any, Any]] = []
        self.hoisted: dict[Any, tuple[Any, np.ndarray[Any, Any]]] = {}
        self.needs_x64 = False
        self._precision = default_precision()
        self._has_names = has_names
        self._repeated = repeated
        self._calls: dict[Any, dict[str, Any] | None] = {}

    def graph(self, graph: Graph, operands: Sequence[Any], scope: str) -> list[Any]:
        """Emit a graph on `operands`; gives the atoms of its outputs."""
        atoms: dict[Value, Any] = dict(zip(graph.inputs, operands, strict=True))
        for node in graph.nodes:
            lower = node.op.lower
            if isinstance(lower, PrimitiveLowering):
                self.primitive(node, lower, atoms, scope)
            elif node.op.name == "constant":
                atoms[node.outputs[0]] = self.constant(node.attributes["value"])
            elif isinstance(lower, InlineLowering):
                inputs = [atoms[value] for value in node.inputs]
                if (params := self.function(node)) is not None:
                    results = self.call(node, params, inputs, scope)
                else:
                    # The nodes inside have names of their own, with all their scopes.
                    results = self.graph(node.regions[0], inputs, scope)
                atoms.update(zip(node.outputs, results, strict=True))
            elif node.op.name != "input":
                inputs = [atoms[value] for value in node.inputs]
                results = self.node(node, inputs, self._name(node, scope))
                atoms.update(zip(node.outputs, results, strict=True))
        return [atoms[value] for value in graph.outputs]

    def call(self, node: Node, params: dict[str, Any], inputs: list[Any], scope: str) -> list[Any]:
        results = [make_var(aval_of(value.type)) for value in node.outputs]
        own = (self._name(node, scope), _location(node))
        self.equations.append(make_equation(jit_p, params, inputs, [*results], *own))
        return [*results]

    def function(self, node: Node) -> dict[str, Any] | None:
        """The parameters of calls of a body, if it is there many times: one function for all."""
        key = self._repeated.key(node)
        if key is None:
            return None
        if key not in self._calls:
            self._calls[key] = self._function_of(node)
        return self._calls[key]

    def _function_of(self, node: Node) -> dict[str, Any] | None:
        """None where arrays are held inside, which belong to the program.

        XLA puts the scope of a call before what is in it.
        """
        (body,) = node.regions
        own = _Emitter(self._repeated, has_names=False)
        parameters = [make_var(aval_of(value.type)) for value in body.inputs]
        outputs = own.graph(body, parameters, "")
        if own.constants or own.hoisted:
            return None
        self.needs_x64 |= own.needs_x64
        closed = close_jaxpr((), parameters, outputs, own.equations, node.op.name)
        return call_params(closed, node.op.name)

    def _name(self, node: Node, scope: str) -> str:
        own = node.name if self._has_names else ""
        return f"{scope}/{own}" if scope and own else own or scope

    def primitive(
        self, node: Node, lower: PrimitiveLowering, atoms: dict[Value, Any], scope: str
    ) -> None:
        parameters = lower.fixed
        if parameters is None:
            memo = node.op.type_memo
            key = (node.attributes, "parameters", tuple([value.type for value in node.inputs]))
            parameters = memo.get(key)
            if parameters is None:
                parameters = memo[key] = lower.parameters(node.call)
            parameters = with_precision(parameters, self._precision)
        results: list[Any] = []
        for value in node.outputs:
            variable = make_var(value.type.aval or aval_of(value.type))
            atoms[value] = variable
            results.append(variable)
            if value.type.dtype.is_wide:
                self.needs_x64 = True
        self.equations.append(
            make_equation(
                lower.primitive,
                parameters,
                [atoms[value] for value in node.inputs],
                results,
                self._name(node, scope),
                _location(node),
            )
        )

    def constant(self, literal: Literal) -> Any:
        array = literal.array
        if literal.type.dtype.is_wide:
            self.needs_x64 = True
        if array.ndim == 0:
            return make_literal(array, aval_of(literal.type))
        if array.nbytes >= HOISTED_BYTES:
            found = self.hoisted.get(literal.key)
            if found is None:
                found = self.hoisted[literal.key] = (make_var(aval_of(literal.type)), array)
            return found[0]
        variable = make_var(aval_of(literal.type))
        self.constants.append((variable, array))
        return variable

    def node(self, node: Node, inputs: list[Any], scope: str) -> list[Any]:
        lower = node.op.lower
        if isinstance(lower, ByDecomposition):
            return self.graph(decomposition_graph(node.call), inputs, scope)
        if isinstance(lower, NotLowered):
            raise GraphcError(
                f"{node.op.name} does not reach XLA: {lower.reason}", origin=node.origin
            )
        template = _template(node.call)
        self.needs_x64 = self.needs_x64 or template.holds_wide_types
        inlined = inline_jaxpr(template.program, inputs, scope or None, _location(node))
        self.equations.extend(inlined.equations)
        self.constants.extend(inlined.constants)
        return inlined.outputs


def _location(node: Node) -> tuple[str, int] | None:
    origin = node.origin
    return None if origin is UNKNOWN else (origin.file, origin.line)


def _template(call: OpCall) -> _Template:
    """The jaxpr of an op that is traced; once per attributes, types, regions and setting."""
    assert isinstance(call.op.lower, (TracedLowering, RegionLowering))
    key = (call.op, call.attributes, call.types, call.regions, precision_setting())
    found = _templates.get(key)
    if found is None:
        specs = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in call.types]
        traced = jax.make_jaxpr(lambda *operands: trace_call(call, operands))(*specs)
        found = _Template(traced, holds_wide_types(traced))
        if len(_templates) >= _TEMPLATE_LIMIT:
            _templates.clear()
        _templates[key] = found
    return found


def lower_graph(graph: Graph, name: str = "graph") -> LoweredGraph:
    """Write a graph as a jaxpr. Call it inside `scoped_x64`.

    Args:
        graph: static types, no effects, no intents.
        name: what XLA calls the program.

    Raises:
        GraphcError: a node cannot be lowered; names its line.
    """
    emitter = _Emitter(RepeatedBodies(graph))
    parameters = [make_var(aval_of(value.type)) for value in graph.inputs]
    outputs = emitter.graph(graph, parameters, "")
    hoisted = list(emitter.hoisted.values())
    kinds = [value.node.attributes["kind"] for value in graph.inputs]
    states = [position for position, kind in enumerate(kinds) if kind == "state"]
    order = states + [position for position, kind in enumerate(kinds) if kind != "state"]
    names = [f"constant:{i}" for i in range(len(hoisted))]
    names += [f"{kinds[i]}:{graph.inputs[i].node.attributes['name']}" for i in order]
    program = close_jaxpr(
        emitter.constants,
        [variable for variable, _ in hoisted] + [parameters[i] for i in order],
        outputs,
        emitter.equations,
        name,
        names,
    )
    arrays = tuple(array for _, array in hoisted)
    needs_x64 = emitter.needs_x64 or any(v.type.dtype.is_wide for v in graph.inputs)
    return LoweredGraph(program, arrays, tuple(order), len(emitter.equations), needs_x64)

"""Lowering by plain tracing: run each node's lowering on JAX values.

Slower to trace than the equations that `jaxpr.py` writes directly, and the fallback for what those
cannot express. Region bodies and the contract tests run through here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import jax
from jax import lax

from graphc.errors import GraphcError
from graphc.ir.builder import decomposition_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import (
    ByDecomposition,
    InlineLowering,
    NotLowered,
    OpCall,
    PrimitiveLowering,
    RegionLowering,
)

_JAX: Final = cast(Any, jax)  # its settings have no types


def precision_setting() -> str | None:
    """What `jax.default_matmul_precision` is set to."""
    return _JAX.config.jax_default_matmul_precision


def default_precision() -> Any:
    """The parameter that the setting asks for; None if it asks for nothing.

    A name that stands for no precision but for an algorithm of one kind of chip is left to JAX.
    """
    name = precision_setting()
    try:
        return None if name is None else (lax.Precision(name),) * 2
    except ValueError:
        return None


def with_precision(parameters: dict[str, Any], precision: Any) -> dict[str, Any]:
    """Parameters of a primitive; of a product that asks for no precision, with this one."""
    if precision is None or parameters.get("precision", "") is not None:
        return parameters
    return {**parameters, "precision": precision}


def trace_call(call: OpCall, operands: Sequence[Any]) -> list[Any]:
    """The results of one op on JAX arrays or tracers.

    Raises:
        GraphcError: the op never reaches XLA; says which stage removes it.
    """
    lower = call.op.lower
    if isinstance(lower, PrimitiveLowering):
        parameters = with_precision(lower.parameters(call), default_precision())
        results = lower.primitive.bind(*operands, **parameters)
        return list(results) if lower.primitive.multiple_results else [results]
    if isinstance(lower, ByDecomposition):
        return trace_graph(decomposition_graph(call), operands)
    if isinstance(lower, InlineLowering):
        return trace_graph(call.regions[0], operands)
    if isinstance(lower, NotLowered):
        raise call.error(GraphcError, f"does not reach XLA: {lower.reason}")
    if isinstance(lower, RegionLowering):
        bodies = [body_function(region) for region in call.regions]
        results = lower.function(call, bodies, *operands)
    else:
        results = lower.function(call, *operands)
    return list(results) if isinstance(results, (tuple, list)) else [results]


def body_function(region: Graph) -> Callable[..., list[Any]]:
    """A region as a function of JAX arrays."""

    def body(*operands: Any) -> list[Any]:
        return trace_graph(region, operands)

    return body


def trace_graph(graph: Graph, operands: Sequence[Any]) -> list[Any]:
    """The outputs of a graph on JAX arrays or tracers, in the order of `graph.outputs`."""
    values: dict[Value, Any] = dict(zip(graph.inputs, operands, strict=True))
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        operands = [values[value] for value in node.inputs]
        if isinstance(node.op.lower, InlineLowering):  # the nodes inside have names of their own
            results = trace_graph(node.regions[0], operands)
        else:
            with jax.named_scope(node.name or node.op.name):
                results = trace_call(node.call, operands)
        values.update(zip(node.outputs, results, strict=True))
    return [values[value] for value in graph.outputs]

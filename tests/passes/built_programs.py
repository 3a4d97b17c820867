"""Programs as a person builds them, and running them: what the tests of passes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.origin import Origin
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import verify
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate

F32 = as_type("float32")
F64 = as_type("float64")
BOOL = as_type("bool")
I32 = as_type("int32")
U32 = as_type("uint32")
VECTOR = as_type("float32", (3,))


class Program(GraphBuilder):
    """Nodes in creation order, as `functional` gets them."""

    def at(self, line: int, name: str = "") -> Program:
        """Nodes made next come from this line of user.py."""
        self.origin, self.name = Origin("user.py", line, "model"), name
        return self

    def get(self, variable: str, *control: Value, type_: TensorType = F32) -> Value:
        return self.read(*control, variable=variable, dtype=type_.dtype, shape=type_.shape)

    def put(
        self,
        variable: str,
        value: Value,
        *control: Value,
        mode: str = "set",
        type_: TensorType | None = None,
        **options: float,
    ) -> Value:
        kept = type_ or value.type
        described = {"variable": variable, "mode": mode, "dtype": kept.dtype, "shape": kept.shape}
        return self.assign(value, *control, **described, **options)

    def number(self, number: float, dtype: str = "float32") -> Value:
        return self.full(number, as_type(dtype).dtype)

    def differentiate(
        self,
        ys: Sequence[Value],
        xs: Sequence[Value],
        grad_ys: Sequence[Value] = (),
        stops: Sequence[Value] = (),
        unconnected: str = "error",
    ) -> list[Value]:
        made = self.gradient(
            *ys,
            *xs,
            *grad_ys,
            *stops,
            ys=len(ys),
            xs=len(xs),
            grad_ys=len(grad_ys),
            stops=len(stops),
            unconnected=unconnected,
        )
        return [made] if isinstance(made, Value) else list(made)

    def graph(self, *outputs: Value) -> Graph:
        return Graph(self.inputs, outputs, self.nodes, constraints=self.constraints)


def body(write: Callable[..., Sequence[Value]], *types: TensorType | str) -> Graph:
    """A region whose nodes stand in creation order; `write(program, *inputs)` gives its outputs."""
    program = Program()
    inputs = [
        program.input(as_type(given) if isinstance(given, str) else given, f"x{position}")
        for position, given in enumerate(types)
    ]
    return program.graph(*write(program, *inputs))


def run(
    graph: Graph, state: Mapping[str, Any] | None = None, feeds: Mapping[str, Any] | None = None
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """The fetches and the updates of a functional graph; JAX and NumPy must agree."""
    verify(graph)
    given = {**(state or {}), **(feeds or {})}
    names = [value.node.attributes["name"] for value in graph.inputs]
    arrays = [
        np.asarray(given[name], value.type.dtype.numpy)
        for name, value in zip(names, graph.inputs, strict=True)
    ]
    found = evaluate(graph, arrays)
    with jax.enable_x64(True):
        # One compilation is quicker than many, but for the smallest graphs.
        traced = (
            jax.jit(lambda *arrays: trace_graph(graph, arrays))(*arrays)
            if len(graph.nodes) > 40
            else trace_graph(graph, arrays)
        )
    for mine, theirs in zip(found, traced, strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), rtol=2e-5, atol=1e-6)
    count = len(graph.fetches)
    return found[:count], dict(zip(graph.update_names, found[count:], strict=True))


def op_names(graph: Graph) -> list[str]:
    """The ops of a graph in order, without inputs and constants."""
    return [node.op.name for node in graph.nodes if node.op.name not in ("input", "constant")]


def state_names(graph: Graph) -> list[str]:
    """The variables that a graph takes."""
    return [
        value.node.attributes["name"]
        for value in graph.inputs
        if value.node.attributes["kind"] == "state"
    ]

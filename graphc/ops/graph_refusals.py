"""What a graph under construction refuses, and what it says then."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError, GraphFinalizedError, GraphMixError
from graphc.ir.origin import capture_origin


def graph_is_closed(op_name: str, is_body: bool) -> GraphFinalizedError:
    """A node that is added to a finalized graph, or to a body that is done."""
    if is_body:
        return GraphFinalizedError(
            f"{op_name} uses a tensor of a branch or loop body outside of it",
            fix="give the tensor back from the body's function, and use the result",
            origin=capture_origin(),
        )
    return GraphFinalizedError(
        f"the graph is finalized, {op_name} cannot be added",
        fix="build the whole graph before finalize()",
        origin=capture_origin(),
    )


def no_control_dependency(thing: Any) -> GraphcError:
    """A control dependency on a tensor of another graph, or on no tensor at all."""
    if hasattr(thing, "control_values"):
        return GraphMixError(f"{thing.name!r} belongs to another graph", origin=capture_origin())
    return GraphcError(
        "this is no control dependency",
        given=f"{thing!r} ({type(thing).__name__})",
        expected="operations and tensors",
        origin=capture_origin(),
    )

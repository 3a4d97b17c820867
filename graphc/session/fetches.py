"""Nested fetches as a flat list of tensors and operations, and results back in the same nesting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphc.errors import FeedError, FetchError, GraphcError, GraphMixError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import TensorLike
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Operation, Tensor

Rebuild = Callable[[Iterator[Any]], Any]


def fetch_key(fetches: Any) -> Any:
    """A hashable key of a nesting of fetches: the objects themselves, never their numbers."""
    kind = type(fetches)
    if kind is list or kind is tuple:
        return (kind, *[fetch_key(item) for item in fetches])
    if isinstance(fetches, dict):
        return (dict, *[(name, fetch_key(item)) for name, item in fetches.items()])
    if isinstance(fetches, (tuple, list)):
        return (kind, *[fetch_key(item) for item in fetches])
    return fetches


def flatten_fetches(fetches: Any, graph: DataflowGraph) -> tuple[list[Tensor | Operation], Rebuild]:
    """The leaves of a nesting, and a function that puts results into its shape.

    Args:
        fetches: tensors, operations, variables and names in lists, tuples and dictionaries.
        graph: the graph they must belong to.

    Raises:
        FetchError: a leaf is none of these, or a name that the graph does not have.
        GraphMixError: a leaf belongs to another graph.
    """
    leaves: list[Tensor | Operation] = []

    def visit(item: Any) -> Rebuild:
        if isinstance(item, dict):
            names = list(item)
            parts = [visit(child) for child in item.values()]
            return lambda results: {
                name: part(results) for name, part in zip(names, parts, strict=True)
            }
        if isinstance(item, (list, tuple)):
            parts = [visit(child) for child in item]
            kind = type(item)
            if hasattr(kind, "_fields"):
                return lambda results: kind(*[part(results) for part in parts])
            return lambda results: kind([part(results) for part in parts])
        leaves.append(resolve_fetch(item, graph))
        return next

    rebuild = visit(fetches)
    return leaves, rebuild


def resolve_fetch(item: Any, graph: DataflowGraph) -> Tensor | Operation:
    """The tensor or operation that one fetch names.

    Raises:
        FetchError: it names none.
        GraphMixError: it belongs to another graph.
    """
    if isinstance(item, str):
        if item in graph.variables:
            return graph.variables[item].as_tensor(graph)
        if ":" in item:
            return graph.get_tensor_by_name(item)
        return graph.get_operation_by_name(item)
    if isinstance(item, (Tensor, Operation, TensorLike)):
        if item.graph is not graph:
            name = getattr(item, "name", item)
            raise GraphMixError(
                f"{name!r} belongs to another graph than the session",
                expected="tensors and operations of the session's graph",
                fix="open the session with Session(graph=that_graph)",
                origin=getattr(item, "origin", None) or capture_origin(),
            )
        return item.as_tensor(graph) if isinstance(item, TensorLike) else item
    raise FetchError(
        "this cannot be fetched",
        given=f"{item!r} ({type(item).__name__})",
        expected="tensors, operations, variables and names, in lists, tuples and dictionaries",
        fix="call it on a tensor, and fetch the result" if callable(item) else None,
        origin=capture_origin(),
    )


def resolve_feeds(feeds: Sequence[Any], graph: DataflowGraph) -> list[Tensor]:
    """The tensors that feeds name.

    Raises:
        FeedError: one names none, or an operation, or two name the same tensor.
        GraphMixError: one belongs to another graph.
    """
    resolved: list[Tensor] = []
    for feed in feeds:
        try:
            tensor = resolve_fetch(feed, graph)
        except GraphMixError:
            raise
        except GraphcError as problem:
            raise FeedError(
                f"the feed {feed!r} is no tensor of the session's graph",
                fix=problem.fix,
                origin=capture_origin(),
            ) from None
        if not isinstance(tensor, Tensor):
            raise FeedError(
                f"{tensor.name!r} is an operation; only tensors can be fed",
                fix=f'the name of its first result is "{tensor.name}:0"',
                origin=capture_origin(),
            )
        if tensor in resolved:
            raise FeedError(f"{tensor.name!r} is fed twice", origin=capture_origin())
        resolved.append(tensor)
    return resolved

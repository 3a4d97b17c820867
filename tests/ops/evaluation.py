"""Evaluating what was built by the NumPy references; unknown sizes come from the feeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.functional import Functional

Array = np.ndarray[Any, Any]


def values_of(
    tensors: Sequence[Tensor],
    feeds: Mapping[Tensor, Any] | None = None,
    states: Mapping[str, Any] | None = None,
) -> list[Array]:
    """What tensors are, and then the new values of variables."""
    fed = dict(feeds or {})
    graph = tensors[0].graph
    sliced = slice_graph(graph, [t.value for t in tensors], [t.value for t in fed])
    functional = Functional().apply(sliced, PassContext()).graph
    arrays = [np.asarray(array) for array in fed.values()]
    arrays += [
        np.asarray((states or {})[value.node.attributes["name"]])
        for value in functional.inputs[len(arrays) :]
    ]
    return evaluate(functional, arrays)


def value_of(tensor: Tensor, feeds: Mapping[Tensor, Any] | None = None) -> Array:
    """What one tensor is."""
    return values_of([tensor], feeds)[0]


def called(function: Callable[..., Any], *arrays: Any, symbolic: bool = False) -> Any:
    """A function of tensors on arrays, fed through placeholders.

    Args:
        function: gives a tensor, or a sequence of them.
        *arrays: what it is called on.
        symbolic: whether the sizes of the placeholders are unknown.
    """
    tensors = [
        placeholder(array.dtype, [None] * array.ndim if symbolic else array.shape)
        for array in map(np.asarray, arrays)
    ]
    made = function(*tensors)
    feeds = dict(zip(tensors, arrays, strict=True))
    if isinstance(made, Tensor):
        found = value_of(made, feeds)
        check_declared(made, found)
        return found
    return values_of(list(made), feeds)


def check_declared(tensor: Tensor, found: Array) -> None:
    """A tensor's declared type must be that of its value."""
    assert found.dtype == tensor.dtype.numpy
    assert len(found.shape) == tensor.ndim
    for size, declared in zip(found.shape, tensor.shape, strict=True):
        assert not isinstance(declared, int) or size == declared

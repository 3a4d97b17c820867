"""Tensors as they are: copies with a name of their own, and copies that stop gradients."""

from __future__ import annotations

from typing import Any

from graphc.ir.registry import REGISTRY
from graphc.ops.broadcasting import unary
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.tensor import Tensor


def copy(x: Any, name: str | None = None) -> Tensor:
    """The same elements under another name; under control dependencies it waits for them.

    Args:
        x: of any type.
        name: "copy" by default.

    Returns:
        A tensor of the type of x, through which gradients pass.
    """
    graph = graph_of((x,))
    tensor = to_tensor(x, None, graph)
    # a control dependency on nothing: an identity that disappears with the first pass
    operands = (tensor, *graph_of((tensor,)).control)
    return graph_of((tensor,)).add(REGISTRY["after"], operands, name=name or "copy")[0]


def named(tensor: Tensor, name: str | None) -> Tensor:
    """The tensor, or a copy of it that has the name that a user asked for."""
    return tensor if name is None else copy(tensor, name)


def stop_gradient(variable: Any, name: str | None = None) -> Tensor:
    """The same elements, through which no gradient passes."""
    return unary(REGISTRY["stop_gradient"], variable, name or "stop_gradient")

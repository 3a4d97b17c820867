"""Tensors that hold one number: a scalar constant, repeated."""

from __future__ import annotations

from typing import Any

from graphc.dimensions import Shape
from graphc.dtypes import DType
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import constant_tensor, graph_of
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor


def filled(
    graph: DataflowGraph, number: Any, dtype: DType, shape: Shape, name: str | None = None
) -> Tensor:
    """`number` at every position of `dtype[shape]`; sizes may be symbolic."""
    if not shape:
        return constant_tensor(graph, number, dtype, name or "constant")
    return broadcast_to(constant_tensor(graph, number, dtype), shape, name)


def filled_like(tensor: Tensor, number: Any, name: str | None = None) -> Tensor:
    """`number` at every position of a tensor of the same type."""
    return filled(graph_of((tensor,)), number, tensor.dtype, tensor.shape, name)


def scalar_like(tensor: Tensor, number: Any) -> Tensor:
    """`number` as a scalar of the element type of `tensor`."""
    return constant_tensor(graph_of((tensor,)), number, tensor.dtype)

"""Rows of stacks by their numbers: cut out, and written over."""

from __future__ import annotations

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Node, Value


def first_row(cut: Node) -> int | None:
    """With which row a slice begins, if it is of whole rows, one after the other."""
    starts, limits = cut.attributes["start_indices"], cut.attributes["limit_indices"]
    shape = cut.inputs[0].type.shape
    is_whole = not any(starts[1:]) and tuple(limits[1:]) == tuple(shape[1:])
    return starts[0] if shape and is_whole and set(cut.attributes["strides"]) == {1} else None


def cut_row(build: Builder, stack: Value, number: Value) -> Value:
    """A row, with its axis of size 1.

    XLA changes in place what is cut so, but not what is cut and then laid out otherwise.
    """
    shape = stack.type.shape[1:]
    zero = build.array(np.int32(0))
    return build.dynamic_slice(stack, number, *[zero for _ in shape], slice_sizes=(1, *shape))


def without_axis(build: Builder, row: Value) -> Value:
    """A row as a loop scans it."""
    return build.reshape(row, shape=row.type.shape[1:])


def write_row(build: Builder, stack: Value, row: Value, number: Value) -> Value:
    """A stack with another row, with or without its axis of size 1."""
    shape = (1, *stack.type.shape[1:])
    zero = build.array(np.int32(0))
    update = row if row.type.shape == shape else build.reshape(row, shape=shape)
    return build.dynamic_update_slice(stack, update, number, *[zero for _ in shape[1:]])

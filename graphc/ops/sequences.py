"""`extract_sequences`: the parts of a signal that follow, or overlap, each other."""

from __future__ import annotations

import operator
from typing import Any

from graphc.dimensions import Dimension
from graphc.dtypes import I32
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.creation import iota
from graphc.ops.gathering import take
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor


def sequence_places(count: Dimension, length: int, stride: int) -> Tensor:
    """The place of each element of each sequence: i32[count, length]."""
    starts = multiply(iota(count, I32), stride)
    return add(expand_dims(starts, 1), expand_dims(iota(length, I32), 0))


def extract_sequences(
    x: Any, sequence_length: int, sequence_stride: int, name: str | None = None
) -> Tensor:
    """The sequences of some length that start every `sequence_stride` elements.

    Args:
        x: any tensor […, n]; what is left over at its end is dropped.
        sequence_length: elements of a sequence.
        sequence_stride: from the start of one sequence to that of the next.
        name: of the result.

    Returns:
        […, sequences, sequence_length], of the type of x.

    Raises:
        ShapeError: x is a scalar or too short for one sequence, or a length is below 1.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    size = tensor.shape[-1] if tensor.ndim else 0
    length, stride = (_whole(each) for each in (sequence_length, sequence_stride))
    is_short = isinstance(size, int) and size < length
    if not tensor.ndim or min(length, stride) < 1 or is_short:
        raise ShapeError(
            "extract_sequences() takes a signal that is as long as one sequence, or longer",
            given=f"{tensor.value.type}, sequence_length={sequence_length!r}, "
            f"sequence_stride={sequence_stride!r}",
            expected="lengths of at least 1, and an axis with as many elements",
            origin=capture_origin(),
        )
    places = sequence_places((size - length) // stride + 1, length, stride)
    return take(tensor, places, -1, name=name or "extract_sequences")


def _whole(length: Any) -> int:
    """The length that a user wrote; 0 for what is none."""
    try:
        return operator.index(length)
    except TypeError:
        return 0

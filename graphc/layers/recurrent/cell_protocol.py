"""What a recurrent layer asks of a cell: a user's class, a layer or not.

class Cell:
state_size = 32                                  # or a list of sizes, one per state
output_size = 32                                 # the first state's size by default
def call(self, inputs, states): …                # outputs, new states
def get_initial_state(self, batch_size): …       # zeros by default
"""

from __future__ import annotations

from typing import Any

from graphc.dtypes import DType
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.creation import zeros


def check_cell(cell: Any) -> None:
    """Refuse what is no cell.

    Raises:
        GraphcError: there is no `call`, or no `state_size`.
    """
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise GraphcError(
                f"a cell has no {name!r}",
                given=repr(cell)[:200],
                expected="call(inputs, states), which gives outputs and new states, and a "
                "state_size: a number, or a list of numbers",
                origin=capture_origin(),
            )


def output_size_of(cell: Any) -> Any:
    """The size of the last axis of what a cell gives."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    sizes = cell.state_size
    return sizes[0] if isinstance(sizes, (list, tuple)) else sizes


def first_states(cell: Any, batch_size: Any, dtype: DType) -> Any:
    """What a cell begins with: what it says itself, else zeros in the structure of `state_size`."""
    make = getattr(cell, "get_initial_state", None)
    if make is not None:
        return make(batch_size=batch_size)
    own = getattr(cell, "compute_dtype", dtype)
    sizes = cell.state_size
    if isinstance(sizes, (list, tuple)):
        return [zeros((batch_size, size), own) for size in sizes]
    return zeros((batch_size, sizes), own)


def stepped(cell: Any, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
    """The output of a cell and its new states, as a list."""
    given = cell(inputs, states) if callable(cell) else cell.call(inputs, states)
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        raise GraphcError(
            "a cell gives a pair: its outputs, and its new states",
            given=f"{type(given).__name__} from {type(cell).__name__}",
            fix="return outputs, [state]",
            origin=capture_origin(),
        )
    outputs, after = given
    return outputs, list(after) if isinstance(after, (list, tuple)) else [after]

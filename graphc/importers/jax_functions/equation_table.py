"""Tables of equations that are ops of the set, and what those who fill them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType

Parameters = Mapping[str, Any]
Results = Value | Sequence[Value] | None
Write = Callable[[Builder, Parameters, Sequence[Value], TensorType], Results]
"""`write(build, parameters, operands, type of the first result)`.

Gives the results of one equation, or None where no op says all that the equation does (another
precision, a sharding); that becomes a `jax_primitive`. What an op is lowered to must be what JAX
makes of the equation, so that the numbers are JAX's.
"""


class EquationTable(dict[str, Write]):
    """How to write equations, by the names of their primitives."""

    def writes(self, *names: str) -> Callable[[Write], Write]:
        """Enter the function that follows."""

        def note(write: Write) -> Write:
            self.update(dict.fromkeys(names, write))
            return write

        return note


def is_sharded(sharding: Any) -> bool:
    """Whether an equation asks for its result to lie somewhere: not where the mesh has no axes."""
    mesh = getattr(sharding, "mesh", None)
    return sharding is not None and not getattr(mesh, "empty", False)


def spread(build: Builder, value: Value, type_: TensorType) -> Value:
    """An operand of an elementwise equation: one number may stand for all along an axis."""
    given, wanted = value.type.shape, type_.shape
    if given == wanted:
        return value
    kept = [axis for axis, size in enumerate(given) if size == wanted[axis]]
    if len(kept) < len(given):
        value = build.reshape(value, shape=tuple(given[axis] for axis in kept))
    return build.broadcast_in_dim(value, shape=wanted, broadcast_dimensions=kept)

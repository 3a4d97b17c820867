"""Which axis of a value counts the samples of a batch: read off its type."""

from __future__ import annotations

from graphc.dimensions import Dim, Dimension, exact_quotient
from graphc.ir.node import Value


class MixesSamplesError(Exception):
    """Samples of a batch meet where padding cannot be told apart; says where."""


class RowAxes:
    """Finds the axes that hold the samples of a batch.

    Sample i is row i of that axis or, where its size is a multiple of the batch's, the i-th block
    of as many rows.

    Args:
        batch: the symbol that stands for the number of samples.

    Attributes:
        names: that of the symbol.
    """

    def __init__(self, batch: Dim) -> None:
        self.batch = batch
        self.names = frozenset(batch.symbols)

    def of(self, value: Value) -> int | None:
        """The axis of a value; None where it is the same whatever the samples are.

        Raises:
            MixesSamplesError: there are two, or its size is no multiple of the batch's.
        """
        found = [axis for axis, size in enumerate(value.type.shape) if self.is_counted_in(size)]
        if len(found) > 1:
            raise MixesSamplesError(f"{value.type} has two axes of samples")
        if found and self.rows_per_sample(value.type.shape[found[0]]) is None:
            raise MixesSamplesError(f"a size of {value.type} is no multiple of the batch's")
        return found[0] if found else None

    def is_counted_in(self, size: Dimension | None) -> bool:
        """Whether a size depends on the number of samples."""
        return isinstance(size, Dim) and not self.names.isdisjoint(size.symbols)

    def rows_per_sample(self, size: Dimension) -> int | None:
        """How many rows each sample has along an axis of this size; None if that is no number."""
        found = exact_quotient(size, self.batch)
        return found if isinstance(found, int) else None

"""What batches are to training: groups of them that lie on the device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphc.ops.bodies import flatten
from graphc.training.data.arrays import first_not_finite

Data = tuple[Any, Any, Any]
"""x, y and weights of samples, each nested arrays or None."""


@dataclass(frozen=True)
class Group:
    """Batches that are trained on without anything new from the host.

    Attributes:
        arrays: the leaves of the data, on the device.
        rows: which samples each batch takes, i32[at least batches, batch_size]; nobody changes
            them. Where there are more, those behind are of the next epochs, or of no meaning.
        samples: how many of them count, the first ones, i32[as many]; None where all do.
        usual_size: where these batches are smaller than the others: how large those are, else 0.
        per_epoch: how many batches are of one epoch; 0 where all are.
        starts: the first batch of each epoch that is in here.
    """

    arrays: list[Any]
    rows: Any
    samples: Any = None
    usual_size: int = 0
    per_epoch: int = 0
    starts: tuple[int, ...] = (0,)

    @property
    def batches(self) -> int:
        """How many there are in an epoch."""
        return self.per_epoch or int(self.rows.shape[0])


class Batches(ABC):
    """Where training gets its data.

    Attributes:
        sample: some data of the kind that there will be, for types and shapes.
        batches: how many batches an epoch has; None while nobody knows.
        seed: of the order in which samples are taken.
        has_ended: whether an epoch was begun and there was nothing left for it.
        is_even: whether all batches are known to be of one size.
        batch_size: samples in a batch; 0 while nobody knows.
    """

    sample: Data
    batches: int | None
    has_ended = False
    seed = 0
    is_even = False
    batch_size = 0

    def most_together(self, fills: bool) -> int:
        """How many epochs one group may hold."""
        return 1

    @abstractmethod
    def epoch(self, number: int = 0, fills: bool = False, count: int = 1) -> Iterator[Group]:
        """The batches of an epoch; of those that come from a stream, the next.

        Args:
            number: of the epoch.
            fills: whether batches that are smaller than others get copies of samples, which do not
                count, up to the usual size.
            count: how many epochs are to be in one group; at most `most_together(fills)`.
        """

    def prepare(self, number: int, fills: bool = False, count: int = 1) -> None:
        """Get ready for epochs while others are computed."""
        return

    def release(self) -> None:
        """Give memory on the device back, which no run that was begun may read any more."""
        return

    def pass_over(self, epochs: int) -> None:
        """Go on as if so many epochs were over."""
        return

    @property
    def bytes_at_hand(self) -> int:
        """How much `find_not_finite` looks through."""
        return 0

    def find_not_finite(self) -> str | None:
        """Where the data hold the first NaN or infinity, if they are at hand."""
        return None


def describe_not_finite(data: Data) -> str | None:
    """Where data hold the first NaN or infinity: "x[17, 3] is nan"."""
    for name, part in zip(("x", "y", "sample_weight"), data, strict=True):
        several = len(flatten(part)[0]) > 1
        found = first_not_finite(part, lambda i, n=name, s=several: f"{n}[{i}]" if s else n)
        if found is not None:
            return found
    return None

"""How much memory the passes shall save, and what they say they did about it.

Who compiles asks for so many bytes less than the last attempt took; the pass that saves memory
notes here what it gave up keeping. Only XLA's numbers say whether that was enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphc.ir.origin import Origin


class KeptValue(NamedTuple):
    """A value that is kept between the way forth and the way back.

    Attributes:
        bytes: its size, all iterations of a loop together.
        name: its node's name.
        origin: the user's line.
    """

    bytes: int
    name: str
    origin: Origin


@dataclass
class MemoryGoal:
    """One attempt.

    Attributes:
        remove: bytes that shall be kept no more.
        removed: bytes that are kept no more, as far as types tell.
        flops: floating-point operations that are done a second time.
        total_flops: those of the whole program without them.
        is_least: whether nothing is left that could be removed.
        steps: what could be removed, from the least work to the most.
        evens_out: whether loops forth shall have no more iterations than their loops back.
        is_uneven: whether some have more.
        largest: what is still kept, the largest first.
    """

    remove: int
    removed: int = 0
    flops: int = 0
    total_flops: int = 0
    is_least: bool = True
    steps: Sequence[int] = ()
    evens_out: bool = False
    is_uneven: bool = False
    largest: Sequence[KeptValue] = field(default_factory=tuple[KeptValue, ...])

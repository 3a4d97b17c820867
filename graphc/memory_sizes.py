"""Amounts of memory as people write them: 512MiB."""

from __future__ import annotations

import re
from typing import Final

from graphc.errors import MemoryBudgetError

_UNITS: Final = {
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
_WRITTEN: Final = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]+)\s*")


def parse_bytes(budget: object) -> int:
    """The bytes of a memory budget; 0 for None, which is none.

    Args:
        budget: a whole number of bytes, or a number with a unit: B, KB, MB, GB, TB (powers of
            1000), KiB, MiB, GiB, TiB (powers of 1024).

    Raises:
        MemoryBudgetError: it is neither, or less than a byte.
    """
    if budget is None:
        return 0
    count: float | None = None
    if isinstance(budget, int) and not isinstance(budget, bool):
        count = budget
    elif isinstance(budget, str) and (written := _WRITTEN.fullmatch(budget)) is not None:
        unit = _UNITS.get(written[2].lower())
        count = None if unit is None else float(written[1]) * unit
    if count is None or count < 1:
        raise MemoryBudgetError(
            "this is no memory budget" if count is None else "a memory budget is at least a byte",
            given=repr(budget),
            expected='a whole number of bytes, or a number with its unit, such as "512MiB", '
            '"1.5GiB" or "800MB"',
            fix="leave memory_budget out for a program without a budget",
        )
    return int(count)


def format_bytes(count: float) -> str:
    """Bytes as people read them: 1.5 GiB."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:.0f} B"

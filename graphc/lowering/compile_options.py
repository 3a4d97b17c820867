"""Options that let XLA compile in less time what runs only once.

They are no part of XLA's interface: a later XLA may drop one, and refuses what it does not know.
Then the programs of this process are compiled without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CompileOption = bool | int

_OPTIONS: Final[dict[str, dict[str, CompileOption]]] = {
    # Loops written by XLA's older emitter: in half the time, equal bits, and random draws that are
    # as fast. Train steps get up to 1.7 times slower.
    "cpu": {"xla_cpu_use_fusion_emitters": False},
}
_refused: Final[set[str]] = set()


def options_to_compile_soon(platform: str) -> Mapping[str, CompileOption]:
    """What to give XLA for a program that runs once.

    Args:
        platform: "cpu", "gpu" or "tpu".
    """
    return {} if platform in _refused else _OPTIONS.get(platform, {})


def do_without_options(platform: str) -> None:
    """Give XLA no more options for this platform: it has refused them."""
    _refused.add(platform)

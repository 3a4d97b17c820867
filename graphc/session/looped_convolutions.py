"""What XLA is slow at inside of a loop, on CPUs: convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from graphc.ir.node import Node

_SLOW_IN_LOOPS: Final = frozenset(
    {"convolution", "convolution_input_gradient", "convolution_kernel_gradient"}
)
"""Ops that XLA computes up to 25 times slower inside of a loop than outside, on CPUs (measured)."""


def is_slow_in_a_loop(nodes: Iterable[Node], platform: str) -> bool:
    """Whether a loop around these nodes, those of their regions included, is better not made."""
    return platform == "cpu" and any(node.op.name in _SLOW_IN_LOOPS for node in nodes)

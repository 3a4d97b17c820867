"""Calls the command line in this process and keeps what it writes."""

from __future__ import annotations

import io
from dataclasses import dataclass

from rich.console import Console

from graphc.tools.cli import main


@dataclass(frozen=True)
class Called:
    """What a call of the command line came to."""

    status: int
    output: str
    errors: str


def call(*arguments: object, width: int = 200, colours: bool = False) -> Called:
    output, errors = io.StringIO(), io.StringIO()
    consoles = [
        Console(
            file=file,
            width=width,
            force_terminal=colours,
            color_system="standard" if colours else None,
            _environ={},
        )
        for file in (output, errors)
    ]
    status = main([str(each) for each in arguments], *consoles)
    return Called(status, output.getvalue(), errors.getvalue())


AFFINE = """graphc opset 1
graph {
  input %0 : f32[n0, 2] feed "x"
  input %1 : f32[2] state "w"
  %2 = broadcast_in_dim(%1) {shape=[n0, 2], broadcast_dimensions=[1]} : f32[n0, 2]
  %3 = multiply(%0, %2) : f32[n0, 2]
  %4 = negate(%3) : f32[n0, 2]
  %5 = negate(%4) : f32[n0, 2] "scaled"
  %6 = add(%1, %1) : f32[2]
  return %5
  update "w" = %6
}
"""
"""A feed, a variable that doubles, and two negations that `algebra` removes."""

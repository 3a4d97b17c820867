"""What callbacks say when they were asked to."""

from __future__ import annotations

from rich.console import Console


def tell(message: str) -> None:
    """Write a line to the terminal or the log, as it is."""
    Console(soft_wrap=True).print(message, markup=False, highlight=False)

"""What a subcommand of `graphc` is: one value per command, each beside the code that it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True)
class Command:
    """A subcommand.

    Attributes:
        name: what a person types after `graphc`.
        summary: one line for the list of commands.
        description: what it does, for its own help.
        examples: command lines for the end of its help.
        add_arguments: gives a parser the command's arguments.
        execute: runs it; gives the exit status.
    """

    name: str
    summary: str
    description: str
    examples: tuple[str, ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace, Console], int]

    @property
    def epilog(self) -> str:
        """The end of the command's help."""
        return "\n".join(["examples:", *[f"  {line}" for line in self.examples]])


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """For commands that take none."""


def whole_number(least: int) -> Callable[[str], int]:
    """An argument type: whole numbers from `least` on."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"given {text!r}, expected a whole number of at least {least}"
            )
        return number

    return parse

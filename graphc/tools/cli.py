"""`graphc` on the command line: the parser, the commands, and what becomes of their errors."""

from __future__ import annotations

import argparse
import functools
import os
import sys
import traceback
from collections.abc import Sequence
from typing import IO, Any, Final, NoReturn

from rich.console import Console

from graphc.errors import GraphcError
from graphc.tools.benchmark_folder import BENCH
from graphc.tools.command import Command
from graphc.tools.demo import DEMO
from graphc.tools.diff import DIFF
from graphc.tools.doctor import DEVICES, DOCTOR
from graphc.tools.dumping import DUMP, VIEW
from graphc.tools.pipeline_tables import PASSES
from graphc.tools.printing import print_error, print_plain
from graphc.tools.run_command import RUN

COMMANDS: Final[tuple[Command, ...]] = (
    DEMO, DEVICES, PASSES, DUMP, VIEW, DIFF, RUN, BENCH, DOCTOR,
)  # fmt: skip

FAILURE: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_DESCRIPTION: Final = (
    "graphc compiles declarative graphs with XLA. FILE is the text form of a graph: what\n"
    'session.dump(fetches, stage="built", path="model.txt") writes, or a person.'
)
_EPILOG: Final = """examples:
  graphc demo
  graphc dump model.txt --stage canonical
  graphc run model.txt --feed images=images.npy
  graphc COMMAND --help

exit status: 0, 1 for an error or a difference, 2 for a command line that is not understood"""


class _Parser(argparse.ArgumentParser):
    """An argument parser that writes to rich consoles."""

    def __init__(self, *, output: Console, error_output: Console, **options: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )
        self._output = output
        self._error_output = error_output
        # Newer Pythons colour help for the terminal they find, which need not be the console.
        self.color = False

    def print_help(self, file: IO[str] | None = None) -> None:
        print_plain(self._output, self.format_help().rstrip())

    def print_usage(self, file: IO[str] | None = None) -> None:
        print_plain(self._error_output, self.format_usage().rstrip())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            print_plain(self._error_output, message.rstrip())
        raise SystemExit(status)

    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(USAGE, f"{self.prog}: error: {message}")


def make_parser(output: Console, error_output: Console) -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    make: Any = functools.partial(_Parser, output=output, error_output=error_output)
    parser: argparse.ArgumentParser = make(prog="graphc", description=_DESCRIPTION, epilog=_EPILOG)
    parser.set_defaults(traceback=False)
    _add_traceback(parser)
    choices = parser.add_subparsers(
        title="commands", dest="command_name", metavar="COMMAND", required=True, parser_class=make
    )
    for command in COMMANDS:
        added = choices.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=command.epilog,
        )
        command.add_arguments(added)
        _add_traceback(added)
        added.set_defaults(command=command, usage_error=added.error)
    return parser


def _add_traceback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--traceback",
        action="store_true",
        default=argparse.SUPPRESS,  # a subcommand's default would undo what stands before it
        help="show the Python traceback of an error",
    )


def main(
    arguments: Sequence[str] | None = None,
    console: Console | None = None,
    error_console: Console | None = None,
) -> int:
    """Run the command line; gives the exit status.

    Args:
        arguments: what follows `graphc`; the process's own if None.
        console: where results go; standard output if None.
        error_console: where errors go; standard error if None.
    """
    output = console or Console()
    error_output = error_console or Console(stderr=True)
    try:
        options = make_parser(output, error_output).parse_args(arguments)
        return _execute(options, output, error_output)
    except SystemExit as leaving:  # help, or a command line that is not understood
        return leaving.code if isinstance(leaving.code, int) else USAGE
    except KeyboardInterrupt:
        print_plain(error_output, "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has left, as `head` does. Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE


def _execute(options: argparse.Namespace, output: Console, error_output: Console) -> int:
    command: Command = options.command
    try:
        return command.execute(options, output)
    except GraphcError as error:
        if options.traceback:
            print_plain(error_output, traceback.format_exc().rstrip())
        else:
            print_error(error_output, error)
        return FAILURE

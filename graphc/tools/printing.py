"""What the command line writes: graphs as they are, errors without tracebacks.

Text of files may hold anything, terminal commands included, so what is not printable is replaced.
Nothing is wrapped or cut at the width of the terminal but tables.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

_LONGEST_LINE: Final = 400


def print_plain(console: Console, text: str, style: str = "") -> None:
    """Write text as it is: no markup, no wrapping."""
    console.print(Text(_printable(text), style=style), soft_wrap=True)


def print_source(console: Console, text: str, lexer: str) -> None:
    """Write text of a language, coloured where the console is a terminal."""
    if console.is_terminal and not console.no_color:
        highlighted = Syntax("", lexer, background_color="default").highlight(_printable(text))
        highlighted.rstrip()
        console.print(highlighted, soft_wrap=True)
    else:
        print_plain(console, text)


def print_error(console: Console, error: BaseException) -> None:
    """Write an error and its notes, without a traceback; long lines are shortened."""
    lines = [*str(error).splitlines(), *getattr(error, "__notes__", ())]
    message = Text("error: ", style="bold red")
    message.append(_printable("\n".join(map(_shortened, lines))), style="default not bold")
    console.print(message, soft_wrap=True)


def excerpt(line: str, column: int, width: int = 160) -> str:
    """The part of a long line around a 1-based column, with a marker below it."""
    start = max(0, min(column - 1 - width // 2, len(line) - width))
    shown = line[start : start + width]
    before, after = "…" if start else "", "…" if start + width < len(line) else ""
    return f"{before}{shown}{after}\n{' ' * (column - 1 - start + len(before))}^"


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    half = _LONGEST_LINE // 2
    return f"{line[:half]} … {line[-half:]}"


def _printable(text: str) -> str:
    """The text with one sign in place of each that could command a terminal."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)

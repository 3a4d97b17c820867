"""Where a node comes from: the user's line that made it, and the rules that rewrote it."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import numpy

_PACKAGE = Path(__file__).resolve().parents[1]
_INTERNAL_PREFIXES: Final[list[str]] = [
    f"{_PACKAGE}/",
    f"{_PACKAGE.parent / 'passes'}/",
    f"{Path(numpy.__file__).parent}/",  # between a user's `numpy.mean(tensor)` and the tensor
    contextlib.__file__,  # between a user's `with` and what it enters
]


class Origin:
    """A user's line, and what happened to the node since.

    Attributes:
        file: path of the source file.
        line: 1-based line.
        function: name of the function around it ("<module>" at top level).
        rules: names of the passes and rules that made this node out of the user's, oldest first.
    """

    __slots__ = ("_derived", "file", "function", "line", "rules")

    def __init__(self, file: str, line: int, function: str, rules: tuple[str, ...] = ()) -> None:
        self.file = file
        self.line = line
        self.function = function
        self.rules = rules
        self._derived: dict[str, Origin] = {}

    def with_rule(self, rule: str) -> Origin:
        """The origin of a node that `rule` made in place of one of this origin."""
        found = self._derived.get(rule)
        if found is None:
            rules = self.rules if rule in self.rules else (*self.rules, rule)
            found = Origin(self.file, self.line, self.function, rules)
            self._derived[rule] = found
        return found

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place} ({', '.join(self.rules)})" if self.rules else place

    def __repr__(self) -> str:
        return f"Origin({self})"


UNKNOWN: Final = Origin("<unknown>", 0, "<unknown>")

# One Origin per place in the user's code. Code objects compare by content and not by file: two
# files with the same function at the same line have equal ones. So they are keyed by identity, and
# kept, that none takes the identity of another.
_ORIGINS: Final[dict[tuple[int, int], Origin]] = {}
_IS_INTERNAL: Final[dict[int, bool]] = {}
_KEPT: Final[dict[int, CodeType]] = {}


def treat_as_internal(directory: str) -> None:
    """Skip frames of files below `directory` too: for libraries that build graphs for a user."""
    _INTERNAL_PREFIXES.append(directory.rstrip("/") + "/")
    _IS_INTERNAL.clear()


def _is_internal(code: CodeType) -> bool:
    internal = (
        code.co_filename.startswith((*_INTERNAL_PREFIXES, "<frozen "))
        # what `dataclass` writes: an `__init__` in a file "<string>", as `python -c` has too
        or code.co_qualname.startswith("__create_fn__.")
    )
    _KEPT[id(code)] = code
    _IS_INTERNAL[id(code)] = internal
    return internal


def capture_origin(depth: int = 1) -> Origin:
    """The line of the nearest caller that is not graphc's own code.

    Args:
        depth: how many frames to skip before looking.
    """
    frame: FrameType | None = sys._getframe(depth)  # pyright: ignore[reportPrivateUsage]
    known = _IS_INTERNAL
    while frame is not None:
        code = frame.f_code
        identity = id(code)
        internal = known.get(identity)
        if internal is None:
            internal = _is_internal(code)
        if not internal:
            key = (identity, frame.f_lasti)
            origin = _ORIGINS.get(key)
            if origin is None:
                origin = Origin(code.co_filename, frame.f_lineno, code.co_qualname)
                _ORIGINS[key] = origin
            return origin
        frame = frame.f_back
    return UNKNOWN


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn in the nearest line that is not graphc's own code."""
    here = capture_origin(2)
    warnings.warn_explicit(message, category, here.file, here.line)


OriginSource = Callable[[], Origin]


def origin_of_frames(frames: Iterable[tuple[str, int, str]]) -> Origin:
    """The line of the first of recorded frames that is not graphc's own code.

    Args:
        frames: file, line and function, the innermost first.
    """
    for file, line, function in frames:
        if not file.startswith((*_INTERNAL_PREFIXES, "<frozen ")):
            return Origin(file, line, function)
    return UNKNOWN

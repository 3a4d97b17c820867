"""What a session refuses, and what it says then."""

from __future__ import annotations

from graphc.errors import FeedError, GraphcError, SessionClosedError
from graphc.ir.origin import capture_origin


def require_argument(name: str, given: object, kinds: tuple[type, ...], expected: str) -> None:
    """Check the type of an argument of `Session`.

    Raises:
        GraphcError: it is of another one.
    """
    if not isinstance(given, kinds):
        raise GraphcError(
            f"this is no {name} for a session",
            given=f"{given!r} ({type(given).__name__})",
            expected=expected,
            origin=capture_origin(),
        )


def session_closed() -> SessionClosedError:
    """A session that is used after `close`."""
    return SessionClosedError(
        "the session is closed",
        fix="open another Session; save() variables before close() to keep them",
        origin=capture_origin(),
    )


def wrong_number_of_arrays(given: int, expected: int) -> FeedError:
    """A callable that is called with too few or too many arrays."""
    return FeedError(
        f"the callable takes {expected} arrays, one per tensor of feed_list",
        given=f"{given} arrays",
        origin=capture_origin(),
    )


def nothing_but_strings(purpose: str) -> GraphcError:
    """Fetches for which there is no program."""
    return GraphcError(
        f"strings stay on the host: there is no program {purpose}", origin=capture_origin()
    )


def nothing_to_dump() -> GraphcError:
    """A dump before anything ran."""
    return GraphcError(
        "nothing to dump: no program has been made",
        fix="say what to fetch: session.dump(fetches)",
        origin=capture_origin(),
    )

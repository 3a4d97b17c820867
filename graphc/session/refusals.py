"""What a session refuses, and what it says then."""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np

from graphc.errors import FeedError, GraphcError, SessionClosedError
from graphc.ir.graph import Graph
from graphc.ir.origin import capture_origin
from graphc.ops.dataflow import DataflowGraph
from graphc.rewriting.pipeline import Pipeline


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


def require_arguments(
    graph: Any, pipeline: Any, device: Any, donate: Any, check_numerics: Any, seed: Any
) -> None:
    """Check the types of the arguments of `Session`.

    Raises:
        GraphcError: one is of another type.
    """
    require_argument("graph", graph, (DataflowGraph, Graph, NoneType), "a Graph, or None")
    changed = "passes.default_pipeline() changed"
    require_argument("pipeline", pipeline, (Pipeline, NoneType), changed)
    require_argument("device", device, (str, NoneType), 'a name such as "cpu" or "gpu:0"')
    require_argument("donate", donate, (bool,), "True or False")
    require_argument("check_numerics", check_numerics, (bool, NoneType), "True, False, or None")
    require_argument("seed", seed, (int, np.integer), "a whole number")


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

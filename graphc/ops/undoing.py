"""All or nothing: a function that fails takes back what it had added to the graph by then."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from graphc.ops.dataflow import get_default_graph

P = ParamSpec("P")
T = TypeVar("T")


def undone_on_failure(function: Callable[P, T]) -> Callable[P, T]:
    """A function after whose failure the default graph is as it was before its call.

    For functions that add several nodes, or run a user's function in between. Where another thread
    adds to the same graph meanwhile, nothing is taken back: nodes that nothing uses do no harm.
    """

    @functools.wraps(function)
    def undoing(*args: P.args, **kwargs: P.kwargs) -> T:
        graph = get_default_graph()
        mark = graph.marks.take()
        try:
            return function(*args, **kwargs)
        except BaseException:
            graph.marks.go_back(mark)
            raise
        finally:
            graph.marks.release()

    return undoing

"""Every mistake raises the right class, says the words that help, and names the user's own line.

And nothing is half done: the line that raises leaves every graph and every variable as they were.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

import graphc
from graphc.errors import GraphcError
from tests.session import (
    mistakes_in_control_flow,  # noqa: F401
    mistakes_in_ops,  # noqa: F401
    mistakes_in_runs,  # noqa: F401
    mistakes_in_sessions,  # noqa: F401
    mistakes_in_training,  # noqa: F401
)
from tests.session.mistakes import MISTAKES


class Watch:
    """Looks at graphs and variables before each line of a function, and when a line raises.

    Attributes:
        before: what there was before the line that runs now.
        raised: for each exception that passes through the function: the exception, what there was
            before the line that raised it, and what there is now.
    """

    def __init__(self, function: Any, session: graphc.Session) -> None:
        self._code = function.__code__
        self._session = session
        self.before: Any = None
        self.raised: list[tuple[BaseException, Any, Any]] = []

    def __call__(self, frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code is not self._code:
            return None
        if event == "exception":
            self.raised.append((argument[1], self.before, self.look()))
        else:
            self.before = self.look()
        return self

    def look(self) -> Any:
        graphs = {self._session.graph, graphc.get_default_graph()}
        nodes = sorted((len(graph), len(graph.variables)) for graph in graphs)
        arrays = self._session.store.snapshot()
        return nodes, {name: (array.dtype, array.tobytes()) for name, array in arrays.items()}


def make_the_mistake(case: Any) -> tuple[BaseException, Watch]:
    with graphc.Graph().as_default(), graphc.Session() as session:
        watch = Watch(case.make, session)
        outer = sys.gettrace()
        sys.settrace(watch)
        try:
            case.make(session)
        except case.error as error:
            return error, watch
        finally:
            sys.settrace(outer)
    raise AssertionError(f"{case.error.__name__} was not raised")


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.make.__name__)
def test_a_mistake_is_taught_and_leaves_nothing_behind(case):
    error, watch = make_the_mistake(case)
    message = str(error)
    for word in case.words:
        assert word in message
    if case.blamed:
        assert isinstance(error, GraphcError)
        origin = error.origin
        assert origin is not None, message
        lines, first = inspect.getsourcelines(case.make)
        blamed = [first + i for i, line in enumerate(lines) if line.rstrip().endswith("# blame")]
        assert origin.file == inspect.getsourcefile(case.make)
        assert [origin.line] == blamed
    before, after = next(two for raised, *two in watch.raised if raised is error)
    assert after == before, "the line that raised has changed a graph or a variable"


def test_there_are_many_mistakes_each_with_a_name_of_its_own():
    names = [case.make.__name__ for case in MISTAKES]
    assert len(names) >= 75
    assert len(set(names)) == len(names)
    files = {Path(inspect.getsourcefile(case.make)).name for case in MISTAKES}
    there = {path.name for path in Path(__file__).parent.glob("mistakes_*.py")}
    assert files == there


def test_the_watch_sees_what_is_left_behind():
    def leaves_a_node(session):
        graphc.constant(1.0)
        (graphc.constant(2.0), 1 / 0)

    case = type("Case", (), {"make": staticmethod(leaves_a_node), "error": ZeroDivisionError})
    error, watch = make_the_mistake(case)
    before, after = next(two for raised, *two in watch.raised if raised is error)
    assert before[0] == [(1, 0)]
    assert after[0] == [(2, 0)]


def test_a_refused_run_changes_no_state():
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [2])
        w = graphc.Variable([1.0, 2.0])
        step = w.assign_add(x)
        with pytest.raises(GraphcError):
            session.run(step, {x: [1.0, 2.0, 3.0]})
        assert session.run(w).tolist() == [1.0, 2.0]

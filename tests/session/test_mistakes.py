"""Every mistake raises the right class, says the words that help, and names the user's own line."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import graphc
from graphc.errors import GraphcError
from tests.session.mistakes import MISTAKES


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.make.__name__)
def test_a_mistake_is_taught(case):
    graph = graphc.Graph()
    with graph.as_default(), graphc.Session() as session, pytest.raises(case.error) as caught:
        case.make(session)
    message = str(caught.value)
    for word in case.words:
        assert word in message
    if case.blamed:
        assert isinstance(caught.value, GraphcError)
        origin = caught.value.origin
        assert origin is not None, message
        lines, first = inspect.getsourcelines(case.make)
        blamed = [first + i for i, line in enumerate(lines) if line.rstrip().endswith("# blame")]
        assert Path(origin.file).name == "mistakes.py"
        assert [origin.line] == blamed


def test_a_mistake_adds_nothing_to_the_graph():
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", [2, 3])
        before = len(graph)
        with pytest.raises(GraphcError):
            graphc.ops.matmul(x, x)
        assert len(graph) == before


def test_a_refused_run_changes_no_state():
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [2])
        w = graphc.Variable([1.0, 2.0])
        step = w.assign_add(x)
        with pytest.raises(GraphcError):
            session.run(step, {x: [1.0, 2.0, 3.0]})
        assert session.run(w).tolist() == [1.0, 2.0]

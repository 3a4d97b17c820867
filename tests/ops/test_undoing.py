"""What fails takes back its nodes, names and variables, and nobody else's."""

from __future__ import annotations

import threading

import pytest

import graphc
from graphc.errors import GraphcError
from graphc.ops.undoing import undone_on_failure


@pytest.fixture
def graph():
    with graphc.Graph().as_default() as opened:
        yield opened


@undone_on_failure
def half(meanwhile=lambda: None):
    x = graphc.placeholder("float32", [2], name="x")
    w = graphc.Variable([1.0, 2.0], name="w")
    graphc.ops.add(x, w, name="sum")
    meanwhile()
    raise GraphcError("half way")


def test_nodes_names_variables_and_inputs_are_taken_back(graph):
    kept = graphc.constant(1.0, name="sum")
    before = str(graph)
    with pytest.raises(GraphcError, match="half way"):
        half()
    assert str(graph) == before
    assert len(graph) == 1
    assert not graph.variables
    assert not graph.inputs
    assert graph.get_tensor_by_name("sum:0") is kept
    assert graphc.placeholder("float32", [2], name="x").name == "x:0"
    w = graphc.Variable([3.0], name="w")
    assert w.name == "w"
    with graphc.Session(graph=graph) as session:
        assert session.run(w + kept) == 4


def test_an_outer_function_takes_back_what_an_inner_one_kept(graph):
    @undone_on_failure
    def outer():
        graphc.constant(1.0)
        with pytest.raises(GraphcError):
            half()
        assert len(graph) == 1
        raise GraphcError("outer")

    with pytest.raises(GraphcError, match="outer"):
        outer()
    assert len(graph) == 0


def test_nodes_of_another_thread_stay(graph):
    def meanwhile():
        def add():
            with graph.as_default():
                graphc.constant(7.0, name="theirs")

        thread = threading.Thread(target=add)
        thread.start()
        thread.join()

    with pytest.raises(GraphcError):
        half(meanwhile)
    with graphc.Session(graph=graph) as session:
        assert session.run("theirs:0") == 7
    with pytest.raises(GraphcError):  # the next failure is on its own again
        half()
    assert "x_1" not in str(graph)


def test_a_layer_that_fails_can_be_built_again(graph):
    def refuse(shape, dtype=None):
        raise ValueError("no bias")

    layer = graphc.layers.Dense(3, bias_initializer=refuse)
    x = graphc.placeholder("float32", [2, 3])
    for _ in range(2):  # its kernel was made before
        with pytest.raises(ValueError, match="no bias"):
            layer(x)
        assert not graph.variables
        assert not layer.weights
        assert not layer.built

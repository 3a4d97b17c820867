"""Graphs in files: the same text, variables with their values, and damage told of."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError, ModelFileError
from tests.ops.evaluation import value_of


def test_a_frozen_graph_comes_back_with_its_large_constants(tmp_path) -> None:
    table = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 40], name="x")
        y = x @ graphc.constant(table)
        graph = session.compile(y, [x]).graph("canonical")
        expected = session.run(y, {x: np.ones((2, 40))})
    graphc.save(graph, tmp_path / "g.graphc")
    again = graphc.load(tmp_path / "g.graphc")
    assert str(again) == str(graph)
    with graphc.Session(graph=again) as session:
        found = session.run(again.outputs[0].node.name + ":0", {"x:0": np.ones((2, 40))})
    np.testing.assert_array_equal(found, expected)


def test_a_graph_comes_back_with_the_values_of_its_variables(tmp_path) -> None:
    graph = graphc.Graph()
    with graph.as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, 4], name="x")
        dense = layers.Dense(2, name="dense")
        loss = ops.mean(ops.square(dense(x)), name="loss")
        fixed = graphc.Variable(np.arange(3), trainable=False, name="fixed")
        graphc.optimizers.SGD(0.1).minimize(loss, name="train")
        ops.add(fixed, 1, name="more")
        session.run("sgd/train", {x: np.ones((3, 4))})
        expected = session.run("loss:0", {x: np.ones((3, 4))})
        graphc.save(graph, tmp_path / "g.graphc")
        session.run("sgd/train", {x: np.ones((3, 4))})
        trained = session.run("loss:0", {x: np.ones((3, 4))})
    again = graphc.load(tmp_path / "g.graphc")
    assert str(again) == str(graph)
    assert [v.trainable for v in again.variables.values() if v.name == "fixed"] == [False]
    with graphc.Session(graph=again) as session:
        feed = {"x:0": np.ones((3, 4))}
        np.testing.assert_array_equal(session.run("loss:0", feed), expected)
        np.testing.assert_array_equal(session.run("more:0"), [1, 2, 3])
        session.run("sgd/train", feed)
        np.testing.assert_allclose(session.run("loss:0", feed), trained, rtol=1e-6)


def test_random_ops_added_to_a_loaded_graph_draw_other_numbers(tmp_path) -> None:
    graph = graphc.Graph()
    with graph.as_default():
        graphc.random.normal([5], name="first")
    graphc.save(graph, tmp_path / "g.graphc")
    again = graphc.load(tmp_path / "g.graphc")
    with again.as_default(), graphc.Session() as session:
        second = graphc.random.normal([5])
        first, other = session.run(["first:0", second])
    assert not np.array_equal(first, other)


def test_a_model_is_saved_as_by_itself(tmp_path) -> None:
    with graphc.Graph().as_default():
        model = graphc.Sequential([graphc.Input((3,)), layers.Dense(2)])
        graphc.save(model, tmp_path / "m.graphc")
        again = graphc.load(tmp_path / "m.graphc")
        x = np.ones((1, 3), np.float32)
        np.testing.assert_array_equal(again.predict(x), model.predict(x))
        graphc.save(model.to_graph(), tmp_path / "g.graphc")
        assert str(graphc.load(tmp_path / "g.graphc")) == str(model.to_graph())


def test_what_cannot_be_saved_or_loaded_is_told(tmp_path) -> None:
    graph = graphc.Graph()
    with graph.as_default():
        graphc.constant(np.arange(30), name="table")
    path = tmp_path / "g.graphc"
    graphc.save(graph, path)
    with pytest.raises(ModelFileError, match="exists already"):
        graphc.save(graph, path, overwrite=False)
    with pytest.raises(GraphcError, match="only graphs and models"):
        graphc.save(np.ones(3), path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        graphc.load(tmp_path / "missing")
    content = path.read_bytes()
    for place in range(0, len(content), 29):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            loaded = graphc.load(path)
        except ModelFileError:
            continue
        assert len(loaded) == len(graph)
    path.write_bytes(content[:40])
    with pytest.raises(ModelFileError):
        graphc.load(path)
    assert value_of(graphc.constant(1)) == 1

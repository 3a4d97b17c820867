"""Mistakes in what is fed and fetched, and tensors of two graphs."""

from __future__ import annotations

import numpy as np

import graphc
from graphc import errors
from tests.session.mistakes import floats, given, mistake


@mistake(errors.FeedError, "needed and not fed", "'x'")
def missing_feed(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    y = x * 2
    return session.run(y)


@mistake(errors.FeedError, "wrong shape", "(3,)", "f32[2]")
def feed_of_the_wrong_shape(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    y = x * 2
    return session.run(y, {x: floats(3)})


@mistake(errors.FeedError, "float32", "int32", "lose")
def feed_of_floats_for_integers(session):
    x = graphc.placeholder("int32", [2], name="x")  # blame
    y = x * 2
    return session.run(y, {x: np.array([0.5, 1.5], np.float32)})


@mistake(errors.FeedError, "do not fit into int32")
def feed_of_numbers_that_are_too_large(session):
    x = graphc.placeholder("int32", [1], name="x")  # blame
    y = x * 2
    return session.run(y, {x: np.array([2**40])})


@mistake(errors.FeedError, "no rectangular array")
def feed_of_a_ragged_list(session):
    x = graphc.placeholder("float32", [None, None], name="x")  # blame
    y = x * 2
    return session.run(y, {x: [[1.0], [1.0, 2.0]]})


@mistake(errors.FeedError, "no tensor of the session's graph", "'y:0'")
def feed_of_an_unknown_name(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = x * 2
    return session.run(y, {x: floats(2), "y:0": floats(2)})  # blame


@mistake(errors.FeedError, "no tensor of the session's graph")
def feed_of_something_else(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = x * 2
    return session.run(y, {x: floats(2), 3: floats(2)})  # blame


@mistake(errors.FeedError, "fed twice")
def the_same_tensor_fed_twice(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = x * 2
    return session.run(y, {x: floats(2), "x:0": floats(2)})  # blame


@mistake(errors.FeedError, "disagree about the size")
def feeds_that_disagree_about_a_symbol(session):
    x = graphc.placeholder("float32", ["batch"], name="x")
    y = graphc.placeholder("float32", ["batch"], name="y")  # blame
    total = x + y
    return session.run(total, {x: floats(2), y: floats(3)})


@mistake(errors.FeedError, "do not fit together", "n0 is 2, n1 is 3")
def sizes_that_conflict_when_fed(session):
    x = graphc.placeholder("float32", [None], name="x")
    y = graphc.placeholder("float32", [None], name="y")
    total = x + y  # blame
    return session.run(total, {x: floats(2), y: floats(3)})


@mistake(errors.FeedError, "takes 1 arrays")
def callable_with_too_many_arrays(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = x * 2
    double = session.make_callable(y, [x])
    return double(floats(2), floats(2))  # blame


@mistake(errors.FetchError, "no operation named", "did you mean 'sum'")
def fetch_of_an_unknown_name(session):
    graphc.ops.add(1.0, 2.0, name="sum")
    return session.run("sun:0")  # blame


@mistake(errors.FetchError, "cannot be fetched", "int")
def fetch_of_a_number(session):
    return session.run(3)  # blame


@mistake(errors.FetchError, "is not the name of a tensor")
def tensor_name_without_a_number(session):
    graphc.ops.add(1.0, 2.0, name="sum")
    return session.graph.get_tensor_by_name("sum")  # blame


@mistake(errors.GraphMixError, "another graph than the session")
def fetch_from_another_graph(session):
    with graphc.Graph().as_default():
        other = graphc.constant(1.0)  # blame
    return session.run(other)


@mistake(errors.GraphMixError, "tensors of two graphs")
def one_op_on_two_graphs(session):
    x = graphc.constant(1.0)
    with graphc.Graph().as_default():
        y = graphc.constant(1.0)
        return x + y  # blame


@mistake(errors.GraphFinalizedError, "finalized")
def adding_to_a_finalized_graph(session):
    graph = graphc.Graph()
    graph.finalize()
    with graph.as_default():
        return graphc.constant(1.0)  # blame


@mistake(errors.FeedError, "feed_dict is a dictionary", "{x: array}")
def feeds_in_a_list(session):
    x = given("float32", [2])
    return session.run(x, [x, floats(2)])  # blame


@mistake(errors.FeedError, "is a tensor", "session.run")
def feed_of_a_tensor(session):
    x = graphc.placeholder("float32", [3], name="x")  # blame
    y = x * 2
    return session.run(y, {x: y})


@mistake(errors.FeedError, "no number", "None")
def feed_of_none(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    y = x * 2
    return session.run(y, {x: None})


@mistake(errors.FetchError, "cannot be fetched", "NoneType")
def fetch_of_none(session):
    return session.run(None)  # blame


@mistake(errors.FetchError, "has no result of number 3", "sum:3")
def a_result_that_an_operation_does_not_have(session):
    graphc.ops.add(1.0, 2.0, name="sum")
    return session.graph.get_tensor_by_name("sum:3")  # blame


@mistake(errors.FeedError, "is an operation", "only tensors can be fed")
def feed_of_an_operation(session):
    w = graphc.Variable(floats(2), name="w")
    step = w.assign_add(floats(2)).op
    y = w * 2
    return session.run(y, {step: 1})  # blame


@mistake(errors.GraphMixError, "another graph")
def a_control_dependency_on_another_graph(session):
    with graphc.Graph().as_default():
        other = graphc.constant(1.0)
    with graphc.control_dependencies([other]):  # blame
        return None


@mistake(errors.GraphcError, "control dependency", "3 (int)")
def a_control_dependency_on_a_number(session):
    with graphc.control_dependencies([3]):  # blame
        return None


@mistake(errors.FeedError, "no tensor of the session's graph", "'x:0'")
def a_scope_left_out_of_a_name(session):
    with graphc.name_scope("block"):
        x = given("float32", [2])
    y = x * 2
    return session.run(y, {"x:0": floats(2)})  # blame


@mistake(errors.FeedError, "feed_list is a list", "[x]")
def one_tensor_as_a_list_of_feeds(session):
    x = graphc.placeholder("float32", [2], name="x")
    y = x * 2
    return session.make_callable(y, x)  # blame


@mistake(errors.FetchError, "cannot be fetched", "call it on a tensor")
def a_layer_as_a_fetch(session):
    layer = graphc.layers.Dense(2)
    return session.run(layer)  # blame

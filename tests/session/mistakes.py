"""What people do wrong: each mistake with the error that must teach them better.

A mistake is a function. The line to blame is the one that ends in `# blame`; words are looked for
in the whole message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import graphc
from graphc import errors
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        make: makes it, inside an open session.
        error: the class that must be raised.
        words: what the message must hold.
        blamed: whether a line of `make` must be named.
    """

    make: Callable[[graphc.Session], Any]
    error: type[Exception]
    words: tuple[str, ...]
    blamed: bool = True


MISTAKES: list[Mistake] = []


def mistake(
    error: type[Exception], *words: str, blamed: bool = True
) -> Callable[[Callable[[graphc.Session], Any]], Callable[[graphc.Session], Any]]:
    def note(make: Callable[[graphc.Session], Any]) -> Callable[[graphc.Session], Any]:
        MISTAKES.append(Mistake(make, error, words, blamed))
        return make

    return note


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.float32)


# -- shapes and dtypes in ops ----------------------------------------------------------------------


@mistake(errors.ShapeError, "do not broadcast", "(2, 3)", "(4)")
def shapes_that_do_not_broadcast(session):
    x, y = graphc.constant(floats(2, 3)), graphc.constant(floats(4))
    return x + y  # blame


@mistake(errors.ShapeError, "f32[2, 3]")
def inner_sizes_that_differ(session):
    x = graphc.constant(floats(2, 3))
    return x @ x  # blame


@mistake(errors.ShapeError, "reshape")
def reshape_to_another_size(session):
    x = graphc.constant(floats(2, 3))
    return graphc.ops.reshape(x, [4, 2])  # blame


@mistake(errors.ShapeError, "needs a number of axes", "shape=[]")
def placeholder_of_unknown_rank(session):
    return graphc.placeholder("float32")  # blame


@mistake(errors.DTypeError, "is not an element type", "float31")
def unknown_dtype(session):
    return graphc.placeholder("float31", [2])  # blame


@mistake(errors.ShapeError, "is not a shape", "-3")
def placeholder_of_a_negative_size(session):
    return graphc.placeholder("float32", [None, -3])  # blame


@mistake(errors.ShapeError, "different lengths")
def constant_of_a_ragged_list(session):
    return graphc.constant([[1, 2], [3]])  # blame


@mistake(errors.DTypeError, "do not mix")
def adding_a_string(session):
    x, message = graphc.constant(1.0), graphc.constant("hello")
    return x + message  # blame


@mistake(errors.DTypeError, "uint8")
def number_that_does_not_fit(session):
    return graphc.constant([300], dtype="uint8")  # blame


@mistake(errors.GraphcError, "no truth value", "cond")
def tensor_as_a_condition(session):
    x = graphc.placeholder("float32", [])
    if x > 0:  # blame
        return x


@mistake(errors.GraphcError, "ops.stack")
def list_of_tensors(session):
    x = graphc.constant(1.0)
    return graphc.ops.add([x, x], 1.0)  # blame


# -- feeds -----------------------------------------------------------------------------------------


@mistake(errors.FeedError, "needed and not fed", "'x'")
def missing_feed(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    return session.run(x * 2)


@mistake(errors.FeedError, "wrong shape", "(3,)", "f32[2]")
def feed_of_the_wrong_shape(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    return session.run(x * 2, {x: floats(3)})


@mistake(errors.FeedError, "float32", "int32", "lose")
def feed_of_floats_for_integers(session):
    x = graphc.placeholder("int32", [2], name="x")  # blame
    return session.run(x * 2, {x: np.array([0.5, 1.5], np.float32)})


@mistake(errors.FeedError, "do not fit into int32")
def feed_of_numbers_that_are_too_large(session):
    x = graphc.placeholder("int32", [1], name="x")  # blame
    return session.run(x * 2, {x: np.array([2**40])})


@mistake(errors.FeedError, "no rectangular array")
def feed_of_a_ragged_list(session):
    x = graphc.placeholder("float32", [None, None], name="x")  # blame
    return session.run(x * 2, {x: [[1.0], [1.0, 2.0]]})


@mistake(errors.FeedError, "no tensor of the session's graph", "'y:0'")
def feed_of_an_unknown_name(session):
    x = graphc.placeholder("float32", [2], name="x")
    return session.run(x * 2, {x: floats(2), "y:0": floats(2)})  # blame


@mistake(errors.FeedError, "no tensor of the session's graph")
def feed_of_something_else(session):
    x = graphc.placeholder("float32", [2], name="x")
    return session.run(x * 2, {x: floats(2), 3: floats(2)})  # blame


@mistake(errors.FeedError, "fed twice")
def the_same_tensor_fed_twice(session):
    x = graphc.placeholder("float32", [2], name="x")
    return session.run(x * 2, {x: floats(2), "x:0": floats(2)})  # blame


@mistake(errors.FeedError, "disagree about the size")
def feeds_that_disagree_about_a_symbol(session):
    x = graphc.placeholder("float32", ["batch"], name="x")
    y = graphc.placeholder("float32", ["batch"], name="y")  # blame
    return session.run(x + y, {x: floats(2), y: floats(3)})


@mistake(errors.FeedError, "do not fit together", "n0 is 2, n1 is 3")
def sizes_that_conflict_when_fed(session):
    x = graphc.placeholder("float32", [None], name="x")
    y = graphc.placeholder("float32", [None], name="y")
    total = x + y  # blame
    return session.run(total, {x: floats(2), y: floats(3)})


@mistake(errors.FeedError, "takes 1 arrays")
def callable_with_too_many_arrays(session):
    x = graphc.placeholder("float32", [2], name="x")
    double = session.make_callable(x * 2, [x])
    return double(floats(2), floats(2))  # blame


# -- fetches and graphs ----------------------------------------------------------------------------


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


# -- gradients and state ---------------------------------------------------------------------------


@mistake(errors.GradientError, "no y depends on")
def unconnected_gradient(session):
    x, y = graphc.placeholder("float32", []), graphc.placeholder("float32", [])
    return graphc.gradients(x * 2, y)  # blame


@mistake(errors.GradientError, "int32", "ops.cast")
def gradient_of_an_integer(session):
    x = graphc.placeholder("int32", [])
    return graphc.gradients(x * 2, x)  # blame


@mistake(errors.GradientError, "no trainable variable")
def minimizing_a_constant(session):
    loss = graphc.constant(1.0)
    return graphc.optimizers.SGD(0.1).minimize(loss)  # blame


@mistake(errors.GraphcError, "learning_rate=")
def old_name_of_the_learning_rate(session):
    return graphc.optimizers.Adam(lr=0.1)  # blame


@mistake(errors.GraphcError, "no learning rate", "'fast'")
def learning_rate_that_is_no_number(session):
    return graphc.optimizers.SGD("fast")  # blame


@mistake(errors.GraphcError, "no pipeline", "default_pipeline")
def pipeline_that_is_none(session):
    return graphc.Session(pipeline=3)  # blame


@mistake(errors.GraphcError, "no seed", "whole number")
def seed_that_is_no_number(session):
    return graphc.Session(seed="a")  # blame


@mistake(errors.StateError, "w")
def two_assignments_without_an_order(session):
    w = graphc.Variable(1.0, name="w")
    first = w.assign(2.0)
    second = w.assign(3.0)  # blame
    return session.run([first, second])


@mistake(errors.ShapeError, "assign")
def assigning_another_shape(session):
    w = graphc.Variable(floats(2), name="w")
    return w.assign(floats(3))  # blame


@mistake(errors.FeedError, "initial value")
def initial_value_that_needs_a_feed(session):
    x = graphc.placeholder("float32", [2], name="x")
    w = graphc.Variable(x * 2, name="w")  # blame
    return session.run(w * 2)


@mistake(errors.ShapeError, "sizes that are known")
def variable_of_an_open_size(session):
    x = graphc.placeholder("float32", [None], name="x")
    return graphc.Variable(x, name="w")  # blame


# -- sessions, text, passes ------------------------------------------------------------------------


@mistake(errors.SessionClosedError, "closed")
def using_a_closed_session(session):
    x = graphc.constant(1.0)
    other = graphc.Session(graph=session.graph)
    other.close()
    return other.run(x)  # blame


@mistake(errors.GraphcError, "no session is open")
def eval_without_a_session(session):
    with graphc.Graph().as_default():
        x = graphc.constant(1.0)
    return _outside_of_sessions(lambda: x.eval())  # blame


def _outside_of_sessions(action: Callable[[], Any]) -> Any:
    import threading

    caught: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    raise caught[0]


@mistake(errors.GraphcError, "no stage 'fussed'", "'fused'")
def dump_of_an_unknown_stage(session):
    return session.dump(graphc.constant(1.0), stage="fussed")  # blame


@mistake(errors.FeedError, "concrete sizes", "feed_dict", "'x'")
def dump_without_sizes(session):
    x = graphc.placeholder("float32", [None], name="x")
    return session.dump(x * 2, stage="fused")  # blame


@mistake(errors.GraphcError, "no device", blamed=True)
def unknown_device(session):
    return graphc.Session(device="gpu:99")  # blame


@mistake(errors.ParseError, "line 3, column", "there is no op named 'ad'", blamed=False)
def malformed_text(session):
    return graphc.parse("graphc opset 1\ngraph {\n  %0 = ad() : f32[]\n  return %0\n}")


@mistake(errors.ParseError, "declares", "f32[3]", blamed=False)
def text_with_a_wrong_type(session):
    return graphc.parse(
        'graphc opset 1\ngraph {\n  input %0 : f32[2] feed "x"\n'
        "  %1 = negate(%0) : f32[3]\n  return %1\n}"
    )


@dataclass(frozen=True)
class BreaksTypes(GraphPass):
    """A pass that gives back a node whose type its own rule refuses."""

    name: ClassVar[str] = "breaks_types"
    unused: tuple[int, ...] = field(default=())

    def apply(self, graph, context: PassContext) -> PassResult:
        from graphc.ir.editor import GraphEditor
        from graphc.ir.node import Node
        from graphc.ir.types import as_type

        editor = GraphEditor(graph)
        (output,) = graph.outputs
        node = output.node
        wrong = Node(
            node.op, node.inputs, node.attributes, (as_type("int8", (7,)),), (), "", node.origin
        )
        editor.set_outputs([wrong.output])
        return PassResult.of(editor)


@mistake(errors.PassError, "breaks_types", "functional")
def a_pass_that_breaks_a_type(session):
    import passes

    pipeline = passes.default_pipeline().after("functional", BreaksTypes())
    x = graphc.placeholder("float32", [2], name="x")
    y = graphc.ops.tanh(x)  # blame
    with graphc.Session(graph=session.graph, pipeline=pipeline) as other:
        return other.run(y, {x: floats(2)})

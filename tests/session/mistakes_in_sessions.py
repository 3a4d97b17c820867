"""Mistakes with sessions, files, text and passes."""

from __future__ import annotations

import tempfile
import threading

import numpy as np

import graphc
import passes
from graphc import errors
from graphc.session.checkpoint import write_variables
from tests.session.broken_passes import AddsAConstant, BreaksTypes
from tests.session.mistakes import floats, given, mistake


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


def _outside_of_sessions(action):
    caught = []

    def run():
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
    x = graphc.constant(1.0)
    return session.dump(x, stage="fussed")  # blame


@mistake(errors.FeedError, "concrete sizes", "feed_dict", "'x'")
def dump_without_sizes(session):
    x = graphc.placeholder("float32", [None], name="x")
    y = x * 2
    return session.dump(y, stage="fused")  # blame


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


@mistake(errors.PassError, "breaks_types", "functional")
def a_pass_that_breaks_a_type(session):
    pipeline = passes.default_pipeline().after("functional", BreaksTypes())
    x = graphc.placeholder("float32", [2], name="x")
    y = graphc.ops.tanh(x)  # blame
    with graphc.Session(graph=session.graph, pipeline=pipeline) as other:
        return other.run(y, {x: floats(2)})


@mistake(errors.GraphcError, "no graph for a session", "'g' (str)")
def a_session_on_a_string(session):
    return graphc.Session(graph="g")  # blame


@mistake(errors.GraphcError, "no device for a session", "3 (int)")
def a_device_that_is_a_number(session):
    return graphc.Session(device=3)  # blame


@mistake(errors.GraphcError, "no check_numerics for a session", "'perhaps' (str)")
def a_switch_that_is_a_word(session):
    return graphc.Session(check_numerics="perhaps")  # blame


@mistake(errors.GraphcError, "no donate for a session", "'no' (str)")
def donation_by_a_word(session):
    return graphc.Session(donate="no")  # blame


@mistake(errors.SessionClosedError, "closed")
def a_callable_of_a_closed_session(session):
    x = graphc.constant(1.0)
    other = graphc.Session(graph=session.graph)
    function = other.make_callable(x)
    other.close()
    return function()  # blame


@mistake(errors.SessionClosedError, "closed", "save() variables before close()")
def saving_after_closing(session):
    other = graphc.Session(graph=session.graph)
    other.close()
    return other.save("nowhere")  # blame


@mistake(errors.CheckpointError, "cannot be read", "nowhere.safetensors")
def restoring_what_is_not_there(session):
    graphc.Variable(floats(2), name="w")
    return session.restore("nowhere.safetensors")  # blame


@mistake(errors.CheckpointError, "no checkpoint of variables")
def restoring_another_kind_of_file(session):
    w = graphc.Variable(floats(2), name="w")
    session.run(w)
    return session.restore(__file__)  # blame


@mistake(errors.CheckpointError, "holds 'weight'", "did you mean 'weights'")
def restoring_another_graph(session):
    w = graphc.Variable(floats(2), name="weights")
    session.run(w)
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/state"
        write_variables(file, {"weight": floats(2) + 1})
        session.restore(file)  # blame


@mistake(errors.CheckpointError, "does not fit the variable", "float32[3]", "f32[2]")
def restoring_another_shape(session):
    w = graphc.Variable(floats(2), name="w")  # blame
    session.run(w)
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/state"
        write_variables(file, {"w": floats(3) + 1})
        session.restore(file)


@mistake(errors.CheckpointError, "could not be written", "previous file")
def saving_into_a_folder_that_is_not_there(session):
    w = graphc.Variable(floats(2), name="w")
    session.run(w)
    return session.save("no/such/folder/state")  # blame


@mistake(errors.GraphcError, "no dump format 'pdf'", "html")
def a_dump_in_an_unknown_format(session):
    x = graphc.constant(1.0)
    return session.dump(x, stage="canonical", format="pdf")  # blame


@mistake(errors.GraphcError, "nothing to dump", "what to fetch")
def a_dump_of_nothing(session):
    return session.dump()  # blame


@mistake(errors.GraphcError, "cannot be written", "no/such/folder")
def a_dump_into_a_folder_that_is_not_there(session):
    x = graphc.constant(1.0)
    return session.dump(x, stage="canonical", path="no/such/folder/graph.txt")  # blame


@mistake(errors.GraphcError, "no stage 'checked'", "check_numerics")
def a_dump_of_checks_that_were_not_asked_for(session):
    x = graphc.constant(1.0)
    return session.dump(x, stage="checked")  # blame


@mistake(errors.GraphcError, "no pass 'algebraa'", "did you mean 'algebra'")
def a_pipeline_without_an_unknown_pass(session):
    pipeline = passes.default_pipeline()
    return pipeline.without("algebraa")  # blame


@mistake(errors.GraphcError, "cannot be left out", "autodiff")
def a_pipeline_without_a_required_pass(session):
    pipeline = passes.default_pipeline()
    return pipeline.without("autodiff")  # blame


@mistake(errors.NumericsError, "'logarithm' (log) gives an infinity", "variables keep")
def the_logarithm_of_nothing(session):
    w = graphc.Variable(floats(2), name="w")
    session.run(w)
    y = graphc.ops.log(w, name="logarithm")  # blame
    step = w.assign(y).op
    return session.run(step, check_numerics=True)


@mistake(errors.NumericsError, "feed of 'x' holds a NaN")
def a_nan_among_the_feeds(session):
    x = graphc.placeholder("float32", [2], name="x")  # blame
    y = x * 2
    return session.run(y, {x: floats(2) * np.nan}, check_numerics=True)


@mistake(errors.GraphcError, "no tolerance", "-1")
def a_negative_tolerance(session):
    x = graphc.constant(1.0)
    return session.verify(x, tolerance=-1)  # blame


@mistake(errors.VerifyError, "adds_a_constant", "tanh:0", "pipeline.without", blamed=False)
def a_pass_that_changes_numbers(session):
    pipeline = passes.default_pipeline().after("legalized", AddsAConstant())
    x = given("float32", [2])
    y = graphc.ops.tanh(x)
    with graphc.Session(graph=session.graph, pipeline=pipeline) as other:
        report = other.verify(y, {x: floats(2) + 1})
    return report.raise_if_broken()

"""Many steps as one program give what as many runs give."""

import numpy as np
import pytest

import graphc
from graphc.session.step_loop import Span, make_step_loop


def build():
    data = graphc.placeholder("float32", [None, 3], name="data")
    rows = graphc.placeholder("int32", [None], name="rows")
    batch = graphc.ops.take(data, rows, axis=0)
    hidden = graphc.layers.Dense(4, activation="tanh")(batch)
    noisy = hidden + graphc.random.normal([4])
    loss = graphc.ops.mean(graphc.ops.square(noisy))
    return data, rows, loss, graphc.optimizers.Adam(0.01).minimize(loss)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(size=(12, 3)).astype("f"), rng.permutation(12).reshape(4, 3).astype("i4")


def test_a_loop_of_steps_equals_steps_one_by_one_draws_included(arrays):
    with graphc.Graph().as_default():
        data, rows, loss, step = build()
        one_by_one, looped = graphc.Session(seed=3), graphc.Session(seed=3)
        losses = [one_by_one.run([step, loss], {data: arrays[0], rows: r})[1] for r in arrays[1]]
        loop = make_step_loop(looped, step, [loss], [data, rows], [rows])
        assert np.allclose(loop.run(arrays, [Span(0, 1)])[0][0], losses[0], rtol=1e-6)
        assert np.allclose(loop.run(arrays, [Span(1, 4)])[0][0], losses[3], rtol=1e-6)
        for variable in graphc.global_variables():
            expected, given = one_by_one.run(variable), looped.run(variable)
            np.testing.assert_allclose(given, expected, rtol=2e-6, atol=1e-7)


def test_another_number_of_steps_is_not_compiled_again(arrays):
    with graphc.Graph().as_default():
        data, rows, _, step = build()
        loop = make_step_loop(graphc.Session(), step, [], [data, rows], [rows])
        executables = set()
        for span in (Span(0, 1), Span(0, 4), Span(2, 4)):
            loop.run(arrays, [span])
            executables.add(id(loop.program.signature(arrays).executable))
        assert len(executables) == 1


def test_the_loop_can_be_read_as_text_and_parsed_back(arrays):
    with graphc.Graph().as_default():
        data, rows, _, step = build()
        loop = make_step_loop(graphc.Session(), step, [], [data, rows], [rows])
        loop.run(arrays, [Span(0, 4)])
        text = loop.program.as_text("repeated")
        assert "while_loop" in text
        assert str(graphc.parse(text)) == text


def test_convolutions_run_in_a_loop_with_the_same_numbers(arrays):
    with graphc.Graph().as_default():
        data = graphc.placeholder("float32", [None, 6, 1], name="data")
        rows = graphc.placeholder("int32", [None], name="rows")
        kernel = graphc.Variable(np.ones((3, 1, 2), np.float32))
        mixed = graphc.nn.conv(graphc.ops.take(data, rows, axis=0), kernel)
        loss = graphc.ops.mean(graphc.ops.square(mixed))
        step = graphc.optimizers.SGD(0.01).minimize(loss)
        whole = np.random.default_rng(2).normal(size=(12, 6, 1)).astype("f")
        one_by_one, looped = graphc.Session(), graphc.Session()
        losses = [one_by_one.run([step, loss], {data: whole, rows: r})[1] for r in arrays[1]]
        loop = make_step_loop(looped, step, [loss], [data, rows], [rows])
        found = loop.run([whole, arrays[1]], [Span(0, 4)])
        np.testing.assert_allclose(found[0][0], losses[3], rtol=1e-6)
        np.testing.assert_allclose(looped.run(kernel), one_by_one.run(kernel), rtol=1e-6)
        names = {node.op.name for node in loop.program.graph("repeated").nodes}
        assert "while_loop" in names

"""`check_numerics` names the true culprit, and keeps every variable as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc
from graphc import settings
from graphc.errors import GraphcError, NumericsError

pytestmark = pytest.mark.usefixtures("layers_in_loops")

NAN, INF = np.nan, np.inf


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session(check_numerics=True) as opened:
        yield opened


def blame(session, fetches, feeds=None) -> NumericsError:
    with pytest.raises(NumericsError) as caught:
        session.run(fetches, feeds)
    return caught.value


def line_of(error: NumericsError) -> str:
    assert error.origin is not None
    return Path(error.origin.file).read_text().splitlines()[error.origin.line - 1].strip()


def test_the_first_culprit_is_named_and_not_what_follows(session):
    x = graphc.placeholder("float32", [3], name="x")
    with graphc.name_scope("block"):
        y = graphc.ops.log(x, name="logarithm")
    z = graphc.ops.sum(graphc.ops.tanh(y * 2 + 1) - y)
    error = blame(session, z, {x: [1.0, 0.0, 2.0]})
    assert (error.node_name, error.op_name) == ("block/logarithm", "log")
    assert line_of(error) == 'y = graphc.ops.log(x, name="logarithm")'
    assert not error.in_gradient
    assert "an infinity" in str(error)
    assert "NaN" in str(blame(session, z, {x: [1.0, -1.0, 2.0]}))
    assert session.run(z, {x: [1.0, 3.0, 2.0]}).shape == ()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", [(), (3,), (257,), (31, 33)])
def test_one_bad_element_is_found_wherever_it_stands(session, dtype, shape):
    x = graphc.placeholder(dtype, shape, name="x")
    y = graphc.placeholder(dtype, shape, name="y")
    quotient = x / y
    check = session.make_callable(quotient, [x, y])
    numpy_dtype = np.dtype(graphc.dtypes.as_dtype(dtype).numpy)
    ones = np.ones(shape, numpy_dtype)
    check(ones, ones)
    for position in {0, ones.size // 2, ones.size - 1}:
        for above, word in (
            (1, "an infinity|NaN" if dtype == "complex64" else "an infinity"),
            (0, "NaN"),
        ):
            top, bottom = ones.copy(), ones.copy()
            top.reshape(-1)[position], bottom.reshape(-1)[position] = above, 0
            with pytest.raises(NumericsError, match=word) as caught:
                check(top, bottom)
            assert caught.value.op_name == "divide"


def test_large_numbers_of_float64_are_finite(session):
    x = graphc.placeholder("float64", [2])
    assert session.run(x * 2, {x: [1e300, -1e300]})[0] == 2e300
    assert blame(session, x * x, {x: [1.0, 1e300]}).op_name == "multiply"
    z = graphc.placeholder("complex64", [1])
    assert session.run(z + z, {z: [3e37 + 3e38j / 2]}).shape == (1,)


def test_what_is_infinite_on_purpose_is_no_false_alarm(session):
    x = graphc.placeholder("float32", [2, 3], name="x")
    keep = graphc.constant(np.array([[True, False, True], [True, True, False]]))
    masked = graphc.ops.where(keep, x, -INF)
    results = session.run(
        {
            "masked": masked,
            "softmax": graphc.nn.softmax(masked),
            "maximum": graphc.ops.maximum(masked, graphc.constant(np.full((2, 3), -INF))),
            "clipped": graphc.ops.minimum(x, INF),
            "largest": graphc.ops.max(masked, axis=1),
            "chosen": graphc.ops.where(keep, 1.0, graphc.constant(NAN)),
            "below": masked < INF,
            "whole": graphc.ops.cast(x, "int32") // 1,
            "empty": graphc.ops.sum(graphc.constant(np.zeros((0, 2), np.float32))),
        },
        {x: np.ones((2, 3), np.float32)},
    )
    assert np.isneginf(results["masked"]).sum() == 2
    np.testing.assert_allclose(results["softmax"].sum(1), 1, rtol=1e-6)


def test_a_nan_out_of_a_mask_is_somebody_s_fault(session):
    x = graphc.placeholder("float32", [3], name="x")
    bias = x * graphc.constant(-INF)
    assert session.run(bias, {x: [1.0, 2.0, 3.0]})[0] == -INF
    error = blame(session, bias, {x: [1.0, 0.0, 3.0]})
    assert line_of(error) == "bias = x * graphc.constant(-INF)"


def test_gradients_and_updates_say_so_and_every_variable_stays(session):
    w = graphc.Variable(np.array([1.0, 4.0], np.float32), name="w")
    counter = graphc.Variable(0, trainable=False, name="counter")
    x = graphc.placeholder("float32", [2], name="x")
    loss = graphc.ops.sum(graphc.ops.sqrt(w * x))
    step = graphc.optimizers.Adam(0.1).minimize(loss)
    count = counter.assign_add(1)
    noise = graphc.random.normal([2])
    session.run([step, count, noise], {x: [1.0, 1.0]})
    before = session.store.snapshot()
    error = blame(session, [step, loss, count, noise], {x: [0.0, 1.0]})
    assert error.in_gradient
    assert "gradients/" in error.node_name
    assert line_of(error) == "loss = graphc.ops.sum(graphc.ops.sqrt(w * x))"
    after = session.store.snapshot()
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name], name)
    session.run([step, count], {x: [1.0, 1.0]})
    assert session.run(counter) == 2


def test_the_step_of_an_optimizer_is_named(session):
    w = graphc.Variable(np.array([3e38], np.float32), name="w")
    step = graphc.optimizers.SGD(2e38).minimize(graphc.ops.sum(w * -2.0))
    error = blame(session, step)
    assert "step of an optimizer" in str(error)
    assert session.run(w)[0] == np.float32(3e38)


def test_a_variable_that_is_only_set_keeps_its_value(session):
    w = graphc.Variable(np.array([1.0, 2.0], np.float32), name="w")
    x = graphc.placeholder("float32", [2])
    blame(session, w.assign(1.0 / x).op, {x: [1.0, 0.0]})
    assert session.run(w).tolist() == [1.0, 2.0]


def test_donation_stays_in_force(session):
    w = graphc.Variable(np.ones(1024, np.float32), name="w")
    step = w.assign_add(np.ones(1024, np.float32))
    session.run(step.op)
    assert session.compile(step.op).report().alias_bytes >= 4096


def test_a_nan_that_is_fed_or_stored_is_named_if_it_reaches_a_result(session):
    x = graphc.placeholder("float32", [2], name="x")
    w = graphc.Variable(np.array([NAN, 1.0], np.float32), name="w")
    error = blame(session, x + 1, {x: [1.0, NAN]})
    assert "the feed of 'x' holds a NaN already" in str(error)
    assert "the variable 'w' holds a NaN already" in str(blame(session, w * x, {x: [1.0, 1.0]}))
    without = graphc.ops.where(graphc.ops.isnan(x), 0.0, x)
    assert session.run(without, {x: [1.0, NAN]}).tolist() == [1.0, 0.0]
    assert session.run(x, {x: [INF, 1.0]})[0] == INF


def test_an_initial_value_is_checked(session):
    w = graphc.Variable(graphc.ops.log(graphc.constant(0.0) * 1.0), name="w")
    other = graphc.Variable(1.0, name="other")
    blame(session, [w * 1, other * 1])
    assert "w" not in session.store.arrays


# -- regions ---------------------------------------------------------------------------------------


def test_a_scan_tells_the_iteration_forward_and_back(session):
    first = graphc.placeholder("float32", [], name="first")
    xs = graphc.placeholder("float32", [None], name="xs")
    _, logs = graphc.scan(lambda c, x: (c * x, graphc.ops.log(c)), first, xs)
    total = graphc.ops.sum(logs)
    slope = graphc.gradients(total, xs)
    assert session.run([total, slope], {first: 1.0, xs: [1.0, 2.0, 3.0]})[1].shape == (3,)
    error = blame(session, total, {first: 1.0, xs: [1.0, 0.0, 3.0, 4.0]})
    assert (error.op_name, error.iterations) == ("log", (2,))
    assert "iteration 2 of 4" in str(error)
    # 1/1e-39 overflows on the way back, which starts at the end: the number is that of the slice
    error = blame(session, slope, {first: 1.0, xs: [1.0, 1e-30, 1e-9, 1.0]})
    assert error.in_gradient
    assert error.iterations == (3,)
    # what is saved for the way back does not make the loop a part of it
    error = blame(session, [total, slope], {first: 1.0, xs: [1.0, 0.0, 3.0, 4.0]})
    assert "of 'scan'" in str(error)


def test_a_while_loop_tells_the_iteration_and_its_condition_is_watched(session):
    x = graphc.placeholder("float32", [], name="x")
    _, y = graphc.while_loop(
        lambda i, v: i < 5, lambda i, v: (i + 1, graphc.ops.sqrt(v - 1.0)), (0, x)
    )
    error = blame(session, y, {x: 2.5})
    assert (error.op_name, error.iterations) == ("sqrt", (2,))
    (z,) = graphc.while_loop(lambda v: graphc.ops.log(v) < 2.0, lambda v: v - 1.0, (x,))
    error = blame(session, z, {x: 2.0})
    assert (error.op_name, error.iterations) == ("log", (2,))
    assert session.run(z, {x: 20.0}) == 20
    error = blame(session, z, {x: -1.0})  # the loop ends at once: only the last test saw it
    assert (error.op_name, error.iterations) == ("log", (0,))


def test_a_loop_that_ends_early_tells_the_iteration_on_the_way_back_too(session):
    x = graphc.placeholder("float32", [], name="x")
    y = graphc.while_loop(lambda v: v > 0.5, lambda v: graphc.ops.sqrt(v - 1.0), x, 9)
    slope = graphc.gradients(y, x)
    assert session.run([y, slope], {x: 1.25}) == [0.5, 1.0]
    error = blame(session, slope, {x: 1.0})  # the slope of the root of 0
    assert error.in_gradient
    error = blame(session, y, {x: 1.5})
    assert (error.op_name, error.iterations) == ("sqrt", (1,))


def test_the_branch_of_a_switch_that_was_taken_is_blamed(session):
    x, n = (graphc.placeholder(of, [], name=of) for of in ("float32", "int32"))
    y = graphc.ops.switch(n, [graphc.ops.log, graphc.ops.sqrt, graphc.ops.sin], x)
    assert session.run(y, {x: 0.0, n: 2}) == 0.0
    assert blame(session, y, {x: -1.0, n: 1}).op_name == "sqrt"


def test_nested_loops_tell_each_iteration(session):
    xs = graphc.placeholder("float32", [3], name="xs")

    def outer(carry, x):
        _, inner = graphc.while_loop(
            lambda i, v: i < 3,
            lambda i, v: (i + 1, v / (2.0 - x * graphc.ops.cast(i, "float32"))),
            (0, carry),
        )
        return inner, carry

    final, _ = graphc.scan(outer, 1.0, xs)
    assert session.run(final, {xs: [0.1, 0.2, 0.3]}) > 0
    error = blame(session, final, {xs: [0.1, 1.0, 3.0]})
    assert (error.op_name, error.iterations) == ("divide", (1, 2))


def test_a_branch_that_is_not_taken_is_not_blamed(session):
    x = graphc.placeholder("float32", [], name="x")
    y = graphc.cond(x > 0, lambda: graphc.ops.log(x - 1.0), lambda: graphc.ops.exp(-x))
    after = graphc.ops.abs(y) + 1
    assert session.run(after, {x: 2.0}) == 1
    assert blame(session, after, {x: 1.0}).op_name == "log"
    assert blame(session, after, {x: -100.0}).op_name == "exponential"


def test_what_comes_before_a_loop_is_blamed_before_it(session):
    x = graphc.placeholder("float32", [], name="x")
    start = graphc.ops.log(x)
    y, _ = graphc.scan(lambda c, _: (c * 2.0 - c, c), start, None, length=3)
    error = blame(session, 1.0 / y, {x: 0.0})
    assert line_of(error) == "start = graphc.ops.log(x)"


# -- how it is asked for ---------------------------------------------------------------------------


def test_checks_are_asked_for_by_run_callable_setting_or_session():
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [], name="x")
        y = graphc.ops.log(x)
        zero = np.float32(0)
        assert session.run(y, {x: zero}) == -INF
        with pytest.raises(NumericsError):
            session.run(y, {x: zero}, check_numerics=True)
        with settings.override(check_numerics=True):
            blame(session, y, {x: zero})
            assert session.run(y, {x: zero}, check_numerics=False) == -INF
        checked = session.make_callable(y, [x], check_numerics=True)
        with pytest.raises(NumericsError):
            checked(zero)
        assert session.run(y, {x: zero}) == -INF
        assert "numerics" in session.compile(y, [x], check_numerics=True).as_text("checked")
        assert "numerics" not in session.compile(y, [x]).as_text("fused")
        with pytest.raises(GraphcError, match="no stage 'checked'"):
            session.compile(y, [x]).as_text("checked")


def test_a_session_may_say_no_whatever_the_setting_says():
    with (
        settings.override(check_numerics="1"),
        graphc.Graph().as_default(),
        graphc.Session(check_numerics=False) as session,
    ):
        assert session.run(1.0 / graphc.placeholder_with_default(0.0, [])) == INF
    with pytest.raises(ValueError, match="expected true or false"):
        settings.check_numerics.set("perhaps")


def test_finite_steps_are_those_without_checks():
    def train(check):
        with graphc.Graph().as_default(), graphc.Session(seed=2, check_numerics=check) as session:
            x = graphc.placeholder("float32", [None, 8], name="x")
            labels = graphc.placeholder("int32", [None], name="labels")
            hidden = graphc.random.dropout(graphc.layers.Dense(16, activation="relu")(x), 0.3)
            loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(
                labels, graphc.layers.Dense(3)(hidden)
            )
            step = graphc.optimizers.Adam(0.05).minimize(loss)
            generator = np.random.default_rng(0)
            batch = {x: generator.random((12, 8)), labels: generator.integers(0, 3, 12)}
            return [float(session.run([step, loss], batch)[1]) for _ in range(8)]

    np.testing.assert_allclose(train(True), train(False), rtol=1e-5)

"""Learning rates that change, averages that are taken, variables that are kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import graphc
from graphc import errors
from graphc.optimizers import SGD, Adam, AdamW, schedules


@pytest.fixture
def session() -> Iterator[graphc.Session]:
    with graphc.Graph().as_default(), graphc.Session() as opened:
        yield opened


def test_the_learning_rate_is_set_without_a_new_program(session: graphc.Session) -> None:
    w = graphc.Variable(1.0)
    optimizer = SGD(0.5)
    step = optimizer.minimize(w * 2.0)
    session.run(step)
    assert session.run(w) == 0.0
    programs = session.compile(step).report().to_dict()
    optimizer.learning_rate = 0.25
    assert session.run(optimizer.learning_rate) == 0.25
    session.run(step)
    assert session.run(w) == -0.5
    again = session.compile(step).report().to_dict()
    assert again == programs


def test_before_the_first_step_the_learning_rate_is_what_was_given(session: graphc.Session) -> None:
    w = graphc.Variable(1.0)
    optimizer = SGD(0.5)
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
    step = optimizer.minimize(w * 2.0)
    session.run(step)
    session.run(step)
    assert session.run(w) == -0.5


def test_functions_of_the_iteration_and_of_nothing_are_learning_rates(
    session: graphc.Session,
) -> None:
    w = graphc.Variable([1.0, 1.0])
    first, second = SGD(lambda step: 0.5 / graphc.ops.cast(step + 1, "float32")), SGD(lambda: 0.5)
    loss = w * 1.0
    with graphc.control_dependencies([first.minimize(loss)]):
        steps = second.minimize(loss)
    session.run(steps)
    session.run(steps)
    np.testing.assert_allclose(session.run(w), 1 - 0.5 - 0.5 - 0.25 - 0.5)


def test_a_step_waits_for_updates_of_other_variables(session: graphc.Session) -> None:
    """TensorFlow 1's way to update moving statistics before a step."""
    w, seen = graphc.Variable(3.0), graphc.Variable(0.0, trainable=False)
    before = w * w
    with graphc.control_dependencies([seen.assign_add(1.0)]):
        step = SGD(0.25).minimize(before)
        inside = SGD(0.25).minimize(w * w)
    session.run(step)
    assert session.run([w, seen]) == [1.5, 1.0]
    session.run(inside)
    assert session.run([w, seen]) == [0.75, 2.0]


def test_a_gradient_through_an_assignment_of_the_variable_itself_is_refused(
    session: graphc.Session,
) -> None:
    w = graphc.Variable(3.0)
    with graphc.control_dependencies([w.assign(1.0)]):
        loss = w * w
    with pytest.raises(errors.GradientError, match="depends on no trainable variable"):
        SGD(0.25).minimize(loss)


def test_a_variable_of_whole_numbers_is_named_as_one_that_does_not_count(
    session: graphc.Session,
) -> None:
    steps = graphc.Variable(3, name="steps", dtype="int32")
    with pytest.raises(errors.GradientError, match="'steps' is int32"):
        SGD(0.25).minimize(graphc.ops.cast(steps, "float32") * 2.0)


def test_a_learning_rate_that_the_graph_computes_cannot_be_set(session: graphc.Session) -> None:
    w = graphc.Variable(1.0)
    scheduled = SGD(schedules.ExponentialDecay(0.1, 10, 0.5))
    scheduled.minimize(w)
    with pytest.raises(errors.GraphcError, match="computed by the graph"):
        scheduled.learning_rate = 0.1
    plain = SGD(0.1)
    plain.minimize(w)
    with pytest.raises(errors.GraphcError, match="built already"):
        plain.learning_rate = lambda: 0.1
    with pytest.raises(errors.GraphcError, match="no learning rate"):
        plain.learning_rate = -1.0


def test_setting_a_variable_without_a_session_says_how() -> None:
    with graphc.Graph().as_default():
        w = graphc.Variable(1.0)
        with pytest.raises(errors.GraphcError, match="no session is open"):
            w.load(2.0)
        elsewhere = graphc.Session()
        w.load(2.0, elsewhere)
        assert elsewhere.run(w) == 2.0
        elsewhere.close()
        with pytest.raises(errors.SessionClosedError):
            w.load(2.0, elsewhere)


def test_values_that_do_not_fit_change_nothing(session: graphc.Session) -> None:
    a, b = graphc.Variable([1.0, 2.0], name="a"), graphc.Variable(3, name="b")
    with pytest.raises(errors.ShapeError, match="'a'"):
        session.set_variables({"b": 4, a: [1.0]})
    with pytest.raises(errors.DTypeError, match="'b'"):
        session.set_variables({a: [5.0, 6.0], b: "much"})
    with pytest.raises(errors.StateError, match="'c'"):
        session.set_variables({"b": 4, "c": 1})
    assert [value.tolist() for value in session.run([a, b])] == [[1.0, 2.0], 3]
    session.set_variables({a: [5, 6], "b": 4})
    assert [value.tolist() for value in session.run([a, b])] == [[5.0, 6.0], 4]


def test_a_variable_of_another_graph_is_refused(session: graphc.Session) -> None:
    graphc.Variable(1.0, name="w")
    with graphc.Graph().as_default():
        other = graphc.Variable(2.0, name="w")
    with pytest.raises(errors.GraphMixError, match="another graph"):
        session.set_variables({other: 3.0})


def test_the_averages_become_the_variables_when_training_ends(session: graphc.Session) -> None:
    w, untouched = graphc.Variable(4.0), graphc.Variable(7.0)
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    step = optimizer.minimize(w)
    for _ in range(3):
        session.run(step)
    assert session.run(w) == 1.0  # 3, 2, 1: averages 3, 2.5, 1.75
    session.run(optimizer.finalize_variable_values([w, untouched]))
    assert session.run([w, untouched]) == [1.75, 7.0]


def test_a_variable_without_gradient_stays_as_it_is(session: graphc.Session) -> None:
    a, b = graphc.Variable(1.0), graphc.Variable(1.0)
    step = AdamW(0.1).apply_gradients([(graphc.constant(1.0), a), (None, b)])
    session.run(step)
    assert session.run(a) < 1
    assert session.run(b) == 1
    with pytest.raises(errors.GraphcError, match="nothing to apply"):
        SGD().apply_gradients([(None, b)])


def test_gradients_carry_the_loss_scale_and_steps_do_not(session: graphc.Session) -> None:
    w = graphc.Variable(1.0)
    optimizer = SGD(0.5, loss_scale_factor=1024.0)
    pairs = optimizer.compute_gradients(w * 3.0)
    assert session.run(pairs[0][0]) == 3072.0
    session.run(optimizer.apply_gradients(pairs))
    assert session.run(w) == -0.5


def test_a_loss_scale_saves_small_gradients_of_half_precision(session: graphc.Session) -> None:
    w = graphc.Variable(np.float16(1.0))
    loss = graphc.ops.cast(w * np.float16(2e-5), "float32") * 2e-4
    plain, scaled = SGD(1e4), SGD(1e4, loss_scale_factor=2.0**16)
    assert session.run(plain.compute_gradients(loss)[0][0]) == 0
    assert session.run(scaled.compute_gradients(loss)[0][0]) > 0


def test_excluded_variables_do_not_decay(session: graphc.Session) -> None:
    a, b, c = (graphc.Variable(1.0, name=name) for name in ("kernel", "bias", "scale"))
    optimizer = SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[c], var_names=["bi"])
    session.run(optimizer.apply_gradients([(0.0, v) for v in (a, b, c)]))
    assert session.run([a, b, c]) == [0.75, 1.0, 1.0]
    with pytest.raises(errors.GraphcError, match="built already"):
        optimizer.exclude_from_weight_decay([a])


def test_everything_kept_is_listed_and_saved(session: graphc.Session, tmp_path: object) -> None:
    w = graphc.Variable([1.0], name="w")
    optimizer = Adam(0.1, use_ema=True, gradient_accumulation_steps=2, amsgrad=True)
    step = optimizer.minimize(w * w)
    assert [variable.name for variable in optimizer.variables] == [
        "adam/iterations",
        "adam/learning_rate",
        "adam/w/gradient_accumulator",
        "adam/w/momentum",
        "adam/w/velocity",
        "adam/w/velocity_hat",
        "adam/w/average",
    ]
    for _ in range(3):
        session.run(step)
    session.save(f"{tmp_path}/state.safetensors")
    session.run(step)
    after = session.run(optimizer.variables)
    session.restore(f"{tmp_path}/state.safetensors")
    session.run(step)
    for mine, first in zip(session.run(optimizer.variables), after, strict=True):
        np.testing.assert_array_equal(mine, first)


def test_a_scheduled_step_is_one_program_on_the_device(session: graphc.Session) -> None:
    """The rate of a schedule is computed inside the step: nothing is compiled per step."""
    w = graphc.Variable(1.0)
    step = SGD(schedules.CosineDecay(0.1, 5)).minimize(w)
    call = session.make_callable([step, w])
    for _ in range(7):
        call()
    rates = [0.1 * 0.5 * (1 + np.cos(np.pi * i / 5)) for i in range(5)]
    np.testing.assert_allclose(session.run(w), 1 - sum(rates), rtol=1e-6)

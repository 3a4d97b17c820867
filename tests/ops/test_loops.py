"""scan, map, fori_loop and while_loop: values, state, randomness, gradients, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GradientError, GraphcError, ShapeError

XS = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_scan_hands_on_a_carry_and_stacks() -> None:
    xs, scale = graphc.placeholder("float32", [None, 2]), graphc.placeholder("float32", [])

    def step(carry: Any, x: Any) -> Any:
        total, count = carry["total"] + x * scale, carry["count"] + 1
        return {"total": total, "count": count}, (total, [count])

    made = ops.scan(step, {"total": np.zeros(2, np.float32), "count": 0}, xs)
    with graphc.Session() as session:
        for rows in (1, 3, 0):
            last, (totals, (counts,)) = session.run(made, {xs: XS[:rows], scale: 2.0})
            np.testing.assert_array_equal(totals, np.cumsum(2 * XS[:rows], 0))
            np.testing.assert_array_equal(last["total"], 2 * XS[:rows].sum(0))
            np.testing.assert_array_equal(counts, np.arange(1, rows + 1))
            assert last["count"] == rows


def test_scan_backwards_and_without_slices() -> None:
    backwards = ops.scan(lambda c, x: (c + x, c), np.float32(0), XS[:, 0], reverse=True)
    powers = ops.scan(lambda c, x: (c * 2, c), 1, None, length=4)
    with graphc.Session() as session:
        last, before = session.run(backwards)
        assert last == 6.0
        np.testing.assert_array_equal(before, [6, 4, 0])
        last, before = session.run(powers)
        assert last == 16
        np.testing.assert_array_equal(before, [1, 2, 4, 8])


def test_a_number_as_first_carry_takes_the_type_that_the_body_gives() -> None:
    last, _ = ops.scan(lambda c, x: (c + x, None), 0, XS.astype(np.float64)[:, 0])
    assert last.dtype == "float64"
    with graphc.Session() as session:
        assert session.run(last) == 6.0


def test_gradients_of_any_order_go_through_a_scan() -> None:
    x, v = graphc.placeholder("float32", []), graphc.Variable(2.0)
    last, _ = ops.scan(lambda c, _: (c * x + v, None), 1.0, length=3)
    first = graphc.gradients(last, [x, v])
    second = graphc.gradients(first[0], x)
    with graphc.Session() as session:
        found = session.run([last, *first, second], {x: 3.0})
    # x³ + v (x² + x + 1), v = 2, x = 3
    np.testing.assert_allclose(found, [27 + 26, 27 + 2 * 7, 13, 18 + 4], rtol=1e-6)


def test_a_loop_assigns_in_every_iteration() -> None:
    v = graphc.Variable(0.0)

    def step(carry: Any, x: Any) -> Any:
        v.assign_add(x)
        return carry + 1, v.value

    made = ops.scan(step, 0, XS[:, 1])
    with graphc.Session() as session:
        count, seen = session.run(made)
        assert count == 3
        np.testing.assert_array_equal(seen, [0, 1, 4])  # the value before each iteration
        assert session.run(v) == 9.0


def test_a_training_loop_is_a_scan() -> None:
    w = graphc.Variable(np.zeros(2, np.float32))
    target = graphc.placeholder("float32", [2])

    def step(_: Any, __: Any) -> Any:
        loss = ops.sum(ops.square(w - target))
        w.assign_sub(graphc.gradients(loss, w) * 0.25)
        return None, loss

    _, losses = ops.scan(step, None, length=5)
    with graphc.Session() as session:
        found = session.run(losses, {target: np.float32([4, -2])})
        np.testing.assert_allclose(found, 20 * 0.25 ** np.arange(5), rtol=1e-5)
        np.testing.assert_allclose(session.run(w), np.float32([4, -2]) * (1 - 0.5**5), rtol=1e-5)


def test_a_gradient_with_respect_to_what_a_body_captures() -> None:
    x = graphc.placeholder("float32", [])
    _, slopes = ops.scan(lambda c, a: (c, graphc.gradients(a * x * x, x)), 0, XS[:, 0])
    with graphc.Session() as session:
        np.testing.assert_array_equal(session.run(slopes, {x: 3.0}), 6 * XS[:, 0])


def test_each_iteration_draws_other_numbers() -> None:
    _, drawn = ops.scan(lambda c, _: (c, graphc.random.uniform([2])), 0, length=4)
    with graphc.Session(seed=1) as session:
        found = session.run(drawn)
    assert len(np.unique(found)) == 8


def test_map_and_map_fn_go_over_the_first_axis() -> None:
    made = [
        ops.map(lambda row: ops.sum(row) * 2, XS),
        ops.map_fn(lambda pair: {"d": pair[0] - pair[1]}, (XS, XS[::-1])),
    ]
    with graphc.Session() as session:
        sums, differences = session.run(made)
    np.testing.assert_array_equal(sums, 2 * XS.sum(1))
    np.testing.assert_array_equal(differences["d"], XS - XS[::-1])


def test_fori_loop_over_known_and_computed_bounds() -> None:
    upper = graphc.placeholder("int32", [])
    made = [ops.fori_loop(2, u, lambda i, c: c + i, 0) for u in (5, upper)]
    with graphc.Session() as session:
        assert session.run(made, {upper: 5}) == [9, 9]
        assert session.run(made[1], {upper: 2}) == 0


def test_while_loop_runs_as_long_as_its_condition_holds() -> None:
    limit, v = graphc.placeholder("float32", []), graphc.Variable(2.0)
    made = ops.while_loop(lambda n, x: x < limit, lambda n, x: (n + 1, x * v), (0, 1.0))
    single = ops.while_loop(lambda x: x < limit, lambda x: x * 3, 1)
    stopped = ops.while_loop(lambda x: True, lambda x: x + 1, 0, maximum_iterations=7)
    with graphc.Session() as session:
        assert session.run(made, {limit: 100.0}) == (7, 128.0)
        assert session.run(single, {limit: 10.0}) == 27
        assert session.run(stopped) == 7
        assert session.run(made, {limit: 0.0}) == (0, 1.0)


def test_a_while_loop_carries_the_state_it_changes() -> None:
    v = graphc.Variable(1.0)

    def body(n: Any) -> Any:
        v.assign(v * 2)
        return n + 1

    made = ops.while_loop(lambda n: v.value < 50, body, 0)
    with graphc.Session() as session:
        assert session.run(made) == 6
        assert session.run(v) == 64.0


def test_a_while_loop_has_no_gradient_and_says_why() -> None:
    x = graphc.placeholder("float32", [])
    made = ops.while_loop(lambda a: a < 10, lambda a: a * 2, x)
    with pytest.raises(GradientError, match="scan"), graphc.Session() as session:
        session.run(graphc.gradients(made, x), {x: 1.0})


def test_a_loop_under_control_dependencies_waits() -> None:
    v = graphc.Variable(1.0)
    with graphc.control_dependencies([v.assign(5.0)]):
        last, seen = ops.scan(lambda c, _: (c + v, v.value), 0.0, length=2)
    with graphc.Session() as session:
        last, seen = session.run((last, seen))
        assert last == 10.0
        np.testing.assert_array_equal(seen, [5, 5])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ops.scan(lambda c, x: c, 0.0, XS), GraphcError, "gives a pair"),
        (lambda: ops.scan(lambda c, x: ((c, c), x), 0.0, XS), GraphcError, "structures"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0), ShapeError, "number of its iterations"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, (XS, XS[:2])), ShapeError, "numbers of slices"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, 1.0), ShapeError, "first axis"),
        (lambda: ops.scan(lambda c, x: (c + x, x), 0.0, XS), ShapeError, "carry 0"),
        (lambda: ops.scan(lambda c, x: (c * 1.5, x), np.int32(1), XS), DTypeError, "carry 0"),
        (lambda: ops.scan(lambda c, x: (c, graphc.no_op()), 0, XS), GraphcError, "operation"),
        (lambda: ops.map(lambda x: x, None), GraphcError, "tensor to go over"),
        (lambda: ops.while_loop(lambda x: x < XS, lambda x: x, 0.0), ShapeError, "scalar"),
        (
            lambda: ops.while_loop(lambda x: x < 1, lambda x: (x, x), (0.0,)),
            GraphcError,
            "structures",
        ),
        (lambda: ops.while_loop(lambda: True, lambda: (), ()), GraphcError, "needs a variable"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_users_line(
    make: Any, error: type[GraphcError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        make()
    assert __file__ in str(caught.value)

"""Functions with their own gradients, in every place a function can stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import graphc
from graphc import ops
from graphc.errors import GradientError, GraphcError
from tests.ops.derivative_runs import both_ways, check

X = np.array([0.3, -0.7, 1.1])


@graphc.custom_gradient
def log1pexp(x: Any) -> Any:
    """The example of TensorFlow's and Keras's documentation."""
    e = ops.exp(x)

    def grad(*args: Any, upstream: Any = None) -> Any:
        if upstream is None:
            (upstream,) = args
        return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

    return ops.log(1 + e), grad


@graphc.custom_gradient
def reversed_gradient(x: Any) -> Any:
    return ops.copy(x), lambda upstream: -2 * upstream


@jax.custom_vjp
def reversed_in_jax(x: Any) -> Any:
    return x


reversed_in_jax.defvjp(lambda x: (x, None), lambda _, upstream: (-2 * upstream,))


def test_the_gradient_is_the_functions_own_and_holds_where_the_formula_overflows() -> None:
    x = graphc.placeholder("float32", [3])
    y = log1pexp(x)
    for value, slope in both_ways([y, graphc.gradients(y, x)], {x: np.float32([0, 1, 200])}):
        assert value[2] == np.float32(np.inf) or value[2] == 200  # by a stabilising rule
        np.testing.assert_allclose(slope, [0.5, 1 / (1 + np.exp(-1)), 1], rtol=1e-6)


def test_derivatives_of_higher_order_differentiate_the_gradient_function() -> None:
    x = graphc.placeholder("float64", [3])
    first = graphc.gradients(log1pexp(x), x)
    second = graphc.gradients(first, x)
    third = graphc.gradients(second, x)

    def s(x: Any) -> Any:
        return jax.nn.sigmoid(x)

    check(
        [first, second, third, graphc.hessians(log1pexp(x), x), graphc.jvp(log1pexp(x), x, x)],
        {x: X},
        lambda x: [
            s(x),
            s(x) * (1 - s(x)),
            s(x) * (1 - s(x)) * (1 - 2 * s(x)),
            jnp.diag(s(x) * (1 - s(x))),
            s(x) * x,
        ],
    )


def test_two_gradients_of_one_value_both_follow_its_own_rule() -> None:
    x = graphc.placeholder("float64", [3])
    y = reversed_gradient(x)
    first = graphc.gradients(y * y, x)
    both = graphc.gradients(y * first, x)  # through the value and through the first gradient

    for found_first, found_both in both_ways([first, both], {x: X}):
        np.testing.assert_allclose(found_first, -2 * 2 * X)
        # d(y g): -2 g by the rule, and y · dg, where g = -4 y and y in it is the custom value
        np.testing.assert_allclose(found_both, -2 * (-4 * X) + X * -4 * -2)


def test_several_arguments_and_results_of_any_nesting_and_integers() -> None:
    @graphc.custom_gradient
    def f(pair: Any, count: Any) -> Any:
        a, b = pair["a"], pair["b"]

        def grad(up_product: Any, up_count: Any, up_sum: Any) -> Any:
            assert up_count is None
            return [3 * up_product * b, up_sum, None]

        return {"product": a * b, "total": (count + 1, a + b)}, grad

    x, y = graphc.placeholder("float64", [3]), graphc.placeholder("float64", [3])
    made = f({"a": x, "b": y}, graphc.constant(2))
    slopes = graphc.gradients([made["product"], made["total"][1]], [x, y])
    for product, total, slope_x, slope_y in both_ways(
        [made["product"], made["total"][0], *slopes], {x: X, y: X + 1}
    ):
        np.testing.assert_allclose(product, X * (X + 1))
        assert total == 3
        np.testing.assert_allclose(slope_x, 3 * (X + 1))
        np.testing.assert_allclose(slope_y, 1)


def test_inside_scans_branches_loops_and_maps() -> None:
    x, w = graphc.placeholder("float64", [3]), graphc.placeholder("float64", [4, 3])

    def in_all(f: Any, scan: Any, cond: Any, vmap: Any, loop: Any, special: Any, x: Any, w: Any):
        y = scan(lambda c, row: (special(f.tanh(c * row)), None), x, w)[0]
        y = cond(f.sum(x) > 0, lambda v: special(f.sin(v)), f.exp, y)
        z = vmap(lambda row: special(row * y))(w)
        return f.sum(z * z) + f.sum(loop(special, y))

    def ours(f: Any, v: Any) -> Any:
        return ops.while_loop(lambda n, a: n < 3, lambda n, a: (n + 1, f(ops.sin(a))), (0, v), 5)[1]

    def theirs(f: Any, v: Any) -> Any:
        return lax.scan(lambda c, _: (f(jnp.sin(c)), None), v, length=3)[0]

    y = in_all(
        ops, ops.scan, ops.cond, lambda f: lambda w: ops.vectorized_map(f, w), ours,
        reversed_gradient, x, w,
    )  # fmt: skip

    def expected(x: Any, w: Any) -> Any:
        def g(x: Any, w: Any) -> Any:
            return in_all(jnp, lax.scan, lax.cond, jax.vmap, theirs, reversed_in_jax, x, w)

        return jax.grad(g, (0, 1))(x, w)

    check(graphc.gradients(y, [x, w]), {x: X, w: np.cos(np.arange(12.0)).reshape(4, 3)}, expected)


def test_variables_get_gradients_by_the_variables_form() -> None:
    v, other = graphc.Variable(X, name="v"), graphc.Variable(2.0, trainable=False, dtype="float64")

    @graphc.custom_gradient
    def f(x: Any) -> Any:
        def grad(upstream: Any, variables: Any = None) -> Any:
            assert [each.name for each in variables] == ["v"]
            return upstream * v, [10 * upstream * x]

        return x * v * other, grad

    x = graphc.placeholder("float64", [3])
    y = f(x)
    for value, slope, of_v in both_ways([y, *graphc.gradients(y, [x, v])], {x: X + 1}):
        np.testing.assert_allclose(value, 2 * X * (X + 1))
        np.testing.assert_allclose(slope, X)
        np.testing.assert_allclose(of_v, 10 * (X + 1))


def test_a_random_mask_is_the_same_forward_and_backward() -> None:
    @graphc.custom_gradient
    def dropped(x: Any) -> Any:
        mask = ops.cast(graphc.random.uniform([3]) < 0.5, "float64")
        return x * mask, lambda upstream: upstream * mask * 7

    x = graphc.placeholder("float64", [3])
    ys = ops.scan(lambda c, _: (c, dropped(x)), 0, length=8)[1]
    for value, slope in both_ways([ys, graphc.gradients(ys, x)], {x: np.ones(3)}):
        assert 0 < value.sum() < 24
        np.testing.assert_allclose(slope, 7 * value.sum(0))


def test_nested_functions_and_arrays_as_arguments() -> None:
    @graphc.custom_gradient
    def outer(x: Any, scale: Any) -> Any:
        inner = reversed_gradient(x) * scale
        return inner, lambda upstream: (graphc.gradients(inner, x, upstream), None)

    x = graphc.placeholder("float64", [3])
    y = outer(x, np.float64(5))
    for slope in both_ways(graphc.gradients(y, x), {x: X}):
        np.testing.assert_allclose(slope, -10.0 * np.ones(3))


def test_no_trace_of_it_is_left_after_differentiation() -> None:
    x = graphc.placeholder("float64", [3])
    y = ops.scan(lambda c, _: (log1pexp(c), None), x, length=2)[0]
    with graphc.Session() as session:
        fetches = [y, graphc.gradients(y, x)]
        assert "custom_gradient(" in session.dump(fetches, stage="rolled")
        assert "custom_gradient(" not in session.dump(fetches, stage="differentiated")


# -- mistakes --------------------------------------------------------------------------------------


def made_with(grad: Callable[..., Any], *args: Any) -> Any:
    return graphc.custom_gradient(lambda *xs: (ops.sum(xs[0]) * 2, grad))(*args)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: graphc.custom_gradient(ops.sin)(x), "gives a pair"),
        (lambda x: made_with(lambda up: (up, up), x), "number of gradients"),
        (lambda x: made_with(lambda up: up, x, x), "number of gradients"),
        (lambda x: made_with(lambda up: up, x), "gradient 0 of the arguments"),
        (lambda x: made_with(lambda up: ops.zeros([3], "float64"), x), "f64"),
    ],
)
def test_a_mistake_names_the_gradient_function_and_the_users_line(make: Any, words: str) -> None:
    with pytest.raises(GraphcError, match=words) as caught:
        make(graphc.placeholder("float32", [3]))
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_a_captured_tensor_that_is_differentiated_is_an_error_and_not_a_silent_zero() -> None:
    x = graphc.placeholder("float64", [3])
    z = ops.exp(x)

    @graphc.custom_gradient
    def f(a: Any) -> Any:
        return a * z, lambda upstream: upstream * z

    y = f(x)
    with graphc.Session() as session, pytest.raises(GradientError, match="from outside") as caught:
        session.run(graphc.gradients(y, x), {x: X})
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__

    fixed = graphc.stop_gradient(z)
    h = graphc.custom_gradient(lambda a: (a * fixed, lambda upstream: upstream * fixed))
    for slope in both_ways(graphc.gradients(h(x), x), {x: X}):
        np.testing.assert_allclose(slope, np.exp(X))


def test_trainable_variables_without_the_variables_form_are_refused() -> None:
    v = graphc.Variable(1.0)
    with pytest.raises(GradientError, match="does not take them"):
        graphc.custom_gradient(lambda x: (x * v, lambda up: up))(graphc.placeholder("float32", []))


def test_a_gradient_that_is_not_linear_has_no_forward_mode() -> None:
    clipped = graphc.custom_gradient(lambda x: (x * 1, lambda up: ops.clip(up, -0.1, 0.1)))
    x = graphc.placeholder("float64", [3])
    y = clipped(x)
    for slope in both_ways(graphc.gradients(y, x), {x: X}):
        np.testing.assert_allclose(slope, 0.1)
    with graphc.Session() as session, pytest.raises(GradientError, match="not linear"):
        session.run(graphc.jvp(y, x, x), {x: X})


def test_assignments_inside_are_refused() -> None:
    v = graphc.Variable(1.0, trainable=False)

    def f(x: Any) -> Any:
        return x * v.assign_add(1.0), lambda up: up

    with pytest.raises(GraphcError, match="only computes"):
        graphc.custom_gradient(f)(graphc.placeholder("float32", []))

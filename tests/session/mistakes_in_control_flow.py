"""Mistakes in branches, loops, and what goes in and out of them."""

from __future__ import annotations

import numpy as np

import graphc
from graphc import errors
from tests.session.mistakes import floats, given, mistake


@mistake(errors.ShapeError, "results 0 of the two branches", "f32[3]", "f32[4]")
def branches_of_different_shapes(session):
    holds, x, y = given("bool", [], "p"), given("float32", [3]), given("float32", [4], "y")
    return graphc.cond(holds, lambda: x * 1, lambda: y * 1)  # blame


@mistake(errors.DTypeError, "results 0 of the two branches", "i32[3]", "ops.cast")
def branches_of_different_element_types(session):
    holds, x, y = given("bool", [], "p"), given("float32", [3]), given("int32", [3], "y")
    return graphc.cond(holds, lambda: x * 1, lambda: y * 1)  # blame


@mistake(errors.GraphcError, "different structures", "(*, *)")
def branches_of_different_structures(session):
    holds, x = given("bool", [], "p"), given("float32", [3])
    return graphc.cond(holds, lambda: (x, x), lambda: x)  # blame


@mistake(errors.ShapeError, "a predicate is a scalar", "bool[2]", "ops.where")
def a_predicate_of_two_elements(session):
    holds = given("bool", [2], "p")
    return graphc.cond(holds, lambda: 1.0, lambda: 2.0)  # blame


@mistake(errors.GraphcError, "is no function", "1.0", "lambda: ...")
def branches_that_are_no_functions(session):
    holds = given("bool", [], "p")
    return graphc.cond(holds, 1.0, 2.0)  # blame


@mistake(errors.GraphcError, "needs a function")
def a_case_of_nothing(session):
    return graphc.case([])  # blame


@mistake(errors.ShapeError, "carry 0 before and after an iteration", "f32[6]")
def a_loop_that_grows_its_carry(session):
    x = given("float32", [3])

    def double(carry):
        return graphc.ops.concatenate([carry, carry])

    return graphc.while_loop(lambda c: graphc.ops.sum(c) < 3, double, (x,))  # blame


@mistake(errors.GradientError, "number of iterations is known only when it runs", "use scan")
def a_gradient_through_a_while_loop_without_bound(session):
    x = given("float32", [])
    (y,) = graphc.while_loop(lambda v: v < 10, lambda v: v * 2, (x,))  # blame
    slope = graphc.gradients(y, x)
    return session.run(slope, {x: 1.0})


@mistake(errors.ShapeError, "the numbers of slices differ", "f32[3], f32[4]")
def a_scan_over_different_lengths(session):
    x, y = given("float32", [3]), given("float32", [4], "y")
    return graphc.scan(lambda c, slices: (c, slices), 0.0, (x, y))  # blame


@mistake(errors.ShapeError, "needs the number of its iterations", "length=")
def a_scan_without_a_length(session):
    return graphc.scan(lambda c, _: (c, c), 0.0, None)  # blame


@mistake(errors.GraphcError, "gives a pair", "return carry, None")
def a_scan_whose_function_gives_one_thing(session):
    x = given("float32", [3])
    return graphc.scan(lambda c, _: c, 0.0, x)  # blame


@mistake(errors.ShapeError, "over the first axis", "scalar 'x:0'")
def a_scan_over_a_scalar(session):
    x = given("float32", [])
    return graphc.scan(lambda c, v: (c, v), 0.0, x)  # blame


@mistake(errors.ShapeError, "matmul", "for scalars use *")
def a_body_with_a_mistake_in_it(session):
    x = given("float32", [3])
    return graphc.scan(lambda c, v: (c, v @ v), 0.0, x)  # blame


@mistake(errors.DTypeError, "bounds of a fori_loop are integers")
def a_loop_to_two_and_a_half(session):
    return graphc.ops.fori_loop(0, 2.5, lambda i, v: v, 0.0)  # blame


@mistake(errors.GraphFinalizedError, "outside of it", "give the tensor back")
def a_tensor_that_left_its_body(session):
    x, kept = given("float32", [3]), []
    graphc.scan(lambda c, v: (kept.append(v * 2) or c, v), 0.0, x)
    return kept[0] + kept[0]  # blame


@mistake(errors.StateError, "w")
def assignments_in_a_branch_and_outside_without_an_order(session):
    holds, w = given("bool", [], "p"), graphc.Variable(floats(2), name="w")
    first = graphc.cond(holds, lambda: w.assign(floats(2) + 1), lambda: w.assign(floats(2)))
    second = w.assign(floats(2))  # blame
    return session.run([first, second], {holds: np.array(True)})


@mistake(errors.FeedError, "do not fit together")
def a_scan_whose_lengths_conflict_when_fed(session):
    x, y = given("float32", [None]), given("float32", [None], "y")
    _, sums = graphc.scan(lambda c, v: (c, v[0] + v[1]), 0.0, (x, y))  # blame
    return session.run(sums, {x: floats(2), y: floats(3)})

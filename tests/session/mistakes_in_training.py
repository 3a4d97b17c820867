"""Mistakes in gradients, optimizers, layers and variables."""

from __future__ import annotations

import graphc
from graphc import errors
from tests.session.mistakes import floats, given, mistake


@mistake(errors.GradientError, "no y depends on")
def unconnected_gradient(session):
    x, y = graphc.placeholder("float32", []), graphc.placeholder("float32", [])
    doubled = x * 2
    return graphc.gradients(doubled, y)  # blame


@mistake(errors.GradientError, "outside of this branch", "gradient outside")
def gradient_in_a_branch_of_a_loss_outside(session):
    w = graphc.Variable(2.0)
    loss = w * w
    is_large = loss > 1.0

    def gradient():
        return graphc.gradients(loss, w)  # blame

    return graphc.cond(is_large, gradient, lambda: w * 0.0)


@mistake(errors.GradientError, "after an assignment", "read_value()")
def gradient_of_what_was_read_after_an_assignment(session):
    w = graphc.Variable(2.0)
    with graphc.control_dependencies([w.assign(3.0)]):
        loss = graphc.ops.square(w)
    return graphc.gradients(loss, w)  # blame


@mistake(errors.ShapeError, "Dense(units)(x)")
def dense_as_a_function_of_tensorflow(session):
    x = graphc.placeholder("float32", [2, 3])
    return graphc.layers.Dense(x, 10)  # blame


@mistake(errors.GraphcError, "Conv2D(...)(x)")
def convolution_as_a_function_of_tensorflow(session):
    x = graphc.placeholder("float32", [2, 8, 8, 3])
    return graphc.layers.Conv2D(x, 3)  # blame


@mistake(errors.GradientError, "int32", "ops.cast")
def gradient_of_an_integer(session):
    x = graphc.placeholder("int32", [])
    doubled = x * 2
    return graphc.gradients(doubled, x)  # blame


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
    y = w * 2
    return session.run(y)


@mistake(errors.ShapeError, "sizes that are known")
def variable_of_an_open_size(session):
    x = graphc.placeholder("float32", [None], name="x")
    return graphc.Variable(x, name="w")  # blame


@mistake(errors.ShapeError, "y and grad_y", "3 and 4")
def weights_of_another_shape(session):
    x, weights = given("float32", [3]), given("float32", [4], "weights")
    y = x * 2
    return graphc.gradients(y, x, grad_ys=weights)  # blame


@mistake(errors.GradientError, "unconnected_gradients", "'nan'", "zero")
def an_unknown_word_for_unconnected(session):
    x = given("float32", [3])
    y = x * 2
    return graphc.gradients(y, x, unconnected_gradients="nan")  # blame


@mistake(errors.GradientError, "int32", "ops.cast")
def the_gradient_of_what_is_cast_to_integers(session):
    x = given("float32", [3])
    y = graphc.ops.cast(x, "int32")
    return graphc.gradients(y, x)  # blame


@mistake(errors.GradientError, "no tensor", "3 (int)")
def the_gradient_at_a_number(session):
    x = given("float32", [3])
    return graphc.gradients(x, 3)  # blame


@mistake(errors.GraphMixError, "tensors of two graphs")
def the_gradient_at_another_graph(session):
    with graphc.Graph().as_default():
        other = given("float32", [])
    x = given("float32", [])
    return graphc.gradients(x, other)  # blame


@mistake(errors.GraphcError, "no learning rate", "-1.0")
def a_negative_learning_rate(session):
    return graphc.optimizers.Adam(-1.0)  # blame


@mistake(errors.GraphcError, "no argument 'momentun'", "did you mean")
def an_unknown_argument_of_an_optimizer(session):
    return graphc.optimizers.Adam(momentun=0.9)  # blame


@mistake(errors.GraphcError, "one way only", "clipnorm=1.0", "clipvalue=1.0")
def clipping_in_two_ways(session):
    return graphc.optimizers.SGD(0.1, clipnorm=1.0, clipvalue=1.0)  # blame


@mistake(errors.GraphcError, "nothing to apply")
def applying_no_gradients(session):
    return graphc.optimizers.SGD(0.1).apply_gradients([])  # blame


@mistake(errors.GradientError, "no tensor", "'w' (str)")
def variables_by_name(session):
    w = graphc.Variable(1.0, name="w")
    loss = w * w
    return graphc.optimizers.SGD(0.1).minimize(loss, var_list=["w"])  # blame


@mistake(errors.ShapeError, "number of units", "-3")
def a_layer_of_a_negative_size(session):
    return graphc.layers.Dense(-3)  # blame


@mistake(errors.GraphcError, "no activation 'rellu'", "'relu'")
def an_unknown_activation(session):
    return graphc.layers.Dense(3, activation="rellu")  # blame


@mistake(errors.GraphcError, "no initializer 'glorott'", "glorot")
def an_unknown_initializer(session):
    return graphc.layers.Dense(3, kernel_initializer="glorott")  # blame


@mistake(errors.ShapeError, "at least one axis", "f32[]")
def a_layer_on_a_scalar(session):
    x, layer = given("float32", []), graphc.layers.Dense(3)
    return layer(x)  # blame


@mistake(errors.ShapeError, "layer 'dense'", "f32[2, 4]", "size 3 on axis -1")
def a_layer_on_another_width(session):
    layer, x, y = graphc.layers.Dense(3), given("float32", [2, 3]), given("float32", [2, 4], "y")
    layer(x)
    return layer(y)  # blame


@mistake(errors.ShapeError, "sizes that are known")
def a_layer_on_an_open_width(session):
    x, layer = given("float32", [2, None]), graphc.layers.Dense(3)
    return layer(x)  # blame


@mistake(errors.ShapeError, "labels f32[2, 3]", "predictions f32[2, 4]")
def a_loss_of_other_shapes(session):
    x, y = given("float32", [2, 3]), given("float32", [2, 4], "y")
    loss = graphc.losses.MeanSquaredError()
    return loss(x, y)  # blame


@mistake(errors.DTypeError, "labels must be integers", "argmax")
def rows_of_one_as_labels(session):
    x, labels = given("float32", [2, 3]), given("float32", [2, 3], "labels")
    loss = graphc.losses.SparseCategoricalCrossentropy()
    return loss(labels, x)  # blame


@mistake(errors.DTypeError, "0.5", "int32")
def assigning_a_fraction_to_an_integer(session):
    count = graphc.Variable(0, name="count")
    return count.assign(0.5)  # blame


@mistake(errors.GradientError, "no tensor of the graph", "minimize(loss())")
def minimizing_a_function(session):
    v = graphc.Variable(1.0)
    return graphc.optimizers.SGD(0.1).minimize(lambda: v * v)  # blame


@mistake(errors.GraphcError, "gradients with their variables", "zip(gradients, variables)")
def applying_gradients_without_their_variables(session):
    v = graphc.Variable(1.0)
    slope = graphc.gradients(v * v, [v])
    return graphc.optimizers.SGD(0.1).apply_gradients(slope)  # blame


@mistake(errors.DTypeError, "not an element type", "flaot32")
def a_variable_of_a_misspelt_type(session):
    return graphc.Variable(1.0, dtype="flaot32")  # blame


@mistake(errors.DTypeError, "None")
def a_variable_of_nothing(session):
    return graphc.Variable(None)  # blame

"""Mistakes in ops: shapes, element types, axes, indices."""

from __future__ import annotations

import numpy as np

import graphc
from graphc import errors
from tests.session.mistakes import floats, given, mistake


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
    positive = x > 0
    if positive:  # blame
        return x


@mistake(errors.GraphcError, "ops.stack")
def list_of_tensors(session):
    x = graphc.constant(1.0)
    return graphc.ops.add([x, x], 1.0)  # blame


# -- axes and shapes -------------------------------------------------------------------------------


@mistake(errors.ShapeError, "there is no axis 2", "f32[2, 3]", "from -2 to 1")
def sum_over_an_axis_that_is_not_there(session):
    x = given("float32", [2, 3])
    return graphc.ops.sum(x, axis=2)  # blame


@mistake(errors.ShapeError, "an axis comes twice", "(0, -2)")
def sum_over_an_axis_twice(session):
    x = given("float32", [2, 3])
    return graphc.ops.sum(x, axis=(0, -2))  # blame


@mistake(errors.ShapeError, "there is no axis 3")
def softmax_over_an_axis_that_is_not_there(session):
    x = given("float32", [2, 3])
    return graphc.nn.softmax(x, axis=3)  # blame


@mistake(errors.ShapeError, "concatenate", "3 and 2")
def concatenating_other_widths(session):
    x, y = given("float32", [2, 3]), given("float32", [3, 2], "y")
    return graphc.ops.concatenate([x, y], axis=0)  # blame


@mistake(errors.ShapeError, "needs equal shapes", "f32[3, 2]")
def stacking_other_shapes(session):
    x, y = given("float32", [2, 3]), given("float32", [3, 2], "y")
    return graphc.ops.stack([x, y])  # blame


@mistake(errors.ShapeError, "cannot be split into 2 equal parts", "array_split")
def splitting_five_in_two(session):
    x = given("float32", [5])
    return graphc.ops.split(x, 2)  # blame


@mistake(errors.ShapeError, "cannot squeeze axis 0", "its size is 2")
def squeezing_what_is_no_unit(session):
    x = given("float32", [2, 3])
    return graphc.ops.squeeze(x, axis=0)  # blame


@mistake(errors.ShapeError, "does not broadcast to the shape", "(2, 4)")
def broadcasting_to_a_shape_that_does_not_fit(session):
    x = given("float32", [2, 3])
    return graphc.ops.broadcast_to(x, [2, 4])  # blame


@mistake(errors.ShapeError, "pad_width does not fit", "2 pairs")
def padding_three_axes_of_two(session):
    x = given("float32", [2, 3])
    return graphc.ops.pad(x, [[1, 1], [1, 1], [1, 1]])  # blame


@mistake(errors.GraphcError, "no mode 'mirror'", "reflect")
def padding_in_an_unknown_mode(session):
    x = given("float32", [2, 3])
    return graphc.ops.pad(x, 1, mode="mirror")  # blame


@mistake(errors.ShapeError, "top_k")
def the_five_largest_of_three(session):
    x = given("float32", [3])
    return graphc.ops.top_k(x, 5)  # blame


@mistake(errors.ShapeError, "step of arange() is 0")
def a_range_of_steps_of_zero(session):
    return graphc.ops.arange(0, 5, 0)  # blame


# -- indices and slices ----------------------------------------------------------------------------


@mistake(errors.GraphcError, "index 5 is outside", "axis 0 of f32[3]", "-3 to 2")
def an_index_outside(session):
    x = given("float32", [3])
    return x[5]  # blame


@mistake(errors.GraphcError, "2 indices for 1 axes")
def too_many_indices(session):
    x = given("float32", [3])
    return x[0, 0]  # blame


@mistake(errors.DTypeError, "no index", "1.5")
def an_index_that_is_no_whole_number(session):
    x = given("float32", [3])
    return x[1.5]  # blame


@mistake(errors.ShapeError, "step of a slice", "not 0")
def a_slice_of_steps_of_zero(session):
    x = given("float32", [3])
    return x[::0]  # blame


@mistake(errors.GraphcError, "mask has 4 elements")
def a_mask_of_another_size(session):
    x, mask = given("float32", [2, 3]), np.ones(4, bool)
    return x[mask]  # blame


@mistake(errors.DTypeError, "an index is an integer", "ops.cast")
def taking_at_a_float(session):
    x, where = given("float32", [3]), given("float32", [], "where")
    return graphc.ops.take(x, where)  # blame


@mistake(errors.GraphcError, "elements cannot be set", "slice_update")
def setting_an_element(session):
    x = given("float32", [3])
    x[0] = 1.0  # blame


# -- products and linear algebra -------------------------------------------------------------------


@mistake(errors.ShapeError, "sizes of 'j' differ", "3 and 2")
def einsum_of_sizes_that_differ(session):
    x = given("float32", [2, 3])
    return graphc.ops.einsum("ij,jk->ik", x, x)  # blame


@mistake(errors.GraphcError, "not made of letters of operands", "'ik'")
def einsum_of_an_unknown_letter(session):
    x = given("float32", [2, 3])
    return graphc.ops.einsum("ij->ik", x)  # blame


@mistake(errors.GraphcError, "2 groups for 1 operands")
def einsum_of_too_few_operands(session):
    x = given("float32", [2, 3])
    return graphc.ops.einsum("ij,jk->ik", x)  # blame


@mistake(errors.ShapeError, "leading sizes that are equal or 1")
def matrices_of_other_batches(session):
    x, y = given("float32", [2, 3, 4]), given("float32", [5, 4, 3], "y")
    return graphc.ops.matmul(x, y)  # blame


@mistake(errors.ShapeError, "size 3 along the axes of the vectors")
def a_cross_product_of_four(session):
    x = given("float32", [4])
    return graphc.ops.cross(x, x)  # blame


# -- element types ---------------------------------------------------------------------------------


@mistake(errors.DTypeError, "is not an element type", "floot32", "float32")
def casting_to_an_unknown_type(session):
    x = given("float32", [3])
    return graphc.ops.cast(x, "floot32")  # blame


@mistake(errors.DTypeError, "and", "float32")
def bits_of_floats(session):
    x = given("float32", [3])
    return x & x  # blame


@mistake(errors.DTypeError, "compare", "complex64")
def comparing_complex_numbers(session):
    x = given("complex64", [3])
    return x < x  # blame


@mistake(errors.DTypeError, "classes are integers", "ops.cast")
def one_hot_of_floats(session):
    x = given("float32", [3])
    return graphc.ops.one_hot(x, 4)  # blame


@mistake(errors.DTypeError, "string")
def the_root_of_a_string(session):
    x = graphc.constant("four")
    return graphc.ops.sqrt(x)  # blame


@mistake(errors.GraphcError, "no number yet", "session.run")
def a_tensor_as_a_python_number(session):
    x = given("float32", [])
    return float(x)  # blame


@mistake(errors.GraphcError, "NumPy cannot read it", ".numpy()")
def a_tensor_as_a_numpy_array(session):
    x = given("float32", [])
    return np.asarray(x)  # blame


@mistake(errors.GraphcError, "length is not known", "ops.shape")
def the_length_of_an_open_axis(session):
    x = given("float32", [None])
    return len(x)  # blame


@mistake(errors.GraphcError, "needs a rate", "1.5")
def dropping_out_more_than_all(session):
    x = given("float32", [3])
    return graphc.random.dropout(x, 1.5)  # blame


@mistake(errors.ShapeError, "logits", "at least one axis")
def classes_of_a_scalar(session):
    x = given("float32", [])
    return graphc.random.categorical(x, 2)  # blame

"""Constant folding: exact, splats stay splats, the graph never grows."""

from __future__ import annotations

import jax
import ml_dtypes
import numpy as np
import pytest

from graphc import settings
from graphc.dimensions import symbol
from graphc.dtypes import as_dtype
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate
from passes.constant_folding import RULES, ConstantFolding
from tests.passes.rewrite_checks import (
    F32,
    I32,
    apply,
    assert_same_bits,
    check_refused,
    graph_of,
    numbers,
)

MATRIX = np.array([[1.5, -0.0, np.inf], [np.nan, 2.0, -3.25]], np.float32)
WHOLE = np.array([[3, -4, 0], [2**31 - 1, -(2**31), 7]], np.int32)
TRUTH = np.array([[True, False, True], [False, False, True]])


def folded(body) -> Graph:
    """The graph of a body without inputs, after folding; its results stay what they were."""
    graph = graph_of(body)
    result = apply(ConstantFolding(), graph)
    assert_same_bits(evaluate(graph, []), evaluate(result, []))
    return result


def constant_array(graph: Graph, position: int = 0) -> np.ndarray:
    node = graph.outputs[position].node
    assert node.op.name == "constant", f"not folded:\n{graph}"
    return node.attributes["value"].array


def splat_number(graph: Graph) -> float:
    node = graph.outputs[0].node
    assert node.op.name == "broadcast_in_dim", f"no splat:\n{graph}"
    (operand,) = node.inputs
    assert operand.node.op.name == "constant"
    assert operand.type.rank == 0
    return operand.node.attributes["value"].scalar


FLOAT_OPS = {
    **{"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "maximum": 2, "minimum": 2},
    **{"sqrt": 1, "negate": 1, "abs": 1, "floor": 1, "ceil": 1, "relu": 1},
    **{"round_nearest_even": 1, "round_nearest_afz": 1, "remainder": 2, "is_finite": 1},
}
WHOLE_OPS = {
    **{"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "remainder": 2, "and": 2, "or": 2},
    **{"xor": 2, "not": 1, "shift_left": 2, "shift_right_logical": 2},
    **{"shift_right_arithmetic": 2, "negate": 1, "abs": 1, "maximum": 2},
}


@pytest.mark.parametrize("splat", [True, False], ids=["splat", "array"])
@pytest.mark.parametrize(
    ("name", "count", "array"),
    [(name, count, MATRIX) for name, count in FLOAT_OPS.items()]
    + [(name, count, WHOLE) for name, count in WHOLE_OPS.items()],
    ids=lambda value: value.dtype.name if isinstance(value, np.ndarray) else None,
)
def test_an_exact_op_of_constants_is_a_constant(name, count, array, splat) -> None:
    def body(build):
        operands = [build.array(array if i == 0 else array[::-1]) for i in range(count)]
        if splat:
            operands = [
                build.full(array.ravel()[i + 1], value.type.dtype, (2, 3))
                for i, value in enumerate(operands)
            ]
        return getattr(build, name)(*operands)

    graph = folded(body)
    assert graph.count() == (2 if splat else 1)
    if splat:
        splat_number(graph)
    else:
        constant_array(graph)


def test_choices_and_parts_are_folded() -> None:
    def body(build):
        x, p = build.array(MATRIX), build.array(TRUTH)
        z = build.complex(x, build.negate(x))
        return (
            build.select(p, x, build.negate(x)),
            build.compare(x, build.full_like(x, 1), direction="LT"),
            build.clamp(build.array(np.float32(-1)), x, build.array(np.float32(1))),
            build.imag(build.conj(z)),
        )

    graph = folded(body)
    assert [node.op.name for node in graph.nodes] == ["constant"] * 4


@pytest.mark.parametrize("target", ["int8", "uint8", "bool", "float64", "bfloat16", "complex64"])
def test_conversions_are_folded_as_xla_does_them(target) -> None:
    graph = folded(lambda b: b.convert(b.array(MATRIX), dtype=target))
    assert constant_array(graph).dtype == as_dtype(target).numpy


LEFT_ALONE = {
    "exponentials are XLA's": lambda b: b.exponential(b.array(MATRIX)),
    "powers are XLA's": lambda b: b.power(b.array(MATRIX), b.full(2.0, as_dtype("f32"), (2, 3))),
    "a sum of floats has many roundings": lambda b: b.reduce_sum(b.array(MATRIX), axes=(0,)),
    "so has a complex product": lambda b: b.multiply(
        b.array(MATRIX.astype(np.complex64)), b.array(MATRIX.astype(np.complex64))
    ),
    "subnormal numbers may be flushed": lambda b: b.multiply(
        b.full(1e-30, as_dtype("f32"), (2,)), b.full(1e-12, as_dtype("f32"), (2,))
    ),
    "float64 to bfloat16 goes by way of float32": lambda b: b.convert(
        b.array(np.array([1 + 2**-8 + 2**-40, 1.0])), dtype="bfloat16"
    ),
    "a large integer to bfloat16 too": lambda b: b.convert(
        b.array(np.array([2**24 + 2**16 + 1, 0], np.int32)), dtype="bfloat16"
    ),
    "a float sum of equal numbers that are not whole": lambda b: b.reduce_sum(
        b.full(0.1, as_dtype("f32"), (3,)), axes=(0,)
    ),
    "a sum that float16 cannot count": lambda b: b.reduce_sum(
        b.full(1.0, as_dtype("f16"), (3000,)), axes=(0,)
    ),
    "the greatest of no elements": lambda b: b.reduce_max(
        b.full(1.0, as_dtype("f32"), (0, 2)), axes=(0,)
    ),
    "ones of many sizes": lambda b: b.broadcast_in_dim(
        b.array(MATRIX), shape=(500, 2, 3), broadcast_dimensions=(1, 2)
    ),
    "bytes to floats would grow four times": lambda b: b.convert(
        b.array(np.arange(200, dtype=np.uint8)), dtype="float32"
    ),
}


@pytest.mark.parametrize("why", LEFT_ALONE)
def test_what_is_not_exact_or_would_grow_is_left_alone(why) -> None:
    check_refused(ConstantFolding(), LEFT_ALONE[why])


def test_nothing_larger_than_the_cap_is_made() -> None:
    array = np.arange(100, dtype=np.float32)
    body = lambda b: b.multiply(b.array(array), b.array(array))  # noqa: E731
    with settings.override(fold_bytes=399):
        check_refused(ConstantFolding(), body, reason="above settings.fold_bytes = 399")
    constant_array(folded(body))


def test_a_constant_that_others_need_is_not_copied() -> None:
    def body(build):
        shared = build.array(np.arange(100, dtype=np.float32))
        return build.negate(shared), build.exponential(shared)

    check_refused(ConstantFolding(), body, reason="in place of 0 bytes")


MOVES = {
    "reshape": lambda b, x: b.reshape(x, shape=(3, 2)),
    "transpose": lambda b, x: b.transpose(x, permutation=(1, 0)),
    "slice": lambda b, x: b.slice(x, start_indices=(0, 0), limit_indices=(2, 2), strides=(1, 1)),
    "reverse": lambda b, x: b.reverse(x, dimensions=(1,)),
    "broadcast_in_dim": lambda b, x: b.broadcast_in_dim(
        x, shape=(4, 2, 3), broadcast_dimensions=(1, 2)
    ),
    "concatenate": lambda b, x: b.concatenate(x, x, dimension=0),
    "pad": lambda b, x: b.pad(
        x, b.full(2.0, x.type.dtype), low=(1, 0), high=(0, -1), interior=(0, 1)
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_one_number_stays_one_number_whatever_moves_it(name) -> None:
    graph = folded(lambda b: MOVES[name](b, b.full(2.0, as_dtype("f32"), (2, 3))))
    assert splat_number(graph) == 2.0
    assert graph.count() == 2


@pytest.mark.parametrize("name", MOVES)
def test_moves_of_small_arrays_are_folded(name) -> None:
    constant_array(folded(lambda b: MOVES[name](b, b.array(MATRIX))))


def test_splats_of_symbolic_size_are_computed_with() -> None:
    n = symbol("n")

    def body(build):
        two, three = (build.full(k, as_dtype("f32"), (n, 3)) for k in (2.0, 3.0))
        rows = build.reshape(build.multiply(two, three), shape=(3, n))
        return build.compare(rows, build.full_like(rows, 7), direction="LT")

    result = ConstantFolding()(graph_of(body)).graph
    assert splat_number(result)
    assert result.outputs[0].type is as_type("bool", (3, n))


def test_an_array_beside_a_splat_whose_size_a_feed_tells_is_left_alone() -> None:
    def body(build):
        no = build.full(False, as_dtype("bool"), (symbol("n"), 3))
        return getattr(build, "or")(build.array(TRUTH), no)

    result = apply(ConstantFolding(), graph_of(body))
    assert [node.op.name for node in result.nodes].count("or") == 1


def test_an_array_of_equal_elements_is_a_splat_but_minus_zero_is_another_number() -> None:
    assert splat_number(folded(lambda b: b.array(np.full((2, 3), 7, np.int32)))) == 7
    zeros = np.array([0.0, -0.0, 0.0], np.float32)
    check_refused(ConstantFolding(), lambda b: b.array(zeros))


def test_one_element_is_a_constant_of_its_shape() -> None:
    graph = folded(lambda b: b.full(3.0, as_dtype("f32"), (1, 1)))
    assert constant_array(graph).shape == (1, 1)


@pytest.mark.parametrize(
    ("name", "expected"), [("reduce_max", 2), ("reduce_min", 2), ("reduce_sum", 2000)]
)
def test_equal_numbers_are_reduced_without_being_written_out(name, expected) -> None:
    graph = folded(
        lambda b: getattr(b, name)(b.full(2.0, as_dtype("f32"), (10, 100, 3)), axes=(0, 1))
    )
    assert splat_number(graph) == expected


def test_reductions_of_whole_numbers_are_folded_and_wrap_around() -> None:
    def body(build):
        x = build.array(WHOLE)
        return [
            getattr(build, f"reduce_{name}")(x, axes=(0, 1))
            for name in ("sum", "product", "max", "min", "and", "or")
        ]

    graph = folded(body)
    assert graph.count("constant") == graph.count()


def test_sizes_that_are_known_are_constants_and_others_are_not() -> None:
    n = symbol("n")
    graph = graph_of(
        lambda b, x: (b.dimension_size(x, axis=1), b.dimension_size(x, axis=0)),
        as_type("float32", (n, 3)),
    )
    result = apply(ConstantFolding(), graph)
    assert constant_array(result) == 3
    assert result.outputs[1].node.op.name == "dimension_size"


def branch(name: str) -> Graph:
    build = GraphBuilder()
    x, y = build.input(F32, "x"), build.input(F32, "y")
    return build.finish([getattr(build, name)(x, y), x])


@pytest.mark.parametrize(("index", "taken"), [(1, "multiply"), (-3, "add"), (7, "subtract")])
def test_a_branch_whose_number_is_known_stands_in_place(index: int, taken: str) -> None:
    def body(build, x, y):
        regions = tuple([branch(name) for name in ("add", "multiply", "subtract")])
        return build.case(build.array(np.int32(index)), x, y, regions=regions)

    graph = apply(ConstantFolding(), graph_of(body, F32, F32))
    assert [node.op.name for node in graph.nodes if node.op.name != "input"] == [taken]


@pytest.mark.parametrize("flag", [True, False])
def test_a_branch_that_is_always_taken_stands_in_place(flag) -> None:
    def body(build, x, y):
        predicate = build.compare(
            build.array(np.int32(1)), build.array(np.int32(int(flag))), direction="LE"
        )
        return build.cond(predicate, x, y, regions=(branch("add"), branch("multiply")))

    result = apply(ConstantFolding(), graph_of(body, F32, F32))
    name = "add" if flag else "multiply"
    expected = graph_of(lambda b, x, y: (getattr(b, name)(x, y), x), F32, F32)
    assert first_difference(result, expected) is None


def test_folding_reaches_into_bodies() -> None:
    build = GraphBuilder()
    carry = build.input(I32, "carry")
    two = build.array(WHOLE)
    body = build.finish([build.add(carry, build.add(two, two))])
    graph = graph_of(lambda b, x: b.scan(x, carries=1, length=5, regions=(body,)), I32)
    result = apply(ConstantFolding(), graph)
    (loop,) = [node for node in result.nodes if node.op.name == "scan"]
    assert [node.op.name for node in loop.regions[0].nodes] == ["input", "constant", "add"]
    arrays = [WHOLE]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


def test_no_gradient_of_a_constant_needs_to_be_stopped() -> None:
    constant_array(folded(lambda b: b.stop_gradient(b.array(MATRIX))))


def test_narrow_floats_are_rounded_once() -> None:
    numbers = np.array([1.0, 3.0, 0.1, 7.0], ml_dtypes.bfloat16)
    graph = folded(lambda b: b.divide(b.array(numbers), b.array(numbers[::-1])))
    exact = numbers.astype(np.float64) / numbers[::-1].astype(np.float64)
    np.testing.assert_array_equal(constant_array(graph), exact.astype(ml_dtypes.bfloat16))


@pytest.mark.cpu
@pytest.mark.parametrize(
    ("name", "count", "type_"),
    [(name, count, F32) for name, count in FLOAT_OPS.items()]
    + [(name, count, I32) for name, count in WHOLE_OPS.items()],
)
def test_what_is_folded_has_every_bit_that_xla_computes(name, count, type_) -> None:
    graph = graph_of(lambda b, *x: getattr(b, name)(*x), *[type_] * count)
    compiled = jax.jit(lambda *x: trace_graph(graph, x))
    for salt in range(8):
        arrays = [numbers(type_, 10 * salt + i) for i in range(count)]
        found = compiled(*arrays)
        assert_same_bits(evaluate(graph, arrays), [np.asarray(array) for array in found])


# The rules that the tests above try one by one.
TRIED = {
    *(f"fold_{name}" for name in (*FLOAT_OPS, *WHOLE_OPS, *MOVES)),
    *(f"fold_{name}" for name in ("select", "compare", "clamp", "complex", "imag", "conj")),
    *("fold_convert", "fold_dimension_size", "take_known_branch", "stop_gradient_of_constant"),
    "take_known_case",
    *("splat_of_equal_elements", "concatenate_splats", "pad_splat"),
    *(f"move_splat_by_{name}" for name in (*MOVES,) if name not in ("concatenate", "pad")),
    *(f"splat_reduce_{name}" for name in ("max", "min", "sum")),
    *(f"fold_reduce_{name}" for name in ("sum", "product", "max", "min", "and", "or")),
}


def test_every_rule_is_exact_and_tried() -> None:
    assert {rule.numerics for rule in RULES} == {"exact"}
    untried = {rule.name for rule in RULES} - TRIED
    assert untried == {"fold_real", "splat_reduce_and", "splat_reduce_or"}


@pytest.mark.parametrize("name", ["and", "or"])
def test_truth_values_many_times_are_one(name) -> None:
    splat = folded(
        lambda b: getattr(b, f"reduce_{name}")(b.full(True, as_dtype("bool"), (4, 2)), axes=(0,))
    )
    assert splat_number(splat) is np.True_


def test_the_real_part_is_folded() -> None:
    constant_array(folded(lambda b: b.real(b.array(MATRIX.astype(np.complex64)))))

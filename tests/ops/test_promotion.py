"""Element types of results, operators, names, origins, and operands of every kind."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphMixError, ShapeError
from tests.ops.evaluation import value_of

DTYPES = (
    *("bool", "int8", "uint8", "int32", "uint32", "int64", "float16", "bfloat16"),
    *("float32", "float64", "complex64", "complex128"),
)


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_two_tensors_promote_as_in_jax(left: str, right: str) -> None:
    x, y = graphc.placeholder(left, [2]), graphc.placeholder(right, [2])
    with jax.enable_x64(True):
        expected = jnp.multiply(jnp.ones(2, left), jnp.ones(2, right)).dtype
    assert (x * y).dtype == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [2, 2.5, 1j])
def test_a_python_number_takes_the_type_of_the_tensor_beside_it(dtype: str, number: Any) -> None:
    x = graphc.placeholder(dtype, [2])
    with jax.enable_x64(False):  # the default float has 32 bits
        wide = {"int64": "int32", "float64": "float32", "complex128": "complex64"}
        expected = jnp.multiply(jnp.ones(2, wide.get(dtype, dtype)), number).dtype
    if dtype in wide and str(expected) == wide[dtype]:
        expected = dtype
    if dtype == "float64" and number == 1j:
        expected = "complex128"
    assert (x * number).dtype == expected
    assert (number * x).dtype == expected


def test_quotients_of_integers_are_floats() -> None:
    x = graphc.placeholder("int32", [2])
    assert (x / 2).dtype == "float32"
    assert (x // 2).dtype == "int32"
    with graphc.settings.floatx.as_("float64"):
        assert (x / x).dtype == "float64"


@pytest.mark.parametrize(
    ("dtype", "total", "mean"),
    [("bool", "int32", "float32"), ("int8", "int32", "float32"), ("uint8", "uint32", "float32"),
     ("int64", "int64", "float32"), ("bfloat16", "bfloat16", "bfloat16"),
     ("float64", "float64", "float64")],
)  # fmt: skip
def test_sums_are_wide_and_means_are_floats(dtype: str, total: str, mean: str) -> None:
    x = graphc.placeholder(dtype, [3])
    assert ops.sum(x).dtype == total
    assert ops.cumsum(x).dtype == (dtype if dtype != "bool" else "int32")
    assert ops.mean(x).dtype == mean
    assert ops.var(x).dtype == mean
    assert ops.argmax(x).dtype == "int32"


def test_narrow_floats_are_averaged_in_float32() -> None:
    x = np.full(5000, 1.0, np.float16)
    assert value_of(ops.mean(x * np.float16(20))) == 20.0  # the sum is beyond float16


OPERATORS: list[tuple[Any, Any]] = [
    (lambda x, y: x + y, np.add),
    (lambda x, y: x - y, np.subtract),
    (lambda x, y: x * y, np.multiply),
    (lambda x, y: x / y, np.divide),
    (lambda x, y: x // y, np.floor_divide),
    (lambda x, y: x % y, np.mod),
    (lambda x, y: x**2, lambda x, y: x**2),
    (lambda x, y: 2.0**x, lambda x, y: 2.0**x),
    (lambda x, y: x @ y, np.matmul),
    (lambda x, y: -x, lambda x, y: -x),
    (lambda x, y: abs(x), lambda x, y: abs(x)),
    (lambda x, y: x < y, np.less),
    (lambda x, y: x <= y, np.less_equal),
    (lambda x, y: x > y, np.greater),
    (lambda x, y: x >= y, np.greater_equal),
    (lambda x, y: (x < 1) & (y < 1), lambda x, y: (x < 1) & (y < 1)),
    (lambda x, y: (x < 1) | (y < 1), lambda x, y: (x < 1) | (y < 1)),
    (lambda x, y: (x < 1) ^ (y < 1), lambda x, y: (x < 1) ^ (y < 1)),
    (lambda x, y: ~(x < 1), lambda x, y: ~(x < 1)),
    (lambda x, y: 1 - x, lambda x, y: 1 - x),
    (lambda x, y: 1 / y, lambda x, y: 1 / y),
    (lambda x, y: 5 // y, lambda x, y: 5 // y),
    (lambda x, y: 5 % y, lambda x, y: 5 % y),
    (lambda x, y: x**-2, lambda x, y: x**-2.0),
    (lambda x, y: x**0, lambda x, y: x**0),
    (lambda x, y: x**1, lambda x, y: x),
    (lambda x, y: x**0.5, lambda x, y: x**0.5),
    (lambda x, y: x**13, lambda x, y: x**13),
]


@pytest.mark.parametrize("case", range(len(OPERATORS)))
def test_operators_work_on_tensors_variables_and_arrays(case: int) -> None:
    function, expected = OPERATORS[case]
    x, y = np.float32([[0.5, 2], [3, 0.25]]), np.float32([[1, 0.5], [2, 4]])
    wanted = expected(x, y)
    variable = graphc.Variable(y)
    made = [
        function(graphc.constant(x), graphc.constant(y)),
        function(graphc.constant(x), variable),
    ]
    made += [function(graphc.constant(x), y), function(graphc.Variable(x), y)]
    made = [tensor for tensor in made if isinstance(tensor, graphc.Tensor)]  # 1 / y is NumPy's
    with graphc.Session() as session:
        for found in session.run(made):
            np.testing.assert_allclose(found, wanted, rtol=2e-6)


def test_numpy_leaves_its_operators_to_the_tensor() -> None:
    x, array = graphc.constant(np.float32([1, 2])), np.float32([3, 4])
    for made in (array + x, array * x, array @ x, np.float32(3) - x, array < x):
        assert isinstance(made, graphc.Tensor)


def test_an_array_keeps_its_exact_type() -> None:
    x = graphc.placeholder("float32", [2])
    assert (x * np.full(2, 2.0)).dtype == (x * np.array(2.0)).dtype == "float64"
    assert graphc.constant(np.float64(2)).dtype == "float64"
    assert (x * np.int64(2)).dtype == "float32"
    assert ops.add([1, 2], 3).dtype == "int32"
    assert ops.add([1, 2.5], 3).dtype == "float32"


def test_what_numpy_computes_of_a_number_is_a_number() -> None:
    x, wide = graphc.placeholder("float32", [2]), graphc.placeholder("float64", [2])
    count = graphc.placeholder("int32", [2])
    for made in (x / np.sqrt(64), np.sqrt(64) * x, ops.maximum(x, np.float64(1)), count / np.e):
        assert made.dtype == "float32"
    assert (np.sqrt(2) * wide).dtype == "float64"
    found = graphc.Session().run(x * np.sqrt(2) - x * float(np.sqrt(2)), {x: [1, 3]})
    np.testing.assert_array_equal(found, 0)


def test_numbers_that_do_not_fit_are_refused() -> None:
    x = graphc.placeholder("uint8", [2])
    with pytest.raises(DTypeError):
        x + 300
    with pytest.raises(DTypeError):
        x - (-1)


@pytest.mark.parametrize("exponent", [-1, np.int32(-2), np.int32([1, -1])])
def test_integers_to_a_negative_power_are_refused(exponent: Any) -> None:
    with pytest.raises(DTypeError, match="negative integer power") as caught:
        graphc.placeholder("int32", [2]) ** exponent
    assert "float" in str(caught.value)


def test_powers_by_numbers_are_products() -> None:
    graph = graphc.Graph()
    with graph.as_default():
        x = graphc.placeholder("float32", [2])
        _ = x**5
        types = [operation.type for operation in graph.get_operations()]
    assert types == ["input", "multiply", "multiply", "multiply"]


def test_a_zero_keeps_its_sign() -> None:
    x = graphc.constant(np.float32([5.0]))
    with graphc.Session() as session:
        positive, negative = session.run([ops.copy(x * 0.0), ops.multiply(x, -0.0)])
    assert not np.signbit(positive)[0]
    assert np.signbit(negative)[0]


def test_the_result_has_the_name_that_was_asked_for() -> None:
    x = graphc.placeholder("float32", [2, 3])
    for made in (
        ops.add(x, 1, name="a"),
        ops.mean(x, name="b"),
        ops.reshape(x, (2, 3), name="c"),
        ops.transpose(x[None], (0, 1, 2), name="d"),
        ops.power(x, 5, name="e"),
        ops.std(x, 0, True, name="f"),
        ops.squeeze(x, name="g"),
        ops.take(x, [0], 1, name="h"),
        ops.einsum("ij->ij", x, name="i"),
        ops.where(x > 0, x, 0.0, name="j"),
        ops.floor_divide(x, 2.0, name="k"),
        ops.max(x, initial=0.0, name="l"),
        ops.cast(x, "float32", name="m"),
    ):
        assert made.graph.get_tensor_by_name(f"{'abcdefghijklm'[made_index(made)]}:0") is made


def made_index(tensor: graphc.Tensor) -> int:
    return "abcdefghijklm".index(tensor.name.removesuffix(":0"))


def test_errors_and_nodes_name_the_users_line() -> None:
    x, y = graphc.placeholder("float32", [2, 3]), graphc.placeholder("float32", [4])
    assert ops.mean(x).origin.file == __file__
    for make in (lambda: x + y, lambda: ops.where(x > 0, x, y), lambda: ops.concatenate([x, y]),
                 lambda: ops.sum(x, 2), lambda: ops.transpose(x, (0, 0))):  # fmt: skip
        with pytest.raises(ShapeError) as caught:
            make()
        assert caught.value.origin is not None
        assert caught.value.origin.file == __file__


def test_tensors_of_two_graphs_do_not_mix() -> None:
    tensors: list[Any] = []
    for _ in range(2):
        with graphc.Graph().as_default():
            tensors.append(graphc.placeholder("float32", [2]))
    for make in (lambda: tensors[0] + tensors[1], lambda: ops.concatenate(tensors)):
        with pytest.raises(GraphMixError):
            make()


def test_sizes_that_are_not_known_meet_as_an_equation() -> None:
    x, y = graphc.placeholder("float32", [None]), graphc.placeholder("float32", [None])
    total = x + y
    with graphc.Session() as session:
        assert session.run(total, {x: [1.0], y: [2.0]}).tolist() == [3.0]
        with pytest.raises(graphc.errors.GraphcError):
            session.run(total, {x: [1.0], y: [2.0, 3.0]})

"""Elementwise ops: what their type rules refuse, and what no sample of the contract shows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.dimensions import symbol
from graphc.errors import AttributeValueError, DTypeError, GraphcError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.reference.evaluator import evaluate

F32, F64, C64 = (as_type(name, (2, 3)) for name in ("float32", "float64", "complex64"))
I32, U8, BOOL = (as_type(name, (2, 3)) for name in ("int32", "uint8", "bool"))


def type_of(op_name: str, *types: TensorType, **attributes: object) -> TensorType:
    build = GraphBuilder()
    values = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    return getattr(build, op_name)(*values, **attributes).type


@pytest.mark.parametrize(
    ("op_name", "types", "error"),
    [
        ("add", (F32, F64), DTypeError),
        ("add", (BOOL, BOOL), DTypeError),
        ("add", (F32, as_type("float32", (3, 2))), ShapeError),
        ("add", (F32, as_type("float32")), ShapeError),
        ("add", (F32,), ShapeError),
        ("abs", (U8,), DTypeError),
        ("remainder", (C64, C64), DTypeError),
        ("power", (I32, I32), DTypeError),
        ("clamp", (C64, C64, C64), DTypeError),
        ("popcnt", (F32,), DTypeError),
        ("count_leading_zeros", (BOOL,), DTypeError),
        ("next_after", (C64, C64), DTypeError),
        ("floor", (I32,), DTypeError),
        ("sqrt", (I32,), DTypeError),
        ("cbrt", (C64,), DTypeError),
        ("and", (F32, F32), DTypeError),
        ("shift_left", (BOOL, BOOL), DTypeError),
        ("real", (F32,), DTypeError),
        ("complex", (as_type("float16"), as_type("float16")), DTypeError),
        ("select", (F32, F32, F32), DTypeError),
        ("select", (BOOL, F32, F64), DTypeError),
        ("select", (as_type("bool", (2,)), F32, F32), ShapeError),
        ("clamp", (as_type("float32", (3,)), F32, F32), ShapeError),
        ("clamp", (F32, as_type("float32"), F32), ShapeError),
        ("clamp", (I32, F32, I32), DTypeError),
    ],
)
def test_operands_that_do_not_fit_are_refused(
    op_name: str, types: tuple[TensorType, ...], error: type[GraphcError]
) -> None:
    with pytest.raises(error, match=f"^{op_name}: "):
        type_of(op_name, *types)


def test_attributes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(AttributeValueError, match="one of EQ, NE, LT, LE, GT, GE"):
        type_of("compare", F32, F32, direction="eq")
    with pytest.raises(DTypeError, match="complex64"):
        type_of("compare", C64, C64, direction="LT")
    with pytest.raises(DTypeError, match="strings"):
        type_of("convert", F32, dtype="string")
    with pytest.raises(DTypeError, match="not taken for bool"):
        type_of("bitcast_convert", F32, dtype="bool")
    with pytest.raises(ShapeError, match="number of parts"):
        type_of("bitcast_convert", F32, dtype="float64")
    with pytest.raises(ShapeError, match="no axes"):
        type_of("bitcast_convert", as_type("uint8"), dtype="float32")
    with pytest.raises(AttributeValueError, match="make no number"):
        type_of("reduce_precision", F32, exponent_bits=0, mantissa_bits=3)


@pytest.mark.parametrize(
    ("op_name", "types", "attributes", "expected"),
    [
        ("abs", (C64,), {}, F32),
        ("complex", (F64, F64), {}, as_type("complex128", (2, 3))),
        ("imag", (C64,), {}, F32),
        ("is_finite", (F32,), {}, BOOL),
        ("compare", (C64, C64), {"direction": "NE"}, BOOL),
        ("select", (as_type("bool"), C64, C64), {}, C64),
        ("clamp", (as_type("float32"), F32, F32), {}, F32),
        ("convert", (BOOL,), {"dtype": "complex64"}, C64),
        ("bitcast_convert", (F32,), {"dtype": "int32"}, I32),
        ("bitcast_convert", (F32,), {"dtype": "uint8"}, as_type("uint8", (2, 3, 4))),
        (
            "bitcast_convert",
            (as_type("uint8", (2, symbol("parts"))),),
            {"dtype": "float32"},
            as_type("float32", (2,)),
        ),
    ],
)
def test_types_of_results(
    op_name: str, types: tuple[TensorType, ...], attributes: dict[str, str], expected: TensorType
) -> None:
    assert type_of(op_name, *types, **attributes) is expected


def test_two_symbols_that_meet_become_a_constraint() -> None:
    n, m = symbol("n"), symbol("m")
    build = GraphBuilder()
    x, y = (build.input(as_type("float32", (size, 2)), str(size)) for size in (n, m))
    mask = build.compare(x, x, direction="EQ")
    assert not build.constraints
    graph = build.finish([build.select(mask, x, y)])
    assert [str(constraint) for constraint in graph.constraints] == ["n == m"]


@pytest.mark.parametrize("name", ["and_", "or_", "not_"])
def test_a_name_that_python_has_taken_is_written_with_an_underscore(name: str) -> None:
    build = GraphBuilder()
    operands = [build.input(BOOL, f"x{i}") for i in range(1 if name == "not_" else 2)]
    assert getattr(build, name)(*operands).node.op is REGISTRY[name.removesuffix("_")]


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_second_derivatives_are_those_of_jax(dtype: str) -> None:
    """A gradient rule is made of ops with gradients: it can be differentiated again."""
    x = np.array([0.3, 0.7, 1.1]).astype(dtype)
    formulas = {
        "tanh": jnp.tanh,
        "logistic": jax.nn.sigmoid,
        "sqrt": jnp.sqrt,
        "rsqrt": jax.lax.rsqrt,
        "log": jnp.log,
        "tan": jnp.tan,
        "sine": jnp.sin,
        "exponential_minus_one": jnp.expm1,
        "log_plus_one": jnp.log1p,
    }
    for name, function in formulas.items():
        build = GraphBuilder()
        value = build.input(as_type(dtype, x.shape), "x")
        once = vjp_graph(build.finish([getattr(build, name)(value)]), [0])
        twice = vjp_graph(once, [0])
        ones = np.ones_like(x)
        (found,) = evaluate(twice, [x, ones, ones])
        holomorphic = dtype == "complex64"
        first = jax.grad(function, holomorphic=holomorphic)
        second = jax.vmap(jax.grad(first, holomorphic=holomorphic))
        np.testing.assert_allclose(found, second(x), rtol=1e-4, err_msg=name)

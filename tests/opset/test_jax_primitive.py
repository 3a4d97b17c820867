"""JAX primitives as ops: types, numbers and gradients of JAX, and what is kept out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Primitive

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import (
    AttributeValueError,
    DTypeError,
    GradientError,
    GraphcError,
    ModelFileError,
    ParseError,
    ShapeError,
)
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import append_gradients, vjp_graph
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.types import TensorType, as_type, type_of_array
from graphc.lowering.tracing import trace_graph
from graphc.opset.jax_primitive.storage import STORABLE, require_storable
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of

VECTOR = as_type("float32", (3,))


def graph_of_equation(function: Any, *arrays: Any, position: int = 0) -> Graph:
    """One equation of a traced function as a graph, as an importer makes it."""
    jaxpr = jax.make_jaxpr(function)(*arrays)
    equation = jaxpr.jaxpr.eqns[position]
    types = [as_type(var.aval.dtype, var.aval.shape) for var in equation.invars]

    def write(build: Any, *operands: Any) -> Any:
        made = build.jax_primitive(
            *operands, primitive=equation.primitive, parameters=equation.params
        )
        return list(made) if isinstance(made, tuple) else [made]

    return graph_of(write, *types)


def apply(name: str, *types: TensorType, **parameters: Any) -> Graph:
    def write(build: Any, *operands: Any) -> Any:
        made = build.jax_primitive(*operands, primitive=name, parameters=parameters)
        return list(made) if isinstance(made, tuple) else [made]

    return graph_of(write, *types)


FUNCTIONS: dict[str, tuple[Any, list[np.ndarray]]] = {
    "lgamma": (lax.lgamma, [draw(3, low=0.5, high=3)]),
    "two operands": (lax.igamma, [draw(3, low=1, high=3), draw(3, low=1, high=3, salt=1)]),
    "cumulative": (lambda x: lax.cumlogsumexp(x, axis=0), [draw(4)]),
    "several results": (lambda *xs: lax.sort(xs, num_keys=1), [draw(5), draw(5, salt=1)]),
    "an integer result": (lambda x: lax.top_k(x, 2), [draw(5)]),
    "record parameters": (
        lambda x, k: lax.conv_general_dilated(x, k, (1,), "SAME"),
        [draw(1, 2, 5), draw(3, 2, 3, salt=1)],
    ),
    "an enumeration": (
        lambda x, i: lax.gather(
            x,
            i,
            lax.GatherDimensionNumbers((), (0,), (0,)),
            (1,),
            mode=lax.GatherScatterMode.CLIP,
        ),
        [draw(5), np.array([[1], [3], [9]], np.int32)],
    ),
    "linear algebra": (
        lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True),
        [draw(3, 3) + 3 * np.eye(3, dtype=np.float32), draw(3, 2, salt=1)],
    ),
}
# JAX has the derivative of igamma by its first operand, but not the derivative of that
GRADIENTS = [name for name in FUNCTIONS if name != "two operands"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_types_are_those_of_jax(name: str) -> None:
    function, arrays = FUNCTIONS[name]
    graph = graph_of_equation(function, *arrays)
    expected = jax.tree.leaves(function(*arrays))
    assert [str(v.type) for v in graph.outputs] == [
        str(type_of_array(np.asarray(array))) for array in expected
    ]
    for found in (trace_graph(graph, arrays), evaluate(graph, arrays)):
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_those_of_jax(name: str, order: int) -> None:
    function, arrays = FUNCTIONS[name]
    graph = graph_of_equation(function, *arrays)
    wanted = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]
    made = check_gradients(graph, arrays, wanted, order, rtol=1e-3)
    assert max(len(n.attributes["wanted"]) for n in made.nodes if n.op.name == "jax_vjp") == order


def test_where_jax_runs_out_of_derivatives_it_is_an_error() -> None:
    function, arrays = FUNCTIONS["two operands"]
    graph = graph_of_equation(function, *arrays)
    first = check_gradients(graph, arrays, [0, 1], 1, rtol=1e-3)
    with pytest.raises(GradientError, match="JAX does not differentiate igamma here"):
        vjp_graph(first, [0, 1])


@pytest.mark.parametrize("name", [*GRADIENTS, "two operands"])
def test_text_of_plain_parameters_is_read_back(name: str) -> None:
    function, arrays = FUNCTIONS[name]
    graph = graph_of_equation(function, *arrays)
    gradient = vjp_graph(graph, [0])
    for each in (graph, gradient):
        again = parse(str(each))
        assert str(again) == str(each)
        assert first_difference(again, each) is None
        require_storable(each)


def test_the_text_names_the_primitive_and_its_parameters() -> None:
    line = str(apply("integer_pow", VECTOR, y=3)).splitlines()[3]
    assert line == ('  %1 = jax_primitive(%0) {primitive="integer_pow", parameters={y=3}} : f32[3]')


def test_an_operand_off_the_path_is_not_differentiated() -> None:
    graph = apply("atan2", VECTOR, VECTOR)
    (node,) = [n for n in vjp_graph(graph, [1]).nodes if n.op.name == "jax_vjp"]
    assert node.attributes["wanted"] == ((1,),)
    assert len(node.outputs) == 1


def custom(x: Any) -> Any:
    @jax.custom_jvp
    def function(x: Any) -> Any:
        return jnp.sin(x)

    function.defjvp(lambda primals, tangents: (function(*primals), 10 * tangents[0]))
    return function(x)


def test_a_call_with_functions_inside_runs_and_differentiates() -> None:
    x = draw(3)
    graph = graph_of_equation(custom, x)
    assert "opaque[#" in str(graph)
    np.testing.assert_allclose(trace_graph(graph, [x])[0], np.sin(x), rtol=1e-6)
    gradient = vjp_graph(graph, [0])
    (slope,) = trace_graph(gradient, [x, np.ones(3, np.float32)])
    np.testing.assert_array_equal(slope, np.full(3, 10, np.float32))


def test_opaque_text_is_not_read_back_and_says_why() -> None:
    graph = graph_of_equation(custom, draw(3))
    with pytest.raises(ParseError, match="text cannot bring it back"):
        parse(str(graph))
    with pytest.raises(ModelFileError, match="may not name the JAX primitive 'custom_jvp_call'"):
        require_storable(graph)


def test_a_listed_primitive_with_opaque_parameters_is_not_stored() -> None:
    class Anything:
        pass

    graph = apply("exp2", VECTOR)
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    node = graph.nodes[-1]
    attributes = node.op.attributes.make(
        {"primitive": "exp2", "parameters": {"accuracy": Anything()}}, "jax_primitive"
    )
    stored = build.finish(build.make(node.op, (x,), attributes).outputs)
    require_storable(graph)
    with pytest.raises(ModelFileError, match="not plain data"):
        require_storable(stored)


def test_listed_primitives_exist() -> None:
    known = {p.name for m in (lax, lax.linalg) for p in vars(m).values() if type(p) is Primitive}
    assert len(STORABLE & known) > 100
    assert not STORABLE & {
        "pure_callback",
        "io_callback",
        "debug_callback",
        "jit",
        "custom_jvp_call",
    }


def test_effects_are_refused_by_name() -> None:
    def printing(x: Any) -> Any:
        jax.debug.print("{}", x)
        return x

    with pytest.raises(GraphcError, match=r"debug_\w+ has effects"):
        graph_of_equation(printing, draw(3))


def test_effects_inside_a_call_are_refused_too() -> None:
    @jax.jit
    def printing(x: Any) -> Any:
        jax.debug.print("{}", x)
        return x + 1

    with pytest.raises(GraphcError, match="jit has effects"):
        graph_of_equation(printing, draw(3))


@pytest.mark.parametrize(
    ("name", "types", "parameters", "error", "words"),
    [
        ("no_such_thing", (VECTOR,), {}, GraphcError, "no public JAX primitive named"),
        ("lgamma", (as_type("int32"),), {}, (DTypeError, ShapeError), "JAX refuses lgamma"),
        ("atan2", (VECTOR, as_type("float32", (4,))), {}, ShapeError, "JAX refuses atan2"),
        ("integer_pow", (VECTOR,), {}, (DTypeError, ShapeError), "JAX refuses integer_pow"),
        ("lgamma", (as_type("float32", (symbol("n"),)),), {}, ShapeError, "know every size"),
        ("lgamma", (as_type("string"),), {}, DTypeError, "operand 0 is string"),
    ],
)
def test_what_jax_does_not_take_is_refused(
    name: str, types: tuple[TensorType, ...], parameters: dict[str, Any], error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        apply(name, *types, **parameters)


def test_results_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(GraphcError, match="random_wrap"):
        graph_of_equation(lambda x: jax.random.wrap_key_data(x), np.zeros(2, np.uint32))


def test_a_primitive_without_a_derivative_says_so() -> None:
    def smooth(x: Any) -> Any:
        return lax.reduce_precision(x, 5, 10)

    assert vjp_graph(graph_of_equation(smooth, draw(3)), [0]).count("jax_vjp") == 1
    unknown = Primitive("without_a_derivative")
    unknown.def_abstract_eval(lambda x: x)
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    y = build.jax_primitive(x, primitive=unknown)
    with pytest.raises(GradientError, match="JAX does not differentiate without_a_derivative"):
        append_gradients(build, [*build.nodes], [y], [None], [x])


def test_a_primitive_is_known_by_name_once_it_was_given() -> None:
    mine, other = Primitive("known_to_this_test"), Primitive("known_to_this_test")
    mine.def_abstract_eval(lambda x: x)
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    graph = build.finish([build.jax_primitive(x, primitive=mine)])
    assert str(parse(str(graph))) == str(graph)
    with pytest.raises(AttributeValueError, match="another primitive named"):
        build.jax_primitive(x, primitive=other)
    with pytest.raises(AttributeValueError, match="neither a JAX primitive"):
        build.jax_primitive(x, primitive=3)


def test_64_bit_types_do_not_depend_on_the_flag() -> None:
    wide = as_type("float64", (3,))
    graph = apply("lgamma", wide)
    assert graph.outputs[0].type is wide
    assert vjp_graph(graph, [0]).outputs[0].type is wide
    values = draw(3, low=0.5, high=3, dtype="float64")
    assert evaluate(graph, [values])[0].dtype == np.float64

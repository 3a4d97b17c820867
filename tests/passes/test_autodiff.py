"""Gradient intents written out: the graphs, the numbers against JAX, and the refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphc.errors import GradientError
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpSpec, TracedLowering, Trait
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext
from passes.autodiff import Autodiff
from passes.functional import Functional
from passes.tap_removal import TapRemoval
from tests.passes.built_programs import F64, VECTOR, Program, body, op_names, run
from tests.passes.networks import NETWORKS, Network, parameters

WIDE = as_type("float64", (3,))
X = np.array([0.3, -0.7, 1.1])


def differentiated(graph: Graph, context: PassContext | None = None) -> Graph:
    """The graph without state, intents and taps."""
    for step in (Functional(), Autodiff(), TapRemoval()):
        graph = step(graph, context).graph
    assert not {"gradient", "tap"} & {node.op.name for node in graph.walk()}
    return graph


def total(b: Program, value: Value) -> Value:
    return b.reduce_sum(value, axes=tuple(range(value.type.rank)))


def check(
    write: Callable[[Program, Value], list[Value]], expected: Callable[[Any], Any], x: Any = X
) -> Graph:
    """Compare a program of one input with a JAX function that gives as many results."""
    program = Program()
    given = program.input(as_type(str(np.asarray(x).dtype), np.shape(x)), "x", "feed")
    graph = differentiated(program.graph(*write(program, given)))
    found, _ = run(graph, feeds={"x": x})
    with jax.enable_x64(True):
        wanted = expected(jnp.asarray(x))
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), rtol=1e-9, atol=1e-12)
    return graph


# --- graphs ---------------------------------------------------------------------------------------


def test_the_graph_of_a_first_gradient() -> None:
    program = Program()
    x = program.at(3).input(VECTOR, "x", "feed")
    y = program.at(4, "layer/exp").exponential(x)
    z = program.at(5, "loss").multiply(y, y)
    (gradient,) = program.at(6, "gradients").differentiate([z], [x])
    graph = differentiated(program.graph(gradient))
    assert [line.strip() for line in str(graph).splitlines()[2:-1]] == [
        'input %0 : f32[3] feed "x"',
        '%1 = constant() {value=f32[] 1.0} : f32[] "gradients"',
        '%2 = broadcast_in_dim(%1) {shape=[3], broadcast_dimensions=[]} : f32[3] "gradients"',
        '%3 = exponential(%0) : f32[3] "layer/exp"',
        '%4 = multiply(%2, %3) : f32[3] "gradients/loss"',
        '%5 = multiply(%2, %3) : f32[3] "gradients/loss"',
        '%6 = add(%4, %5) : f32[3] "gradients/loss"',
        '%7 = multiply(%6, %3) : f32[3] "gradients/layer/exp"',
        "return %7",
    ]
    last = graph.outputs[0].node
    assert (last.origin.line, last.origin.rules) == (4, ("autodiff",))
    assert last.inputs[0].node.origin.line == 5


def test_a_graph_without_intents_comes_back_as_it_is() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    graph = program.graph(program.sine(x))
    for step in (Autodiff(), TapRemoval()):
        result = step(graph)
        assert not result.changed
        assert result.graph is graph


def test_old_values_are_found_after_differentiation() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    y = program.sine(x)
    (gradient,) = program.differentiate([y], [x])
    result = Autodiff()(program.graph(gradient, y))
    assert result.values[gradient] is result.graph.outputs[0]
    assert result.values[y] is y
    assert result.details == {"intents": 1}


def test_only_the_slice_between_xs_and_ys_is_differentiated() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    middle = program.at(1, "middle").sine(program.at(1, "first").tanh(x))
    y = program.at(1, "last").exponential(middle)
    other = program.at(1, "other").exponential(y)
    made = program.at(1, "intent").differentiate([y], [middle])
    graph = differentiated(program.graph(*made, other))
    names = {node.name for node in graph.nodes if "autodiff" in node.origin.rules}
    assert names == {"intent", "gradients/last"}  # ones, and the product with them


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_networks(name: str) -> None:
    network = NETWORKS[name]
    check(
        lambda b, p: b.differentiate([network.write(b, p)], [p]),
        lambda p: [jax.grad(network.evaluate)(p)],
        parameters(network),
    )


def hessian(b: Program, network: Network, p: Value) -> list[Value]:
    """One gradient of a gradient per row."""
    (gradient,) = b.differentiate([network.write(b, p)], [p])
    found: list[Value] = []
    for i in range(network.size):
        entry = b.slice(gradient, start_indices=(i,), limit_indices=(i + 1,), strides=(1,))
        found += b.differentiate([entry], [p], unconnected="zero")
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_hessians_of_networks(name: str) -> None:
    network = NETWORKS[name]
    check(
        lambda b, p: hessian(b, network, p),
        lambda p: list(jax.hessian(network.evaluate)(p)),
        parameters(network),
    )


def test_derivatives_up_to_the_third() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        found: list[Value] = [total(b, b.multiply(b.sine(x), b.exponential(x)))]
        for _ in range(3):
            found += b.differentiate([total(b, found[-1]) if found[1:] else found[0]], [x])
        return found[1:]

    def expected(x: Any) -> list[Any]:
        first = jax.grad(lambda x: jnp.sum(jnp.sin(x) * jnp.exp(x)))
        second = jax.grad(lambda x: jnp.sum(first(x)))
        return [first(x), second(x), jax.grad(lambda x: jnp.sum(second(x)))(x)]

    check(write, expected)


def test_gradients_at_interior_tensors() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        first = b.exponential(x)
        second = b.multiply(first, x)
        y = b.add(b.sine(second), first)
        return b.differentiate([y], [first, second, x])

    def rest(first: Any, second: Any) -> Any:
        return jnp.sum(jnp.sin(second) + first)

    def expected(x: Any) -> list[Any]:
        first = jnp.exp(x)
        return [
            jax.grad(lambda f: rest(f, f * x))(first),
            jax.grad(rest, 1)(first, first * x),
            jax.grad(lambda x: rest(jnp.exp(x), jnp.exp(x) * x))(x),
        ]

    check(write, expected)


def test_several_ys_are_added_up_with_their_weights() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        ys = [b.sine(x), b.exponential(x), x]
        return b.differentiate(ys, [x], grad_ys=[b.cosine(x), x, b.full_like(x, 3)])

    check(write, lambda x: [jnp.cos(x) * jnp.cos(x) + x * jnp.exp(x) + 3])


def test_a_weight_that_depends_on_x_is_a_constant_of_the_first_gradient_alone() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        first = b.differentiate([b.multiply(x, x)], [x], grad_ys=[b.sine(x)])
        return [*first, *b.differentiate(first, [x])]

    check(write, lambda x: [2 * x * jnp.sin(x), 2 * jnp.sin(x) + 2 * x * jnp.cos(x)])


def test_stops_cut_paths_and_keep_their_own_gradient() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        middle = b.exponential(x)
        y = b.multiply(middle, x)
        return b.differentiate([y], [x, middle], stops=[middle])

    check(write, lambda x: [jnp.exp(x), x])


def test_x_is_its_own_y() -> None:
    check(lambda b, x: b.differentiate([x], [x]), lambda x: [jnp.ones(3)])


def test_an_inner_gradient_inside_the_slice_of_an_outer_one() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        (slope,) = b.differentiate([b.exponential(b.multiply(x, x))], [x])
        penalty = b.add(b.multiply(slope, slope), x)
        return b.differentiate([penalty], [slope, x])

    def expected(x: Any) -> list[Any]:
        slope = jax.grad(lambda x: jnp.sum(jnp.exp(x * x)))
        return [2 * slope(x), jax.grad(lambda x: jnp.sum(slope(x) ** 2 + x))(x)]

    check(write, expected)


def test_integers_cut_the_path() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        rounded = b.convert(b.convert(x, dtype="int32"), dtype="float64")
        return b.differentiate([b.add(b.multiply(rounded, x), x)], [x])

    check(write, lambda x: [jnp.trunc(x) + 1])


def test_complex_numbers_as_jax() -> None:
    z = np.array([1 + 2j, -0.5 + 0.25j])

    def write(b: Program, z: Value) -> list[Value]:
        product = b.multiply(b.multiply(z, z), b.conj(z))
        return b.differentiate([b.reduce_sum(b.real(product), axes=(0,))], [z])

    check(write, lambda z: [jax.grad(lambda z: jnp.sum(jnp.real(z * z * jnp.conj(z))))(z)], z)


def test_an_intent_in_a_body_is_written_out_there() -> None:
    def step(b: Program, x: Value) -> list[Value]:
        middle = b.multiply(x, x)
        (slope,) = b.differentiate([b.sine(middle)], [middle])
        return [b.subtract(x, b.multiply(slope, b.full_like(x, 0.1)))]

    def write(b: Program, x: Value) -> list[Value]:
        last = b.scan(x, regions=(body(step, WIDE),), carries=1, length=3)
        return [last, *b.differentiate([last], [x])]

    def descend(x: Any) -> Any:
        for _ in range(3):
            x = x - 0.1 * jnp.cos(x * x)
        return x

    check(write, lambda x: [descend(x), jax.grad(lambda x: jnp.sum(descend(x)))(x)])


def test_a_gradient_with_respect_to_state_that_a_body_reads() -> None:
    program = Program()
    v = program.get("v", type_=F64)
    region = body(lambda b, c: [b.multiply(c, b.get("v", type_=F64))], F64)
    start = program.number(2, "float64")
    last = program.scan(start, regions=(region,), carries=1, length=3)
    graph = differentiated(program.graph(*program.differentiate([last], [v])))
    assert run(graph, {"v": 3})[0] == [2 * 3 * 3**2]


# --- composites -----------------------------------------------------------------------------------


@pytest.fixture
def context() -> PassContext:
    """A registry with a composite that has no gradient rule of its own."""
    registry = OpRegistry()
    for op in REGISTRY:
        registry.register(op)
    registry.register(
        OpSpec(
            name="sine_of_square",
            doc="For these tests.",
            arity=1,
            infer=lambda call: call.types[0],
            lower=TracedLowering(lambda call, x: jnp.sin(x * x)),
            gradient=ByDecomposition(),
            reference=lambda call, x: np.sin(x * x),
            samples=tuple,
            traits=Trait.COMPOSITE,
            decomposition=lambda build, call, x: build.sine(build.multiply(x, x)),
        )
    )
    return PassContext(registry=registry)


def test_a_composite_without_a_rule_is_written_out_once(context: PassContext) -> None:
    program = Program(context.registry)
    x = program.input(WIDE, "x", "feed")
    y = program.at(7, "both").sine_of_square(x)
    graph = differentiated(program.graph(y, *program.differentiate([y], [x])), context)
    assert op_names(graph)[:2] == ["multiply", "sine"]
    assert op_names(graph).count("sine") == 1  # the value and the gradient share it
    forward = graph.outputs[0].node
    assert (forward.name, forward.origin.line) == ("both", 7)
    found, _ = run(graph, feeds={"x": X})
    np.testing.assert_allclose(found[1], 2 * X * np.cos(X * X))


def test_a_composite_with_a_rule_is_kept() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        y = b.softmax(x, axis=0)
        return [y, *b.differentiate([b.multiply(y, y)], [x])]

    def expected(x: Any) -> list[Any]:
        return [jax.nn.softmax(x), jax.grad(lambda x: jnp.sum(jax.nn.softmax(x) ** 2))(x)]

    graph = check(write, expected)
    assert op_names(graph).count("softmax") == 1
    assert "exponential" not in op_names(graph)


def test_a_composite_off_the_slice_stays(context: PassContext) -> None:
    program = Program(context.registry)
    x = program.input(WIDE, "x", "feed")
    y = program.sine_of_square(x)
    graph = differentiated(program.graph(y, *program.differentiate([program.sine(x)], [x])))
    assert "sine_of_square" in op_names(graph)


# --- refusals -------------------------------------------------------------------------------------


def test_an_unconnected_x_is_an_error_that_names_both_ends() -> None:
    program = Program()
    x, z = (program.input(VECTOR, name, "feed") for name in ("x", "z"))
    middle = program.at(3, "middle").sine(z)
    y = program.at(4, "loss").sine(x)
    (gradient,) = program.at(12, "gradients").differentiate([y], [middle])
    with pytest.raises(GradientError, match=r"no y depends on 'middle' .*user\.py:3") as caught:
        differentiated(program.graph(gradient))
    assert "'loss'" in str(caught.value)
    assert caught.value.origin is not None
    assert caught.value.origin.line == 12


def test_an_unconnected_x_gets_zeros_where_that_was_asked_for() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        cut = b.stop_gradient(b.sine(x))
        return b.differentiate([b.multiply(cut, cut)], [x], unconnected="zero")

    graph = check(write, lambda x: [jnp.zeros(3)])
    assert op_names(graph) == ["broadcast_in_dim"]


def test_a_loop_whose_length_nobody_knows_is_refused_with_its_line() -> None:
    program = Program()
    x = program.input(F64, "x", "feed")
    ten = body(lambda b, v: [b.compare(v, b.number(10, "f64"), direction="LT")], F64)
    double = body(lambda b, v: [b.add(v, v)], F64)
    y = program.at(21).while_loop(x, regions=(ten, double), carries=1)
    with pytest.raises(GradientError, match="while_loop") as caught:
        differentiated(program.graph(*program.differentiate([y], [x])))
    assert caught.value.origin is not None
    assert caught.value.origin.line == 21

"""Outlined regions: what is in them, that they are convex, and that they change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.dimensions import symbol
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import jit_from_jaxpr, scoped_x64
from graphc.lowering.jaxpr import lower_graph
from graphc.rewriting.graph_pass import PassContext
from passes.autodiff import Autodiff
from passes.common_subexpressions import CommonSubexpressions
from passes.elementwise_fusion import ElementwiseFusion, unfuse
from passes.functional import Functional
from passes.optimizer_updates import OptimizerUpdates
from passes.specialisation import Specialisation
from passes.tap_removal import TapRemoval
from tests.passes.built_programs import F32, Program, body, op_names, run
from tests.passes.fused_graphs import contents, freeze, fuse, fusions
from tests.passes.networks import NETWORKS, matmul, parameters, rows

MATRIX, VECTOR = as_type("float32", (3, 3)), as_type("float32", (3,))


def feed(program: Program, name: str, type_: Any = MATRIX) -> Value:
    return program.input(type_, name, "feed")


def write_dense(b: Program, x: Value, name: str, line: int = 1) -> Value:
    w, bias = feed(b, f"{name}/w"), feed(b, f"{name}/b", VECTOR)
    product = matmul(b.at(line, f"{name}/matmul"), x, w)
    added = b.at(line, f"{name}/add").add(product, rows(b, bias, product))
    return b.at(line, f"{name}/relu").maximum(added, b.full_like(added, 0))


# --- what a person reads --------------------------------------------------------------------------


def test_the_text_of_a_dense_layer() -> None:
    program = Program()
    graph = fuse(program.graph(write_dense(program, feed(program, "x"), "dense", 7)))
    assert str(graph).splitlines()[2:] == [
        '  input %0 : f32[3, 3] feed "x"',
        '  input %1 : f32[3, 3] feed "dense/w"',
        '  input %2 : f32[3] feed "dense/b"',
        '  %3 = fusion(%0, %1, %2) {kind="epilogue", label="dot_general, add, maximum"} '
        ': f32[3, 3] "dense"',
        "    body {",
        '      input %0 : f32[3, 3] argument "operand0"',
        '      input %1 : f32[3, 3] argument "operand1"',
        '      input %2 : f32[3] argument "operand2"',
        "      %3 = dot_general(%0, %1) {lhs_contracting=[1], rhs_contracting=[0]} "
        ': f32[3, 3] "dense/matmul"',
        "      %4 = broadcast_in_dim(%2) {shape=[3, 3], broadcast_dimensions=[1]} "
        ': f32[3, 3] "dense/add"',
        '      %5 = add(%3, %4) : f32[3, 3] "dense/add"',
        '      %6 = constant() {value=f32[] 0.0} : f32[] "dense/relu"',
        "      %7 = broadcast_in_dim(%6) {shape=[3, 3], broadcast_dimensions=[]} "
        ': f32[3, 3] "dense/relu"',
        '      %8 = maximum(%5, %7) : f32[3, 3] "dense/relu"',
        "      return %8",
        "    }",
        "  return %3",
        "}",
    ]
    (region,) = fusions(graph)
    assert (region.origin.line, region.origin.rules) == (7, ("elementwise_fusion",))
    assert [node.origin.line for node in region.regions[0].nodes[3:]] == [7] * 6


def test_a_softmax_is_three_steps() -> None:
    program = Program()
    x = feed(program, "x")

    def columns(vector: Value) -> Value:
        return program.broadcast_in_dim(vector, shape=(3, 3), broadcast_dimensions=(0,))

    peak = program.reduce_max(x, axes=(1,))
    powers = program.exponential(program.subtract(x, columns(peak)))
    total = program.reduce_sum(powers, axes=(1,))
    graph = fuse(program.graph(program.divide(powers, columns(total))))
    assert op_names(graph) == ["reduce_max", "fusion", "fusion"]
    assert contents(graph) == ["subtract exponential reduce_sum", "divide"]
    shifted, divided = fusions(graph)
    assert [node.attributes["kind"] for node in (shifted, divided)] == ["reduction", "elementwise"]
    assert [value.type for value in shifted.outputs] == [MATRIX, VECTOR]
    assert [value.node for value in divided.inputs] == [shifted, shifted]


def training_step() -> Graph:
    """A dense layer, a squared error, its gradients and one step of Adam."""
    b = Program()
    b.at(1, "model/w")
    w = b.get("w", type_=MATRIX)
    bias = b.get("b", type_=VECTOR)
    product = matmul(b.at(2, "model/dense/matmul"), feed(b, "x"), w)
    output = b.at(2, "model/dense/tanh").tanh(b.add(product, rows(b, bias, product)))
    error = b.at(3, "loss/subtract").subtract(output, feed(b, "y"))
    loss = b.at(3, "loss/sum").reduce_sum(b.multiply(error, error), axes=(0, 1))
    gradients = b.at(4, "train").differentiate([loss], [w, bias])
    steps: list[Value] = []
    for name, old, gradient in zip("wb", (w, bias), gradients, strict=True):
        b.at(5, f"adam/{name}")
        slots = [b.get(f"{name}/{slot}", type_=old.type) for slot in "mv"]
        new = b.apply_update(
            old, gradient, b.number(0.1), b.number(0, "int64"), *slots, rule="adam",
            hyperparameters={},
        )  # fmt: skip
        steps += [b.put(name, new[0]), b.put(f"{name}/m", new[1]), b.put(f"{name}/v", new[2])]
    graph = b.graph(loss, *steps)
    for each in (Functional(), Autodiff(), TapRemoval(), OptimizerUpdates()):
        graph = each(graph).graph
    return CommonSubexpressions()(graph).graph


def test_a_training_step_is_layers_losses_gradients_and_updates() -> None:
    step = training_step()
    graph = fuse(step)
    described = [
        (node.name, node.attributes.get("kind", node.op.name))
        for node in graph.nodes
        if node.op.name not in ("input", "constant", "broadcast_in_dim")
    ]
    assert described == [
        ("model/dense", "epilogue"),
        ("loss", "reduction"),
        ("gradients", "reduction"),
        ("gradients/model/dense/matmul", "dot_general"),
        ("adam/w", "elementwise"),  # the rate, which both steps take
        ("adam/w", "elementwise"),
        ("adam/b", "elementwise"),
    ]
    labels = [node.attributes["label"] for node in fusions(graph)]
    assert labels[0] == "dot_general, add, tanh"
    assert labels[-1] == labels[-2] == "3 subtract, 4 multiply, 3 add, sqrt, divide"
    state = {name: np.ones((3, 3)) for name in ("w", "w/m", "w/v")}
    state |= {name: np.ones(3) for name in ("b", "b/m", "b/v")}
    feeds = {"x": np.eye(3), "y": np.ones((3, 3))}
    before, after = run(step, state, feeds), run(graph, state, feeds)
    np.testing.assert_array_equal(before[0][0], after[0][0])
    for name, value in before[1].items():
        np.testing.assert_array_equal(value, after[1][name])


def test_names_without_a_scope_in_common() -> None:
    program = Program()
    x = feed(program, "x")
    first = program.at(1, "encoder/square").multiply(x, x)
    second = program.at(2, "decoder/exp").exponential(first)
    (region,) = fusions(fuse(program.graph(second)))
    assert region.name == "decoder/exp"
    program = Program()
    x = feed(program, "x")
    first = program.at(1, "dense_1/square").multiply(x, x)
    second = program.at(2, "dense_1/exp/inner").exponential(program.at(2).negate(first))
    third = program.at(3, "dense_1/exp").tanh(second)
    (region,) = fusions(fuse(program.graph(third)))
    assert region.name == "dense_1"
    assert region.attributes["label"] == "multiply, negate, exponential, tanh"


def test_a_long_label_ends_early() -> None:
    program = Program()
    value = feed(program, "x")
    for name in ("tanh", "exponential", "tanh", "negate", "abs", "sine", "cosine", "sqrt"):
        value = getattr(program, name)(value)
    (region,) = fusions(fuse(program.graph(value)))
    assert region.attributes["label"] == "2 tanh, exponential, negate, abs, sine, ..."


# --- what is in a region and what is not ----------------------------------------------------------


def test_a_path_that_leaves_a_region_does_not_come_back() -> None:
    program = Program()
    first = program.tanh(feed(program, "x"))
    last = program.add(first, matmul(program, first, feed(program, "w")))
    graph = fuse(program.graph(last))
    assert op_names(graph) == ["tanh", "fusion"]
    assert contents(graph) == ["dot_general add"]


def test_of_two_products_one_is_in_the_region() -> None:
    program = Program()
    x, w, u = (feed(program, name) for name in "xwu")
    both = program.add(matmul(program, x, w), matmul(program, x, u))
    graph = fuse(program.graph(program.tanh(both)))
    assert op_names(graph) == ["dot_general", "fusion"]
    assert contents(graph) == ["dot_general add tanh"]


def test_what_is_used_outside_is_a_result() -> None:
    program = Program()
    first = program.tanh(feed(program, "x"))
    second = program.exponential(first)
    graph = fuse(program.graph(second, matmul(program, first, second)))
    (region,) = fusions(graph)
    assert [value.node.op.name for value in region.regions[0].outputs] == ["tanh", "exponential"]
    assert graph.outputs[0] is region.outputs[1]


def test_old_values_are_found_in_the_new_graph() -> None:
    program = Program()
    first = program.tanh(feed(program, "x"))
    second = program.exponential(first)
    result = ElementwiseFusion()(program.graph(first, second))
    (region,) = fusions(result.graph)
    assert [result.values[value] for value in (first, second)] == list(region.outputs)
    assert result.details == {"regions": {"elementwise": 1}}


def test_every_region_has_its_own_constants() -> None:
    program = Program()
    x, zero = feed(program, "x"), program.full_like(feed(program, "y"), 0)
    first = program.maximum(matmul(program, x, x), zero)
    second = program.maximum(matmul(program, first, x), zero)
    graph = fuse(program.graph(second, program.concatenate(x, zero, dimension=0)))
    assert contents(graph) == ["dot_general maximum"] * 2
    assert [len(region.inputs) for region in fusions(graph)] == [1, 2]
    # the concatenation needs them too, outside
    assert op_names(graph) == ["fusion", "fusion", "broadcast_in_dim", "concatenate"]


def test_what_several_regions_or_a_product_lay_out_stays_outside() -> None:
    program = Program()
    x, shared = feed(program, "x"), rows(program, feed(program, "b", VECTOR), feed(program, "y"))
    turned = program.transpose(feed(program, "w"), permutation=(1, 0))
    first = program.add(matmul(program, x, turned), shared)
    second = program.add(matmul(program, first, x), shared)
    graph = fuse(program.graph(second))
    assert sorted(op_names(graph)) == ["broadcast_in_dim", "fusion", "fusion", "transpose"]
    assert contents(graph) == ["dot_general add"] * 2


def test_layout_of_layout_comes_along() -> None:
    program = Program()
    flat = feed(program, "b", as_type("float32", (1, 3)))
    spread = rows(program, program.reshape(flat, shape=(3,)), feed(program, "y"))
    graph = fuse(program.graph(program.tanh(program.add(feed(program, "x"), spread))))
    assert contents(graph) == ["reshape add tanh"]


def test_one_number_for_many_tensors_does_not_tie_them_together() -> None:
    program = Program()
    norm = feed(program, "norm", F32)
    is_small = program.compare(program.negate(norm), norm, direction="LT")
    updates = [
        program.select(is_small, program.tanh(x), x)
        for x in (feed(program, name) for name in "xyz")
    ]
    graph = fuse(program.graph(*updates))
    assert contents(graph) == ["negate compare", *["tanh select"] * 3]


def test_an_optimizer_is_no_part_of_the_gradient_that_it_takes() -> None:
    program = Program()
    x, w = feed(program, "x"), feed(program, "w")
    gradient = matmul(program.at(1, "gradients/dense/matmul"), x, x)
    doubled = program.at(1, "gradients/dense/tanh").tanh(gradient)
    new = program.at(2, "sgd/w").subtract(w, program.at(2, "sgd/w").multiply(doubled, w))
    assert contents(fuse(program.graph(new))) == ["dot_general tanh", "multiply subtract"]


@pytest.mark.parametrize("alone", ["optimization_barrier", "tap", "cumulative_sum", "softmax"])
def test_nothing_is_fused_through(alone: str) -> None:
    program = Program()
    attributes = {"tap": {"label": "t"}, "cumulative_sum": {"axis": 0}, "softmax": {"axis": 1}}
    first = program.tanh(program.exponential(feed(program, "x")))
    middle = getattr(program, alone)(first, **attributes.get(alone, {}))
    graph = fuse(program.graph(program.exponential(program.negate(program.add(middle, first)))))
    assert contents(graph) == ["exponential tanh", "add negate exponential"]
    assert alone in op_names(graph)


def test_equal_regions_read_the_same_whoever_asks_first() -> None:
    def write(first_asked: int) -> Graph:
        program = Program()
        x, y = feed(program, "x"), feed(program, "y")
        left, right = program.exponential(x), program.tanh(y)
        products = [matmul(program, left, x), matmul(program, right, y)]
        asked = [products[first_asked], products[1 - first_asked]]
        return program.graph(*asked, program.multiply(program.negate(left), right))

    (mine,), (theirs,) = (fusions(fuse(write(first))) for first in (0, 1))
    assert str(mine.regions[0]) == str(theirs.regions[0])
    assert mine.regions[0] is not theirs.regions[0]


def test_bodies_of_loops_and_branches_are_fused() -> None:
    def step(b: Program, carry: Value, x: Value) -> list[Value]:
        squashed = body(lambda c, v: [c.tanh(c.negate(v))], VECTOR)
        bare = body(lambda c, v: [v], VECTOR)
        flag = b.compare(b.reduce_sum(x, axes=(0,)), b.number(0), direction="GT")
        chosen = b.cond(flag, b.exponential(b.add(carry, x)), regions=(squashed, bare))
        return [chosen]

    region = freeze(body(step, VECTOR, VECTOR))
    condition = body(
        lambda b, v: [b.compare(b.negate(b.reduce_sum(v, axes=(0,))), b.number(9), direction="LT")],
        VECTOR,
    )
    program = Program()
    start = feed(program, "start", VECTOR)
    for _ in range(2):  # one body in two loops
        start = program.scan(start, feed(program, "xs"), regions=(region,), carries=1, length=3)
    last = program.while_loop(
        start, regions=(freeze(condition), freeze(body(lambda b, v: [b.add(v, v)], VECTOR))),
        carries=1,
    )  # fmt: skip
    fused = fuse(program.graph(last))
    assert op_names(fused) == ["scan", "scan", "while_loop"]
    assert contents(fused.outputs[0].node.regions[0]) == ["reduce_sum negate compare"]
    scans = [node.regions[0] for node in fused.nodes if node.op.name == "scan"]
    assert scans[0] is scans[1]
    assert contents(scans[0]) == ["reduce_sum compare", "add exponential"]
    (branch,) = [node.regions[0] for node in scans[0].nodes if node.op.name == "cond"]
    assert contents(branch) == ["negate tanh"]


# --- what comes out -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_and_its_gradient_give_the_same_numbers(name: str) -> None:
    network = NETWORKS[name]
    program = Program()
    p = feed(program, "p", as_type("float64", (network.size,)))
    loss = network.write(program, p)
    graph = program.graph(loss, *program.differentiate([loss], [p]))
    for each in (Functional(), Autodiff(), TapRemoval()):
        graph = each(graph).graph
    fused = ElementwiseFusion()(graph).graph
    assert fusions(fused)
    expected, _ = run(graph, feeds={"p": parameters(network)})
    found, _ = run(fused, feeds={"p": parameters(network)})
    with scoped_x64():
        lowered = lower_graph(fused)
        compiled = jit_from_jaxpr(lowered.program, "fused")(*lowered.hoisted, parameters(network))
    for mine, by_xla, theirs in zip(found, compiled, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_allclose(by_xla, theirs, rtol=1e-10)


def test_sizes_may_be_symbols() -> None:
    n = symbol("n")
    program = Program()
    x = feed(program, "x", as_type("float32", (n, 3)))
    product = matmul(program, x, feed(program, "w"))
    spread = rows(program, feed(program, "b", VECTOR), product)
    graph = fuse(program.graph(program.tanh(program.add(product, spread))))
    assert contents(graph) == ["dot_general add tanh"]
    concrete = Specialisation()(graph, PassContext(sizes={"n": 2})).graph
    assert contents(concrete) == contents(graph)
    feeds = {"x": np.ones((2, 3)), "w": np.eye(3), "b": np.zeros(3)}
    np.testing.assert_allclose(run(concrete, feeds=feeds)[0][0], np.tanh(feeds["x"]), rtol=1e-6)


def test_a_graph_in_which_nothing_belongs_together_comes_back_as_it_is() -> None:
    program = Program()
    alone = matmul(program, program.tanh(feed(program, "x")), feed(program, "w"))
    graph = program.graph(program.reduce_sum(alone, axes=(0,)))
    result = ElementwiseFusion()(graph)
    assert result.graph is graph
    assert not result.changed
    assert unfuse(graph) is graph


def test_what_nothing_needs_is_not_fused() -> None:
    program = Program()
    first = program.tanh(feed(program, "x"))
    last = program.negate(first)
    program.reduce_sum(program.exponential(program.sqrt(first)), axes=(0,))
    (region,) = fusions(fuse(program.graph(last)))
    assert len(region.outputs) == 1

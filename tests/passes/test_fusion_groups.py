"""Groups of nodes on random graphs: convex, in an order, and with one heavy op at most."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.errors import AttributeValueError
from graphc.ir.graph import Graph
from graphc.ir.networkx_view import node_digraph
from graphc.ir.node import Node, Value
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.elementwise_fusion import ElementwiseFusion, unfuse
from passes.fusion_groups import Grouping, Role, group_nodes, role_of
from tests.passes.built_programs import Program, op_names
from tests.passes.fused_graphs import contents, fuse, fusions
from tests.passes.networks import matmul, rows

MATRIX, VECTOR = as_type("float32", (3, 3)), as_type("float32", (3,))
Write = Callable[[Program, Value, Value], Value]


def write_mean(b: Program, x: Value, y: Value) -> Value:
    total = b.multiply(b.reduce_sum(x, axes=(0, 1)), b.number(1 / 9))
    return b.broadcast_in_dim(total, shape=(3, 3), broadcast_dimensions=())


def write_scalar_choice(b: Program, x: Value, y: Value) -> Value:
    flag = b.compare(b.reduce_max(x, axes=(0, 1)), b.number(0), direction="GT")
    return b.select(flag, x, y)


def write_flat(b: Program, x: Value, y: Value) -> Value:
    return b.reshape(b.sine(b.reshape(x, shape=(9,))), shape=(3, 3))


def write_halves(b: Program, x: Value, y: Value) -> Value:
    joined = b.concatenate(x, y, dimension=0)
    return b.slice(joined, start_indices=(1, 0), limit_indices=(4, 3), strides=(1, 1))


def write_counted(b: Program, x: Value, y: Value) -> Value:
    counts = b.iota(dtype="float32", shape=(3,), iota_dimension=0)
    return b.add(x, rows(b, counts, x))


STEPS: dict[str, Write] = {
    "tanh": lambda b, x, y: b.tanh(x),
    "add": lambda b, x, y: b.add(x, y),
    "multiply": lambda b, x, y: b.multiply(x, y),
    "relu": lambda b, x, y: b.maximum(x, b.full_like(x, 0)),
    "choose": lambda b, x, y: b.select(b.compare(x, y, direction="LT"), x, y),
    "matmul": matmul,
    "sum": lambda b, x, y: rows(b, b.reduce_sum(x, axes=(0,)), x),
    "transpose": lambda b, x, y: b.transpose(x, permutation=(1, 0)),
    "barrier": lambda b, x, y: b.optimization_barrier(x),
    "mean": write_mean,
    "scalar_choice": write_scalar_choice,
    "flat": write_flat,
    "halves": write_halves,
    "counted": write_counted,
}
NAMES = ("", "", "a/x", "a/y", "b/x", "plain")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Matrices made of earlier ones, mostly of late ones; some of all are outputs."""
    b = Program()
    values = [b.input(MATRIX, name, "feed") for name in ("x", "y")]
    back = st.integers(0, 7)
    step = st.tuples(st.sampled_from(sorted(STEPS)), back, back, st.sampled_from(NAMES))
    for name, left, right, label in draw(st.lists(step, min_size=1, max_size=40)):
        x, y = (values[-1 - distance % len(values)] for distance in (left, right))
        values.append(STEPS[name](b.at(len(values), label), x, y))
    outputs = draw(st.lists(st.integers(0, len(values) - 1), max_size=3))
    return b.graph(values[-1], *[values[position] for position in outputs])


def is_convex(view: nx.DiGraph[Node], nodes: Collection[Node]) -> bool:
    """Whether no path leaves the nodes and comes back."""
    inside = set(nodes)
    after: set[Node] = set().union(*[nx.descendants(view, node) for node in inside])
    before: set[Node] = set().union(*[nx.ancestors(view, node) for node in inside])
    return not (after - inside) & (before - inside)


def is_in_order(graph: Graph, grouping: Grouping | None = None) -> bool:
    """Whether the graph with one node per group has no cycle."""
    group_of = (grouping or group_nodes(graph, 200)).group_of
    together: nx.DiGraph[object] = nx.DiGraph()
    for edge in node_digraph(graph).edges:
        source, target = (group_of.get(node, node) for node in edge)
        if source is not target:
            together.add_edge(source, target)
    return nx.is_directed_acyclic_graph(together)


def count_roles(nodes: Iterable[Node], *roles: Role) -> int:
    return sum(role_of(node.op) in roles for node in nodes)


@given(graphs(), st.sampled_from([3, 200]))
def test_groups_of_random_graphs(graph: Graph, largest: int) -> None:
    grouping = group_nodes(graph, largest)
    view = node_digraph(graph)
    assert is_in_order(graph, grouping)
    for group in grouping.groups:
        nodes = [*group.members, *group.layout]
        assert all(grouping.group_of[node] is group for node in nodes)
        assert is_convex(view, nodes)
        assert len(group.members) <= largest
        assert count_roles(nodes, Role.REDUCTION, Role.CONTRACTION) == (group.heavy is not None)
        assert count_roles(nodes, Role.SOURCE, Role.ALONE) == 0
        assert count_roles(group.layout, Role.LAYOUT) == len(group.layout)
        if group.heavy is not None:
            assert len({node.name[0] for node in group.members if "/" in node.name}) <= 1
        used = {
            value
            for node in view.nodes
            if grouping.group_of.get(node) is not group and is_needed(view, graph, node)
            for value in node.inputs
        }
        used.update(graph.outputs)
        results = {value for node in nodes for value in node.outputs if value in used}
        assert set(group.results) == results
        assert len(group.results) == len(results)


def is_needed(view: nx.DiGraph[Node], graph: Graph, node: Node) -> bool:
    outputs = {value.node for value in graph.outputs}
    return node in outputs or bool(nx.descendants(view, node) & outputs)


@given(graphs(), st.sampled_from([3, 200]))
def test_random_graphs_fused(graph: Graph, largest: int) -> None:
    fused = fuse(graph, largest=largest)
    arrays = [np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3), np.eye(3, dtype=np.float32)]
    for mine, theirs in zip(evaluate(fused, arrays), evaluate(graph, arrays), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_check_of_convexity_can_fail() -> None:
    b = Program()
    first = b.tanh(b.input(MATRIX, "x", "feed"))
    product = matmul(b, first, first)
    last = b.add(first, product)
    view = node_digraph(b.graph(last))
    assert not is_convex(view, [first.node, last.node])
    assert is_convex(view, [product.node, last.node])
    assert is_convex(view, [first.node, product.node, last.node])


def members(grouping: Grouping) -> list[set[str]]:
    """The names of the members of groups of more than one."""
    found = [{node.name for node in group.members} for group in grouping.groups]
    return [names for names in found if len(names) > 1]


def named(b: Program, name: str, value: Callable[[], Value]) -> Value:
    b.at(1, name)
    return value()


def test_a_group_that_one_node_alone_uses_is_lifted_to_it() -> None:
    """The mask is there before the product, on a lower level; one user can wait for the other."""

    def write(also_output: bool) -> Sequence[set[str]]:
        b = Program()
        x, w = b.input(MATRIX, "x", "feed"), b.input(MATRIX, "w", "feed")
        base = named(b, "base", lambda: b.tanh(x))
        mask = named(b, "mask", lambda: b.exponential(b.negate(w)))
        product = named(b, "product", lambda: matmul(b, base, w))
        last = named(b, "last", lambda: b.multiply(product, mask))
        outputs = [last, mask] if also_output else [last]
        return members(group_nodes(b.graph(*outputs), 200))

    assert write(also_output=False) == [{"mask", "product", "last"}]
    assert write(also_output=True) == [{"product", "last"}]


def test_a_reduction_joins_what_it_sums_up_unless_that_has_a_heavy_op() -> None:
    b = Program()
    x = b.input(MATRIX, "x", "feed")
    squares = named(b, "squares", lambda: b.multiply(x, x))
    total = named(b, "total", lambda: b.reduce_sum(squares, axes=(1,)))
    root = named(b, "root", lambda: b.sqrt(total))
    other = named(b, "other", lambda: b.reduce_max(squares, axes=(1,)))
    grouping = group_nodes(b.graph(root, other), 200)
    assert members(grouping) == [{"squares", "total", "root"}]
    assert grouping.group_of[other.node].level == grouping.group_of[total.node].level + 1


def test_a_lifted_group_is_on_its_new_level() -> None:
    b = Program()
    base = b.tanh(b.input(MATRIX, "x", "feed"))
    mask = b.exponential(b.input(MATRIX, "y", "feed"))
    waiting = b.add(b.optimization_barrier(base), mask)
    last = b.add(waiting, base)
    graph = b.graph(last)
    grouping = group_nodes(graph, 200)
    group = grouping.group_of[last.node]
    assert {value.node for value in (mask, waiting, last)} == set(group.members)
    assert is_convex(node_digraph(graph), group.members)


def test_groups_that_wait_for_numbers_of_each_other() -> None:
    b = Program()
    x, y = (b.tanh(b.input(MATRIX, name, "feed")) for name in ("x", "y"))
    flags = [
        b.compare(b.reduce_max(value, axes=(0, 1)), b.number(0), direction="GT") for value in (x, y)
    ]
    graph = b.graph(b.select(flags[0], y, b.negate(y)), b.select(flags[1], x, b.negate(x)))
    assert is_in_order(graph)
    assert sorted(op_names(fuse(graph))) == ["fusion", "fusion", "select", "select"]


def test_a_part_without_a_scope_takes_that_of_the_other() -> None:
    b = Program()
    value = b.tanh(b.tanh(b.input(MATRIX, "x", "feed")))
    value = named(b, "a/negate", lambda: b.negate(value))
    total = named(b, "b/sum", lambda: b.reduce_sum(value, axes=(0,)))
    grouping = group_nodes(b.graph(total), 200)
    assert grouping.group_of[total.node] is not grouping.group_of[value.node]
    assert {group.scope for group in grouping.groups} == {"a", "b"}


def test_only_computing_makes_the_start_of_a_reduction() -> None:
    def kind_of(write: Write) -> str:
        b = Program()
        x = b.input(MATRIX, "x", "feed")
        total = b.reduce_sum(write(b, x, x), axes=(0,))
        (region,) = fusions(fuse(b.graph(b.negate(total))))
        return region.attributes["kind"]

    assert kind_of(STEPS["transpose"]) == "epilogue"
    assert kind_of(STEPS["tanh"]) == "reduction"


def test_a_second_run_finds_nothing_where_regions_made_ways_shorter() -> None:
    b = Program()
    x, y = (b.input(MATRIX, name, "feed") for name in ("x", "y"))
    late = b.optimization_barrier(b.tanh(b.tanh(x)))
    early = b.exponential(y)
    graph = b.graph(b.add(late, early), early)
    # `fuse` runs the pass again: the barrier now stands behind no group, and `add` is as early
    assert contents(fuse(graph)) == ["tanh tanh"]


@pytest.mark.parametrize("length", [3000])
def test_a_graph_as_deep_as_it_is_long(length: int) -> None:
    b = Program()
    value = b.input(VECTOR, "x", "feed")
    for _ in range(length):
        value = b.negate(value)
    graph = b.graph(value)
    fused = ElementwiseFusion(largest=length)(graph).graph
    (region,) = fusions(fused)
    assert region.regions[0].count() == length
    assert unfuse(fused).count() == length


def test_the_smallest_and_the_largest_region() -> None:
    def write() -> Graph:
        program = Program()
        value = program.tanh(program.negate(program.input(MATRIX, "x", "feed")))
        value = matmul(program, value, program.input(MATRIX, "w", "feed"))
        for _ in range(6):
            value = program.tanh(value)
        return program.graph(value)

    assert contents(fuse(write(), smallest=3)) == [" ".join(["dot_general", *["tanh"] * 6])]
    assert contents(fuse(write(), largest=3)) == [
        "negate tanh",
        "dot_general tanh tanh",
        "tanh tanh tanh",
    ]
    relu = Program()
    x = relu.input(MATRIX, "x", "feed")
    graph = relu.graph(relu.maximum(x, relu.full_like(x, 0)))
    assert contents(fuse(graph)) == ["maximum"]
    assert not fusions(fuse(graph, smallest=3))


@pytest.mark.parametrize(("smallest", "largest"), [(0, 9), (3, 2), (-1, -1)])
def test_sizes_that_do_not_fit_together(smallest: int, largest: int) -> None:
    with pytest.raises(AttributeValueError, match="smallest"):
        ElementwiseFusion(smallest=smallest, largest=largest)

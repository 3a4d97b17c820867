"""Which values get a tap, and that a tap keeps the path that a gradient is about."""

from __future__ import annotations

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.functional import Functional
from tests.passes.built_programs import BOOL, VECTOR, Program, body, op_names

functional = Functional()


def taps(graph: Graph) -> list[Node]:
    return [node for node in graph.walk() if node.op.name == "tap"]


def test_an_interior_x_is_used_through_its_tap() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    middle = program.at(3, "middle").exponential(x)
    y = program.at(4).log(middle)
    (gradient,) = program.differentiate([y], [middle])
    graph = functional(program.graph(gradient, middle)).graph
    assert str(graph) == (
        "graphc opset 1\n"
        "graph {\n"
        '  input %0 : f32[3] feed "x"\n'
        '  %1 = exponential(%0) : f32[3] "middle"\n'
        '  %2 = tap(%1) {label="middle"} : f32[3] "middle"\n'
        "  %3 = log(%2) : f32[3]\n"
        "  %4 = gradient(%3, %2) {ys=1, xs=1} : f32[3]\n"
        "  return %4, %2\n"
        "}"
    )


def test_inputs_and_variables_need_no_tap() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    v = program.get("v", type_=VECTOR)
    y = program.multiply(x, v)
    graph = functional(program.graph(*program.differentiate([y], [x, v], stops=[x]))).graph
    assert taps(graph) == []


def test_stops_get_taps_and_each_value_gets_one() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    middle, other = program.exponential(x), program.sine(x)
    y = program.add(middle, other)
    first = program.differentiate([y], [middle], stops=[other])
    second = program.differentiate([y], [middle, x], stops=[middle])
    graph = functional(program.graph(*first, *second)).graph
    assert [tap.attributes["label"] for tap in taps(graph)] == ["exponential", "sine"]


def test_labels_are_distinct() -> None:
    program = Program()
    x = program.at(1, "same").input(VECTOR, "x", "feed")
    values = [program.sine(x), program.cosine(x)]
    y = program.multiply(*values)
    graph = functional(program.graph(*program.differentiate([y], values))).graph
    assert [tap.attributes["label"] for tap in taps(graph)] == ["same", "same_1"]


def test_results_of_one_node_are_tapped_one_by_one() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    region = body(lambda b, v: [b.sine(v), b.cosine(v)], VECTOR)
    flag = program.input(BOOL, "flag", "feed")
    first, second = program.cond(flag, x, regions=(region, region))
    y = program.multiply(first, second)
    graph = functional(program.graph(*program.differentiate([y], [second, first]))).graph
    found = {tap.attributes["label"]: tap for tap in taps(graph)}
    assert set(found) == {"cond:0", "cond:1"}
    assert [tap.inputs[0].index for tap in (found["cond:0"], found["cond:1"])] == [0, 1]
    assert op_names(graph).count("cond") == 1


def test_an_assignment_and_the_reads_after_it_are_different_paths() -> None:
    program = Program()
    given = program.exponential(program.get("v"))
    assigned = program.put("v", given)
    reads = [program.get("v", assigned), program.get("v", assigned)]
    y = program.add(program.multiply(given, assigned), program.multiply(*reads))
    graph = functional(
        program.graph(*program.differentiate([y], [reads[0]]), *program.differentiate([y], [given]))
    ).graph
    by_read, by_given = (node for node in graph.nodes if node.op.name == "gradient")
    read_tap, given_tap = by_read.inputs[1].node, by_given.inputs[1].node
    state = read_tap.inputs[0].node
    assert state.op.name == "stop_gradient"  # no gradient passes an assignment
    assert state.inputs[0] is given_tap.output  # what is assigned is what was computed
    used: list[Value] = [v for n in graph.nodes if n.op.name == "multiply" for v in n.inputs]
    assigned_result = used[1].node
    assert assigned_result.op.name == "stop_gradient"
    assert assigned_result.inputs[0] is given_tap.output
    assert used == [given_tap.output, used[1], read_tap.output, read_tap.output]


def test_taps_are_made_in_bodies_too() -> None:
    def write(b: Program, x: Value) -> list[Value]:
        middle = b.exponential(x)
        y = b.multiply(middle, middle)
        return b.differentiate([y], [middle])

    program = Program()
    x = program.input(VECTOR, "x", "feed")
    made = program.scan(x, regions=(body(write, VECTOR),), carries=1, length=2)
    graph = functional(program.graph(made)).graph
    assert len(taps(graph)) == 1
    assert taps(graph)[0].output.type is VECTOR


def test_inputs_of_bodies_and_state_in_them_get_taps() -> None:
    def write(b: Program, x: Value, same: Value) -> list[Value]:
        v = b.get("v", type_=VECTOR)
        y = b.multiply(b.multiply(x, same), b.multiply(v, b.get("v", type_=VECTOR)))
        return b.differentiate([y], [x, v])

    program = Program()
    x = program.input(VECTOR, "x", "feed")
    flag = program.input(BOOL, "flag", "feed")
    region = body(write, VECTOR, VECTOR)
    graph = functional(program.graph(*program.cond(flag, x, x, regions=(region, region)))).graph
    (node,) = [node for node in graph.nodes if node.regions]
    for made in node.regions:
        names = [value.node.attributes["name"] for value in made.inputs]
        assert names == ["x0", "x1", "v"]
        tapped = [tap.inputs[0] for tap in taps(made)]
        assert set(tapped) == {made.inputs[0], made.inputs[2]}

"""The text form: what stands where, and that reading it back gives the same text."""

from __future__ import annotations

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.dtypes import F32
from graphc.ir.attributes import FLOAT, INTEGER, Attribute, Schema, optional
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import Constraint, NoGradient, NotLowered, OpCall, OpSpec
from graphc.ir.parser import parse
from graphc.ir.registry import OpRegistry
from graphc.ir.text import format_attributes
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import verify

WHOLE = r"""graphc opset 1
graph {
  input %0 : f32[n, 3] feed "images"
  input %1 : f32[m, 3] feed "a \"quoted\" name\n"
  input %2 : i32[] state "steps"
  input %3 : f32[3] state "w"
  %4 = subtract(%0, %1) : f32[n, 3] "loss/difference"
  %5 = constant() {value=i32[] 1} : i32[]
  %6 = add(%2, %5) : i32[]
  %7, %8 = scan(%3, %4) {carries=1, length=n} : (f32[3], f32[n])
    body {
      input %0 : f32[3] argument "carry"
      input %1 : f32[3] argument "row"
      %2 = add(%0, %1) : f32[3]
      %3 = reduce_sum(%2) {axes=[0]} : f32[]
      return %2, %3
    }
  %9 = compare(%4, %0) {direction="EQ"} : bool[n, 3]
  %10 = broadcast_in_dim(%3) {shape=[n, 3], broadcast_dimensions=[1]} : f32[n, 3] "w \"wide\""
  %11 = select(%9, %0, %10) : f32[n, 3]
  require n == m
  require 2*n + 1 == 7
  return %8, %11, %0
  update "steps" = %6
  update "w" = %7
}"""

NESTED = """graphc opset 1
graph {
  input %0 : bool[] feed "p"
  input %1 : f32[] feed "x"
  %2 = cond(%0, %1) : f32[]
    true_branch {
      input %0 : f32[] argument "x"
      %1 = constant() {value=bool[] true} : bool[]
      %2 = cond(%1, %0) : f32[]
        true_branch {
          input %0 : f32[] argument "x"
          %1 = tanh(%0) : f32[] "inner"
          return %1
        }
        false_branch {
          input %0 : f32[] argument "x"
          return %0
        }
      return %2
    }
    false_branch {
      input %0 : f32[] argument "x"
      %1 = negate(%0) : f32[]
      return %1
    }
  return %2
}"""

CONSTANTS = r"""graphc opset 1
graph {
  %0 = constant() {value=f32[2] [-0.0, nan]} : f32[2]
  %1 = constant() {value=string[2] ["a\"},", b"\x00\"]"]} : string[2] "}] : \""
  %2 = constant() {value=f32[30] 1.0} : f32[30]
  %3 = constant() {value=c64[] (0.0, -inf)} : c64[]
  %4 = constant() {value=i32[20] sha256:00112233445566778899aabbccddeeff} : i32[20]
  return %0, %1, %2, %3, %4
}"""

EMPTY = """graphc opset 1
graph {
  return
}"""

ONLY_UPDATES = """graphc opset 1
graph {
  input %0 : f32[] state "w"
  %1 = tanh(%0) : f32[]
  return
  update "w" = %1
}"""


@pytest.mark.parametrize("text", [WHOLE, NESTED, CONSTANTS, EMPTY, ONLY_UPDATES])
def test_text_is_printed_as_it_was_read(text: str) -> None:
    graph = parse(text)
    assert str(graph) == text
    assert first_difference(parse(str(graph)), graph) is None
    verify(graph)


def test_what_the_text_says_is_in_the_graph() -> None:
    graph = parse(WHOLE)
    n, m = symbol("n"), symbol("m")
    assert graph.constraints == (Constraint(n, m), Constraint(2 * n + 1, 7))
    assert graph.update_names == ("steps", "w")
    assert graph.updates["w"].node.op.name == "scan"
    assert [value.node.op.name for value in graph.fetches] == ["scan", "select", "input"]
    assert [value.node.attributes["name"] for value in graph.inputs][1] == 'a "quoted" name\n'
    assert [node.name for node in graph.nodes if node.name] == ["loss/difference", 'w "wide"']
    (scan,) = [node for node in graph.nodes if node.op.name == "scan"]
    assert [str(value.type) for value in scan.regions[0].outputs] == ["f32[3]", "f32[]"]


def test_values_are_numbered_by_position_and_not_by_age() -> None:
    build = GraphBuilder()
    x = build.input(as_type("f32"), "x")
    late, early = build.sine(x), build.tanh(x)
    lines = str(build.finish([build.subtract(early, late)])).splitlines()
    assert lines[3:6] == [
        "  %1 = tanh(%0) : f32[]",
        "  %2 = sine(%0) : f32[]",
        "  %3 = subtract(%1, %2) : f32[]",
    ]


@pytest.mark.parametrize(
    "name", ['"', "\\", '\\"', "a\nb", "\u2028", "\x85", "{", "} : f32[]", "%0", "// no", "é", "=="]
)
def test_any_name_is_an_annotation_in_one_line(name: str) -> None:
    build = GraphBuilder()
    x = build.input(as_type("f32"), name, "state")
    build.name = name
    graph = build.finish([build.tap(x, label=name)])
    graph = Graph(graph.inputs, graph.outputs, graph.nodes, [name])
    text = str(graph)
    again = parse(text)
    assert len(text.splitlines()) == 7
    assert str(again) == text
    node = again.nodes[1]
    assert node.name == node.attributes["label"] == name
    assert again.update_names == (again.inputs[0].node.attributes["name"],) == (name,)


def test_large_constants_are_read_back_from_the_arrays_that_are_handed_over() -> None:
    table = np.arange(100, dtype=np.float32).reshape(10, 10)
    odd = np.array(0x7FC00001, np.uint32).view(np.float32)
    build = GraphBuilder()
    graph = build.finish([build.array(table), build.array(odd), build.array(["a"] * 20)])
    text = str(graph)
    assert text.count("sha256:") == 3
    without, given = parse(text), parse(text, [odd, table, ["a"] * 20])
    assert str(without) == str(given) == text
    arrays = [node.attributes["value"].array for node in given.nodes]
    assert arrays[0].tobytes() == table.tobytes()
    assert arrays[1].tobytes() == odd.tobytes()
    assert arrays[2].tolist() == ["a"] * 20
    assert all(node.attributes["value"].is_detached for node in without.nodes)


def made_up(schema: Schema, results: int) -> OpSpec:
    def infer(call: OpCall) -> tuple[TensorType, ...]:
        return (as_type(F32),) * results

    return OpSpec(
        name="made_up",
        doc="For tests.",
        infer=infer,
        lower=NotLowered("a test"),
        gradient=NoGradient("a test"),
        reference=NotLowered("a test"),
        samples=tuple,
        arity=0,
        attributes=schema,
    )


@pytest.mark.parametrize(
    ("given_attributes", "text"),
    [
        ({"axis": 1}, "axis=1"),
        ({"axis": 1, "rate": 0.5, "size": None}, "axis=1"),
        ({"axis": 1, "rate": 0.25, "size": 3}, "axis=1, rate=0.25, size=3"),
        ({"size": 0, "axis": 0}, "axis=0, size=0"),
    ],
)
def test_attributes_at_their_default_are_left_out_and_the_others_in_order(
    given_attributes, text: str
) -> None:
    schema = Schema(
        axis=INTEGER, rate=Attribute(FLOAT, 0.5), size=Attribute(optional(INTEGER), None)
    )
    op = made_up(schema, 1)
    node = Node(op, (), schema.make(given_attributes, "made_up"), (as_type(F32),))
    assert format_attributes(node) == text
    registry = OpRegistry()
    registry.register(op)
    line = f"  %0 = made_up() {{{text}}} : f32[]"
    whole = f"graphc opset 1\ngraph {{\n{line}\n  return %0\n}}"
    assert str(parse(whole, (), registry)) == whole


@pytest.mark.parametrize("results", [0, 1, 2, 11])
def test_a_node_of_any_number_of_results_is_read_back(results: int) -> None:
    registry = OpRegistry()
    op = registry.register(made_up(Schema(), results))
    nodes: list[Node] = []
    node = Builder(nodes.append, registry).make(op, ())
    graph = Graph([], node.outputs, nodes)
    again = parse(str(graph), (), registry)
    assert str(again) == str(graph)
    assert len(again.nodes[0].outputs) == results

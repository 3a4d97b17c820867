"""Taps are gone after their pass, in regions too, and nothing else is."""

from __future__ import annotations

from passes.tap_removal import TapRemoval
from tests.passes.built_programs import VECTOR, Program, body, op_names


def test_users_of_a_tap_use_its_operand() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    inner = program.tap(program.sine(x), label="a")
    outer = program.tap(inner, label="b")
    result = TapRemoval()(program.graph(program.add(outer, inner), outer))
    assert op_names(result.graph) == ["sine", "add"]
    sine = result.graph.nodes[1].output
    assert result.graph.outputs[0].node.inputs == (sine, sine)
    assert result.graph.outputs[1] is sine is result.values[outer]
    assert result.details == {"taps": 2}


def test_taps_of_bodies_of_bodies() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    inner = body(lambda b, v: [b.tap(b.sine(v), label="a")], VECTOR)
    outer = body(lambda b, v: [b.scan(v, regions=(inner,), carries=1, length=2)], VECTOR)
    looped = program.scan(x, regions=(outer,), carries=1, length=2)
    same = program.scan(x, regions=(outer,), carries=1, length=3)
    result = TapRemoval()(program.graph(looped, same))
    assert result.graph.count("tap") == 0
    assert result.graph.count("sine") == 2
    assert result.details == {"taps": 1}  # one body, used twice
    first, second = (node for node in result.graph.nodes if node.regions)
    assert first.regions == second.regions

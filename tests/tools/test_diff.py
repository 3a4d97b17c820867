"""Graphs are compared node by node, whatever their nodes are called and values numbered."""

from __future__ import annotations

import pytest

import graphc
from graphc.ir.equality import first_difference
from graphc.tools.text_comparison import hunks, lines_of
from tests.tools.command_line import AFFINE, call


@pytest.fixture
def write(tmp_path):
    def to(name: str, text: str):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def chain(*ops: str, outputs: str | None = None) -> str:
    """A graph of unary ops, one after another."""
    lines = [f"  %{i + 1} = {op}(%{i}) : f32[2]" for i, op in enumerate(ops)]
    body = "\n".join(
        ['  input %0 : f32[2] feed "x"', *lines, f"  return {outputs or f'%{len(ops)}'}"]
    )
    return f"graphc opset 1\ngraph {{\n{body}\n}}\n"


def signs(left: str, right: str) -> list[str]:
    """The lines that differ, by sign and op."""
    return [
        sign + text.strip()
        for hunk in hunks(graphc.parse(left), graphc.parse(right))
        for sign, text in hunk.lines
        if sign != " "
    ]


def test_equal_graphs_are_equal_whatever_their_nodes_are_called(write):
    renamed = AFFINE.replace('"scaled"', '"other"')
    called = call("diff", write("a.txt", AFFINE), write("b.txt", renamed))
    assert called.status == 0
    assert "are equal" in called.output


def test_graphs_that_differ_end_with_1_and_show_where(write):
    other = AFFINE.replace("multiply(%0, %2)", "add(%0, %2)")
    called = call("diff", write("a.txt", AFFINE), write("b.txt", other))
    assert called.status == 1
    lines = called.output.splitlines()
    assert lines[0].startswith("--- ")
    assert lines[1].startswith("+++ ")
    assert "first difference: multiply '' against add ''" in called.output
    assert "@@ -3,7 +3,7 @@" in lines
    assert "-  %3 = multiply(%0, %2) : f32[n0, 2]" in lines
    assert "+  %3 = add(%0, %2) : f32[n0, 2]" in lines
    assert sum(line[0] in "-+" for line in lines) == 4  # two are the names of the files


def test_names_of_inputs_do_count(write):
    other = AFFINE.replace('state "w"', 'state "v"')
    assert call("diff", write("a.txt", AFFINE), write("b.txt", other)).status == 1


def test_colours_mark_what_went_and_what_came(write):
    left, right = write("a.txt", chain("sine")), write("b.txt", chain("cosine"))
    output = call("diff", left, right, colours=True).output
    assert "\x1b[31m-  %1 = sine(%0)" in output
    assert "\x1b[32m+  %1 = cosine(%0)" in output


def test_a_node_more_does_not_make_all_after_it_different():
    assert signs(
        chain("sine", "abs", "tanh", "sqrt"), chain("sine", "abs", "negate", "tanh", "sqrt")
    ) == [
        "+%3 = negate(%2) : f32[2]",
        "-%3 = tanh(%2) : f32[2]",
        "+%4 = tanh(%3) : f32[2]",
    ]


def test_another_operand_alone_is_a_difference():
    left = chain("sine", "abs")
    right = left.replace("abs(%1)", "abs(%0)")
    assert signs(left, right) == ["-%2 = abs(%1) : f32[2]", "+%2 = abs(%0) : f32[2]"]


def test_other_outputs_alone_are_a_difference():
    assert signs(chain("sine", "abs"), chain("sine", "abs", outputs="%1")) == [
        "-return %2",
        "+return %1",
    ]


def test_what_looks_like_a_value_in_an_attribute_is_none():
    text = (
        'graphc opset 1\ngraph {\n  %0 = constant() {value=string[] "%1"} : string[]\n'
        "  return %0\n}\n"
    )
    assert len(signs(text, text.replace("%1", "%2"))) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (chain("sine"), chain("sine")),
        (chain("sine"), chain("cosine")),
        (chain(), chain("sine")),
        (chain("sine", "sine", "sine"), chain("sine", "sine")),
        (chain("sine", "abs"), chain("abs", "sine")),
        (AFFINE, AFFINE.replace('update "w" = %6', 'update "w" = %1')),
        (AFFINE, AFFINE.replace('  update "w" = %6\n', "")),
        (AFFINE, AFFINE.replace("  return", "  require n0 == 4\n  return")),
    ],
)
def test_hunks_are_there_exactly_when_the_graphs_differ(left, right):
    one, other = graphc.parse(left), graphc.parse(right)
    assert bool(hunks(one, other)) == (first_difference(one, other) is not None)
    assert bool(hunks(other, one)) == (first_difference(one, other) is not None)


def test_bodies_of_regions_are_compared_too(write):
    fused = call("dump", write("a.txt", chain("sine", "tanh", "abs"))).output
    assert "body {" in fused
    other = fused.replace("sine(%0)", "cosine(%0)")
    assert signs(fused, other) == ["-%1 = sine(%0) : f32[2]", "+%1 = cosine(%0) : f32[2]"]


def test_lines_are_those_of_the_text(write):
    fused = graphc.parse(call("dump", write("a.txt", AFFINE), "--size", "n0=3").output)
    assert "\n".join(line.text for line in lines_of(fused)) == str(fused)


def test_hunks_keep_apart_what_is_far_apart():
    ops = ["negate"] * 40
    left = chain("sine", *ops, "abs")
    right = chain("cosine", *ops, "tanh")
    found = hunks(graphc.parse(left), graphc.parse(right))
    assert [(hunk.left_start, hunk.right_start) for hunk in found] == [(1, 1), (42, 42)]
    assert [len(hunk.lines) for hunk in found] == [8, 7]


def test_two_stages_of_one_graph_are_compared(write):
    path = write("a.txt", AFFINE)
    called = call("diff", path, "--stages", "built", "canonical")
    assert called.status == 1
    assert "--- stage built: 5 nodes" in called.output
    assert "+++ stage canonical: 3 nodes" in called.output
    assert "-  %4 = negate(%3) : f32[n0, 2]" in called.output.splitlines()
    same = call("diff", path, "--stages", "canonical", "simplified")
    assert same.status == 0
    assert call("diff", path, "--stages", "canonical", "fused", "--size", "n0=2").status == 1
    assert "--size n0=32" in call("diff", path, "--stages", "canonical", "fused").errors


def test_two_places_in_a_deep_graph_of_repeated_layers_are_told_apart():
    layers = ["negate", "sine"] * 2000
    left = graphc.parse(chain(*layers))
    right = graphc.parse(chain(*layers[:1000], "tanh", *layers[1000:3000], "abs", *layers[3000:]))
    first, second = hunks(left, right)
    assert next(text.split()[2] for sign, text in first.lines if sign == "+") == "tanh(%1000)"
    assert next(text.split()[2] for sign, text in second.lines if sign == "+") == "abs(%3001)"
    assert sum(sign != " " for sign, _ in (*first.lines, *second.lines)) == 6

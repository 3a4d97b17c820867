"""Inputs that are packs of variables, in the text form."""

from __future__ import annotations

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.errors import ParseError
from graphc.ir.parser import parse


def test_a_pack_names_the_variables_that_are_its_rows() -> None:
    text = (
        "graphc opset 1\n"
        "graph {\n"
        '  input %0 : f32[2, 3] state "a..b" of ["a", "b, \\" of [\\"c"]\n'
        '  input %1 : f32[] feed "x of [\\"y\\"]"\n'
        "  return %0, %1\n"
        "}"
    )
    graph = parse(text)
    assert str(graph) == text
    assert graph.inputs[0].node.attributes["members"] == ("a", 'b, " of ["c')
    assert graph.inputs[1].node.attributes["members"] == ()


@pytest.mark.parametrize("rows", ["[a]", '["a" "b"]', "[]", '["a", 1]'])
def test_what_is_no_list_of_names_is_no_pack(rows: str) -> None:
    with pytest.raises(ParseError):
        parse(f'graphc opset 1\ngraph {{\n  input %0 : f32[2] state "a" of {rows}\n}}')

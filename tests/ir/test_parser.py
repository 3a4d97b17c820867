"""Reading text: every mistake at its line and column, and nothing hostile gets further."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import ParseError
from graphc.ir import parser, versions
from graphc.ir.parser import parse, parse_type
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type
from graphc.ir.verifier import verify

GOOD = """graphc opset 1
graph {
  input %0 : f32[2, n] feed "x"
  input %1 : f32[2, n] state "w"
  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]
  %3 = constant() {value=f32[] 1.0} : f32[] "one"
  %6 = constant() {value=bool[] true} : bool[]
  %4 = cond(%6, %3) : f32[]
    true_branch {
      input %0 : f32[] argument "x"
      return %0
    }
    false_branch {
      input %0 : f32[] argument "x"
      %1 = tanh(%0) : f32[]
      return %1
    }
  require n == m
  return %2, %4
  update "w" = %1
}"""

# What is wrong: a line of GOOD, what stands there instead with ^ before the place, and the words.
MISTAKES = [
    ("graphc opset 1", "^graphc opset one", "expected the line `graphc opset 1`"),
    ("graphc opset 1", "^graphc", "expected the line `graphc opset 1`"),
    ("graphc opset 1", "^graphc opset " + "9" * 5000, "expected the line"),
    ("graphc opset 1", "graphc opset ^2", "knows 1 to 1"),
    ("graphc opset 1", "graphc opset ^0", "knows 1 to 1"),
    ("graph {", "^graph", "expected `graph {`"),
    # inputs
    ('  input %0 : f32[2, n] feed "x"', '  ^input %0 : f32[2, n] fed "x"', "expected `input %0"),
    ('  input %0 : f32[2, n] feed "x"', "  ^input %0 : f32[2, n] feed x", "expected `input %0"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : ^f32[2, n feed "x"', "list in brackets"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : ^f33[2, n] feed "x"', "not an element type"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : ^f32[2, -1] feed "x"', "not a shape"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : ^f32[2, n+] feed "x"', "cannot read"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : ^f32[2]] feed "x"', "not balanced"),
    ('  input %0 : f32[2, n] feed "x"', '  input %0 : f32[2, n] feed ^"x" "', "quoted string"),
    ('  input %1 : f32[2, n] state "w"', '  input ^%0 : f32[2, n] state "w"', "defined twice"),
    # nodes
    ("  %4 = cond(%6, %3) : f32[]", "  ^%4 = cond%6 : f32[]", "expected `%2 = op"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = ^cnod(%6, %3) : f32[]", "no op named 'cnod'"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, ^%33) : f32[]", "%33 is used before"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, ^%4) : f32[]", "%4 is used before"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(^x, %3) : f32[]", "expected a value such as"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(^[%6, %3) : f32[]", "not balanced"),
    ("  %4 = cond(%6, %3) : f32[]", "  ^%3 = cond(%6, %3) : f32[]", "%3 is defined twice"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, %3) ^: f32[2]", "declares [f32[2]], but"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, %3) : ^f32[], f32[]", "cannot read"),
    (
        "  %4 = cond(%6, %3) : f32[]",
        "  %4 = cond(%6, %3) ^: (f32[], f32[])",
        "declares [f32[], f32",
    ),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, %3)^", "expected ` : ` and the types"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = cond(%6, %3) : ^f32", "such as f32[2, 3]"),
    ("  %4 = cond(%6, %3) : f32[]", '  %4 = cond(%6, %3) : f32[] ^"a', "quoted string"),
    ("  %4 = cond(%6, %3) : f32[]", '  %4 = cond(%6, %3) : f32[] ^"a" b', "quoted string"),
    ("  %4 = cond(%6, %3) : f32[]", "  ^%4, %5 = cond(%6, %3) : f32[]", "1 values, 2 are named"),
    ("  %4 = cond(%6, %3) : f32[]", "  ^= cond(%6, %3) : f32[]", "1 values, 0 are named"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = ^cond(%3, %6) : f32[]", "cond"),
    ("  %4 = cond(%6, %3) : f32[]", "  %4 = ^tanh(%6, %3) : f32[]", "takes 1 operands"),
    (
        "  %4 = cond(%6, %3) : f32[]",
        '  ^%4 = input() {kind="feed", name="y", dtype=f32, shape=[]} : f32[]',
        "line of its own form",
    ),
    # attributes
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {permutation=[1, 0], ^ion=1} : f32[n, 2]",
        "transpose has no attribute 'ion'; it has permutation",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {permutation=^[1, 0.5]} : f32[n, 2]",
        "attribute 'permutation'",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {permutation=^0} : f32[n, 2]",
        "attribute 'permutation'",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {^permutation} : f32[n, 2]",
        "has no value",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {^permutation=[1, 0], permutation=[1, 0]} : f32[n, 2]",
        "stands twice",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = ^transpose(%0) : f32[n, 2]",
        "'permutation' is missing",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = ^transpose(%0) {permutation=[1, 1]} : f32[n, 2]",
        "transpose",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) ^{permutation=[1, 0] : f32[n, 2]",
        "brace is not closed",
    ),
    (
        "  %2 = transpose(%0) {permutation=[1, 0]} : f32[n, 2]",
        "  %2 = transpose(%0) {permutation=[1, 0]}^} : f32[n, 2]",
        "expected ` : `",
    ),
    (
        '  %3 = constant() {value=f32[] 1.0} : f32[] "one"',
        '  %3 = constant() {value=^f32[] "1.0"} : f32[] "one"',
        "could not convert",
    ),
    (
        '  %3 = constant() {value=f32[] 1.0} : f32[] "one"',
        '  %3 = constant() {value=f32[] 1.0} ^: i32[] "one"',
        "declares [i32[]], but constant gives [f32[]]",
    ),
    # regions
    ("    true_branch {", "    ^body {", "expected the region 'true_branch'"),
    ("    true_branch {", "    true_branch", "cond: has 0 regions"),
    ("      return %0", "      return ^%6", "%6 is used before it is defined"),
    # ends
    ("  require n == m", "  ^require n = m", "expected `require n == m`"),
    ("  require n == m", "  require ^n+ == m", "cannot read the dimension"),
    ("  require n == m", "  require n == ^(m", "cannot read the dimension"),
    ("  require n == m", "  require n == ^m == n", "cannot read the dimension"),
    ("  return %2, %4", "  return %2, ^%44", "%44 is used before it is defined"),
    ("  return %2, %4", "  return ^, %4", "expected a value"),
    ("  return %2, %4", "  return ^(%2, %4", "not balanced"),
    ("  return %2, %4", "  ^returns %2, %4", "expected an input, a node"),
    ("  return %2, %4", "  // nothing", "a graph needs a return line"),
    ('  update "w" = %1', '  ^update "w" %1', "expected an input, a node"),
    ('  update "w" = %1', '  update "w" = ^%9', "%9 is used before it is defined"),
    ('  update "w" = %1', '  update ^"w" " = %1', "not a quoted string"),
    ('  update "w" = %1', '  update "w" = %1\n  update ^"w" = %0', "updated twice"),
    ('  update "w" = %1', '  update "w" = %1\n  ^return %1', "only updates may follow"),
    ('  update "w" = %1', '  update "w" = %1\n  ^%7 = tanh(%3) : f32[]', "only updates may follow"),
    ('  update "w" = %1', '  update "w" = %1\n}\n  ^more', "text after the end"),
]


def test_the_good_text_is_good() -> None:
    verify(parse(GOOD))


@pytest.mark.parametrize(("line", "instead", "words"), MISTAKES)
def test_a_mistake_is_named_at_its_line_and_column(line: str, instead: str, words: str) -> None:
    before, found, after = GOOD.partition(line + "\n")
    assert found, line
    place = (before + instead).partition("^")[0]
    with pytest.raises(ParseError) as caught:
        parse(before + instead.replace("^", "") + "\n" + after)
    error = caught.value
    assert words in str(error)
    assert "  at: " not in str(error), "the place in the text is the only one"
    if "^" in instead:
        marked = place.rpartition("\n")[2]
        assert (error.line, error.column) == (place.count("\n") + 1, len(marked) + 1), str(error)
    shown, marker = str(error.context).rsplit("\n", 1)
    assert shown == (before + instead.replace("^", "") + "\n" + after).split("\n")[error.line - 1]
    assert marker.index("^") == error.column - 1


def test_a_value_is_not_taken_for_one_whose_number_starts_alike() -> None:
    text = 'graphc opset 1\ngraph {\ninput %10 : f32[] feed "x"\n%2 = add(%10, %1) : f32[]'
    with pytest.raises(ParseError, match="%1 is used before") as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (4, len("%2 = add(%10, ") + 1)


@pytest.mark.parametrize("text", ["", "\n\n", "// nothing\n"])
def test_no_text_at_all_ends_too_early(text: str) -> None:
    with pytest.raises(ParseError, match="ends too early"):
        parse(text)


def test_a_text_cut_off_after_any_line_is_refused() -> None:
    lines = GOOD.split("\n")
    for count in range(len(lines)):
        with pytest.raises(ParseError) as caught:
            parse("\n".join(lines[:count]))
        assert caught.value.line <= max(count, 1)


def test_any_line_may_be_missing_without_another_error_than_a_parse_error() -> None:
    lines = GOOD.split("\n")
    for index in range(len(lines)):
        try:
            parse("\n".join(lines[:index] + lines[index + 1 :]))
        except ParseError:
            continue


def test_blank_lines_comments_and_indentation_do_not_count() -> None:
    spaced = "\n\n// first\n".join(line.strip() for line in GOOD.split("\n")) + "\n // last \n\n"
    assert str(parse(spaced)) == str(parse(GOOD))
    assert str(parse(GOOD.replace("\n", "\r\n"))) == str(parse(GOOD))


def test_numbers_of_values_are_names_only() -> None:
    renamed = GOOD.replace("%3", "%0003")
    assert str(parse(renamed)) == str(parse(GOOD))


def test_a_region_sees_nothing_of_the_graph_around_it() -> None:
    text = GOOD.replace("%1 = tanh(%0)", "%1 = tanh(%3)")
    with pytest.raises(ParseError, match="%3 is used before") as caught:
        parse(text)
    assert "tanh" in str(caught.value.context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f32[]", as_type("f32")),
        ("bf16[2,3]", as_type("bfloat16", (2, 3))),
        ("u8[ n , 2*n + 1 ]", as_type("u8", (symbol("n"), 2 * symbol("n") + 1))),
        ("token[]", as_type("token")),
    ],
)
def test_types_are_read(text: str, expected) -> None:
    assert parse_type(text) is expected


def test_text_of_an_older_op_set_is_brought_up_to_date(monkeypatch) -> None:
    def rename(node: versions.NodeText) -> versions.NodeText:
        name, attributes = node
        if name != "transpose":
            return node
        return "reverse", {"dimensions": attributes["permutation"]}

    monkeypatch.setattr(versions, "OPSET_VERSION", 2)
    monkeypatch.setitem(versions.UPGRADES, 1, rename)
    text = GOOD.replace("f32[n, 2]", "f32[2, n]")
    nodes = [node.op.name for node in parse(text).nodes]
    assert "reverse" in nodes
    assert "transpose" not in nodes
    assert "reverse" not in str(parse(GOOD.replace("opset 1", "opset 2")))


# --- hostile text ---------------------------------------------------------------------------------


def around(*lines: str) -> str:
    return "\n".join(["graphc opset 1", "graph {", *lines, "}"])


def nested(depth: int) -> str:
    lines: list[str] = []
    for _ in range(depth):
        lines += [
            'input %0 : f32[] argument "x"',
            '%1 = fusion(%0) {kind="elementwise"} : f32[]',
            "body {",
        ]
    lines += ['input %0 : f32[] argument "x"', "return %0"]
    return around(*lines, *["}", "return %1"] * depth)


MANY = 20_000
HOSTILE = {
    "an array of a terabyte": "%0 = constant() {value=f64[1000000, 1000000] 0.0} : f64[1]",
    "a size of many digits": f'input %0 : f32[{"9" * 4000}] feed "x"',
    "a product of many digits": f'input %0 : f32[{"*".join(["9" * 3000] * 3)}] feed "x"',
    "an equation of many digits": f"require n == {'*'.join(['9' * 3000] * 3)}",
    "parentheses": f"require {'(' * MANY}n{')' * MANY} == n",
    "signs": f"require {'-' * MANY}n == n1*",
    "a sum of symbols": f'input %0 : f32[{"+".join(f"n{i}" for i in range(MANY))}] feed "x"',
    "lists in lists": f"%0 = constant() {{value={'[' * MANY}{']' * MANY}}} : f32[]",
    "lists as a string": f"%0 = random_key() {{stream={'[' * MANY}{']' * MANY}}} : u32[2]",
    "braces": f"%0 = constant() {'{' * MANY}{'}' * MANY} : f32[]",
    "open braces": f"%0 = constant() {'{' * MANY}",
    "closed braces": f"%0 = constant() {'}' * MANY}",
    "open quotes": "%0 = constant() {value=f32[] 1.0} : f32[] " + '"\\' * MANY,
    "escaped quotes": "%0 = constant() {value=f32[] 1.0} : f32[] " + '\\"' * MANY,
    "quotes": "%0 = constant() {value=string[] " + '"' * (MANY + 1) + "} : string[]",
    "bytes": "%0 = constant() {value=string[] " + 'b"" ' * MANY + "} : string[]",
    "kinds of input": "input %0 : " + 'f feed "' * MANY + "x",
    "results": "%1" * MANY + " = constant() : f32[]",
    "operands": f"%0 = tanh({', '.join(['%0'] * MANY)}) : f32[]",
    "a long op name": f"%0 = {'a' * MANY}() : f32[]",
    "equal signs": f"require {' == ' * MANY}",
    "digits of an attribute": f"%0 = constant() {{value=i32[] {'9' * MANY}}} : i32[]",
    "a path": "%0 = constant() {value=f32[9] sha256:../../../etc/passwd} : f32[9]",
    "code": "%0 = constant() {value=__import__('os')} : f32[]",
    "a string that is none": "%0 = constant() {value=string[] [1, 2]} : string[]",
    "a token as a value": "%0 = constant() {value=token[] 1} : token[]",
    "a token as a parameter": 'input %0 : f32[] feed "x"\n  '
    '%1 = jax_primitive(%0) {primitive="sin", parameters={x=token}} : f32[]',
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(around(line, "return"))
    assert caught.value.line >= 3


def test_regions_nest_to_a_limit() -> None:
    assert str(parse(nested(100)))
    with pytest.raises(ParseError, match="nest more than 100 deep"):
        parse(nested(101))
    with pytest.raises(ParseError, match="nest more than 100 deep"):
        parse(nested(50_000))


def test_constants_of_one_text_may_not_ask_for_all_memory(monkeypatch) -> None:
    monkeypatch.setattr(parser, "_LARGEST_CONSTANTS", 1000)
    line = "%{} = constant() {{value=f32[100] 0.0}} : f32[100]"
    parse(around(line.format(0), line.format(1), "return"))
    with pytest.raises(ParseError, match="too much memory") as caught:
        parse(around(*[line.format(i) for i in range(5)], "return"))
    assert caught.value.line == 5


class CountedLines(list[str]):
    """Lines that count how many of them were looked at."""

    seen = 0

    def __getitem__(self, key: Any) -> Any:
        self.seen += len(range(*key.indices(len(self)))) if isinstance(key, slice) else 1
        return super().__getitem__(key)


def test_the_lines_of_many_regions_are_looked_at_a_fixed_number_of_times() -> None:
    lines = ['input %0 : f32[] feed "x"']
    for index in range(500):
        lines += [f'%{index + 1} = fusion(%{index}) {{kind="elementwise"}} : f32[]', "body {"]
        lines += ['input %0 : f32[] argument "x"', "return %0", "}"]
    reader = parser._Parser(around(*lines, "return"), {}, REGISTRY)
    reader.lines = counted = CountedLines(reader.lines)
    assert reader.parse().count("fusion") == 500
    assert counted.seen < 10 * len(counted)


TOKENS = re.compile(r'%\d+|-?\d+|[A-Za-z_]\w*|"[^"\n]*"|\s+|.')
ODD = ["%0", "%1", "-1", "0", "n", "m", "2", "1e400", "nan", "true", '"x"', "[", "]", "{", "}", "("]
ODD += [")", ",", ":", "\n", "=", "f32", "bool", "string", "token", "[]", "99999999999999999999"]


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_a_damaged_text_is_refused_or_a_sound_graph(seed: int, changes: int) -> None:
    choose = random.Random(seed)
    tokens = TOKENS.findall(GOOD)
    for _ in range(changes):
        position = choose.randrange(len(tokens))
        tokens[position : position + choose.randrange(2)] = choose.choices(
            ODD, k=choose.randrange(2)
        )
    try:
        graph = parse("".join(tokens))
    except ParseError:
        return
    verify(graph)
    assert str(parse(str(graph))) == str(graph)

"""Splitting text: brackets and quotes hide what stands in them."""

from __future__ import annotations

import pytest

from graphc.ir.lexing import closing_brace, split_list, split_top_level


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("  ", []),
        ("a", ["a"]),
        (" a , b ", ["a", "b"]),
        ("a,", ["a", ""]),
        (",a", ["", "a"]),
        ("a,,b", ["a", "", "b"]),
        ("f(a, b), [c, {d, e}], g", ["f(a, b)", "[c, {d, e}]", "g"]),
        ('"a, b", "]", c', ['"a, b"', '"]"', "c"]),
        (r'"\", ", "\\", c', [r'"\", "', r'"\\"', "c"]),
    ],
)
def test_commas_in_brackets_and_quotes_do_not_split(text: str, parts: list[str]) -> None:
    assert split_top_level(text) == parts
    assert split_list(f" [{text}] ") == parts


def test_another_separator_splits_alone() -> None:
    assert split_top_level("a, b; c", ";") == ["a, b", "c"]


@pytest.mark.parametrize("text", ["(", ")", "[a, b", "a]", '"', '"a\\"', "(]]"])
def test_what_is_not_balanced_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not balanced"):
        split_top_level(text)


@pytest.mark.parametrize("text", ["", "a", "[a", "a]", "(a)"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="list in brackets"):
        split_list(text)


@pytest.mark.parametrize(
    ("text", "closing"),
    [("{}", 1), ("{a} }", 2), ("{{}}", 3), ('{"}"}', 4), (r'{"\"}"}', 6), ("{[(a)]}", 6)],
)
def test_the_brace_that_closes_is_found(text: str, closing: int) -> None:
    assert closing_brace(text, 0) == closing
    assert closing_brace("x " + text, 2) == closing + 2


@pytest.mark.parametrize("text", ["{", '{"}', "{{}", r'{"\"}'])
def test_a_brace_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not closed"):
        closing_brace(text, 0)

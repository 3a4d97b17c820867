"""What the library asks of symbolic sizes: comparison, shapes, substitution, text, symbols.

Random expressions are in `test_dimension_algebra.py`.
"""

from __future__ import annotations

import copy

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.dimensions import (
    Dimension,
    SymbolSource,
    at_least,
    equal,
    exact_quotient,
    is_static,
    parse_dimension,
    product,
    solve,
    substitute,
    symbol,
)

n, m, k = symbol("n"), symbol("m"), symbol("k")


def test_symbols_are_named():
    assert (2 * n + (m + 1) // k).symbols == {"n", "m", "k"}
    for name in ("", "1n", "n-1", "é", "n\n"):
        with pytest.raises(ValueError, match="cannot name a symbol"):
            symbol(name)


@given(st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 20))
def test_a_solution_solves(factor: int, constant: int, size: int):
    expression = factor * n + constant
    found = solve(expression, factor * size + constant)
    assert found == (("n", size) if factor else None)


def test_a_source_gives_every_name_once():
    source = SymbolSource()
    source.reserve("n1")
    assert [str(source.fresh()) for _ in range(3)] == ["n0", "n2", "n3"]
    assert str(copy.deepcopy(source).fresh()) == str(source.fresh()) == "n4"
    assert str(SymbolSource("batch").fresh()) == "batch0"
    for make in (lambda: SymbolSource("2"), lambda: source.reserve("a b")):
        with pytest.raises(ValueError, match="cannot name a symbol"):
            make()


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (3, 3, True),
        (3, 4, False),
        (n, n, True),
        (n, n + 1, False),
        (n, m, None),
        (n, 1, None),
        (n + 1, 0, False),
        (n * m + k + 2, 1, False),
        (-n, 1, False),
        (2 * n, 2 * m + 1, False),
        (n - n // 2, (n + 1) // 2, True),
        ((m - n) // 2, (m + n) // 2 - n, True),
        (n // 2, (n + 1) // 2, None),
        ((n % 2) // 4, 0, True),
        (n // m, n, None),
    ],
)
def test_equality_has_three_answers(a: Dimension, b: Dimension, answer: bool | None):
    assert equal(a, b) is answer
    assert equal(b, a) is answer


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (3, 3, True),
        (2, 3, False),
        (n, 0, True),
        (n, 1, None),
        (n, n + 1, False),
        (-1, n, False),
        (n, m, None),
        (n, n // 2, True),
        (n, (n + 1) // 2, True),
        (n // 2 + m // 2, 0, True),
        (n % 5, 0, True),
        (4, n % 5, True),
        (n % 5, 5, False),
        (n, n // m, True),
        (n // m, n + 1, False),
        ((n - n // 2) // 3 * m, 0, True),
        (n - m, n // m, None),
        ((m - n) // 2, 0, None),
        (m - n, (m - n) // k, None),
        ((m - n) // k * (k % 2), 0, None),
    ],
)
def test_ordering_has_three_answers(a: Dimension, b: Dimension, answer: bool | None):
    assert at_least(a, b) is answer


def test_shapes():
    assert is_static((2, 3))
    assert is_static(())
    assert not is_static((2, n))
    assert product(()) == 1
    assert product((2, n, 3, m + 1)) is 6 * n * (m + 1)
    assert product((n, 0)) == 0


@pytest.mark.parametrize(
    ("a", "b", "quotient"),
    [
        (6, 3, 2),
        (7, 3, None),
        (0, 0, None),
        (n, 0, None),
        (0, n, 0),
        (6 * n, 4, None),
        (6 * n * m, 2 * m, 3 * n),
        (n * n - m * m, n - m, n + m),
        (n * n + m, n + m, None),
        (n * (m // 2), m // 2, n),
    ],
)
def test_exact_quotients(a: Dimension, b: Dimension, quotient: Dimension | None):
    assert exact_quotient(a, b) == quotient


@pytest.mark.parametrize(
    ("expression", "value", "solution"),
    [
        (2 * n, 6, ("n", 3)),
        (2 * n + 1, 6, None),
        (n + 3, 3, ("n", 0)),
        (n + 4, 3, None),
        (-n + 4, 3, ("n", 1)),
        (n + m, 3, None),
        (n * n, 4, None),
        (n * n + n, 6, None),
        (n // 2, 3, None),
        (5, 5, None),
    ],
)
def test_solutions(expression: Dimension, value: int, solution: tuple[str, int] | None):
    assert solve(expression, value) == solution


def test_substitution_refuses_what_is_not_a_size():
    with pytest.raises(ValueError, match="n is a size: bind it to 0 or more, not -1"):
        substitute(n + 1, {"n": -1})
    with pytest.raises(ValueError, match=r"m//\(k - n\): its divisor is 0 when k = 2, n = 2"):
        substitute(m // (k - n) + 1, {"k": 2, "n": 2})
    assert substitute(n + 1, {"m": -1}) is n + 1
    assert type(substitute(n + 1, {"n": numpy.int64(4)})) is int
    for divide in (lambda: n // 0, lambda: n % 0):
        with pytest.raises(ValueError, match="divide the size n by zero"):
            divide()


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        (" 2 *n+1", 2 * n + 1),
        ("-n//2", -n // 2),
        ("2*n//3*m", (2 * n) // 3 * m),
        ("7 - -(n)", n + 7),
        ("n % 3", n % 3),
        ("007", 7),
    ],
)
def test_parsing_follows_python(text: str, dimension: Dimension):
    assert parse_dimension(text) == dimension


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "position 0: expected an integer, a symbol or '\\('.*end of the text"),
        ("n +", "position 3: expected an integer.*end of the text"),
        ("n 2", "position 2: expected an operator.*found '2'"),
        ("n / 2", "position 2: expected an operator.*found '/'"),
        ("2*(n + 1", "position 8: expected '\\)'"),
        ("n ** 2", "position 3: expected an integer"),
        ("٣", "position 0: expected an integer"),
        ("n // (m - m)", "position 2: .*by zero"),
        ("1 + 5 % 0", "position 6: .*by zero"),
        ("9" * 5000, "expected an integer"),
        ("(" * 1000, "nested parentheses"),
        ("*".join(f"(a{i} + b{i})" for i in range(60)), "terms|letters"),
        ("1 + " + "n//(1 + " * 60 + "n" + ")" * 60, "nested more than 32"),
    ],
)
def test_a_text_that_is_no_dimension_is_refused_with_its_position(text: str, words: str):
    with pytest.raises(ValueError, match=words):
        parse_dimension(text)

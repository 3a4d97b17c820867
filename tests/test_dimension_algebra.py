"""The arithmetic of symbolic sizes: the normal form, identity, and random expressions.

Random expressions are trees that are evaluated twice: by Python on integers, and symbolically.
"""

from __future__ import annotations

import copy
import itertools
import operator
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.dimensions import (
    Dim,
    Dimension,
    at_least,
    equal,
    exact_quotient,
    format_dimension,
    parse_dimension,
    product,
    substitute,
    symbol,
)

n, m, k = symbol("n"), symbol("m"), symbol("k")

NAMES = ("k", "m", "n")
RING: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
OPERATORS = RING | {"//": operator.floordiv, "%": operator.mod}

# A tree is a name, an integer, or (operator, tree, tree).
Tree = Any


def trees(operators: Mapping[str, object]) -> st.SearchStrategy[Tree]:
    leaves = st.sampled_from(NAMES) | st.integers(-4, 6)
    names = st.sampled_from(sorted(operators))
    return st.recursive(leaves, lambda t: st.tuples(names, t, t), max_leaves=8)


def division_trees() -> st.SearchStrategy[Tree]:
    """Trees rich in what real shapes divide by: a constant, or a single symbol."""
    divisors = st.integers(1, 4) | st.sampled_from(NAMES)
    leaves = st.sampled_from(NAMES) | st.integers(-4, 6)

    def grow(t: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        rings = st.tuples(st.sampled_from(sorted(RING)), t, t)
        return rings | st.tuples(st.sampled_from(["//", "%"]), t, divisors)

    return st.recursive(leaves, grow, max_leaves=8)


def evaluate(tree: Tree, values: Mapping[str, Any]) -> Any:
    if isinstance(tree, tuple):
        name, left, right = tree
        return OPERATORS[name](evaluate(left, values), evaluate(right, values))
    return values[tree] if isinstance(tree, str) else tree


def symbolic(tree: Tree) -> Dimension | None:
    """The dimension of a tree, or None where it divides by a constant zero."""
    try:
        return evaluate(tree, {"k": k, "m": m, "n": n})
    except (ValueError, ZeroDivisionError):
        return None


def numeric(tree: Tree, values: Mapping[str, int]) -> int | None:
    try:
        return evaluate(tree, values)
    except ZeroDivisionError:
        return None


sizes = st.fixed_dictionaries({name: st.integers(0, 12) for name in NAMES})
any_trees = trees(OPERATORS) | division_trees()


@given(any_trees, sizes)
def test_substituting_sizes_computes_what_python_computes(tree: Tree, values: dict[str, int]):
    expected, dimension = numeric(tree, values), symbolic(tree)
    if expected is not None and dimension is not None:
        assert substitute(dimension, values) == expected


@given(any_trees, sizes)
def test_substituting_in_two_steps_gives_the_same_number(tree: Tree, values: dict[str, int]):
    expected, dimension = numeric(tree, values), symbolic(tree)
    if expected is not None and dimension is not None:
        renamed = substitute(dimension, {"n": m, "m": n})
        swapped = values | {"n": values["m"], "m": values["n"]}
        assert substitute(renamed, swapped) == expected
        partial = substitute(dimension, {"k": values["k"]})
        assert substitute(partial, values) == expected


@given(any_trees)
def test_the_text_is_read_back_as_the_same_object(tree: Tree):
    dimension = symbolic(tree)
    if dimension is not None:
        again = parse_dimension(format_dimension(dimension))
        assert type(again) is type(dimension)
        assert again == dimension


@given(any_trees, sizes)
def test_the_text_means_in_python_what_the_dimension_means(tree: Tree, values: dict[str, int]):
    expected, dimension = numeric(tree, values), symbolic(tree)
    if expected is not None and dimension is not None:
        assert eval(str(dimension), {}, values) == expected


@given(any_trees, any_trees, sizes)
def test_comparison_never_lies(left: Tree, right: Tree, values: dict[str, int]):
    a, b = symbolic(left), symbolic(right)
    x, y = numeric(left, values), numeric(right, values)
    if a is not None and b is not None and x is not None and y is not None:
        assert equal(a, b) in (x == y, None)
        assert at_least(a, b) in (x >= y, None)


@pytest.mark.parametrize(
    "text",
    [
        "(n - n//2 + 1)//2",
        "(m - n//3 - 2)//2",
        "-n//m",
        "(n - 2*m)//(3*m)",
        "(3*n*m - 5*m + 1)//(2*m)",
        "(2*n + 7)//(4*m)",
        "-n//(m - k)",
        "(2*n + 1)//(2*m - 2*k)",
        "(n//2)//(m - k)",
        "(n//(m - k) + 1)//2",
        "(k - n//(m - k))//2",
        "(n*n - m)//(n + m)",
        "(n - m) % (k - 2)",
    ],
)
def test_a_rule_of_division_holds_for_all_small_sizes(text: str):
    dimension = parse_dimension(text)
    for sizes in itertools.product(range(8), repeat=3):
        values = dict(zip(NAMES, sizes, strict=True))
        try:
            expected = eval(text, {}, values)
        except ZeroDivisionError:
            continue
        assert substitute(dimension, values) == expected, values


@given(trees(RING))
def test_a_polynomial_is_one_object_however_it_was_written(tree: Tree):
    def rewritten(tree: Tree) -> Dimension:
        """The same polynomial by other steps: operands exchanged, products distributed."""
        if not isinstance(tree, tuple):
            return symbol(tree) if isinstance(tree, str) else tree
        name, left, right = tree
        if name == "*" and isinstance(right, tuple) and right[0] in "+-":
            inner, first, second = right
            return OPERATORS[inner](rewritten((name, first, left)), rewritten((name, second, left)))
        if name == "-":
            return -(rewritten(right) - rewritten(left) - k) - k
        return OPERATORS[name](rewritten(right), rewritten(left))

    assert symbolic(tree) == rewritten(tree)


@given(trees(RING), trees(RING), st.lists(sizes, min_size=4, max_size=4))
def test_one_object_means_one_function(left: Tree, right: Tree, points: list[dict[str, int]]):
    if symbolic(left) == symbolic(right):
        assert all(evaluate(left, point) == evaluate(right, point) for point in points)


@given(trees(RING), trees(RING))
def test_a_product_divides_back_exactly(left: Tree, right: Tree):
    a, b = symbolic(left), symbolic(right)
    assert a is not None
    assert b is not None
    if b == 0:
        assert exact_quotient(a, b) is None
    else:
        assert exact_quotient(a * b, b) == a
        assert (a * b) // b == a
        assert (a * b) % b == 0
        quotient = exact_quotient(a, b)
        assert quotient is None or quotient * b == a


@given(division_trees(), st.integers(1, 5), st.integers(-5, 5))
def test_divisions_by_a_constant_agree_on_their_form(tree: Tree, divisor: int, whole: int):
    a = symbolic(tree)
    if a is not None:
        assert (a + whole * divisor) // divisor == a // divisor + whole
        assert -(-a // divisor) == (a + divisor - 1) // divisor, "two ways to round up"
        assert equal(-a // divisor, -((a + divisor - 1) // divisor)) is True


@pytest.mark.parametrize(
    ("dimension", "text"),
    [
        (n, "n"),
        (2 * n + 1, "2*n + 1"),
        (n + n, "2*n"),
        (n * m, "m*n"),
        (1 - n, "-n + 1"),
        (n * n * 3 - 7, "3*n*n - 7"),
        ((n + 1) // 2, "(n + 1)//2"),
        ((2 * n) // 2, "n"),
        ((3 * n + 5) // 2, "n + (n + 1)//2 + 2"),
        ((n - 1) // 2, "(n + 1)//2 - 1"),
        (-(n // 2), "-(n//2)"),
        (1 - n // 2, "-(n//2) + 1"),
        (m - n // 2, "m - n//2"),
        (2 * (n // 2) * m, "2*m*(n//2)"),
        (-(-n // 3), "(n + 2)//3"),
        (n // 2 // 2, "n//4"),
        (((n + 1) // 2 + 1) // 2, "(n + 3)//4"),
        ((n - n // 2 + 1) // 2, "(n + 3)//4"),
        (-(-(n // m) // 2), "(m + n)//(2*m)"),
        ((n // m + 1) // 2, "(m + n)//(2*m)"),
        ((2 * n + 1) // 4, "n//2"),
        (n % 2, "n - 2*(n//2)"),
        (7 // n, "7//n"),
        ((n * m + 3) // n, "m + 3//n"),
        ((n * m) // (n * k), "m//k"),
        (5 // (2 * n), "2//n"),
        ((m - n) // (2 * k), "(m - n)//(2*k)"),
        (n // (k - m), "n//(k - m)"),
        (-n // (m - k), "n//(k - m)"),
        (symbol("n10") + symbol("n2") + symbol("a"), "a + n2 + n10"),
    ],
)
def test_the_normal_form(dimension: Dimension, text: str):
    assert str(dimension) == repr(dimension) == text
    assert parse_dimension(text) is dimension


@pytest.mark.parametrize(
    ("dimension", "number"),
    [
        (n - n, 0),
        (0 * n, 0),
        (n // n, 1),
        ((n + 3) - n, 3),
        (n % n, 0),
        ((4 * n) % 2, 0),
        ((n % 4) // 4, 0),
        ((-3 * n) // (2 * n), -2),
    ],
)
def test_a_constant_result_is_a_plain_integer(dimension: Dimension, number: int):
    assert type(dimension) is int
    assert dimension == number


def test_mixing_with_numpy_and_other_integers_gives_dimensions():
    assert numpy.int64(2) * n is 2 * n
    assert n + numpy.int32(1) is n + 1
    assert numpy.int64(7) // n is 7 // n
    assert [7 - n, 7 % n, +n] == [-n + 7, 7 - n * (7 // n), n]
    for wrong in (0.5, "n", None, numpy.arange(2)):
        with pytest.raises(TypeError):
            n + wrong  # type: ignore[operator]


@pytest.mark.parametrize("convert", [bool, int, float, operator.index, range])
def test_a_size_never_turns_into_a_number_silently(convert: Callable[[Any], object]):
    with pytest.raises(TypeError, match=r"k \+ 2\*n .* depends on k, n, .*dimension_size"):
        convert(2 * n + k)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: n < 3, "at_least"),
        (lambda: n >= m, "at_least"),
        (lambda: n / 2, "exact_quotient"),
        (lambda: 2 / n, "exact_quotient"),
        (Dim, "symbol"),
        (lambda: Dim("n"), "symbol"),
    ],
)
def test_what_a_size_cannot_do_is_explained(mistake: Callable[[], object], words: str):
    with pytest.raises(TypeError, match=words):
        mistake()


def test_a_dimension_cannot_be_changed():
    with pytest.raises(AttributeError, match="immutable"):
        n.symbols = frozenset()  # type: ignore[misc]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_copies_and_pickles_are_the_same_object(protocol: int):
    dimension = (n * m + 1) // 2 + 3 * ((k - n) // m)
    assert pickle.loads(pickle.dumps(dimension, protocol)) is dimension
    assert copy.copy(dimension) is copy.deepcopy(dimension) is dimension


def test_the_text_does_not_depend_on_the_process():
    code = (
        "from graphc.dimensions import symbol\n"
        "b, a, n10, n9 = map(symbol, ('b', 'a', 'n10', 'n9'))\n"
        "import sys\n"
        "sys.stdout.write(str((n10*b + a*n9 + b//(a+n9) + 1)//3 * b - a//2))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {"b*((a*n9 + b*n10 + b//(a + n9) + 1)//3) - a//2"}


def test_threads_that_make_the_same_dimension_get_the_same_object():
    barrier, found = threading.Barrier(8), list[Dimension]()

    def work() -> None:
        barrier.wait()
        found.extend((symbol(f"t{i}") + 1) // 2 * n for i in range(200))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1600
    assert len({id(dimension) for dimension in found}) == 200


def test_an_expression_that_would_eat_the_memory_is_refused():
    long = product(tuple(symbol(f"a{i}") + symbol(f"b{i}") for i in range(7)))
    with pytest.raises(ValueError, match="no real shape needs that"):
        long * long

# pyright: strict
"""Sizes of tensor axes: plain integers, or expressions over symbols such as `2*n + 1`.

A dimension is an `int` or a `Dim`. A symbol stands for a size that is known only when the graph is
fed: an integer >= 0, never assumed to be 1 or more. Arithmetic keeps a normal form and gives the
same object for the same polynomial (see `graphc.dimension_algebra`). Comparison has three answers:
True and False are proofs for all sizes at which the divisors are not zero; None means "don't know".
"""

from __future__ import annotations

import math
import operator
import re
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from graphc.dimension_algebra import (
    MAXIMUM_DEPTH,
    MEMO_SIZE,
    Atom,
    Dim,
    Dimension,
    Monomial,
    exact_divide,
    floor_divide,
    from_terms,
    intern_atom,
    multiply_monomials,
    terms_of,
)

__all__ = [
    "Dim",
    "Dimension",
    "Shape",
    "SymbolSource",
    "at_least",
    "equal",
    "exact_quotient",
    "format_dimension",
    "is_static",
    "parse_dimension",
    "product",
    "solve",
    "substitute",
    "symbol",
]

Shape: TypeAlias = tuple[Dimension, ...]

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"[0-9]+|[A-Za-z_][A-Za-z0-9_]*|//|\S")
_Operators: TypeAlias = dict[str, Callable[[Dimension, Dimension], Dimension]]
_SUM: _Operators = {"+": lambda a, b: a + b, "-": lambda a, b: a - b}
_PRODUCT: _Operators = {
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
# More digits than any size has, fewer than Python refuses to read.
_MAXIMUM_DIGITS = 4000
# Each floor division is printed inside at most two pairs of parentheses.
_MAXIMUM_PARENTHESES = 4 * MAXIMUM_DEPTH
# Proofs that take longer are given up: the answer is then "don't know".
_MAXIMUM_STEPS = 1000
_SOURCE_LOCK = threading.Lock()


def symbol(name: str) -> Dim:
    """The dimension that stands for an unknown size.

    Args:
        name: Letters, digits and underscores, not starting with a digit. The same name is the same
            symbol, so names are chosen per graph (see `SymbolSource`).

    Raises:
        ValueError: If the name cannot be printed and read back.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot name a symbol; use letters, digits and underscores, "
            "and start with a letter or an underscore, for example 'batch'"
        )
    dimension = from_terms([((intern_atom(name),), 1)])
    assert isinstance(dimension, Dim), "one symbol with coefficient 1 is never a constant"
    return dimension


class SymbolSource:
    """A stream of new symbols `n0`, `n1`, ...; each graph has its own, so names are repeatable.

    Safe to use from several threads.
    """

    __slots__ = ("_count", "_prefix", "_reserved")

    def __init__(self, prefix: str = "n") -> None:
        """Start a stream.

        Args:
            prefix: What the names start with; a valid symbol name by itself.

        Raises:
            ValueError: If names with this prefix would not be valid.
        """
        self._prefix = str(symbol(prefix))
        self._count = 0
        self._reserved: set[str] = set()

    def fresh(self) -> Dim:
        """A symbol that this source has neither returned nor reserved before."""
        # One lock for all sources: a lock per source could not be pickled or copied with a graph.
        with _SOURCE_LOCK:
            while True:
                name = f"{self._prefix}{self._count}"
                self._count += 1
                if name not in self._reserved:
                    return symbol(name)

    def reserve(self, name: str) -> None:
        """Keep `fresh` from returning this name, which the user or a file chose."""
        symbol(name)
        with _SOURCE_LOCK:
            self._reserved.add(name)


def is_static(shape: Shape) -> bool:
    """Whether every size is a plain integer."""
    return not any(isinstance(dimension, Dim) for dimension in shape)


def product(shape: Shape) -> Dimension:
    """The number of elements of a tensor of this shape; 1 for a scalar."""
    number = 1
    symbolic: Dimension = 1
    for dimension in shape:
        if isinstance(dimension, Dim):
            symbolic = symbolic * dimension
        else:
            number *= dimension
    return symbolic * number


def exact_quotient(a: Dimension, b: Dimension) -> Dimension | None:
    """The size `q` for which `q*b` is `a` whatever the symbols are, or None where there is none.

    None also where `b` is 0, which leaves `q` open.
    """
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    return exact_divide(a, b)


def equal(a: Dimension, b: Dimension) -> bool | None:
    """Whether two sizes are equal: always (True), never (False), or None for "don't know"."""
    if a is b:
        return True
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    low, high = _lower_bound(difference), _upper_bound(difference)
    if low == high == 0:
        return True
    if (low is not None and low > 0) or (high is not None and high < 0):
        return False
    # 2*n and 2*m + 1 never meet: their difference is odd.
    constant = dict(difference.terms).get((), 0)
    step = math.gcd(*(coefficient for monomial, coefficient in difference.terms if monomial))
    return False if constant % step else None


def at_least(a: Dimension, b: Dimension) -> bool | None:
    """Whether `a >= b`: always (True), never (False), or None for "don't know"."""
    if isinstance(a, int) and isinstance(b, int):
        return a >= b
    difference = a - b
    low, high = _lower_bound(difference), _upper_bound(difference)
    if low is not None and low >= 0:
        return True
    return False if high is not None and high < 0 else None


def _upper_bound(dimension: Dimension) -> int | None:
    low = _lower_bound(-dimension)
    return None if low is None else -low


@lru_cache(MEMO_SIZE)
def _lower_bound(dimension: Dimension) -> int | None:
    """An integer that the size is never below, or None where no argument is found."""
    if isinstance(dimension, int):
        return dimension
    # A division can be kept as it is (>= 0) or replaced by what it is never below; neither is
    # always better: n//2 + m//2 needs the first, (n + 1)//2 - n//2 the second.
    bounds = [_constant_below(dimension, keep) for keep in (True, False)]
    return max((bound for bound in bounds if bound is not None), default=None)


def _constant_below(dimension: Dim, keep: bool) -> int | None:
    pending = [(monomial, Fraction(coefficient)) for monomial, coefficient in dimension.terms]
    total: dict[Monomial, Fraction] = {}
    for _ in range(_MAXIMUM_STEPS):
        if not pending:
            break
        monomial, coefficient = pending.pop()
        replacement = _without_division(monomial, coefficient, keep)
        if replacement is None:
            total[monomial] = total.get(monomial, Fraction()) + coefficient
        else:
            pending += replacement
    constant = total.pop((), Fraction())
    proved = not pending and all(
        coefficient == 0 or (coefficient > 0 and all(_is_nonnegative(atom) for atom in monomial))
        for monomial, coefficient in total.items()
    )
    return math.ceil(constant) if proved else None


def _without_division(
    monomial: Monomial, coefficient: Fraction, keep: bool
) -> list[tuple[Monomial, Fraction]] | None:
    """Terms whose sum is never above `coefficient * monomial`, one floor division fewer, or None.

    For an integer d > 0, `x//d` lies between `(x - d + 1)/d` and `x/d`.
    """
    for index, atom in enumerate(monomial):
        if atom.name or (keep and coefficient > 0):
            continue
        others = monomial[:index] + monomial[index + 1 :]
        if not all(_is_nonnegative(other) for other in others):
            continue
        divisor, slack = atom.divisor, 0
        if isinstance(divisor, Dim):
            # x//d is at most x where x >= 0 and d >= 1; nothing as simple holds from below.
            if coefficient > 0 or not _is_nonnegative(atom):
                continue
            divisor = 1
        elif coefficient > 0:
            slack = divisor - 1
        return [
            (multiply_monomials(others, part), coefficient * factor / divisor)
            for part, factor in terms_of(atom.numerator - slack)
        ]
    return None


def _is_nonnegative(atom: Atom) -> bool:
    if atom.nonnegative:
        return True
    bounds = _lower_bound(atom.numerator), _lower_bound(atom.divisor)
    return all(bound is not None and bound >= 0 for bound in bounds)


def substitute(dimension: Dimension, bindings: Mapping[str, int | Dim]) -> Dimension:
    """The dimension with symbols replaced, all at once; symbols without a binding stay.

    Args:
        dimension: Where to replace symbols.
        bindings: Sizes >= 0, or dimensions, by symbol name; other names are ignored.

    Raises:
        ValueError: If a size is negative, or a divisor becomes zero.
    """
    if isinstance(dimension, int) or dimension.symbols.isdisjoint(bindings):
        return dimension
    total: Dimension = 0
    for monomial, coefficient in dimension.terms:
        term: Dimension = coefficient
        for atom in monomial:
            term = term * _substitute_atom(atom, bindings)
        total = total + term
    return total


def _substitute_atom(atom: Atom, bindings: Mapping[str, int | Dim]) -> Dimension:
    if atom.name:
        size = bindings.get(atom.name)
        if size is None:
            return symbol(atom.name)
        if isinstance(size, Dim):
            return size
        if size < 0:
            raise ValueError(f"the symbol {atom.name} is a size: bind it to 0 or more, not {size}")
        return operator.index(size)
    divisor = substitute(atom.divisor, bindings)
    if divisor == 0:
        names = sorted(atom.symbols.intersection(bindings))
        sizes = ", ".join(f"{name} = {bindings[name]}" for name in names)
        raise ValueError(f"cannot compute {atom.text}: its divisor is 0 when {sizes}")
    return floor_divide(substitute(atom.numerator, bindings), divisor)


def solve(expression: Dimension, value: int) -> tuple[str, int] | None:
    """The symbol and its size that make a dimension equal to a value: `2*n + 1`, 7 gives `n`, 3.

    Returns:
        None where the expression is not linear in exactly one symbol, or no size >= 0 solves it.
    """
    if isinstance(expression, int):
        return None
    (monomial, coefficient), *constant = expression.terms
    if len(monomial) != 1 or not monomial[0].name or (constant and constant[0][0]):
        return None
    size, rest = divmod(operator.index(value) - sum(term[1] for term in constant), coefficient)
    return (monomial[0].name, size) if rest == 0 and size >= 0 else None


def format_dimension(dimension: Dimension) -> str:
    """The canonical text, which `parse_dimension` reads back as the same object."""
    return str(dimension)


def parse_dimension(text: str) -> Dimension:
    """The dimension that a text describes, with Python's operators, precedence and parentheses.

    Args:
        text: Integers, symbols, `+ - * // %` and parentheses, for example `"2*(n//2) + 1"`.

    Raises:
        ValueError: If the text is not a dimension; the message gives the position.
    """
    dimension = _Parser(text).parse()
    if len(text) > _MAXIMUM_DIGITS:
        str(dimension)  # refuses a product with more digits than Python prints
    return dimension


class _Parser:
    """Recursive descent: a sum of products of factors."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(match[0], match.start()) for match in _TOKEN.finditer(text)]
        self.tokens.append(("", len(text)))
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> str:
        return self.tokens[self.index][0]

    def error(self, problem: str, index: int) -> ValueError:
        shown = self.text if len(self.text) <= 200 else self.text[:200] + "..."
        position = self.tokens[index][1]
        return ValueError(f"cannot read the dimension {shown!r} at position {position}: {problem}")

    def unexpected(self, expected: str) -> ValueError:
        found = repr(self.token[:20]) if self.token else "the end of the text"
        return self.error(f"expected {expected}, found {found}", self.index)

    def parse(self) -> Dimension:
        dimension = self.operation(_SUM)
        if self.token:
            raise self.unexpected("an operator or the end of the text")
        return dimension

    def operation(self, operators: _Operators) -> Dimension:
        """A chain of operands with operators of one precedence, grouped from the left."""
        total = self.operation(_PRODUCT) if operators is _SUM else self.factor()
        while self.token in operators:
            index, compute = self.index, operators[self.token]
            self.index += 1
            operand = self.operation(_PRODUCT) if operators is _SUM else self.factor()
            try:
                total = compute(total, operand)
            except (ValueError, ZeroDivisionError) as error:
                raise self.error(str(error), index) from error
        return total

    def factor(self) -> Dimension:
        sign = 1
        while self.token == "-":
            sign = -sign
            self.index += 1
        token = self.token
        if token == "(":
            dimension = self.parenthesized()
        elif _NAME.fullmatch(token):
            dimension = symbol(token)
        elif re.fullmatch(f"[0-9]{{1,{_MAXIMUM_DIGITS}}}", token):
            dimension = int(token)
        else:
            raise self.unexpected("an integer, a symbol or '('")
        self.index += 1
        return dimension * sign

    def parenthesized(self) -> Dimension:
        self.depth += 1
        if self.depth > _MAXIMUM_PARENTHESES:
            raise self.error(f"more than {_MAXIMUM_PARENTHESES} nested parentheses", self.index)
        self.index += 1
        dimension = self.operation(_SUM)
        if self.token != ")":
            raise self.unexpected("')'")
        self.depth -= 1
        return dimension

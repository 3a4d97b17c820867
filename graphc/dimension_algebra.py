# pyright: strict
"""The arithmetic of symbolic sizes: integer expressions in one normal form, interned.

A `Dim` is a polynomial: a sorted sum of monomials with integer coefficients. The atoms of a
monomial are symbols and floor divisions that could not be carried out. Polynomials that are equal
algebraically are the same object, so sizes compare by identity. Floor divisions are simplified by
rules that keep the text readable; where two forms of one value remain, such as `n - n//2` and
`(n + 1)//2`, `graphc.dimensions.equal` still proves them equal.

Every symbol is a size: an integer >= 0. The divisor of a floor division is taken not to be zero
when the graph runs, so `(n*m)//n` is `m`. This file is the engine; `graphc.dimensions` has the
functions that the rest of the library calls.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from numbers import Integral
from typing import Any, ClassVar, NoReturn, SupportsIndex, TypeAlias, final
from weakref import WeakValueDictionary

MEMO_SIZE = 8192
# A size that someone needs stays far below these limits. They stop a hostile file, or a loop that
# squares a size, from eating all memory; the depth keeps the recursion over divisions shallow.
MAXIMUM_LENGTH = 2000
MAXIMUM_DEPTH = 32

Monomial: TypeAlias = "tuple[Atom, ...]"
Term: TypeAlias = tuple[Monomial, int]


@final
class Atom:
    """A symbol (`name` is set) or a floor division (`name` is empty).

    Interned: identity is equality. `nonnegative` is True where the signs alone prove it.
    """

    def __init__(self, name: str, numerator: Dimension, divisor: Dimension) -> None:
        self.name, self.numerator, self.divisor = name, numerator, divisor
        self.depth, self.nonnegative, self.symbols, self.text = 0, True, frozenset((name,)), name
        self.order: tuple[object, ...]
        if name:
            # Digits count as numbers, so that n2 is printed before n10.
            digits = [run.lstrip("0") for run in re.findall("[0-9]+", name)]
            self.order = (0, re.split("[0-9]+", name), [(len(run), run) for run in digits], name)
            return
        operands = [operand for operand in (numerator, divisor) if isinstance(operand, Dim)]
        self.depth = 1 + max(atom.depth for operand in operands for atom in operand.atoms())
        self.nonnegative = has_nonnegative_terms(numerator) and has_nonnegative_terms(divisor)
        self.symbols = frozenset(name for operand in operands for name in operand.symbols)
        self.text = f"{_operand_text(numerator)}//{_operand_text(divisor)}"
        self.order = (1, self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return intern_atom, (self.name, self.numerator, self.divisor)


@final
class Dim:
    """An immutable symbolic size such as `2*n + 1`, made by `symbol` and by arithmetic.

    Supports `+`, `-`, `*`, `//` and `%` with integers and other dimensions; a constant result is a
    plain `int`. Equal expressions are one object, so `==` and `hash` go by identity. Use `equal`
    and `at_least` for questions whose answer may be unknown before the graph is fed.

    Attributes:
        terms: The monomials and their coefficients, leading one first, the constant last.
        symbols: The names that the size depends on.
    """

    __slots__ = ("__weakref__", "_text", "symbols", "terms")
    # NumPy's scalars then leave `numpy.int64(2) * n` to this class.
    __array_ufunc__: ClassVar[None] = None

    terms: tuple[Term, ...]
    symbols: frozenset[str]
    _text: str

    def __init__(self, *arguments: object) -> None:
        raise TypeError("Dim cannot be called; write symbol('n'), or arithmetic on symbols")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"cannot set {name!r}: the dimension {self} is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return from_terms, (self.terms,)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def atoms(self) -> Iterator[Atom]:
        """Every atom of every monomial, repetitions included."""
        return (atom for monomial, _ in self.terms for atom in monomial)

    def __add__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else _add(self, operand)

    __radd__ = __add__

    def __sub__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else _add(self, -operand)

    def __rsub__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else _add(-self, operand)

    def __mul__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else _multiply(self, operand)

    __rmul__ = __mul__

    def __neg__(self) -> Dimension:
        return _multiply(self, -1)

    def __pos__(self) -> Dimension:
        return self

    def __floordiv__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else floor_divide(self, operand)

    def __rfloordiv__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else floor_divide(operand, self)

    def __mod__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else self - operand * (self // operand)

    def __rmod__(self, other: SupportsIndex) -> Dimension:
        operand = _operand(other)
        return NotImplemented if operand is None else operand - self * (operand // self)

    def _refuse_conversion(self) -> NoReturn:
        names = ", ".join(sorted(self.symbols))
        raise TypeError(
            f"the size {self} is not a number while the graph is built: it depends on {names}, "
            "known only when the graph is fed. Give the placeholder a fixed size there, or use "
            "dimension_size(tensor, axis) to compute with the size while the graph runs"
        )

    __bool__ = __int__ = __index__ = __float__ = _refuse_conversion

    def _refuse_order(self, other: object) -> NoReturn:
        raise TypeError(
            f"cannot order the sizes {self} and {other!r}: the answer may be unknown while the "
            "graph is built. Use at_least(a, b), which answers True, False or None"
        )

    __lt__ = __le__ = __gt__ = __ge__ = _refuse_order

    def _refuse_true_division(self, other: object) -> NoReturn:
        raise TypeError(
            f"'/' of the sizes {self} and {other!r} would not be an integer. Use '//' to round "
            "down, or exact_quotient(a, b), which answers None where it does not divide"
        )

    __truediv__ = __rtruediv__ = _refuse_true_division


Dimension: TypeAlias = int | Dim

# Weak tables: the sizes of a graph that is gone take no memory. The lock is re-entrant because the
# garbage collector may run a finalizer that makes a dimension while this thread holds it.
_LOCK = threading.RLock()
_ATOMS: WeakValueDictionary[tuple[str, Dimension, Dimension], Atom] = WeakValueDictionary()
_DIMS: WeakValueDictionary[tuple[Term, ...], Dim] = WeakValueDictionary()


def intern_atom(name: str, numerator: Dimension = 0, divisor: Dimension = 1) -> Atom:
    """The one atom of a symbol, or (empty name) of a floor division that cannot be simplified."""
    with _LOCK:
        key = (name, numerator, divisor)
        atom = _ATOMS.get(key)
        if atom is None:
            atom = Atom(name, numerator, divisor)
            if atom.depth > MAXIMUM_DEPTH:
                raise _too_large(f"floor divisions nested more than {MAXIMUM_DEPTH} deep")
            _ATOMS[key] = atom
        return atom


def from_terms(terms: Iterable[Term]) -> Dimension:
    """The interned dimension, or plain int, with these terms.

    Args:
        terms: Distinct monomials, their atoms in order, with coefficients; a zero is dropped.
    """
    pairs = [term for term in terms if term[1]]
    if not pairs:
        return 0
    if len(pairs) == 1 and not pairs[0][0]:
        return pairs[0][1]
    if sum(len(atom.text) for monomial, _ in pairs for atom in monomial) > MAXIMUM_LENGTH:
        raise _too_large(f"a text of more than {MAXIMUM_LENGTH} letters")
    key = tuple(sorted(pairs, key=lambda term: monomial_order(term[0])))
    with _LOCK:
        dimension = _DIMS.get(key)
        if dimension is None:
            symbols = frozenset(name for m, _ in key for atom in m for name in atom.symbols)
            dimension = Dim.__new__(Dim)
            object.__setattr__(dimension, "terms", key)
            object.__setattr__(dimension, "symbols", symbols)
            object.__setattr__(dimension, "_text", _sum_text(key))
            _DIMS[key] = dimension
        return dimension


def _too_large(what: str) -> ValueError:
    return ValueError(
        f"the size expression would have {what}; no real shape needs that. "
        "Look for a loop that keeps multiplying sizes, or for a damaged file"
    )


def terms_of(dimension: Dimension) -> tuple[Term, ...]:
    """The monomials and coefficients of a dimension, leading one first; an int is a constant."""
    if isinstance(dimension, Dim):
        return dimension.terms
    return (((), dimension),) if dimension else ()


def monomial_order(monomial: Monomial) -> tuple[int, list[tuple[object, ...]]]:
    """Sort key: graded lexicographic, leading monomial first, which makes exact division sound."""
    return -len(monomial), [atom.order for atom in monomial]


def multiply_monomials(a: Monomial, b: Monomial) -> Monomial:
    """The product, its atoms in order."""
    return tuple(sorted(a + b, key=lambda atom: atom.order)) if a and b else a or b


def _divide_monomials(a: Monomial, b: Monomial) -> Monomial | None:
    left = list(a)
    for atom in b:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def has_nonnegative_terms(dimension: Dimension) -> bool:
    """Whether every coefficient and every atom is >= 0: a quick proof that the size is."""
    if isinstance(dimension, int):
        return dimension >= 0
    return all(c > 0 and all(atom.nonnegative for atom in m) for m, c in dimension.terms)


def _operand(value: object) -> Dimension | None:
    if type(value) is int or isinstance(value, Dim):
        return value
    return int(value) if isinstance(value, Integral) else None


@lru_cache(MEMO_SIZE)
def _add(a: Dimension, b: Dimension) -> Dimension:
    total = dict(terms_of(a))
    for monomial, coefficient in terms_of(b):
        total[monomial] = total.get(monomial, 0) + coefficient
    return from_terms(total.items())


@lru_cache(MEMO_SIZE)
def _multiply(a: Dimension, b: Dimension) -> Dimension:
    left, right = terms_of(a), terms_of(b)
    if len(left) * len(right) > 10 * MAXIMUM_LENGTH:
        raise _too_large("too many terms")
    total: dict[Monomial, int] = {}
    for left_monomial, left_coefficient in left:
        for right_monomial, right_coefficient in right:
            monomial = multiply_monomials(left_monomial, right_monomial)
            total[monomial] = total.get(monomial, 0) + left_coefficient * right_coefficient
    return from_terms(total.items())


@lru_cache(MEMO_SIZE)
def exact_divide(a: Dimension, b: Dimension) -> Dimension | None:
    """The polynomial `q` with `q*b == a` for all sizes, or None; None also where `b` is 0."""
    if b == 0:
        return None
    (leading, divisor), *others = terms_of(b)
    remainder, quotient = dict(terms_of(a)), dict[Monomial, int]()
    while remainder and len(quotient) < MAXIMUM_LENGTH:
        monomial = min(remainder, key=monomial_order) if others else next(iter(remainder))
        coefficient, rest = divmod(remainder.pop(monomial), divisor)
        factor = _divide_monomials(monomial, leading)
        if rest or factor is None:
            return None
        quotient[factor] = coefficient
        for other_monomial, other_coefficient in others:
            target = multiply_monomials(factor, other_monomial)
            left = remainder.pop(target, 0) - coefficient * other_coefficient
            if left:
                remainder[target] = left
    return None if remainder else from_terms(quotient.items())


@lru_cache(MEMO_SIZE)
def floor_divide(a: Dimension, b: Dimension) -> Dimension:
    """`a//b`, rounded down as Python does, simplified as far as the rules go."""
    if b == 0:
        raise ValueError(f"cannot divide the size {a} by zero; the divisor must be a size >= 1")
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if terms_of(b)[0][1] < 0:
        return floor_divide(-a, -b)
    quotient = exact_divide(a, b)
    if quotient is not None:
        return quotient
    if not has_nonnegative_terms(b):
        return from_terms([((intern_atom("", a, b),), 1)])
    reduced = _cancel(a, b) or _flatten(a, b)
    if reduced is not None:
        return floor_divide(*reduced)
    quotient = _whole_part(a, b)
    if quotient != 0:
        return quotient + floor_divide(a - quotient * b, b)
    sign = next(c for m, c in terms_of(a) if len(terms_of(b)) > 1 or m != terms_of(b)[0][0])
    if sign < 0:
        # floor(-x / b) is -1 - floor((x - 1) / b) for b > 0, so -(-n//2) becomes (n + 1)//2.
        return -1 - floor_divide(-a - 1, b)
    return from_terms([((intern_atom("", a, b),), 1)])


def _whole_part(a: Dimension, b: Dimension) -> Dimension:
    """What can be taken out of `a//b` term by term: `(3*n + 5)//2` is `n + 2 + (n + 1)//2`."""
    (leading, divisor), *others = terms_of(b)
    if others:
        return 0
    whole: dict[Monomial, int] = {}
    for monomial, coefficient in terms_of(a):
        factor = _divide_monomials(monomial, leading)
        if factor is not None:
            # Symbols keep their sign, for the reader; a constant is brought into 0 .. b - 1.
            round_up = factor and coefficient < 0
            whole[factor] = -(-coefficient // divisor) if round_up else coefficient // divisor
    return from_terms(whole.items())


def _cancel(a: Dimension, b: Dimension) -> tuple[Dimension, Dimension] | None:
    """`a` and `b` without a common factor, or None; the constant of `a` may lose its fraction."""
    terms = (*terms_of(a), *terms_of(b))
    shared = terms[0][0]
    for monomial, _ in terms:
        shared = tuple(atom for atom in dict.fromkeys(shared) if atom in monomial)
    constant = dict(terms_of(a)).get((), 0)
    divisor = math.gcd(*(c for _, c in terms_of(a - constant)), *(c for _, c in terms_of(b)))
    if divisor == 1 and not shared:
        return None
    factor = from_terms([(shared, divisor)])
    numerator, denominator = exact_divide(a - constant, factor), exact_divide(b, factor)
    if numerator is None or denominator is None:
        return None
    return numerator + constant // divisor, denominator


def _flatten(a: Dimension, b: Dimension) -> tuple[Dimension, Dimension] | None:
    """`(x//c + y)//b` as `(x + y*c)//(c*b)`, so that halving twice is dividing by four."""
    divisions = [term for term in terms_of(a) if any(not atom.name for atom in term[0])]
    if len(divisions) != 1 or len(divisions[0][0]) != 1 or abs(divisions[0][1]) != 1:
        return None
    atom, rest = divisions[0][0][0], a - from_terms(divisions)
    inner, divisor = atom.numerator, atom.divisor
    if not has_nonnegative_terms(divisor) or min(map(len, map(terms_of, (rest, divisor)))) > 1:
        return None  # the sign is unknown, or the product longer than what it replaces
    if divisions[0][1] < 0:
        inner = divisor - 1 - inner  # -(x//c) is x/c rounded up and negated
    return inner + rest * divisor, divisor * b


def _sum_text(terms: tuple[Term, ...]) -> str:
    parts: list[str] = []
    for monomial, coefficient in terms:
        factors = [atom.text if atom.name else f"({atom.text})" for atom in monomial]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        # `-n//2` would be read as `(-n)//2`; anywhere else a lone division needs no parentheses.
        if len(factors) == 1 and monomial and (parts or coefficient > 0):
            factors = [monomial[0].text]
        sign = "-" if coefficient < 0 else "+" if parts else ""
        parts.append(f" {sign} " if parts else sign)
        parts.append("*".join(factors))
    return "".join(parts)


def _operand_text(operand: Dimension) -> str:
    text = str(operand)
    return text if re.fullmatch("[A-Za-z0-9_]+", text) else f"({text})"

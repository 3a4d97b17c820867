"""`einsum`: sums of products named by letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from graphc.dimensions import Dimension, equal
from graphc.dtypes import BOOL, I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to, promoted
from graphc.ops.identities import named
from graphc.ops.linear_algebra import contract
from graphc.ops.matrices import diagonal
from graphc.ops.tensor import Tensor

_UNKNOWN_SIZE = 64  # what a size that is known only when fed counts as, in choosing an order
_HIDDEN = "αβγδεζηθικλμνξοπρστυφχψω"  # letters for the axes that ... stands for


def einsum(subscripts: str, *operands: Any, name: str | None = None) -> Tensor:
    """The sum of products that letters describe: "bij,bjk->bik" is a batch of matrix products.

    Args:
        subscripts: letters for the axes of each operand, `->`, and the letters of the result;
            without `->`, the letters that come once, in alphabetical order. `...` stands for any
            number of leading axes, broadcast. Letters that the result has not are summed over; a
            letter that comes twice in one operand takes its diagonal.
        *operands: one tensor per group of letters, promoted to one element type.
        name: of the result.

    Returns:
        One axis per letter of the result.

    Raises:
        GraphcError: the subscripts make no sense.
        ShapeError: they do not fit the operands, or sizes of one letter differ.
    """
    tensors = promoted(operands) if operands else []
    if tensors and tensors[0].dtype is BOOL:
        tensors = [cast_to(tensor, I32) for tensor in tensors]
    groups, result = _read(subscripts, tensors)
    _check_sizes(subscripts, tensors, groups)
    terms = [_Term.of(tensor, group) for tensor, group in zip(tensors, groups, strict=True)]
    for places in _order(terms, result):
        pair = [terms[place] for place in places]
        terms = [term for place, term in enumerate(terms) if place not in places]
        needed = set(result).union(*[term.letters for term in terms])
        terms.append(pair[0].times(pair[1], needed, result))
    (last,) = terms
    return named(last.arranged(result), name)


class _Term:
    """A tensor with a letter per axis, each once."""

    def __init__(self, tensor: Tensor, letters: str) -> None:
        self.tensor = tensor
        self.letters = letters

    @classmethod
    def of(cls, tensor: Tensor, letters: str) -> _Term:
        """With diagonals taken for letters that come twice."""
        while len(set(letters)) < len(letters):
            letter = next(each for each, count in Counter(letters).items() if count > 1)
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            tensor = diagonal(tensor, 0, first, second)
            rest = [each for place, each in enumerate(letters) if place not in (first, second)]
            letters = "".join(rest) + letter
        return cls(tensor, letters)

    def summed(self, needed: set[str]) -> _Term:
        """Without the letters that nobody needs."""
        axes = [axis for axis, letter in enumerate(self.letters) if letter not in needed]
        if not axes:
            return self
        letters = "".join(letter for letter in self.letters if letter in needed)
        return _Term(apply("reduce_sum", self.tensor, axes=axes), letters)

    def without_ones(self, other: _Term) -> _Term:
        """Without axes of size 1 that the other has with another size."""
        dropped = [
            axis
            for axis, letter in enumerate(self.letters)
            if self.tensor.shape[axis] == 1
            and letter in other.letters
            and other.tensor.shape[other.letters.index(letter)] != 1
        ]
        if not dropped:
            return self
        kept = [axis for axis in range(self.tensor.ndim) if axis not in dropped]
        shape = [self.tensor.shape[axis] for axis in kept]
        made = apply("reshape", self.tensor, shape=shape)
        return _Term(made, "".join(self.letters[axis] for axis in kept))

    def times(self, other: _Term, needed: set[str], result: str) -> _Term:
        """The product with another, summed over the letters that nobody needs afterwards."""
        left, right = self.without_ones(other), other.without_ones(self)
        left = left.summed(needed | set(right.letters))
        right = right.summed(needed | set(left.letters))
        both = [letter for letter in left.letters if letter in right.letters]
        batch = "".join(letter for letter in both if letter in needed)
        inner = [letter for letter in both if letter not in needed]
        mine, theirs = (
            "".join(letter for letter in term.letters if letter not in both)
            for term in (left, right)
        )
        if batch + theirs + mine == result:  # the order that needs no transpose
            left, right, mine, theirs = right, left, theirs, mine
        axes = [
            [[term.letters.index(letter) for letter in letters] for term in (left, right)]
            for letters in (inner, batch)
        ]
        made = contract(
            left.tensor,
            right.tensor,
            (axes[0][0], axes[0][1]),
            (axes[1][0], axes[1][1]),
            "einsum",
        )
        return _Term(made, batch + mine + theirs)

    def arranged(self, result: str) -> Tensor:
        """The tensor with the letters of the result, in their order."""
        term = self.summed(set(result))
        order = [term.letters.index(letter) for letter in result]
        if order == sorted(order):
            return term.tensor
        return apply("transpose", term.tensor, permutation=order, name="einsum")


# -- subscripts ------------------------------------------------------------------------------------


def _refuse(subscripts: str, problem: str, tensors: Sequence[Tensor]) -> NoReturn:
    raise GraphcError(
        f"einsum: {problem}",
        given=f"{subscripts!r} with "
        + (", ".join(str(t.value.type) for t in tensors) or "nothing"),
        expected='a group of letters per operand, as in "ij,jk->ik"',
        origin=capture_origin(),
    )


def _read(subscripts: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    """One string of letters per operand, and that of the result; `...` becomes hidden letters."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    groups = left.split(",")
    if not all(re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", group) for group in (*groups, right)):
        _refuse(subscripts, "the subscripts are letters, commas, ... and ->", tensors)
    if len(groups) != len(tensors):
        _refuse(subscripts, f"{len(groups)} groups for {len(tensors)} operands", tensors)
    widths: list[int] = []
    for group, tensor in zip(groups, tensors, strict=True):
        letters = len(group.replace("...", ""))
        width = tensor.ndim - letters
        if width < 0 or (width > 0 and "..." not in group) or width > len(_HIDDEN):
            _refuse(subscripts, f"{group!r} does not fit {tensor.value.type}", tensors)
        widths.append(width if "..." in group else 0)
    widest = max(widths)
    hidden = _HIDDEN[:widest]
    full = [
        group.replace("...", hidden[widest - width :])
        for group, width in zip(groups, widths, strict=True)
    ]
    counts = Counter("".join(groups).replace(".", ""))
    if not arrow:
        once = "".join(sorted(letter for letter, count in counts.items() if count == 1))
        return full, hidden + once
    if widest and "..." not in right:
        _refuse(subscripts, "the axes of ... are missing in the result", tensors)
    letters = right.replace("...", "")
    if len(set(letters)) < len(letters) or not set(letters) <= set(counts):
        _refuse(subscripts, f"the result {right!r} is not made of letters of operands", tensors)
    return full, right.replace("...", hidden)


def _check_sizes(subscripts: str, tensors: Sequence[Tensor], groups: Sequence[str]) -> None:
    sizes: dict[str, Dimension] = {}
    for tensor, group in zip(tensors, groups, strict=True):
        for letter, size in zip(group, tensor.shape, strict=True):
            known = sizes.get(letter, 1)
            if size == 1:
                continue
            if known != 1 and equal(known, size) is False:
                raise ShapeError(
                    f"einsum: the sizes of {letter!r} differ" if letter not in _HIDDEN
                    else "einsum: the axes of ... do not broadcast",
                    given=f"{subscripts!r} with {', '.join(str(t.value.type) for t in tensors)}",
                    expected=f"equal sizes, not {known} and {size}",
                    origin=capture_origin(),
                )  # fmt: skip
            sizes[letter] = size


def _order(terms: Sequence[_Term], result: str) -> list[tuple[int, int]]:
    """Which two terms to multiply next, until one is left: NumPy's greedy order."""
    if len(terms) == 1:
        return []
    if len(terms) == 2:
        return [(0, 1)]
    letters = {letter: place for place, letter in enumerate(sorted({*"".join(
        term.letters for term in terms
    )}))}  # fmt: skip
    sizes = dict.fromkeys(letters, 1)
    for term in terms:
        for letter, size in zip(term.letters, term.tensor.shape, strict=True):
            known = size if isinstance(size, int) else _UNKNOWN_SIZE
            sizes[letter] = max(sizes[letter], known)
    arguments: list[Any] = []
    for term in terms:
        shape = [sizes[letter] for letter in term.letters]
        arguments += [np.broadcast_to(np.float32(0), shape), [letters[e] for e in term.letters]]
    path = np.einsum_path(*arguments, [letters[letter] for letter in result], optimize="greedy")[0]
    pairs: list[tuple[int, int]] = []
    for step in path[1:]:
        # A step of more than two terms is several of two; what they give comes last.
        places = sorted(step)
        count = len(terms) - len(pairs)
        pairs.append((places[0], places[1]))
        for extra in range(2, len(places)):
            count -= 1
            pairs.append((places[extra] - extra, count - 1))
    return pairs

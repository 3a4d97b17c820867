"""The shapes of kernel and bias that an einsum needs, from the shapes of its input and result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin


@dataclass(frozen=True)
class EinsumShapes:
    """The weights of an einsum.

    Attributes:
        kernel: sizes of the kernel.
        bias: sizes of the bias, which broadcasts with the result; None for no bias.
        input_axes: axes of the kernel that are summed.
        output_axes: axes of the kernel that the result has.
    """

    kernel: list[Any]
    bias: list[Any] | None
    input_axes: list[int]
    output_axes: list[int]


def einsum_shapes(
    equation: str,
    bias_axes: str | None,
    input_shape: Sequence[int | None],
    output_shape: Sequence[int | None],
) -> EinsumShapes:
    """What the weights of an equation must be.

    Args:
        equation: "abc,cd->abd", with "..." in front of input and result, behind both, or nowhere.
        bias_axes: the letters of the bias.
        input_shape: of the first operand, with the batch.
        output_shape: of the result, without the batch and what "..." stands for.

    Raises:
        ShapeError: they do not fit each other.
    """
    problem = _Mismatch(equation, input_shape, output_shape)
    given, weight, result, elided_first = _letters(equation, problem)
    elided = len(input_shape) - len(given)
    if elided < 0 or (elided and "..." not in equation):
        raise problem("the input has another number of axes")
    inputs = dict(zip(given, input_shape[elided:] if elided_first else input_shape, strict=False))
    known = list(output_shape)
    # In front, "..." stands for the batch as well.
    sizes = known if elided_first and elided else [input_shape[0], *known]
    if len(sizes) != len(result):
        raise problem(f"the result has {len(result)} axes")
    outputs = dict(zip(result, sizes, strict=True))
    for letter in result:
        if letter not in given and letter not in weight:
            raise problem(f"{letter!r} of the result is in no operand")
        size, wanted = inputs.get(letter), outputs[letter]
        if letter in inputs and wanted is not None and size != wanted:
            raise problem(f"{letter!r} is {size} in the input and {wanted} in the result")
    kernel: list[Any] = []
    for letter in weight:
        if letter not in inputs and letter not in outputs:
            raise problem(f"{letter!r} of the kernel is in neither input nor result")
        size = outputs.get(letter)
        kernel.append(inputs.get(letter) if size is None else size)
    return EinsumShapes(
        kernel=kernel,
        bias=_bias(bias_axes, outputs, 0 if elided_first else elided, problem),
        input_axes=[axis for axis, letter in enumerate(weight) if letter not in outputs],
        output_axes=[axis for axis, letter in enumerate(weight) if letter in outputs],
    )


def _letters(equation: str, problem: _Mismatch) -> tuple[str, str, str, bool]:
    """The letters of input, kernel and result; and whether "..." comes first in them."""
    forms = (
        (r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)", False),
        (r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)", True),
        (r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.", False),
    )
    for form, elided_first in forms:
        found = re.fullmatch(form, equation)
        if found:
            given, weight, result = found.groups()
            return given, weight, result, elided_first
    raise problem('an equation looks like "ab,bc->ac", "...b,bc->...c" or "ab...,bc->ac..."')


def _bias(
    axes: str | None, outputs: dict[str, Any], behind: int, problem: _Mismatch
) -> list[Any] | None:
    """From its first letter on, with size 1 where the result has a letter that it has not."""
    if axes is None:
        return None
    for letter in axes:
        if letter not in outputs:
            raise problem(f"{letter!r} of the bias is not in the result")
    result = list(outputs)
    first = min(result.index(letter) for letter in axes)
    return [outputs[n] if n in axes else 1 for n in result[first:]] + [1] * behind


class _Mismatch:
    """Makes the errors of one equation."""

    def __init__(self, equation: str, given: Sequence[Any], result: Sequence[Any]) -> None:
        self._given = f"{equation!r} on {tuple(given)}, with output_shape={tuple(result)}"

    def __call__(self, what: str) -> ShapeError:
        return ShapeError(
            f"the equation of an EinsumDense does not fit: {what}",
            given=self._given,
            fix="the first letter of a result stands for the batch; output_shape has the others",
            origin=capture_origin(),
        )

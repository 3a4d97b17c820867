"""Recipes out of the op set's own samples: an op that is added appears in random graphs by that.

The operands are those of a sample, each shifted a little by a value that is there, so that nothing
is constant and gradients flow through. What a sample holds that is not tame stays dead code.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np

from graphc.dtypes import C64, C128, F32, F64, DType, as_dtype
from graphc.errors import GraphcError
from graphc.ir.node import Value
from graphc.ir.op import OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from tests.pipeline.graph_sketch import (
    MOST_ELEMENTS,
    Array,
    Choices,
    NotApplicableError,
    Sketch,
    fit,
)
from tests.pipeline.recipe_book import recipe

NOT_SAMPLED: Final[Mapping[str, str]] = {
    "fusion": "the last stage makes it, and no stage takes it",
}
"""Ops with samples that no graph that people build may hold, and why."""


def _is_sampled(op: OpSpec) -> bool:
    hidden = Trait.EFFECT | Trait.INTENT | Trait.HOST
    return not op.has(hidden) and op.name not in (*NOT_SAMPLED, "input")


@functools.cache
def samples_of_ops() -> dict[str, list[Sample]]:
    """The finite samples of every op that may stand in a graph, in the order of names."""
    found: dict[str, list[Sample]] = {}
    for op in sorted(filter(_is_sampled, REGISTRY), key=lambda op: op.name):
        small = [sample for sample in op.samples() if _is_finite_and_small(sample)]
        if small:
            found[op.name] = small
    return found


def _is_finite_and_small(sample: Sample) -> bool:
    arrays = [np.asarray(operand) for operand in sample.operands]
    return all(
        array.size <= MOST_ELEMENTS
        and (not as_dtype(array.dtype).is_inexact or np.isfinite(array).all())
        for array in arrays
    )


@recipe
def sample_of_an_op(s: Sketch, c: Choices) -> list[Value]:
    names = list(samples_of_ops())
    name = names[(c.below(100) * 97 + c.below(100)) % len(names)]
    return write_sample(s, c, REGISTRY[name], c.of(samples_of_ops()[name]))


def write_sample(s: Sketch, c: Choices, op: OpSpec, sample: Sample) -> list[Value]:
    """A call of an op with a sample's attributes, on operands like the sample's.

    Raises:
        NotApplicableError: the sample cannot be cast to the element type that was drawn.
    """
    narrow = s.narrow if c.chance(2) else F64
    regions = sample.make_regions() if sample.make_regions else ()
    # A region has its types; only what has none can be cast.
    casts = not regions and _takes_other_floats(sample)
    is_shifted = c.below(4)
    try:
        operands = tuple(
            [
                _operand(s, c, np.asarray(operand), narrow if casts else None, is_shifted > 0)
                for operand in sample.operands
            ]
        )
        attributes = op.attributes.make(sample.attributes, op.name)
        results = s.make(op, operands, attributes, regions).outputs
    except GraphcError:
        raise NotApplicableError from None
    made: list[Value] = []
    for value in results:
        is_complex = value.type.dtype.is_complex
        made += [s.real(value), s.imag(value)] if is_complex else [value]
    return made


def _takes_other_floats(sample: Sample) -> bool:
    """Whether the floats of a sample may have another width: nothing but they tells it."""
    named = [value for value in sample.attributes.values() if isinstance(value, (str, DType))]
    return not any(str(value).startswith(("float", "complex", "bfloat")) for value in named)


def _operand(s: Sketch, c: Choices, array: Array, narrow: DType | None, is_shifted: bool) -> Value:
    dtype = as_dtype(array.dtype)
    if narrow is not None and dtype.is_inexact:
        wide_complex = C64 if narrow is F32 else C128
        array = array.astype((wide_complex if dtype.is_complex else narrow).numpy)
    if dtype.is_complex:
        parts = (array.real, array.imag)
        return s.complex(*[_shifted(s, c, np.array(part), is_shifted) for part in parts])
    if dtype.is_floating:
        return _shifted(s, c, array, is_shifted)
    return s.array(array)


def _shifted(s: Sketch, c: Choices, array: Array, is_shifted: bool) -> Value:
    made = s.array(array)
    if not is_shifted or array.size == 0:
        return made
    shift = fit(s, s.pick(c, "float"), made.type)
    return s.add(made, s.multiply(s.tanh(shift), s.full_like(shift, 1 / 64)))

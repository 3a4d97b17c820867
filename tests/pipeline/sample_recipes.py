"""Recipes out of the op set's own samples: an op that is added appears in random graphs by that.

The operands are those of a sample, each shifted a little by a value that is there, so that nothing
is constant and gradients flow through. What a sample holds that is not tame stays dead code.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from graphc.dtypes import C64, C128, F32, F64, I32, DType, as_dtype
from graphc.errors import GraphcError
from graphc.ir.node import Value
from graphc.ir.op import OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.reference.widening import widen
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
    "flash_attention": "made where a GPU has a kernel, after gradients were taken",
    "flash_attention_gradient": "made where a GPU has a kernel, after gradients were taken",
    "fusion": "the last stage makes it, and no stage takes it",
}
"""Ops with samples that no graph that people build may hold, and why."""

_AS_GIVEN: Final = frozenset({"reduce"})
"""Ops whose operands are not any numbers: a fold starts from what changes nothing."""


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
    narrow = s.narrow if c.chance(2) and not op.has(Trait.RANDOM) else F64
    is_shifted = c.below(4) > 0 and op.name not in _AS_GIVEN
    regions = sample.make_regions() if sample.make_regions else ()
    try:
        if regions and narrow is F64:
            regions = tuple([widen(region) for region in regions])
        operands = [_operand(s, c, np.asarray(x), narrow, is_shifted) for x in sample.operands]
        given = {name: _cast(value, narrow) for name, value in sample.attributes.items()}
        attributes = op.attributes.make(given, op.name)
        results = s.make(op, tuple(operands), attributes, regions).outputs
    except GraphcError:
        raise NotApplicableError from None
    if any(not _is_as_wide(value.type.dtype, narrow) for value in results):
        raise NotApplicableError
    made: list[Value] = []
    for value in results:
        dtype = value.type.dtype
        if dtype.is_complex:
            made += [s.real(value), s.imag(value)]
        elif dtype.is_integer and dtype is not I32:  # the whole numbers of other recipes
            made.append(s.convert(value, dtype=I32))
        else:
            made.append(value)
    return made


def _cast(attribute: Any, narrow: DType) -> Any:
    """An attribute that names an element type, with the one that was drawn in its place."""
    is_name = isinstance(attribute, str) and attribute.startswith(("float", "complex", "bfloat"))
    if not isinstance(attribute, DType) and not is_name:
        return attribute
    dtype = as_dtype(attribute)
    return _complex_of(narrow) if dtype.is_complex else narrow if dtype.is_inexact else dtype


def _complex_of(narrow: DType) -> DType:
    return C64 if narrow is F32 else C128


def _is_as_wide(dtype: DType, narrow: DType) -> bool:
    return not dtype.is_inexact or dtype in (narrow, _complex_of(narrow), F64, C128)


def _operand(s: Sketch, c: Choices, array: Array, narrow: DType, is_shifted: bool) -> Value:
    dtype = as_dtype(array.dtype)
    if dtype.is_inexact:
        array = array.astype((_complex_of(narrow) if dtype.is_complex else narrow).numpy)
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

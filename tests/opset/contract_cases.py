"""What the contract is tried on: every sample of every op, in every element type the op takes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc.opset  # noqa: F401  (registers every op)
from graphc.dtypes import DType, as_dtype
from graphc.errors import GradientError, GraphcError
from graphc.ir.attributes import Attributes
from graphc.ir.builder import GraphBuilder, infer_types
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.op import NoGradient, NotLowered, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import type_of_array
from graphc.opset.lowerings import IS_JAX_0_11

Array = np.ndarray[Any, Any]

OPS = sorted(REGISTRY, key=lambda op: op.name)

# A first sample is tried in all of these, the others in the second list: most of what can go wrong
# with an element type goes wrong on any sample.
_TRIED: dict[str, tuple[str, str]] = {
    "complex": ("complex128 complex64 float64", "complex128"),
    "float": (
        "float64 bfloat16 float16 complex64 complex128 int32 uint8 bool",
        "float64 bfloat16 complex64",
    ),
    "integer": ("int8 uint8 uint32 int64 bool", "uint8 int64"),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One op on operands of one element type.

    Attributes:
        op: the op.
        position: which sample.
        dtype: what the sample's operands were cast to; None where they are as given.
        sample: the sample.
        operands: what the op is run on.
        call: the op with the operands' types, the sample's attributes and regions.
    """

    op: OpSpec
    position: int
    dtype: DType | None
    sample: Sample
    operands: tuple[Array, ...]
    call: OpCall

    def __str__(self) -> str:
        variant = "" if self.dtype is None else f"-{self.dtype}"
        return f"{self.op.name}-{self.position}{variant}"

    @functools.cached_property
    def graph(self) -> Graph:
        """A graph of this op alone: an input per operand, an output per result."""
        build = GraphBuilder()
        inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(self.call.types)]
        node = build.make(self.op, tuple(inputs), self.call.attributes, self.call.regions)
        return build.finish(node.outputs)

    @functools.cached_property
    def inexact_operands(self) -> list[int]:
        """Positions of the operands that are floats or complex numbers."""
        return [i for i, type_ in enumerate(self.call.types) if type_.dtype.is_inexact]

    @functools.cached_property
    def wanted(self) -> list[int]:
        """Positions of the operands that the gradient rule gives a gradient of."""
        return [i for i in self.inexact_operands if i not in self.refused]

    @functools.cached_property
    def refused(self) -> list[int]:
        """Positions of the operands for which the gradient rule raises a `GradientError`."""
        refused: list[int] = []
        for position in self.inexact_operands if callable(self.op.gradient) else ():
            try:
                vjp_graph(self.graph, [position], self.given)
            except GradientError:
                refused.append(position)
        return refused

    @property
    def given(self) -> list[int]:
        """Positions of the results that may have a cotangent."""
        return [i for i, type_ in enumerate(self.call.results) if type_.dtype.is_inexact]

    @property
    def has_gradient(self) -> bool:
        gradient = self.op.gradient
        return bool(self.inexact_operands and self.given) and not isinstance(gradient, NoGradient)

    @functools.cached_property
    def gradient_graph(self) -> Graph:
        """The gradient rule as a graph: operands and cotangents in, one gradient per `wanted`."""
        return vjp_graph(self.graph, self.wanted, self.given)

    @functools.cached_property
    def cotangents(self) -> list[Array]:
        """Numbers between 0.5 and 1.5, of both signs, one array per result of `given`."""
        generator = np.random.default_rng(7)
        made: list[Array] = []
        for position in self.given:
            type_ = self.call.results[position]
            numbers = generator.uniform(0.5, 1.5, type_.shape)
            numbers = numbers * generator.choice([-1, 1], type_.shape)
            if type_.dtype.is_complex:
                numbers = numbers + 1j * generator.uniform(-1, 1, type_.shape)
            made.append(np.asarray(numbers).astype(type_.dtype.numpy))
        return made


def is_lowered(op: OpSpec) -> bool:
    return not isinstance(op.lower, NotLowered)


def has_reference(op: OpSpec) -> bool:
    return not isinstance(op.reference, NotLowered)


def needs_samples(op: OpSpec) -> bool:
    """Whether there is anything to run: effects and intents are gone before anything runs."""
    return not op.has(Trait.EFFECT | Trait.INTENT) and op.name != "input"


def find_cases(op: OpSpec) -> Iterator[Case]:
    """The samples of an op as given, each followed by itself in other element types."""
    for position, sample in enumerate(op.samples()):
        regions = sample.make_regions() if sample.make_regions else ()
        attributes = op.attributes.make(sample.attributes, op.name)
        operands = tuple(np.asarray(operand) for operand in sample.operands)
        yield _make_case(op, position, None, sample, operands, attributes, regions)
        for dtype in _dtypes_to_try(operands, first=position == 0):
            cast = tuple(_cast(operand, dtype, _leading_kind(operands)) for operand in operands)
            try:
                yield _make_case(op, position, dtype, sample, cast, attributes, regions)
            except GraphcError:
                continue  # the type rule says that the op does not take this element type


def _make_case(
    op: OpSpec,
    position: int,
    dtype: DType | None,
    sample: Sample,
    operands: tuple[Array, ...],
    attributes: Attributes,
    regions: tuple[Graph, ...],
) -> Case:
    types = tuple(type_of_array(operand) for operand in operands)
    results, _ = infer_types(op, types, attributes, regions)
    return Case(
        op, position, dtype, sample, operands, OpCall(op, types, attributes, regions, results)
    )


def _leading_kind(operands: tuple[Array, ...]) -> str:
    """The kind of the operands that are cast: an index beside floats stays what it is."""
    kinds = {as_dtype(operand.dtype).kind for operand in operands}
    kinds |= {"integer"} if kinds & {"signed", "unsigned"} else set()
    return next((kind for kind in _TRIED if kind in kinds), "")


def _dtypes_to_try(operands: tuple[Array, ...], first: bool) -> list[DType]:
    names = _TRIED.get(_leading_kind(operands), ("", ""))[0 if first else 1]
    given = {as_dtype(operand.dtype) for operand in operands}
    finite = all(np.isfinite(operand).all() for operand in operands if operand.dtype.kind in "fc")
    found = [dtype for dtype in map(as_dtype, names.split()) if dtype not in given]
    # what a part of infinity or NaN becomes in a complex function, no specification says
    return [dtype for dtype in found if finite or not dtype.is_complex]


def _cast(operand: Array, dtype: DType, kind: str) -> Array:
    given = as_dtype(operand.dtype)
    if given.kind == "bool" or (given.is_integer and kind != "integer"):
        return operand
    if given.is_complex and not dtype.is_complex:
        operand = operand.real
    if dtype.is_complex and not given.is_complex:
        operand = operand + 1j * (0.25 + 0.5 * np.roll(operand, 1))
    if given.is_inexact and not dtype.is_inexact:
        operand = np.rint(np.nan_to_num(operand, posinf=7, neginf=-7))
    if dtype.kind == "unsigned":
        operand = np.abs(operand)
    if dtype.kind == "bool":
        return np.asarray(operand > 0)
    with np.errstate(all="ignore"):
        return np.asarray(operand).astype(dtype.numpy)


def _is_wide(case: Case) -> bool:
    """Whether all floats are as wide as finite differences need."""
    dtypes = [type_.dtype for type_ in (*case.call.types, *case.call.results)]
    return all(dtype.name in ("float64", "complex128") for dtype in dtypes if dtype.is_inexact)


def _collect() -> tuple[list[Case], dict[str, Exception]]:
    cases: list[Case] = []
    broken: dict[str, Exception] = {}
    for op in filter(needs_samples, OPS):
        try:
            cases += find_cases(op)
        except Exception as error:  # one op's fault is that op's, and keeps no other from its tests
            broken[op.name] = error
    return cases, broken


CASES, BROKEN_SAMPLES = _collect()
LOWERED = [case for case in CASES if is_lowered(case.op)]
DIFFERENTIABLE = [case for case in LOWERED if case.has_gradient]
COMPOSITES = [case for case in LOWERED if case.op.decomposition is not None]
DIFFERENCED = [case for case in DIFFERENTIABLE if case.sample.differentiable and _is_wide(case)]


def jax_errs(case: Case) -> bool:
    """Whether JAX differentiates another function, by a rule that a later version mends."""
    # before 0.11 both triangles were taken to be read, where only one is
    is_half_read = case.op.name == "cholesky" and not case.call.attributes["symmetrize_input"]
    return is_half_read and not IS_JAX_0_11

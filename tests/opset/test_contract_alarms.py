"""Each test of the contract fails on an op with the one fault that it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jax import lax

from graphc.dtypes import F64
from graphc.errors import GradientError
from graphc.ir.op import (
    Cost,
    NoGradient,
    NotLowered,
    OpSpec,
    Sample,
    TracedLowering,
    Trait,
    ZeroGradient,
)
from graphc.ir.registry import REGISTRY
from graphc.opset.lowerings import primitive
from tests.opset import test_contract as contract
from tests.opset.closeness import assert_close, tolerance_for
from tests.opset.contract_cases import Case, find_cases
from tests.opset.finite_differences import measure_gradient

SINE = REGISTRY["sine"]


def fail_rule(build: Any, call: Any, operands: Any, results: Any, ct: Any) -> Any:
    return (build.negate(build.multiply(ct[0], build.cosine(operands[0]))),)


def fail_decomposition(build: Any, call: Any, x: Any) -> Any:
    return build.cosine(x)


def first_case(op: OpSpec) -> Case:
    """The first sample in float64: all tests look at that one."""
    return next(case for case in find_cases(op) if case.dtype is F64)


FAULTS: list[tuple[Callable[[Case], None], dict[str, Any]]] = [
    (
        contract.test_the_type_rule_is_that_of_the_lowering,
        {"infer": lambda call: call.types[0].with_shape((*call.types[0].shape, 1))},
    ),
    (
        contract.test_the_reference_gives_what_the_lowering_gives,
        {"reference": lambda call, x: np.sin(x) + 1e-9},
    ),
    (
        contract.test_the_reference_gives_what_the_lowering_gives,
        {"lower": TracedLowering(lambda call, x: lax.cos(x))},
    ),
    (contract.test_the_gradient_rule_gives_what_jax_gives, {"gradient": fail_rule}),
    (contract.test_the_gradient_rule_gives_what_jax_gives, {"gradient": ZeroGradient()}),
    (contract.test_the_gradient_rule_gives_what_finite_differences_give, {"gradient": fail_rule}),
    (
        contract.test_a_composite_is_what_it_is_decomposed_into,
        {"decomposition": fail_decomposition, "traits": Trait.COMPOSITE},
    ),
    (
        contract.test_an_equation_has_the_parameters_that_jax_gives_it,
        {"lower": primitive("sin", accuracy=None, made_up=1)},
    ),
    (contract.test_the_cost_is_a_number, {"cost": lambda call: Cost(float("inf"), 0)}),
]


@pytest.mark.parametrize(("check", "fault"), FAULTS)
def test_a_fault_raises_an_alarm(check: Callable[[Case], None], fault: dict[str, Any]) -> None:
    if "decomposition" not in fault:
        check(first_case(SINE))
    with pytest.raises((AssertionError, TypeError)):
        check(first_case(replace(SINE, **fault, type_memo={})))


def test_a_parameter_that_is_left_out_raises_an_alarm() -> None:
    wrong = replace(REGISTRY["multiply"], lower=primitive("mul"), type_memo={})
    with pytest.raises((AssertionError, TypeError)):
        contract.test_an_equation_has_the_parameters_that_jax_gives_it(first_case(wrong))


@pytest.mark.parametrize(
    "fault",
    [
        {"doc": ""},
        {"doc": "no full stop"},
        {"gradient": NoGradient("")},
        {"gradient": None},
        {"reference": NotLowered("nobody wrote one")},
        {"traits": Trait.REGION},
        {"lower": lax.sin},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_a_facet_that_is_missing_raises_an_alarm(fault: dict[str, Any]) -> None:
    contract.test_every_facet_is_there(SINE)
    with pytest.raises(AssertionError):
        contract.test_every_facet_is_there(replace(SINE, **fault))


def test_an_op_without_samples_raises_an_alarm() -> None:
    with pytest.raises(AssertionError):
        contract.test_every_op_that_runs_has_a_sample(replace(SINE, samples=tuple))


def test_a_text_that_says_something_else_raises_an_alarm() -> None:
    # the parser finds the registered op of that name, which is another one
    with pytest.raises(AssertionError):
        contract.test_the_text_of_a_node_is_read_back_to_the_same_node(
            first_case(replace(SINE, type_memo={}))
        )


def test_a_gradient_that_the_rule_alone_refuses_raises_an_alarm() -> None:
    def refuse(build: Any, call: Any, operands: Any, results: Any, ct: Any) -> Any:
        raise call.error(GradientError, "has no gradient")

    with pytest.raises(AssertionError, match="refuses"):
        contract.test_the_gradient_rule_gives_what_jax_gives(
            first_case(replace(SINE, gradient=refuse, type_memo={}))
        )


def test_a_sample_is_tried_in_each_element_type_that_the_op_takes() -> None:
    tried = [str(case) for case in find_cases(REGISTRY["add"]) if case.position == 0]
    assert tried == ["add-0"] + [
        f"add-0-{name}"
        for name in ("float64", "bfloat16", "float16", "complex64", "complex128", "int32", "uint8")
    ]


def test_indices_beside_floats_are_not_cast() -> None:
    op = replace(
        REGISTRY["select"],
        samples=lambda: [Sample((np.array(True), np.ones(2, np.float32), np.ones(2, np.float32)))],
    )
    cases = list(find_cases(op))
    assert {case.operands[0].dtype for case in cases} == {np.dtype(bool)}
    assert {case.operands[1].dtype.name for case in cases} >= {"float64", "int32", "complex64"}


def test_finite_differences_pair_complex_numbers_as_jax_does() -> None:
    # of z to the imaginary part of z, times a real cotangent c: -i c
    found = measure_gradient(lambda xs: [xs[0].imag], [np.array([1 + 2j])], 0, [np.array([3.0])])
    np.testing.assert_allclose(found, [-3j], atol=1e-9)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.float32([1.0, 2.0]), np.float32([1.0, 2.001])),
        (np.float32([np.nan]), np.float32([1.0])),
        (np.float32([np.inf]), np.float32([-np.inf])),
        (np.float32([1.0]), np.float64([1.0])),
        (np.float32([1.0]), np.float32([[1.0]])),
        (np.int32([1]), np.int32([2])),
        (np.float64([1.0]), np.float64([1.0 + 1e-11])),
        (np.float32([1e6, 1e-3]), np.float32([1e6, 2e-3])),
    ],
)
def test_arrays_that_differ_are_not_close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert_close(expected, expected, 1e-5, "itself")
    with pytest.raises(AssertionError):
        assert_close(actual, expected, 1e-5, "the other")


def test_narrow_types_are_held_to_a_few_units_in_the_last_place() -> None:
    assert tolerance_for(np.float64, 1e-5) == pytest.approx(1e-12)
    assert tolerance_for(np.complex64, 1e-5) == 1e-5
    assert 1e-3 < tolerance_for(np.float16, 1e-5) < 1e-2

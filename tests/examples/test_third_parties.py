"""What third parties write against the public API: it runs, and an op keeps the whole contract."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

import graphc
import passes.pipelines  # noqa: F401  makes rules for the ops there are, before the example's
from graphc.ir.op import OpSpec
from graphc.ir.registry import REGISTRY
from tests.opset import test_contract as contract
from tests.opset.contract_cases import Case, find_cases

EXAMPLES = Path(__file__).parents[2] / "examples"
SNAKE: OpSpec = runpy.run_path(str(EXAMPLES / "custom_op.py"))["SNAKE"]
CASES = list(find_cases(SNAKE))


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples run as in CI, and what they register is gone after the test."""
    monkeypatch.setenv("GRAPHC_EXAMPLE_SHORT", "1")
    monkeypatch.setattr(REGISTRY, "_ops", dict(REGISTRY._ops))


def run_example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_the_op_prints_what_it_shows(short_runs: None, capsys: pytest.CaptureFixture[str]) -> None:
    run_example("custom_op.py")
    lines = capsys.readouterr().out.splitlines()
    assert '  %1 = snake(%0) {frequency=2.5} : f64[n0] "snake"' in lines
    shown = {line[:21].strip(): line[21:].strip() for line in lines if not line.startswith(" ")}
    assert shown["first derivative"] == shown["central differences"]
    assert shown["second derivative"] == shown["2·f·cos(2·f·x)"]
    assert shown["XLA and NumPy agree"] == shown["the text is read back"] == "True"
    assert "takes floats, not int64" in shown["a mistake"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_op_keeps_the_contract_of_the_op_set(short_runs: None, case: Case) -> None:
    REGISTRY.register(SNAKE)
    contract.test_every_facet_is_there(SNAKE)
    contract.test_the_cost_is_a_number(case)
    if case.dtype is None:
        contract.test_the_text_of_a_node_is_read_back_to_the_same_node(case)
    contract.test_the_type_rule_is_that_of_the_lowering(case)
    contract.test_the_reference_gives_what_the_lowering_gives(case)
    contract.test_the_gradient_rule_gives_what_jax_gives(case)
    if case.sample.differentiable and case.dtype is not None and case.dtype.name == "float64":
        contract.test_the_gradient_rule_gives_what_finite_differences_give(case)


def test_the_op_is_tried_in_every_float(short_runs: None) -> None:
    tried = {case.dtype.name for case in CASES if case.dtype is not None}
    assert tried >= {"float64", "bfloat16", "float16"}


def test_the_op_is_unknown_until_it_is_registered() -> None:
    assert "snake" not in [op.name for op in REGISTRY]
    with pytest.raises(graphc.errors.GraphcError, match="snake"):
        REGISTRY["snake"]


def test_the_passes_print_what_they_show(
    short_runs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run_example("custom_pass.py")
    printed = capsys.readouterr().out
    assert "%3 = multiply(%0, %2)" in printed
    assert "fired divisions.divide_by_power_of_two ×1" in printed
    assert "the divisor is no power of two, so its reciprocal is rounded" in printed
    without, at_88, at_10 = printed.splitlines()[-4:-1]
    assert "inf" in without
    assert "1.6516363e+38" in at_88
    assert "2.2026465e+04" in at_10
    assert "('composed', 'capped_exponentials', {'capped': 1})" in printed

"""Running a case on XLA: every way to compute it, in one compiled program."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from graphc.ir.builder import decomposition_graph
from graphc.ir.op import ByDecomposition
from graphc.lowering.jax_internals import jit_from_jaxpr, scoped_x64
from graphc.lowering.jaxpr import lower_graph
from graphc.lowering.tracing import trace_call, trace_graph
from tests.opset.contract_cases import LOWERED, Case

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Run:
    """What XLA computes for a case.

    Attributes:
        traced: the results of the op's lowering.
        written: the same from the jaxpr that `lower_graph` writes.
        decomposed: the same from the op's decomposition, if it is a composite.
        gradients: of the op's gradient rule; empty where it has none.
        jax_gradients: of `jax.vjp`; None where JAX refuses.
        refusal: what JAX says then.
    """

    traced: list[Array]
    written: list[Array]
    decomposed: list[Array] | None
    gradients: list[Array]
    jax_gradients: list[Array] | None
    refusal: str


# Programs this small spend their time in LLVM, which cannot make them much faster.
_COMPILER_OPTIONS = {"xla_backend_optimization_level": 0, "xla_cpu_parallel_codegen_split_count": 1}


def run_on_xla(case: Case) -> Run:
    """What XLA computes; kept, because several tests look at it.

    The element types of one sample share a program, which saves half of the time. Where that cannot
    be compiled, each has its own, so that only those fail that must.
    """
    return _run_sample(case.op.name, case.position).get(case) or _run_alone(case)


@functools.cache
def _run_sample(op_name: str, position: int) -> dict[Case, Run]:
    cases = [case for case in LOWERED if (case.op.name, case.position) == (op_name, position)]
    try:
        return dict(zip(cases, _run(cases), strict=True))
    except Exception:
        return {}


@functools.cache
def _run_alone(case: Case) -> Run:
    return _run([case])[0]


def _run(cases: Sequence[Case]) -> list[Run]:
    refusals = [""] * len(cases)

    def program(arguments: Sequence[Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for index, (case, (operands, cotangents)) in enumerate(zip(cases, arguments, strict=True)):
            computed = _compute(case, operands, cotangents)
            if case.has_gradient:
                try:
                    gradients = _differentiate(case, case.wanted, operands, cotangents)
                    computed["jax_gradients"] = gradients
                except (TypeError, ValueError, NotImplementedError) as refusal:
                    refusals[index] = f"{type(refusal).__name__}: {refusal}"
            found.append(computed)
        return found

    with scoped_x64():
        compiled = jax.jit(program, compiler_options=_COMPILER_OPTIONS)
        computed = jax.device_get(compiled([(case.operands, case.cotangents) for case in cases]))
    return [
        Run(
            found["traced"],
            found["written"],
            found.get("decomposed"),
            found.get("gradients", []),
            found.get("jax_gradients"),
            refusal,
        )
        for found, refusal in zip(computed, refusals, strict=True)
    ]


def _compute(case: Case, operands: Sequence[Any], cotangents: Sequence[Any]) -> dict[str, Any]:
    lowered = lower_graph(case.graph)
    written = jit_from_jaxpr(lowered.program, "written")
    found: dict[str, Any] = {
        "traced": trace_call(case.call, operands),
        "written": written(*lowered.hoisted, *operands),
    }
    if case.op.decomposition is not None and not isinstance(case.op.lower, ByDecomposition):
        found["decomposed"] = trace_graph(decomposition_graph(case.call), operands)
    if case.has_gradient:
        found["gradients"] = trace_graph(case.gradient_graph, [*operands, *cotangents])
    return found


def jax_differentiates(case: Case, position: int) -> bool:
    """Whether JAX gives a gradient with respect to one operand."""
    arguments = ([position], case.operands, case.cotangents)
    try:
        with scoped_x64():
            _differentiate(case, *arguments)
    except (TypeError, ValueError, NotImplementedError):
        return False
    return True


def _differentiate(
    case: Case, wanted: Sequence[int], operands: Sequence[Any], cotangents: Sequence[Any]
) -> list[Any]:
    def results(*changing: Any) -> list[Any]:
        all_operands = list(operands)
        for position, operand in zip(wanted, changing, strict=True):
            all_operands[position] = operand
        found = trace_call(case.call, all_operands)
        return [found[position] for position in case.given]

    _, pull_back = jax.vjp(results, *[operands[position] for position in wanted])
    return list(pull_back(list(cotangents)))

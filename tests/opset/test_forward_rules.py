"""Forward mode over the whole op set: what the transposed gradient rules give is JAX's jvp."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

from graphc.errors import GradientError
from graphc.ir.forward_differentiation import jvp_graph
from graphc.ir.op import ByDecomposition, Trait
from graphc.ir.verifier import verify
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_call, trace_graph
from graphc.opset.samples import draw
from tests.opset.closeness import assert_close
from tests.opset.contract_cases import DIFFERENTIABLE, Case, jax_errs

# In wide floats alone: the gradient rules themselves are under the contract in all types.
WIDE = [
    case
    for case in DIFFERENTIABLE
    if all(
        type_.dtype.name in ("float64", "complex128")
        for type_ in (*case.call.types, *case.call.results)
        if type_.dtype.is_inexact
    )
]


def _by_op() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in WIDE:
        found.setdefault(case.op.name, []).append(case)
    return found


CASES = _by_op()


def _tangents(case: Case, moved: Sequence[int]) -> list[Any]:
    return [
        draw(*np.shape(case.operands[i]), dtype=case.call.types[i].dtype.name, salt=90 + i)
        for i in moved
    ]


def _by_jax(case: Case, moved: Sequence[int], tangents: Sequence[Any]) -> list[Any]:
    def results(*changing: Any) -> list[Any]:
        operands: list[Any] = list(case.operands)
        for position, operand in zip(moved, changing, strict=True):
            operands[position] = operand
        found = trace_call(case.call, operands)
        return [found[position] for position in case.given]

    primals = tuple(np.asarray(case.operands[i]) for i in moved)
    return jax.jvp(results, primals, tuple(tangents))[1]


@pytest.mark.parametrize("name", CASES)
def test_the_forward_rule_gives_what_jax_gives(name: str) -> None:
    """All samples of an op in one program: compiling is what takes the time."""
    checked: list[tuple[Case, list[int]]] = []
    graphs: list[Any] = []
    for case in CASES[name]:
        moved = [i for i in case.wanted if i not in case.refused]
        if not moved or jax_errs(case):
            continue
        try:
            made = jvp_graph(case.graph, moved, case.given)
        except GradientError:
            assert isinstance(case.op.gradient, ByDecomposition) or case.refused
            continue
        verify(made)
        checked.append((case, moved))
        graphs.append(made)

    def program(arguments: Sequence[Any]) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        for (case, moved), graph, tangents in zip(checked, graphs, arguments, strict=True):
            mine = trace_graph(graph, [*case.operands, *tangents])[len(case.call.results) :]
            theirs: Any = None  # a draw's derivative is implicit; JAX follows the way it was drawn
            if not case.op.has(Trait.RANDOM):
                # JAX has no forward mode for some: a custom_vjp, an argsort
                with contextlib.suppress(TypeError, ValueError, NotImplementedError):
                    theirs = _by_jax(case, moved, tangents)
            found.append((mine, theirs))
        return found

    arguments = [_tangents(case, moved) for case, moved in checked]
    options = {"xla_backend_optimization_level": 0}
    with scoped_x64():
        found = jax.device_get(jax.jit(program, compiler_options=options)(arguments))
    for (case, _), (mine, theirs) in zip(checked, found, strict=True):
        if theirs is None:
            continue
        for position, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if np.isfinite(b).all():
                assert_close(a, b, case.sample.rtol, f"{case}, tangent of result {position}", 16)

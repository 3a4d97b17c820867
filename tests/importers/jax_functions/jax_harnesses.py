"""JAX's own cases of its primitives, each through the importer, all passes and XLA.

The cases are a part of the jax wheel that needs absl. They say how to call a primitive, on which
shapes and types; what it should give is what `jax.jit` gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import jax
import numpy as np

import graphc
from graphc.errors import GraphcError, ImportModelError
from graphc.ir.graph import Graph
from graphc.lowering.executable import Executable
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from passes.pipelines import default_pipeline

DTYPES: Final = ("float32", "int32", "bool")
TOLERANCE: Final = 1e-5

Kind = Literal["passed", "opaque", "refused", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        name: of the case.
        kind: `passed` as ops of the set, equal and `opaque` (a primitive is left to JAX),
            `refused` by name, or `failed`.
        detail: the opaque primitives, the reason of the refusal, what went wrong.
    """

    name: str
    kind: Kind
    detail: str = ""


def select(step: int) -> list[Any]:
    """Every `step`-th case of the types above that JAX itself can run."""
    from jax._src.internal_test_util import test_harnesses  # needs absl

    platform = jax.default_backend()
    fitting = [
        harness
        for harness in test_harnesses.all_harnesses
        if np.dtype(harness.dtype).name in DTYPES and harness.filter(platform)
    ]
    return fitting[::step]


def run(harness: Any) -> Outcome:
    """One case by JAX and by graphc."""
    name = harness.fullname
    arguments = harness.dyn_args_maker(np.random.RandomState(0))
    expected = jax.tree.leaves(jax.jit(harness.dyn_fun)(*arguments))
    try:
        graph = graphc.from_jax(harness.dyn_fun, *arguments)
    except ImportModelError as refusal:
        return Outcome(name, "refused", str(refusal).partition("\n")[0])
    try:
        found = _run_graph(graph, jax.tree.leaves(arguments))
    except GraphcError as problem:
        return Outcome(name, "failed", str(problem))
    difference = _difference(found, expected)
    if difference is not None:
        return Outcome(name, "failed", difference)
    opaque = sorted(_opaque_primitives(graph))
    return Outcome(name, "opaque" if opaque else "passed", " ".join(opaque))


def _run_graph(graph: Graph, arguments: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    manager = PassManager(default_pipeline())
    compiled = manager.run(graph, context=PassContext(platform=jax.default_backend()))
    executable = Executable(compiled.result)
    given = [
        jax.numpy.asarray(array, value.type.dtype.numpy)
        for array, value in zip(arguments, graph.inputs, strict=True)
    ]
    return [np.asarray(result) for result in executable.call(*executable.constants, *given)]


def _difference(found: Sequence[Any], expected: Sequence[Any]) -> str | None:
    if len(found) != len(expected):
        return f"{len(found)} results, not {len(expected)}"
    for mine, theirs in zip(found, map(np.asarray, expected), strict=True):
        if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
            return f"{mine.dtype}{mine.shape}, not {theirs.dtype}{theirs.shape}"
        try:
            if theirs.dtype.kind in "fc":
                np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE)
            else:
                np.testing.assert_array_equal(mine, theirs)
        except AssertionError as difference:
            return str(difference)
    return None


def _opaque_primitives(graph: Graph) -> set[str]:
    return {
        node.attributes["primitive"] for node in graph.walk() if node.op.name == "jax_primitive"
    }


def table(outcomes: Iterable[Outcome]) -> str:
    """How many passed, were opaque, were refused; and which primitives and reasons."""
    listed = list(outcomes)
    counts = Counter(outcome.kind for outcome in listed)
    lines = [", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "opaque", "refused"))]
    for kind in ("opaque", "refused"):
        details = Counter(outcome.detail for outcome in listed if outcome.kind == kind)
        lines += [f"  {kind} {count:4}  {detail}" for detail, count in details.most_common()]
    return "\n".join(lines)

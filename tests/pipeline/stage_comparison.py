"""Running a case through pipelines, and what the stages are held to.

The NumPy reference on the graph that the required passes alone leave is the truth. XLA computes
that graph, and the one that all passes leave; both with floats as float64, where agreement must be
tight, and the latter as it is declared.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np

from graphc import settings
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.verifier import verify
from graphc.lowering.jax_internals import jit_from_jaxpr, scoped_x64
from graphc.lowering.jaxpr import lower_graph
from graphc.reference.evaluator import evaluate
from graphc.reference.widening import widen
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline
from passes.pipelines import default_pipeline
from tests.pipeline.random_graphs import Case

Array = np.ndarray[Any, Any]
Results = dict[str, Array]

ALL_PASSES: Final = default_pipeline()
REQUIRED_PASSES: Final = default_pipeline().only()
LAST_SYMBOLIC_STAGE: Final = "simplified"
TIGHT: Final = 1e-8
# Constants that a pass gathers are rounded as they are declared, whatever computes with them.
NEARLY_TIGHT: Final = 1e-5
LOOSE: Final = 1e-3
# One case of so many goes through XLA, whose compiler takes four fifths of the time of a case.
XLA_SHARE: Final = int(os.environ.get("GRAPHC_HYPOTHESIS_XLA", "1"))
# Programs this small spend their time in LLVM, which cannot make them much faster.
COMPILER_OPTIONS: Final = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_parallel_codegen_split_count": 1,
}


def run_pipeline(case: Case, pipeline: Pipeline) -> dict[str, Graph]:
    """The graph after each stage, as a session makes them; the verifier runs after each pass."""
    context = PassContext()
    manager = PassManager(pipeline)
    with settings.override(verify_passes="pass"):
        symbolic = manager.run(case.graph, until=LAST_SYMBOLIC_STAGE, context=context)
        context.sizes = case.sizes
        concrete = manager.run(symbolic.result, start_after=LAST_SYMBOLIC_STAGE, context=context)
    return {"built": case.graph, **symbolic.graphs(), **concrete.graphs()}


def last_graph(stages: Mapping[str, Graph]) -> Graph:
    return list(stages.values())[-1]


def arrays_for(graph: Graph, arrays: Mapping[str, Array]) -> list[Array]:
    """One array per input of a graph, of exactly its type."""
    return [
        np.asarray(arrays[value.node.attributes["name"]]).astype(value.type.dtype.numpy)
        for value in graph.inputs
    ]


def labelled(graph: Graph, outputs: Sequence[Any]) -> Results:
    """Results by name: fetches by number, new values by variable."""
    names = [f"fetch {position}" for position in range(len(graph.fetches))]
    names += [f"new value of {name}" for name in graph.update_names]
    return {name: np.asarray(output) for name, output in zip(names, outputs, strict=True)}


def reference(graph: Graph, case: Case, *, precise: bool) -> Results:
    """What NumPy computes."""
    wide = widen(graph) if precise else graph
    return labelled(graph, evaluate(wide, arrays_for(wide, case.arrays)))


def as_function(graph: Graph) -> Callable[[Sequence[Any]], list[Any]]:
    """What is lowered of a graph, as a function of one array per input."""

    def call(given: Sequence[Any]) -> list[Any]:
        lowered = lower_graph(graph)
        ordered = [given[position] for position in lowered.order]
        return jit_from_jaxpr(lowered.program, "written")(*lowered.hoisted, *ordered)

    return call


def run_on_xla(
    graphs: Sequence[Graph],
    case: Case,
    functions: Sequence[Callable[[Sequence[Any]], list[Any]]] | None = None,
) -> list[Results]:
    """What XLA computes for graphs, in one program: compiling is what takes the time.

    Args:
        graphs: static, functional; they name feeds and results.
        case: has the arrays.
        functions: what to compile for each; by default what is lowered of it.
    """
    called = [as_function(graph) for graph in graphs] if functions is None else functions
    arguments = [arrays_for(graph, case.arrays) for graph in graphs]

    def program(arguments: Sequence[Any]) -> list[Any]:
        return [function(given) for function, given in zip(called, arguments, strict=True)]

    with scoped_x64():
        compiled = jax.jit(program, compiler_options=COMPILER_OPTIONS)
        outputs = jax.device_get(compiled(arguments))
    return [labelled(graph, found) for graph, found in zip(graphs, outputs, strict=True)]


def is_finite(results: Results) -> bool:
    return all(
        np.isfinite(array).all() and np.abs(array).max(initial=0) < 1e8
        for array in results.values()
        if array.dtype.kind in "fc"
    )


def assert_same(
    found: Results, expected: Results, what: str, rtol: float, slack: Results | None = None
) -> None:
    """Fail unless results agree: floats as good as their largest element allows.

    Args:
        found: results.
        expected: others.
        what: stands in the message.
        rtol: what an error is measured by, times the largest element or 1.
        slack: an error for each result that is allowed besides.
    """
    assert found.keys() == expected.keys(), f"{what}: {list(found)} against {list(expected)}"
    for name, mine in found.items():
        theirs = expected[name]
        assert mine.shape == theirs.shape, f"{what}, {name}: {mine.shape} against {theirs.shape}"
        if theirs.dtype.kind not in "fc":
            np.testing.assert_array_equal(mine, theirs, f"{what}, {name}")
            continue
        bound = rtol * max(1.0, float(np.abs(theirs).max(initial=0)))
        if slack is not None:
            bound += float(np.abs(slack[name]).max(initial=0))
        wide = np.complex128 if theirs.dtype.kind == "c" else np.float64
        difference = np.abs(mine.astype(wide) - theirs.astype(wide))
        if not (difference <= bound).all():
            raise AssertionError(
                f"{what}, {name}: off by {difference.max():.2e}, more than {bound:.2e}\n"
                f"found:    {mine.tolist()}\nexpected: {theirs.tolist()}"
            )


@dataclass(frozen=True)
class Compared:
    """What a comparison had to look at.

    Attributes:
        required: the stages by the required passes.
        all: the stages by all passes.
        is_compared: whether the numbers were finite, and so were compared.
    """

    required: dict[str, Graph]
    all: dict[str, Graph]
    is_compared: bool


def check_numbers(case: Case) -> Compared:
    """Hold all passes, by NumPy and by XLA, and the required ones to the NumPy reference."""
    required, everything = run_pipeline(case, REQUIRED_PASSES), run_pipeline(case, ALL_PASSES)
    plain, rewritten = last_graph(required), last_graph(everything)
    expected = reference(plain, case, precise=True)
    tight = NEARLY_TIGHT if case.has_float32 else TIGHT
    if not is_finite(expected):
        return Compared(required, everything, False)
    assert_same(reference(rewritten, case, precise=True), expected, "all passes, NumPy", tight)
    if zlib.crc32(str(case.graph).encode()) % XLA_SHARE:  # the same answer whenever it is tried
        return Compared(required, everything, True)
    on_xla = run_on_xla([widen(plain), widen(rewritten), rewritten], case)
    assert_same(on_xla[0], expected, "required passes, XLA", TIGHT)
    assert_same(on_xla[1], expected, "all passes, XLA", tight)
    native = reference(plain, case, precise=False)
    errors = {name: _error(native[name], expected[name]) for name in native}
    # Where float32 is at its end in the reference, it may be anywhere in XLA.
    if all(float(error.max(initial=0)) < LOOSE for error in errors.values()):
        slack = {name: 50 * error for name, error in errors.items()}
        assert_same(on_xla[2], expected, "all passes, XLA, as declared", LOOSE, slack)
    return Compared(required, everything, True)


def _error(found: Array, expected: Array) -> Array:
    if expected.dtype.kind != "f":
        return (found != expected).astype(np.float64)
    difference = np.abs(found.astype(np.float64) - expected)
    return difference / max(1.0, float(np.abs(expected).max(initial=0)))


def literals(graph: Graph) -> list[Array]:
    """The constants of a graph, which its text may name by their hash."""
    return [node.attributes["value"] for node in graph.walk() if node.op.name == "constant"]


def check_text(graph: Graph) -> None:
    """Hold the text of a graph to its parser: what is read prints the same and is the same."""
    text = str(graph)
    again = parse(text, literals(graph))
    assert str(again) == text
    assert first_difference(again, graph) is None
    verify(again)


def check_canonical(graph: Graph, stage_name: str) -> None:
    """Run a stage's passes on what they made: nothing may change."""
    stage = ALL_PASSES.stage(stage_name)
    again = PassManager(Pipeline((stage,))).run(graph).result
    assert str(again) == str(graph)

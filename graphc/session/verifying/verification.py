"""Verifying one program: what every pass made of it, computed in NumPy and compared.

The reference is the graph as it was built, taken through the required passes alone. What each step
of the pipeline made is taken through the required passes that are left, computed with floats as
float64 and as declared, and held to the reference:

* in float64 within a tight tolerance, as declared within a loose one;
* to the bit, against the step before, where all that a step did is declared exact; but not for
  results of gradients that are not written out yet, and not for complex numbers, whose products
  NumPy rounds as it finds them;
* where the reference is not finite, a result may be finite once a rule that stabilises has fired.

XLA comes last, in float64 and as the program is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from graphc.dtypes import TOKEN, DType
from graphc.errors import VerifyError
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.rewriting.manager import PassManager
from graphc.rewriting.rewrite_step import RewriteStep
from graphc.rewriting.rules import Numerics
from graphc.session.verifying.differences import (
    Bounds,
    Difference,
    noise_of,
    same_bits,
    same_signature,
    with_finite_of,
    within,
)
from graphc.session.verifying.rule_search import Fired, apply_rules, find_rule
from graphc.session.verifying.stage_runs import Numbers, StageRuns
from graphc.session.verifying.verify_report import VerifyReport, VerifyRow

_EXACT: Final[frozenset[Numerics]] = frozenset({"exact"})
_TIGHT: Final = 1e-9
# Constants that a pass gathers are rounded as they are declared, whatever computes with them.
_NEARLY_TIGHT: Final = 1e-5
_LOOSE: Final = 1e-3
_LOOSE_ROUNDINGS: Final = 32  # of the coarsest element type


@dataclass(frozen=True)
class _Verdict:
    """What became of one graph.

    Attributes:
        difference: what is wrong, if anything.
        numbers: what it gives; None where it could not be computed or compared.
        precise_error: largest relative error in float64.
        native_error: the same as declared.
    """

    difference: Difference | None
    numbers: Numbers | None = None
    precise_error: float | None = None
    native_error: float | None = None


class Verification:
    """One program being verified.

    Args:
        built: the program as it was built.
        start: the same through the required passes alone.
        runs: computes graphs.
        tolerance: the relative error allowed in float64; chosen by element types if None.
    """

    def __init__(
        self, built: Graph, start: Graph, runs: StageRuns, tolerance: float | None
    ) -> None:
        self.built = built
        self.runs = runs
        self.first = runs.numbers(start)
        dtypes = {value.type.dtype for node in start.walk() for value in node.outputs}
        floats = [dtype for dtype in dtypes if dtype.is_inexact]
        self.has_complex = any(dtype.is_complex for dtype in floats)
        is_wide = all(dtype.is_wide for dtype in floats)
        self.tolerance = tolerance or (_TIGHT if is_wide else _NEARLY_TIGHT)
        self.native_tolerance = max(self.tolerance, _LOOSE, *[0.0, *map(_rounding, floats)])
        noise = noise_of(self.first.native, self.first.precise)
        self.reference: Mapping[str, Any] = self.first.precise
        self.bounds = Bounds(self.tolerance, noise)
        self.native_bounds = Bounds(self.native_tolerance, noise, integers=not floats)
        self.rows: list[VerifyRow] = []

    def run(self) -> VerifyReport:
        """Verify every step, and XLA."""
        steps: list[RewriteStep] = []
        manager = PassManager(self.runs.pipeline)
        run = manager.run(self.built, context=self.runs.context(), observe=steps.append)
        before = self.first
        for step in steps:
            before = self.step(step, before)
        self.xla(run.result)
        return VerifyReport(
            tuple(self.rows), self.tolerance, self.native_tolerance, tuple(self.first.precise)
        )

    def step(self, step: RewriteStep, before: Numbers) -> Numbers:
        """Judge one step; gives its numbers, to which the next one is held."""
        if "stabilises" in step.numerics:
            self.bounds = replace(self.bounds, forgives=True)
            self.native_bounds = replace(self.native_bounds, forgives=True)
        verdict = self.verdict(step, step.after, step.numerics, before)
        rule = self.rule(step, before) if verdict.difference is not None else None
        if verdict.difference is None:
            exact = self.exact_rules(step, before)
            if exact is not None:
                difference, rule = exact
                verdict = replace(verdict, difference=difference)
        self.rows.append(
            VerifyRow(
                step.stage.name,
                step.name,
                tuple(sorted(step.numerics)),
                step.after.count(),
                verdict.precise_error,
                verdict.native_error,
                verdict.difference,
                rule,
            )
        )
        numbers = verdict.numbers
        if numbers is not None and self.bounds.forgives:
            self.reference = with_finite_of(self.reference, numbers.precise)
        return numbers or before

    def verdict(
        self, step: RewriteStep, after: Graph, numerics: Set[Numerics], before: Numbers
    ) -> _Verdict:
        """Judge a graph that a step, or a part of it, made of `step.before`."""
        try:
            numbers = self.runs.numbers(self.runs.after_step(step, after))
        except VerifyError as problem:
            return _Verdict(Difference("the graph", problem.message))
        difference = same_signature(numbers.native, self.first.native)
        if difference is not None:
            return _Verdict(difference)
        difference, precise = within(numbers.precise, self.reference, self.bounds)
        native_difference, native = within(numbers.native, self.reference, self.native_bounds)
        difference = difference or native_difference
        if difference is None and numerics <= _EXACT:
            difference = self.inexact(step.before, after, numbers, before)
        return _Verdict(difference, numbers, precise, native)

    def inexact(
        self, before: Graph, after: Graph, numbers: Numbers, numbers_before: Numbers
    ) -> Difference | None:
        """Where what is declared exact is not."""
        names = set() if self.has_complex else self.names_before_gradients(before)
        difference = same_bits(numbers.native, numbers_before.native, names)
        if difference is None and not _has_new_rounded_constants(before, after):
            difference = same_bits(numbers.precise, numbers_before.precise, names)
        return difference

    def names_before_gradients(self, graph: Graph) -> set[str]:
        """The results that no gradient intent has a part in."""
        if any(value.type.dtype is TOKEN for value in graph.outputs):
            return set()
        behind: set[Node] = set()
        for node in graph.nodes:
            inner = any(each.op.name == "gradient" for g in node.regions for each in g.walk())
            follows = any(value.node in behind for value in node.inputs)
            if inner or follows or node.op.name == "gradient":
                behind.add(node)
        named = zip(self.runs.names(graph), graph.outputs, strict=True)
        return {name for names, value in named if value.node not in behind for name in names}

    def exact_rules(self, step: RewriteStep, before: Numbers) -> tuple[Difference, str] | None:
        """Of a step that is not exact as a whole, the exact rules alone: do they keep every bit."""
        exact = [(owner, rule) for owner, rule in step.fired if rule.numerics == "exact"]
        if not exact or step.numerics <= _EXACT:
            return None
        made = apply_rules(step, exact, self.runs.context())
        if made is None or made is step.before:
            return None
        verdict = self.verdict(step, made, _EXACT, before)
        if verdict.difference is None:
            return None
        rule = self.rule(step, before, exact)
        return (verdict.difference, rule) if rule is not None else None

    def rule(self, step: RewriteStep, before: Numbers, suspects: Fired | None = None) -> str | None:
        """The rule of a broken step that is to blame."""

        def is_broken(made: Graph, rules: Fired) -> bool:
            numerics: set[Numerics] = {rule.numerics for _, rule in rules}
            return self.verdict(step, made, numerics, before).difference is not None

        found = find_rule(step, suspects or step.fired, self.runs.context(), is_broken)
        return None if found is None else f"{found[0]}.{found[1].name}"

    def xla(self, graph: Graph) -> None:
        """Judge what XLA makes of the last graph."""
        for precise, bounds, name in (
            (True, self.bounds, "XLA in float64"),
            (False, self.native_bounds, "XLA as declared"),
        ):
            found = self.runs.on_xla(graph, precise=precise)
            difference = same_signature(found, self.first.precise if precise else self.first.native)
            error = None
            if difference is None:
                difference, error = within(found, self.reference, bounds)
            errors = (error, None) if precise else (None, error)
            self.rows.append(VerifyRow("lowered", name, (), graph.count(), *errors, difference))


def _rounding(dtype: DType) -> float:
    """What is allowed where numbers have the digits of an element type."""
    plain = np.real(np.zeros((), dtype.numpy)).dtype
    following = np.nextafter(np.array(1, plain), np.array(2, plain))
    return _LOOSE_ROUNDINGS * (float(following) - 1)


def _has_new_rounded_constants(before: Graph, after: Graph) -> bool:
    """Whether a graph has constants of less than 64 bits that the other does not have."""

    def constants(graph: Graph) -> set[Any]:
        return {
            node.attributes["value"].key
            for node in graph.walk()
            if node.op.name == "constant"
            and node.output.type.dtype.is_inexact
            and not node.output.type.dtype.is_wide
        }

    return not constants(after) <= constants(before)

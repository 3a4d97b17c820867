"""Many steps as one program: what trains a model for an epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.ir.literal import Literal
from graphc.ops.tensor import Operation, Tensor
from graphc.rewriting.batch_rows.masking import BatchMasking
from graphc.rewriting.step_form import StepForm
from graphc.session.looped_convolutions import is_slow_in_a_loop
from graphc.session.plan import dispatch
from graphc.session.program import Program
from graphc.session.session import Session


class Span(NamedTuple):
    """Steps that belong together, such as an epoch.

    Attributes:
        first: which row of the stacked feeds is the first.
        end: the row before which it ends; at least one step is run.
        is_fresh: whether the loop's fresh variables begin anew.
    """

    first: int
    end: int
    is_fresh: bool = False


class StepLoop:
    """Runs steps of a program, in a loop on the device where that pays.

    Attributes:
        program: the step; with its loop around, from the stage `repeated` on, where it has one.
        spans: how many spans one run may have.
        fresh: the names of the variables that begin anew where a span asks for it.
    """

    def __init__(
        self,
        program: Program,
        session: Session,
        count: int,
        form: StepForm,
        stacked: Sequence[int] | None = None,
    ) -> None:
        self.program = program
        self.spans = form.spans
        self.fresh = tuple([name for name, _ in form.fresh])
        self._session = session
        self._count = count + len(form.fresh)
        self._stacked = stacked

    def run(self, arrays: Sequence[Any], spans: Sequence[Span]) -> list[Any]:
        """Run steps.

        Args:
            arrays: one for each feed: those of all steps, or stacked by step, of exactly the feeds'
                element types; on the device, where they are to stay there.
            spans: which steps, at most `self.spans` times some in a row.

        Returns:
            The fetches of each span's last step, then the values of the fresh variables after it,
            perhaps before they are computed: `[spans, …]`, zeros behind the spans that there are.
        """
        if self._stacked is not None:
            return self._run_one_by_one(arrays, spans[0], self._stacked)
        table = np.zeros((self.spans, 3), np.int32)
        table[: len(spans)] = spans
        return self._dispatch(arrays, [table, np.int32(len(spans))])

    def _run_one_by_one(
        self, arrays: Sequence[Any], span: Span, stacked: Sequence[int]
    ) -> list[Any]:
        rows = {place: np.asarray(arrays[place]) for place in stacked}
        fed, results = list(arrays), []
        for step in range(span.first, span.end):
            for place, whole in rows.items():
                fed[place] = whole[step].copy()  # XLA may read it after this returns
            results = self._dispatch(fed, [])
        return [result[None] for result in results]

    def _dispatch(self, arrays: Sequence[Any], bounds: list[Any]) -> list[Any]:
        signature = self.program.signature(arrays)
        session = self._session
        fed = [*arrays, *bounds]
        results = dispatch(signature, fed, session.store, session.compute_initial_values)
        return results[: self._count]


def make_step_loop(
    session: Session,
    operation: Operation,
    fetches: Sequence[Tensor],
    feeds: Sequence[Tensor],
    stacked: Sequence[Tensor],
    masking: BatchMasking | None = None,
    fresh: Mapping[str, Literal] | None = None,
    spans: int = 1,
) -> StepLoop:
    """A loop of steps.

    Args:
        session: where the variables are.
        operation: what a step does.
        fetches: numbers that it gives.
        feeds: what it is fed.
        stacked: those of the feeds that differ from step to step.
        masking: leaves samples out, as many as one of the feeds says.
        fresh: variables that may begin anew before a span, with what; those that a step sets count.
        spans: how many spans one run is to have at most; one where steps run one by one.
    """
    values = [*[tensor.value for tensor in fetches], operation.node.outputs[0]]
    fed = [tensor.value for tensor in feeds]
    budget = session.memory_budget
    single = StepForm(masking=masking)
    program = session.make_program(values, fed, form=single, memory_budget=budget)
    if is_slow_in_a_loop(program.built.walk(), program.platform):
        places = [place for place, value in enumerate(feeds) if value in stacked]
        return StepLoop(program, session, len(fetches), single, places)
    assigned = [n.attributes["variable"] for n in program.built.walk() if n.op.name == "assign"]
    anew = [(name, initial) for name, initial in (fresh or {}).items() if name in assigned]
    looped = StepForm(tuple([tensor.value for tensor in stacked]), masking, tuple(anew), spans)
    program = session.make_program(values, fed, form=looped, memory_budget=budget)
    return StepLoop(program, session, len(fetches), looped)

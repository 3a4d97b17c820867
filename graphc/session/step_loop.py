"""Many steps as one program: what trains a model for an epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ops.tensor import Operation, Tensor
from graphc.rewriting.batch_rows.masking import BatchMasking
from graphc.rewriting.step_form import StepForm
from graphc.session.looped_convolutions import is_slow_in_a_loop
from graphc.session.plan import dispatch
from graphc.session.program import Program
from graphc.session.session import Session


class StepLoop:
    """Runs steps of a program, in a loop on the device where that pays.

    Attributes:
        program: the step; with its loop around, from the stage `repeated` on, where it has one.
    """

    def __init__(
        self, program: Program, session: Session, count: int, stacked: Sequence[int] | None = None
    ) -> None:
        self.program = program
        self._session = session
        self._count = count
        self._stacked = stacked

    def run(self, arrays: Sequence[Any], first: int, count: int) -> list[Any]:
        """Run `count` steps, beginning with `first`.

        Args:
            arrays: one for each feed: those of all steps, or stacked by step, of exactly the feeds'
                element types; on the device, where they are to stay there.
            first: which row of the stacked feeds is the first.
            count: how many steps; at least 1.

        Returns:
            The fetches of the last step, perhaps before they are computed.
        """
        if self._stacked is not None:
            return self._run_one_by_one(arrays, first, count, self._stacked)
        return self._dispatch(arrays, [np.int32(first), np.int32(count)])

    def _run_one_by_one(
        self, arrays: Sequence[Any], first: int, count: int, stacked: Sequence[int]
    ) -> list[Any]:
        rows = {place: np.asarray(arrays[place]) for place in stacked}
        fed, results = list(arrays), []
        for step in range(first, first + count):
            for place, whole in rows.items():
                fed[place] = whole[step].copy()  # XLA may read it after this returns
            results = self._dispatch(fed, [])
        return results

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
) -> StepLoop:
    """A loop of steps.

    Args:
        session: where the variables are.
        operation: what a step does.
        fetches: numbers that it gives.
        feeds: what it is fed.
        stacked: those of the feeds that differ from step to step.
        masking: leaves samples out, as many as one of the feeds says.
    """
    values = [*[tensor.value for tensor in fetches], operation.node.outputs[0]]
    fed = [tensor.value for tensor in feeds]
    budget = session.memory_budget
    single = StepForm(masking=masking)
    program = session.make_program(values, fed, form=single, memory_budget=budget)
    if is_slow_in_a_loop(program.built.walk(), program.platform):
        places = [place for place, value in enumerate(feeds) if value in stacked]
        return StepLoop(program, session, len(fetches), places)
    looped = StepForm(tuple([tensor.value for tensor in stacked]), masking)
    program = session.make_program(values, fed, form=looped, memory_budget=budget)
    return StepLoop(program, session, len(fetches))

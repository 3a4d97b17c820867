"""Many steps as one program: what trains a model for an epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ops.tensor import Operation, Tensor
from graphc.session.plan import dispatch
from graphc.session.program import Program
from graphc.session.session import Session


class StepLoop:
    """Runs steps of a program in a loop on the device.

    Attributes:
        program: the step, with its loop around from the stage `repeated` on.
    """

    def __init__(self, program: Program, session: Session, count: int) -> None:
        self.program = program
        self._session = session
        self._count = count

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
        signature = self.program.signature(arrays)
        fed = [*arrays, np.int32(first), np.int32(count)]
        session = self._session
        results = dispatch(signature, fed, session.store, session.compute_initial_values)
        return results[: self._count]


def make_step_loop(
    session: Session,
    operation: Operation,
    fetches: Sequence[Tensor],
    feeds: Sequence[Tensor],
    stacked: Sequence[Tensor],
) -> StepLoop:
    """A loop of steps.

    Args:
        session: where the variables are.
        operation: what a step does.
        fetches: numbers that it gives.
        feeds: what it is fed.
        stacked: those of the feeds that differ from step to step.
    """
    values = [*[tensor.value for tensor in fetches], operation.node.outputs[0]]
    program = session.make_program(
        values,
        [tensor.value for tensor in feeds],
        stacked=tuple([t.value for t in stacked]),
        memory_budget=session.memory_budget,
    )
    return StepLoop(program, session, len(fetches))

"""Many steps as one program: what trains a model for an epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.ir.literal import Literal
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.tensor import Operation, Tensor
from graphc.rewriting.batch_rows.masking import BatchMasking
from graphc.rewriting.step_form import StepForm
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
    """Runs steps of a program, in a loop on the device.

    Attributes:
        program: the step; with its loop around, from the stage `repeated` on.
        spans: how many spans one run may have.
        fresh: the names of the variables that begin anew where a span asks for it.
    """

    def __init__(self, program: Program, session: Session, count: int, form: StepForm) -> None:
        self.program = program
        self.spans = form.spans
        self.fresh = tuple([name for name, _ in form.fresh])
        self._session = session
        self._count = count + len(form.fresh)

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
        table = np.zeros((self.spans, 3), np.int32)
        table[: len(spans)] = spans
        signature = self.program.signature(arrays)
        session = self._session
        fed = [*arrays, table, np.int32(len(spans))]
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
        spans: how many spans one run is to have at most.
    """
    values = [*[tensor.value for tensor in fetches], operation.node.outputs[0]]
    fed = [tensor.value for tensor in feeds]
    built = slice_graph(session.graph, values, fed)
    assigned = [node.attributes["variable"] for node in built.walk() if node.op.name == "assign"]
    anew = [(name, initial) for name, initial in (fresh or {}).items() if name in assigned]
    looped = StepForm(tuple([tensor.value for tensor in stacked]), masking, tuple(anew), spans)
    program = session.make_program(values, fed, form=looped, memory_budget=session.memory_budget)
    return StepLoop(program, session, len(fetches), looped)

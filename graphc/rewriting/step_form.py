"""How a program runs its step, once or in a loop, on all samples or some; with which results."""

from __future__ import annotations

from dataclasses import dataclass

from graphc.ir.node import Value
from graphc.rewriting.batch_rows.masking import BatchMasking, with_batch_masking
from graphc.rewriting.flat_draws import with_flat_draws
from graphc.rewriting.packed_fetches import with_packed_fetches
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.step_repetition import Fresh, with_step_repetition
from graphc.rewriting.stream_keys import with_stream_keys


@dataclass(frozen=True)
class StepForm:
    """What is made of one step.

    Attributes:
        stacked: the feeds that hold a row for each step of a loop; None for a single step.
        masking: leaves out samples beyond a number that is fed; None where all count.
        fresh: the variables that may begin anew before a span of steps of a loop, and with what.
        spans: how many spans of steps a loop can run.
        packed: for each result, of how many fetches it has a row, None for a fetch as it is; None
            where every fetch is a result. With it the step computes initial values: it runs once
            and sets no variable.
        streams: the streams whose keys are fed, in one array after all other feeds.
    """

    stacked: tuple[Value, ...] | None = None
    masking: BatchMasking | None = None
    fresh: Fresh = ()
    spans: int = 1
    packed: tuple[int | None, ...] | None = None
    streams: tuple[int, ...] = ()

    @property
    def runs_once(self) -> bool:
        """Whether nobody runs it again."""
        return self.packed is not None

    def apply_to(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline that brings a graph into this form."""
        if self.packed is not None:
            pipeline = with_packed_fetches(pipeline, self.packed)
        if self.streams:
            pipeline = with_stream_keys(pipeline, self.streams)
        if self.packed is not None:
            pipeline = with_flat_draws(pipeline, self.packed)
        if self.masking is not None:
            pipeline = with_batch_masking(pipeline, self.masking)
        if self.stacked is not None:
            names = [value.node.attributes["name"] for value in self.stacked]
            pipeline = with_step_repetition(pipeline, names, self.fresh, self.spans)
        return pipeline

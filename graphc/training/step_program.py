"""One step of training, evaluation or prediction, as a loop of steps on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from graphc.dimensions import Dim
from graphc.errors import FeedError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.call_context import outside_of_calls
from graphc.metrics.metric import Metric, constant_initial_value
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import collected_updates
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.gathering import take
from graphc.ops.grouping import group
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor
from graphc.rewriting.batch_rows.examination import Refusal, examine
from graphc.rewriting.batch_rows.masking import BatchMasking
from graphc.session.session import Session
from graphc.session.step_loop import Span, StepLoop, make_step_loop
from graphc.training.data.groups import Batches, Data, Group
from graphc.training.step_times import StepTimes

Mode = Literal["train", "test", "predict"]

_EPOCHS_IN_A_RUN: Final = 8


def data_key(data: Data) -> Any:
    """What the graph of a step depends on: nesting, element types, shapes of samples."""
    leaves, tree = flatten(data)
    return str(tree), tuple([(str(leaf.dtype), leaf.shape[1:]) for leaf in leaves])


class StepProgram:
    """A step on batches of data that lie on the device.

    Args:
        step: builds the step on x, y and weights; gives logs by name, or predictions.
        mode: what it is for.
        data: some data of the kind that it will take.
        graph: where it is built.
        session: where it runs.
        batch: the symbol of the model's own batches, if it has one.
        metrics: the metrics that may be in the logs.

    Attributes:
        outputs: what `step` gave.
        row_limits: for each array of the data that numbers rows, whose and how many they are.
        loop: the step on batches of which all samples count.
    """

    def __init__(
        self,
        step: Callable[[Data], Any],
        mode: Mode,
        data: Data,
        graph: DataflowGraph,
        session: Session,
        batch: Any,
        metrics: Callable[[], list[Metric]],
    ) -> None:
        self._session = session
        leaves, tree = flatten(data)
        updates: list[Tensor] = []
        with graph.as_default(), graph.control_dependencies(None), graph.reopened_scope(""):
            with graph.name_scope(mode):
                _refuse_text(leaves)
                types = [(str(leaf.dtype), [None, *leaf.shape[1:]]) for leaf in leaves]
                whole = [placeholder(dtype, sizes, name="data") for dtype, sizes in types]
                rows = placeholder("int32", [batch], name="rows")
                self._samples = placeholder("int32", [], name="samples")
                parts = [take(tensor, rows, axis=0) for tensor in whole]
            with outside_of_calls(), collected_updates(updates):
                self.outputs = step(unflatten(tree, parts))
            limits = graph.records.row_limits
            self.row_limits = [limits.get(part.value) for part in parts]
            here = [update for update in updates if update.graph is graph]
            operation = group(*here, name="step")
        self.is_prediction = mode == "predict"
        self._metrics: dict[str, Metric] = {}
        self._numbers: dict[str, Tensor] = {}
        if not self.is_prediction:
            self._sort_logs(self.outputs, metrics())
        fetched = flatten(self.outputs)[0] if self.is_prediction else list(self._numbers.values())
        self._operation, self._fetched, self._whole, self._rows = operation, fetched, whole, rows
        found = [variable for metric in metrics() for variable in metric.variables]
        fresh = {variable.name: constant_initial_value(variable) for variable in found}
        self._fresh = {name: initial for name, initial in fresh.items() if initial is not None}
        self._spans = 1 if self.is_prediction else _EPOCHS_IN_A_RUN
        self.loop = self._make_loop([*whole, rows], [rows])
        self._last: list[Any] = []
        self._last_spans = 1
        self._last_loop = self.loop
        self._told_of: set[int] = set()
        self._times: dict[int, StepTimes] = {}
        self._read = self._reader(graph)

    def _make_loop(
        self, feeds: list[Tensor], stacked: list[Tensor], masking: BatchMasking | None = None
    ) -> StepLoop:
        return make_step_loop(
            self._session,
            self._operation,
            self._fetched,
            feeds,
            stacked,
            masking,
            {} if self.is_prediction else self._fresh,
            self._spans,
        )

    def _sort_logs(self, logs: Any, metrics: list[Metric]) -> None:
        """Results of metrics are read when somebody asks; other numbers are those of a step."""
        if not isinstance(logs, dict):
            raise GraphcError(
                "a step gives its numbers by name",
                given=repr(logs)[:200],
                expected='a dictionary of tensors, such as {"loss": loss}',
                origin=capture_origin(),
            )
        for name, value in logs.items():
            found = [metric for metric in metrics if metric.gave(value)]
            if found:
                self._metrics[name] = found[0]
            elif isinstance(value, Tensor):
                self._numbers[name] = value

    def _reader(self, graph: DataflowGraph) -> Callable[[], Any]:
        """What gives the results of metrics as they are now."""
        with graph.as_default(), graph.name_scope("logs"):
            self._results = {name: metric.result() for name, metric in self._metrics.items()}
        return self._session.make_callable(self._results)

    @cached_property
    def _read_from(self) -> Callable[..., Any]:
        """What gives the results of metrics from the values of the loop's fresh variables."""
        variables = self._session.graph.variables
        feeds = [variables[name] for name in self.loop.fresh]
        return self._session.make_callable(self._results, feeds)

    def run(
        self, data: Group, first: int = 0, count: int | None = None, is_fresh: bool = False
    ) -> list[Any]:
        """Do steps on batches of an epoch in a group.

        Args:
            data: the group.
            first: which batch is the first.
            count: how many; all that follow by default.
            is_fresh: whether the metrics that `resets` begin anew.

        Returns:
            The fetches of the last step [1 or more, …], the first row, perhaps not computed yet.
        """
        steps = data.batches - first if count is None else count
        return self._run(data, [Span(first, first + steps, is_fresh)])

    def run_epochs(self, data: Group) -> None:
        """Do all epochs in a group, at most `epochs_in_a_run`; metrics begin anew in each."""
        self._run(data, [Span(start, start + data.batches, True) for start in data.starts])

    def _run(self, data: Group, spans: list[Span]) -> list[Any]:
        fed = [*data.arrays, data.rows]
        self._last_spans = len(spans)
        fed += [] if data.samples is None else [data.samples]
        self._last_loop = self.loop if data.samples is None else self._filled_loop
        self._last = self._last_loop.run(fed, spans)
        return self._last

    @property
    def epochs_in_a_run(self) -> int:
        """How many epochs `run_epochs` may do: several where all that logs show can be kept."""
        kept = {v.name for metric in self._metrics.values() for v in metric.variables}
        return self.loop.spans if kept <= set(self.loop.fresh) else 1

    def let_go_of(self, data: Batches) -> None:
        """Wait until no run reads data any more, and let their memory be used again.

        Nothing is let go of where a run does not begin with what the one before has left: then it
        may be that the last one ends first.
        """
        if not self._last:
            return
        store, signature = self._session.store, self._last_loop.program.concrete()
        passed_on = set(signature.state_names).intersection(signature.update_names)
        if passed_on:
            with store.lock:  # or another thread's program might consume it meanwhile
                store.values(sorted(passed_on)[:1])[0].block_until_ready()
            data.release()

    def times(self, batch_size: int) -> StepTimes:
        """How long steps on batches of a size take."""
        return self._times.setdefault(batch_size, StepTimes())

    def resets(self, metric: Metric) -> bool:
        """Whether a run makes a metric begin anew if asked to."""
        return all(variable.name in self.loop.fresh for variable in metric.variables)

    # -- batches that are smaller than others ----------------------------------------------------

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """Why a smaller batch must be compiled by itself; empty where it can be filled up."""
        batch = self._rows.value.type.shape[0]
        here = self._operation.node
        if not isinstance(batch, Dim):
            return (Refusal("the model's inputs say how large a batch is", here.origin, here.name),)
        found = examine(self.loop.program.built, batch)
        if found.refusals:
            return found.refusals
        for tensor, axis in zip(self._fetched, found.row_axes, strict=False):
            is_by_sample = axis == 0 and tensor.value.type.shape[0] == batch
            if not is_by_sample if self.is_prediction else axis is not None:
                node = tensor.value.node
                reason = "an output has no row for each sample"
                if not self.is_prediction:
                    reason = "a number of the step is one for each sample"
                return (Refusal(reason, node.origin, node.name),)
        return ()

    def fills(self, data: Batches) -> bool:
        """Whether smaller batches of these data are to be filled up: one program is for all."""
        return not data.is_even and not self.refusals

    @cached_property
    def _filled_loop(self) -> StepLoop:
        """The step on batches of which only so many samples count as it is fed."""
        rows, samples = self._rows, self._samples
        batch = rows.value.type.shape[0]
        assert isinstance(batch, Dim), "a batch of fixed size is never filled up"
        masking = BatchMasking(batch, samples.value.node.attributes["name"])
        feeds, stacked = [*self._whole, rows, samples], [rows, samples]
        return self._make_loop(feeds, stacked, masking)

    def note_on(self, data: Group) -> str | None:
        """What a person should know before a group runs: that the step is compiled for its size.

        Said once for each size.
        """
        size = int(data.rows.shape[1])
        if not data.usual_size or size in self._told_of:
            return None
        self._told_of.add(size)
        return (
            f"a batch of {size} samples beside those of {data.usual_size} is compiled by itself: "
            f"{self.refusals[0]}"
        )

    @property
    def compilations(self) -> int:
        """For how many sizes of data and batches the step has been compiled."""
        loops = [self.loop, *([self._filled_loop] if "_filled_loop" in vars(self) else [])]
        return sum(loop.program.signature_count for loop in loops)

    # -- logs ------------------------------------------------------------------------------------

    def logs(self) -> dict[str, Any]:
        """The metrics so far, and other numbers of the last step; waits for them."""
        last = [np.asarray(value) for value in self._last]
        return self._as_logs(self._read(), [value[self._last_spans - 1] for value in last])

    def logs_of_epochs(self) -> Callable[[], list[dict[str, Any]]]:
        """What waits for the logs after each epoch of the last run.

        If `epochs_in_a_run` is more than one, they are these whatever runs in between.
        """
        results, spans, numbers = self._last, self._last_spans, len(self._fetched)

        def wait() -> list[dict[str, Any]]:
            if self.epochs_in_a_run == 1:
                return [self.logs()]
            kept = [np.asarray(value) for value in results]
            logs: list[dict[str, Any]] = []
            for epoch in range(spans):
                # A row of an array of numbers would be no array.
                values = [np.array(value[epoch]) for value in kept]
                read = self._read_from(*values[numbers:])
                logs.append(self._as_logs(read, values[:numbers]))
            return logs

        return wait

    def _as_logs(self, results: dict[str, Any], last: list[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in results.items():
            if isinstance(value, dict):
                found |= {key: _plain(item) for key, item in value.items()}
            else:
                found[name] = _plain(value)
        for name, value in zip(self._numbers, last, strict=False):
            found[name] = _plain(value)
        return {name: found[name] for name in [*self._order(found)]}

    def _order(self, found: dict[str, Any]) -> list[str]:
        """The order of the step's own logs."""
        given = list(self.outputs) if isinstance(self.outputs, dict) else []
        return [n for n in given if n in found] + [n for n in found if n not in given]


def _refuse_text(leaves: Sequence[Any]) -> None:
    for leaf in leaves:
        if leaf.dtype.kind in "US":
            raise FeedError(
                "the data hold text",
                given=f"{np.ravel(leaf)[:3].tolist()} … of shape {leaf.shape}",
                expected="numbers",
                fix="number the labels or words: np.unique(labels, return_inverse=True)[1]",
                origin=capture_origin(),
            )


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array

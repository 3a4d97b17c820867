"""One step of training, evaluation or prediction, as a loop of steps on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from graphc.errors import FeedError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.call_context import outside_of_calls
from graphc.metrics.metric import Metric
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import collected_updates
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.gathering import take
from graphc.ops.grouping import group
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor
from graphc.session.session import Session
from graphc.session.step_loop import make_step_loop
from graphc.training.data.groups import Data, Group

Mode = Literal["train", "test", "predict"]


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
        self.loop = make_step_loop(session, operation, fetched, [*whole, rows], [rows])
        self._last: list[Any] = []
        self._read, self._read_later = self._readers(graph)

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

    def _readers(self, graph: DataflowGraph) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """What gives the results of metrics: as numbers, or perhaps before they are computed."""
        with graph.as_default(), graph.name_scope("logs"):
            results = {name: metric.result() for name, metric in self._metrics.items()}
        session = self._session
        return session.make_callable(results), session.make_callable(results, as_numpy=False)

    def run(self, data: Group, first: int = 0, count: int | None = None) -> list[Any]:
        """Do steps on the batches of a group; the fetches of the last, perhaps not computed yet."""
        steps = data.batches - first if count is None else count
        self._last = self.loop.run([*data.arrays, data.rows], first, steps)
        return self._last

    def logs(self) -> dict[str, Any]:
        """The metrics so far, and other numbers of the last step; waits for them."""
        return self._as_logs(self._read(), self._last)

    def logs_later(self) -> Callable[[], dict[str, Any]]:
        """A function that waits for the logs as they are now, whatever runs in between."""
        results, last = self._read_later(), self._last
        return lambda: self._as_logs(results, last)

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

"""The metrics of a model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.metrics.metric import Metric
from graphc.metrics.metric import get as get_metric
from graphc.metrics.reductions import MeanMetricWrapper
from graphc.naming import numbered
from graphc.ops.bodies import flatten
from graphc.ops.tensor import Tensor
from graphc.training.output_names import for_each_output, labels_of_outputs, named_outputs

_BY_SHAPE: Final = {
    **{"accuracy": "accuracy", "acc": "accuracy"},
    **{"crossentropy": "crossentropy", "ce": "crossentropy"},
}
"""Short names, whose meaning depends on labels and predictions."""


class _Compiled(NamedTuple):
    """A metric, where it applies, and what it is called in logs."""

    name: str
    output: str
    metric: Metric
    is_weighted: bool


class CompiledMetrics:
    """What `compile(metrics=…, weighted_metrics=…)` asks for.

    Args:
        metrics: names, metrics or functions: a list for the only output; a dictionary, or a list
            of lists, for several.
        weighted_metrics: the same, for those that sample weights count in.

    Attributes:
        named: all of them by their names in logs, once the outputs are known. As in Keras, the
            second of one name has a number behind it, or "weighted" before it.
    """

    def __init__(self, metrics: Any = None, weighted_metrics: Any = None) -> None:
        for named in flatten((metrics, weighted_metrics))[0]:
            if isinstance(named, str) and named.lower() not in _BY_SHAPE:
                Metric.registry.makeable(named)  # says now that there is none of this name
        self._given = (metrics, False), (weighted_metrics, True)
        self._made: list[_Compiled] | None = None

    @property
    def named(self) -> dict[str, Metric]:
        """All of them by name; empty before the first step is built."""
        return {made.name: made.metric for made in self._made or ()}

    @property
    def is_known(self) -> bool:
        """Whether all of them are made: short names are understood once the outputs are known."""
        return self._made is not None or not any(given for given, _ in self._given)

    def know(self, model: Any, y_true: Any, y_pred: Any, losses: Mapping[str, Any]) -> None:
        """Make them for such labels and predictions, of which only the types are looked at."""
        outputs = named_outputs(model, y_pred)
        labels = labels_of_outputs(y_true, list(outputs), losses)
        self._made = self._make(outputs, labels, losses)

    def update(
        self, model: Any, y_true: Any, y_pred: Any, sample_weight: Any, losses: Mapping[str, Any]
    ) -> None:
        """Add the operations that take a batch into account."""
        outputs = named_outputs(model, y_pred)
        labels = labels_of_outputs(y_true, list(outputs), losses)
        weights = for_each_output(sample_weight, list(outputs), "sample weights")
        if self._made is None:
            self._made = self._make(outputs, labels, losses)
        for _, name, metric, is_weighted in self._made:
            weight = weights[name] if is_weighted else None
            metric.update_state(labels[name], outputs[name], sample_weight=weight)

    def _make(
        self, outputs: dict[str, Tensor], labels: dict[str, Any], losses: Mapping[str, Any]
    ) -> list[_Compiled]:
        made: list[_Compiled] = []
        taken: set[str] = set()
        names = list(outputs)
        for given, is_weighted in self._given:
            for output, wanted in self._by_output(given, names).items():
                prefix = f"{output}_" if len(names) > 1 else ""
                if wanted and labels[output] is None:
                    raise GraphcError(
                        f"the metrics of the output {output!r} need labels",
                        fix="give y for it, or compile without metrics for this output",
                        origin=capture_origin(),
                    )
                for identifier in wanted:
                    metric = _metric(identifier, labels[output], outputs[output])
                    _refuse_logits(metric, losses.get(output))
                    name = prefix + metric.name
                    if is_weighted and name in taken:
                        name = f"{prefix}weighted_{metric.name}"
                    name = numbered(name, taken)
                    taken.add(name)
                    made.append(_Compiled(name, output, metric, is_weighted))
        return made

    @staticmethod
    def _by_output(given: Any, names: list[str]) -> dict[str, list[Any]]:
        if given is None:
            return {}
        if not isinstance(given, (list, tuple, Mapping)):
            given = [given]
        if len(names) == 1 and not isinstance(given, Mapping):
            return {names[0]: list(given)}
        if isinstance(given, (list, tuple)) and not any(
            isinstance(item, (list, tuple)) for item in given
        ):
            given = [[item] for item in given]
        found = for_each_output(given, names, "metrics")
        return {
            name: list(item) if isinstance(item, (list, tuple)) else [item]
            for name, item in found.items()
            if item is not None
        }


def looks_like(y_true: Tensor, y_pred: Tensor, what: str) -> str:
    """What is meant by a short name such as "accuracy", by the shapes."""
    if y_pred.shape[-1] == 1:
        return f"binary_{what}"
    is_sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return f"sparse_categorical_{what}" if is_sparse else f"categorical_{what}"


def _metric(identifier: Any, y_true: Any, y_pred: Tensor) -> Metric:
    wanted = identifier
    if isinstance(identifier, str):
        full = _BY_SHAPE.get(identifier.lower())
        if full is not None:
            wanted = looks_like(y_true, y_pred, full)
    metric = get_metric(wanted)
    if not isinstance(metric, Metric):
        metric = MeanMetricWrapper(metric)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def _refuse_logits(metric: Metric, loss: Any) -> None:
    if metric.needs_probabilities and getattr(loss, "from_logits", False):
        raise GraphcError(
            f"the metric {metric.name!r} takes probabilities, and the model gives logits",
            given=f"the loss {loss.name!r} with from_logits=True",
            fix="end the model with a sigmoid or softmax and drop from_logits, "
            "or take a metric with from_logits",
            origin=capture_origin(),
        )

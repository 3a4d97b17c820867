"""What `compile` says of a model, and what its steps are made of."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from graphc.callbacks import History
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin, warn_user
from graphc.layers.layer import Layer
from graphc.metrics.metric import Metric, reset_operation
from graphc.metrics.reductions import Mean
from graphc.naming import numbered
from graphc.ops.arithmetic import add
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import opened_session, session_of
from graphc.ops.conversion import to_tensor
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.layer_updates import variables_below
from graphc.ops.program_order import program_order
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import shape
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor
from graphc.optimizers.identifiers import get as get_optimizer
from graphc.optimizers.loss_scaling import LossScaleOptimizer
from graphc.optimizers.optimizer import Optimizer
from graphc.session.session import Session
from graphc.tracking import held, unique
from graphc.training.compiled_losses import CompiledLosses
from graphc.training.compiled_metrics import CompiledMetrics
from graphc.training.data.batches import as_batches
from graphc.training.data.groups import Batches, Data
from graphc.training.data.label_checks import check_labels, check_rows
from graphc.training.fitting import Epochs
from graphc.training.step_program import Mode, StepProgram, data_key

if TYPE_CHECKING:
    _Base = Layer
else:
    _Base = object


class TrainedLayer(_Base):
    """The part of `Model` that is compiled: optimizer, losses, metrics, and steps.

    Attributes:
        optimizer: what changes the weights, once compiled.
        stop_training: set by a callback to end `fit` after the current batch.
        history: what the last `fit` recorded.
        steps_per_execution: how many batches callbacks are told of at once.
    """

    def __init__(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.history: History | None = None
        self.steps_per_execution = 1
        self._losses: CompiledLosses | None = None
        self._metrics: CompiledMetrics | None = None
        self._loss_tracker: Mean | None = None
        self._programs: dict[Any, StepProgram] = {}
        self._resets: dict[Any, Callable[[], None]] = {}
        self._compile_arguments: dict[str, Any] | None = None

    # -- compile ---------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained; nothing is built before the first batch.

        Args:
            optimizer: a name ("adam") or an optimizer.
            loss: a name, a loss or a function of labels and predictions; a list or a dictionary
                of them for several outputs.
            loss_weights: numbers for several outputs.
            metrics: names, metrics or functions, for several outputs in the same forms as losses.
            weighted_metrics: those that sample weights count in.
            run_eagerly: taken for Keras's sake; a graph is always compiled.
            steps_per_execution: how many batches callbacks are told of at once. Without callbacks
                about batches, an epoch is one execution anyway.
            jit_compile: taken for Keras's sake.
            auto_scale_loss: let a `LossScaleOptimizer` make the optimizer's steps where the model's
                policy is "mixed_float16", whose gradients might vanish.

        Raises:
            GraphcError: a name is unknown.
        """
        self.optimizer = None if optimizer is None else get_optimizer(optimizer)
        is_scaled = isinstance(self.optimizer, LossScaleOptimizer)
        is_plain = isinstance(self.optimizer, Optimizer) and not is_scaled
        if auto_scale_loss and is_plain and self.dtype_policy.name == "mixed_float16":
            self.optimizer = LossScaleOptimizer(self.optimizer, name="loss_scale_optimizer")
        self._losses = None if loss is None else CompiledLosses(loss, loss_weights)
        self._metrics = CompiledMetrics(metrics, weighted_metrics)
        self.steps_per_execution = steps_per_execution
        self._programs = {}
        self._loss_tracker = None
        self._averages = None
        self._compile_arguments = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights,
            "metrics": metrics, "weighted_metrics": weighted_metrics,
            "steps_per_execution": steps_per_execution, "auto_scale_loss": auto_scale_loss,
        }  # fmt: skip

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compile_arguments is not None

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            raise GraphcError(
                f"the model {self.name!r} cannot {what} before it is compiled",
                fix='model.compile(optimizer="adam", loss="mse")',
                origin=capture_origin(),
            )

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return (self._compile_arguments or {}).get("loss")

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, the compiled metrics, and those in attributes of the model."""
        return unique(self.named_metrics.values())

    @property
    def metrics_names(self) -> list[str]:
        """What the metrics are called in logs."""
        return list(self.named_metrics)

    @property
    def named_metrics(self) -> dict[str, Metric]:
        """All metrics by their names in logs: no two share one, or one would hide the other."""
        found: list[Metric] = [self._loss_tracker] if self._loss_tracker else []
        found += self._losses.trackers if self._losses else []
        compiled = self._metrics.named if self._metrics else {}
        # A model inside has metrics for its own training, which are no numbers about this one's.
        inside = [layer for layer in self._flatten_layers() if not isinstance(layer, TrainedLayer)]
        own = [metric for layer in [self, *inside] for metric in held(layer, Metric)]
        named: dict[str, Metric] = {}
        for name, metric in [
            *[(metric.name, metric) for metric in found],
            *compiled.items(),
            *[(m.name, m) for m in unique(own) if m not in found and m not in compiled.values()],
        ]:
            named[numbered(name, named)] = metric
        return named

    def reset_metrics(self) -> None:
        """Forget what metrics have gathered."""
        self._find_reset(self.metrics)()

    def _find_reset(self, metrics: Iterable[Metric]) -> Callable[[], None]:
        """What makes metrics forget, as one small program."""
        metrics = [metric for metric in metrics if metric.variables]
        if not metrics:
            return lambda: None
        session: Any = session_of(self.graph)
        key = (session, *metrics)
        if key not in self._resets:
            self._resets[key] = session.make_callable(reset_operation(metrics))
        return self._resets[key]

    # -- what a step is: to be overridden --------------------------------------------------------

    def train_step(self, data: Data) -> dict[str, Any]:
        """One step of training on a batch; override it for another one.

        All that it assigns, by optimizers, metrics or variables, becomes part of the step, in the
        order of its lines: what is read after an assignment sees it.

        Args:
            data: x, y and weights of samples: tensors, nested as the data are, or None.

        Returns:
            Numbers by name, for the logs.
        """
        x, y, sample_weight = data
        y_pred = self(x, training=True)
        loss = self._loss_in(True, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        self._track_loss(loss, x)
        if self.optimizer is None:
            raise GraphcError("the model was compiled without an optimizer, so it cannot be fitted")
        self._step_of_optimizer(loss)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _step_of_optimizer(self, loss: Tensor) -> None:
        """Change the weights that the loss needs, if any can be changed."""
        assert self.optimizer is not None
        trainable = self.trainable_variables
        if trainable:
            needed = set(variables_below(loss))
            self.optimizer.minimize(loss, [v for v in trainable if v in needed] or trainable)
            return
        warn_user(
            f"the model {self.name!r} has no trainable weights, so it learns nothing; set "
            "layer.trainable = True before compile() where it should"
        )

    def test_step(self, data: Data) -> dict[str, Any]:
        """One step of evaluation; see `train_step`."""
        x, y, sample_weight = data
        y_pred = self(x, training=False)
        loss = self._loss_in(False, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Data) -> Any:
        """The predictions for a batch."""
        return self(data[0], training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The compiled losses, and the penalties of the layers.

        Raises:
            GraphcError: there is neither a loss nor a penalty.
        """
        found: list[Tensor] = []
        if self._losses is not None:
            total = self._losses(self, y, y_pred, sample_weight)
            found += [] if total is None else [total]
        found += [loss if loss.ndim == 0 else reduce_sum(loss) for loss in self.losses]
        if not found:
            raise GraphcError(
                f"the model {self.name!r} has no loss",
                fix='compile it with one: loss="mse"; or call add_loss in a layer',
                origin=capture_origin(),
            )
        total = found[0]
        for loss in found[1:]:
            total = add(total, loss)
        return total

    def _loss_in(self, training: bool, **batch: Any) -> Tensor:
        """The loss of a batch; a `compute_loss` that overrides ours need not take `training`."""
        if "training" in inspect.signature(self.compute_loss).parameters:
            batch["training"] = training
        return self.compute_loss(**batch)

    def _track_loss(self, loss: Tensor, x: Any) -> None:
        tracker = self._loss_tracker
        if tracker is None:
            tracker = self._loss_tracker = Mean(name="loss")
        batch = shape(flatten(x)[0][0])[0]
        tracker.update_state(loss, sample_weight=to_tensor(batch, None, loss.graph))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the compiled metrics; all metrics by name."""
        if self._metrics is not None and y is not None:
            losses = self._losses.by_output if self._losses else {}
            self._metrics.update(self, y, y_pred, sample_weight, losses)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        named = self.named_metrics
        results = {metric: metric.result() for metric in unique(named.values())}
        return {name: results[metric] for name, metric in named.items()}

    # -- programs --------------------------------------------------------------------------------

    @property
    def graph(self) -> DataflowGraph:
        """The graph that the model is part of."""
        return get_default_graph() if self._graph is None else self._graph

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Session]:
        session: Any = session_of(self.graph)
        with opened_session(session):
            yield session

    def _program(self, mode: Mode, data: Data, session: Session) -> StepProgram:
        trained = tuple(self.trainable_variables) if mode == "train" else ()
        key = (mode, data_key(data), session, trained)
        found = self._programs.get(key)
        if found is None:
            step = getattr(self, f"{mode}_step")
            if getattr(type(self), f"{mode}_step") is not getattr(TrainedLayer, f"{mode}_step"):
                if mode != "predict":
                    self._know_metrics(data)
                step = _in_order(step, self.graph)
            found = self._programs[key] = StepProgram(
                step, mode, data, self.graph, session, self._batch_symbol(), lambda: self.metrics
            )
        check_rows(found.row_limits, data)
        return found

    def _know_metrics(self, data: Data) -> None:
        """Make the metrics that `compile` was asked for, which a step of a user goes through."""
        if self._losses is not None and self._loss_tracker is None:
            self._loss_tracker = Mean(name="loss")
        if self._metrics is None or self._metrics.is_known or data[1] is None:
            return
        leaves, tree = flatten(data)
        types = [(str(leaf.dtype), [None, *leaf.shape[1:]]) for leaf in leaves]
        with self.graph.as_default(), self.graph.control_dependencies(None):
            x, y, _ = unflatten(tree, [placeholder(*each) for each in types])
            y_pred = self(x, training=False)  # nothing runs it
        self._metrics.know(self, y, y_pred, self._losses.by_output if self._losses else {})

    def _prepare(self, kind: Mode, data: Batches, session: Session) -> Epochs:
        """All that the epochs of a `fit` or an `evaluate` share, looked up once.

        Raises:
            GraphcError: a label is the number of no class.
        """
        program = self._program(kind, data.sample, session)
        check_labels(self._losses, data.sample)
        metrics = self.metrics
        others = self._find_reset([metric for metric in metrics if not program.resets(metric)])
        reset = self._find_reset(metrics)
        return Epochs(kind, data, program, reset, others, program.fills(data))

    def _batch_symbol(self) -> Any:
        """The size of batches in a functional model, so that shapes need not be translated."""
        inputs = getattr(self, "inputs", None) if self.built else None
        if not isinstance(inputs, list) or not inputs or not inputs[0].shape:
            return None
        return inputs[0].shape[0]

    def train_program(self, x: Any, y: Any = None, sample_weight: Any = None) -> StepProgram:
        """What `fit` runs on such data, to dump and to study: see its `loop.program`."""
        data = as_batches(x, y, sample_weight).sample
        with self._opened() as session:
            return self._program("train", data, session)


def _in_order(step: Callable[[Data], Any], graph: DataflowGraph) -> Callable[[Data], Any]:
    """A step of a user, in whose lines assignments take place one after the other."""

    def ordered(data: Data) -> Any:
        with program_order(graph):
            return step(data)

    return ordered

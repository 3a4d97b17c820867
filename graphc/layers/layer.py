"""What all layers share: a name, weights made at the first call, masks, losses, a record of calls.

A layer is a thin builder: calling it adds nodes to the graph of its inputs, inside its name scope.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc.configurable import Configurable
from graphc.constraints.constraint import get as get_constraint
from graphc.dtypes import DType, as_dtype
from graphc.errors import GraphcError, GraphMixError, ShapeError, did_you_mean
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.layers.call_arguments import CallArguments
from graphc.layers.call_context import entered_call, is_inside_a_call, note_building
from graphc.layers.dtype_policy import DTypePolicy
from graphc.layers.input_spec import check_inputs
from graphc.layers.layer_call import LayerCall, as_new_tensors
from graphc.layers.layer_weights import LayerWeights
from graphc.layers.weights_of_calls import WeightsOfCall
from graphc.naming import snake_case
from graphc.ops.arithmetic import divide_no_nan
from graphc.ops.bodies import flatten
from graphc.ops.context import collected_updates, floats_read_as
from graphc.ops.conversion import cast_to, graph_of, outermost
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.masks import mask_of, set_mask
from graphc.ops.sizes import dimension_size
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable
from graphc.regularizers.regularizer import get as get_regularizer


class Layer(LayerWeights, Configurable, kind="layers"):
    """A function of tensors with weights of its own.

    A subclass defines `call`, and `build` where it has weights; `call` may take `training` and
    `mask`. Layers and variables in its attributes, lists and dictionaries are its own.

    Args:
        activity_regularizer: a penalty on its results, that is added to the losses.
        trainable: whether optimizers change its weights.
        dtype: element type of weights and computation, or "mixed_bfloat16"; `floatx()` by default.
        autocast: whether floating inputs are cast to the computation's element type.
        name: scope of its nodes and variables; the class's name with a number by default.
        **kwargs: `input_shape` or `input_dim` of a first layer.

    Attributes:
        name: unique among the layers of the graph, unless it was given.
        built: whether its weights exist.
        supports_masking: whether a mask of the inputs is one of the results.
        input_spec: what its inputs must be: one `InputSpec`, or one for each.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "build" in vars(cls):
            cls.build = _made_once(cls.build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.first_input_shape = _first_input_shape(type(self), kwargs)
        records = get_default_graph().records
        self.name = name or records.automatic_name(snake_case(type(self).__name__))
        self.dtype_policy = DTypePolicy(dtype)
        self.autocast = autocast
        self.activity_regularizer = get_regularizer(activity_regularizer)
        self.input_spec: Any = None
        self.supports_masking = _overrides(self, "compute_mask")
        self.built = False
        self._first_call: LayerCall | None = None
        self._was_called = False
        self._scope = ""
        self._call_arguments = CallArguments(self.call)
        super().__init__(trainable)

    # -- what subclasses define ------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape: a tuple of sizes, None where not known.

        Several inputs have their shapes in the same nesting; a `build` with several parameters,
        `query_shape` and `value_shape`, gets those of the arguments `query` and `value`.
        """

    def call(self, inputs: Any) -> Any:
        """The outputs for these inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, inputs)")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the results, given that of the inputs."""
        return previous_mask

    # -- calls -----------------------------------------------------------------------------------

    @undone_on_failure
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add the layer's nodes to the graph of its inputs.

        Args:
            *args: the arguments of `call`: tensors, variables or arrays, in any nesting.
            **kwargs: too; `training` is for all layers inside as well. Where neither this layer nor
                one around it is given it, it is the default of `call`: True for layers that draw
                images, else False; and False on an Input and on what layers made of it.

        Returns:
            What `call` returns: tensors.

        Raises:
            GraphMixError: the layer has weights in another graph.
            GraphcError: `call` makes weights that are not kept.
            ShapeError: the inputs do not fit the layer.
        """
        arguments = self._call_arguments
        training, given = arguments.bind(self, args, kwargs)
        leaves = [leaf for leaf in flatten(given)[0] if isinstance(leaf, (Tensor, Variable))]
        graph = graph_of(leaves)
        default = arguments.default_training
        if default and not is_inside_a_call() and _is_of_a_model(leaves):
            default = False
        cast_to = self.compute_dtype if self.autocast else None
        with graph.as_default(), entered_call(training, default) as context:
            given = arguments.as_tensors(given, graph, cast_to)
            home = outermost(graph)
            first = next(iter(given.values()), ())
            tensors = [leaf for leaf in flatten(first)[0] if isinstance(leaf, Tensor)]
            if self.input_spec is not None:
                check_inputs(self.input_spec, tensors, self.name)
            self._enter(home, arguments, given)
            if context.is_outermost:
                for layer in self._flatten_layers():
                    layer._call_losses = []
            made = None
            if context.is_outermost:
                made = WeightsOfCall(self, home, self._was_called)
            full, previous_mask = arguments.completed(given, context.training)
            updates: list[Tensor] = []
            with (
                graph.reopened_scope(self._scope),
                floats_read_as(self._cast_of_reads()),
                collected_updates(updates),
            ):
                outputs = self.call(*full.args, **full.kwargs)
                if made is not None:
                    made.require_kept()
                    outputs = as_new_tensors(outputs, given, self.name)
                self._add_activity_losses(outputs)
                self._note_masks(first, outputs, previous_mask)
            if context.is_outermost:
                call = LayerCall(self, given, outputs, by_position=len(args))
                self._note_call(graph, call, updates)
        self._was_called = True
        return outputs

    def _enter(
        self, home: DataflowGraph, arguments: CallArguments, given: Mapping[str, Any]
    ) -> None:
        """Be built, in this graph."""
        if not self.built:
            with home.as_default():
                self.build(**arguments.shapes(self, given))
        if self._graph is not home and any(weight.graph is not home for weight in self.weights):
            raise GraphMixError(
                f"the layer {self.name!r} has weights in another graph",
                fix="make one layer per graph",
                origin=capture_origin(),
            )
        if self._graph is not home:
            with home.name_scope(self.name) as self._scope:
                self._graph = home

    def _cast_of_reads(self) -> DType | None:
        policy = self.dtype_policy
        return policy.compute_dtype if policy.compute_dtype is not policy.variable_dtype else None

    def _add_activity_losses(self, outputs: Any) -> None:
        if self.activity_regularizer is not None:
            for output in flatten(outputs)[0]:
                loss = self.activity_regularizer(output)
                if output.ndim:  # a batch of another size is to be held as much
                    count = cast_to(dimension_size(output, 0), loss.dtype)
                    loss = divide_no_nan(loss, count)
                self.add_loss(loss)

    def _note_masks(self, inputs: Any, outputs: Any, previous: Any) -> None:
        results = flatten(outputs)[0]
        if not self.supports_masking or not results or mask_of(results[0]) is not None:
            return
        masks = self.compute_mask(inputs, previous)
        listed = masks if isinstance(masks, (list, tuple)) else [masks]
        for tensor, mask in zip(results, listed, strict=False):
            if mask is not None:
                set_mask(tensor, mask)

    def _note_call(self, graph: DataflowGraph, call: LayerCall, updates: list[Tensor]) -> None:
        made_here = tuple([update for update in updates if update.graph is graph])
        for tensor in call.results:
            graph.records.calls[tensor.value] = call
            if made_here:
                graph.records.updates[tensor.value] = made_here
        if self._first_call is None:
            self._first_call = call

    @property
    def compute_dtype(self) -> DType:
        """What floating inputs are cast to."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> DType:
        """Element type of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """Element type of the weights, as a string."""
        return str(self.variable_dtype)

    @property
    def input(self) -> Any:
        """The inputs of the first call, outside of other layers.

        Raises:
            GraphcError: it was not called yet.
        """
        return self._called().inputs

    @property
    def output(self) -> Any:
        """The outputs of the first call, outside of other layers.

        Raises:
            GraphcError: it was not called yet.
        """
        return self._called().outputs

    def _called(self) -> LayerCall:
        if self._first_call is None:
            raise GraphcError(
                f"the layer {self.name!r} was not called yet, so it has no inputs or outputs",
                fix="call it on a tensor, or give its model an Input",
                origin=capture_origin(),
            )
        return self._first_call

    # -- weights and losses ----------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A variable of the layer.

        Args:
            shape: its sizes; a scalar by default.
            initializer: glorot_uniform for floats, zeros for other types by default.
            dtype: its element type; that of the layer by default.
            trainable: whether optimizers change it.
            autocast: taken for Keras's sake; a policy casts where a variable is read.
            regularizer: a penalty on it, that is added to the losses.
            constraint: what optimizers do to its new value.
            aggregation: taken for Keras's sake; one graph has one copy.
            overwrite_with_gradient: not available.
            name: in the layer's scope.

        Raises:
            ShapeError: a size is not known.
        """
        sizes = tuple(shape or ())
        if not all(isinstance(size, int) for size in sizes):
            raise ShapeError(
                f"the layer {self.name!r} cannot make its weight {name or 'variable'!r}",
                given=f"shape {sizes}",
                expected="sizes that are known when the layer is built",
                fix="give the placeholder a size instead of None on that axis",
                origin=capture_origin(),
            )
        if overwrite_with_gradient:
            raise GraphcError("overwrite_with_gradient is not available", origin=capture_origin())
        target = self.variable_dtype if dtype is None else as_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if target.is_floating else "zeros"
        variable = Variable(
            get_initializer(initializer)(sizes, target),
            trainable=trainable and self.trainable,
            name=name or "variable",
            dtype=target,
        )
        variable.constraint = get_constraint(constraint)
        self._track(variable, trainable, get_regularizer(regularizer))
        return variable

    def add_loss(self, loss: Any) -> None:
        """Add a scalar (or the sum of a tensor) to what training makes small."""
        self._call_losses += flatten(loss)[0]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        parameters = inspect.signature(type(self)).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        current = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy.name}
        config |= {name: v for name, v in current.items() if takes_any or name in parameters}
        return config

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes of the results for inputs of these shapes, None where a size is not known.

        Nothing is left in the graph, but the weights of a layer that was not built.
        """
        return self._call_arguments.output_shape(self, args, kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _is_of_a_model(leaves: Sequence[Tensor | Variable]) -> bool:
    """Whether one of them is an Input, or what a layer made."""
    return any(isinstance(x, Tensor) and x.value in x.graph.records.calls for x in leaves)


def _overrides(layer: Layer, method: str) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)


def _first_input_shape(cls: type, kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """The shape of one input sample, from the arguments that Keras takes on a first layer."""
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    if kwargs:
        name = next(iter(kwargs))
        hint = did_you_mean(name, inspect.signature(cls).parameters)
        raise TypeError(f"{cls.__name__} has no argument {name!r}; {hint}")
    if shape is None and dim is not None:
        shape = (dim,)
    return None if shape is None else tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)


def _made_once(build: Callable[..., None]) -> Callable[..., None]:
    """A `build` in the layer's name scope, after whose failure the layer is as it was before.

    So it is when the call fails that made it build.
    """

    @functools.wraps(build)
    def building(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._is_building:  # a subclass's, that calls this one
            return build(self, *args, **kwargs)
        home, before = outermost(get_default_graph()), self._state()
        self._is_building = True
        try:
            with (
                home.as_default(),
                home.control_dependencies(None),
                home.name_scope(self.name) as self._scope,
            ):
                build(self, *args, **kwargs)
            self._graph, self.built = home, True
        except BaseException:
            self._go_back(before, list(vars(self)))  # the graph takes back what was made
            raise
        finally:
            self._is_building = False
        changed = [name for name, value in vars(self).items() if value is not before.get(name)]
        note_building(lambda: self._go_back(before, changed))

    return building


Layer.build = _made_once(Layer.build)  # type: ignore[method-assign]

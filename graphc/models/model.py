"""What all models share: they are layers that can be trained, summarised and kept in files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from graphc.configurable import Configurable, deserialize, serialize
from graphc.custom_objects import custom_object_scope
from graphc.errors import GraphcError, did_you_mean
from graphc.files.model_files import save_model
from graphc.files.weight_files import load_weights, save_weights
from graphc.ir.graph import Graph
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.models.summary import print_summary
from graphc.ops.bodies import flatten
from graphc.ops.slicing_graphs import slice_graph
from graphc.training.trainer import Trainer


class Model(Trainer, Layer):
    """A layer that learns: `compile`, `fit`, `evaluate`, `predict`.

    Three ways to make one, as in Keras: `Sequential([...])`; `Model(inputs, outputs)` of tensors
    that layers made from `Input`s; or a subclass with layers in its attributes and a `call`. A
    subclass that takes inputs and outputs is both: it may have a `train_step` of its own.

    Args:
        inputs: of a functional model: tensors, in any nesting.
        outputs: what layers made of them.
        name: of the model.
        trainable: whether optimizers change its weights.
    """

    functional: ClassVar[type[Model] | None] = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        is_functional = bool(args) or {"inputs", "outputs"} & set(kwargs)
        kind = Model.functional if cls is Model and is_functional else cls
        return Configurable.__new__(kind, *args, **kwargs)  # type: ignore[arg-type]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or {"inputs", "outputs"} & set(kwargs):
            functional: Any = Model.functional
            self.__class__ = functional_kind(type(self))
            functional.__init__(self, *args, **kwargs)
            return
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    @property
    def layers(self) -> list[Layer]:
        """The layers that it is made of, in order."""
        return self.sublayers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place.

        Raises:
            GraphcError: there is none.
        """
        layers = self.layers
        if index is not None:
            if -len(layers) <= index < len(layers):
                return layers[index]
            problem, given = f"the model has {len(layers)} layers", f"index {index}"
            raise GraphcError(problem, given=given, origin=capture_origin())
        names = {layer.name: layer for layer in layers}
        if name not in names:
            raise GraphcError(
                f"the model {self.name!r} has no layer {name!r}",
                fix=did_you_mean(str(name), names),
                origin=capture_origin(),
            )
        return names[name]

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of layers: names, output shapes, numbers of parameters.

        Args:
            line_length: width of the table; that of the terminal by default.
            positions: taken for Keras's sake; columns find their widths.
            print_fn: takes the table as text; printed by default.
            expand_nested: show the layers of models inside.
            show_trainable: show which layers are trained.
            layer_range: names of the first and the last layer to show.
        """
        print_summary(self, line_length, print_fn, expand_nested, show_trainable, layer_range)

    # -- as plain data ---------------------------------------------------------------------------

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The model that `get_config` described, with new weights.

        Args:
            config: its result; that of a functional model may be given to `Model` itself.
            custom_objects: your own classes and functions by name.

        Raises:
            ModelFileError: it describes nothing that can be made, or needs a class of yours.
        """
        kind = functional_kind(cls) if "steps" in config else cls
        with custom_object_scope(custom_objects or {}):
            return kind._made_of({name: deserialize(value) for name, value in config.items()})

    @classmethod
    def _made_of(cls, config: Mapping[str, Any]) -> Any:
        return cls(**config)

    def to_json(self, **kwargs: Any) -> str:
        """The model as text, without its weights; `models.model_from_json` makes it again.

        Args:
            **kwargs: of `json.dumps`.
        """
        return json.dumps(serialize(self), **kwargs)

    # -- files -----------------------------------------------------------------------------------

    def save(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool = True
    ) -> None:
        """Write the whole model into one file: configuration, weights, state of the optimizer.

        Args:
            filepath: of the file; "model.graphc" for example.
            overwrite: whether a file that is there is replaced.
            zipped: taken for Keras's sake; it is always one file.

        Raises:
            ModelFileError: the model is not built, the file is there, or the disk refused.
        """
        save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights into a safetensors file.

        Raises:
            ModelFileError: the model is not built, the file is there, or the disk refused.
        """
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Read weights that `save_weights` wrote, or Keras's .weights.h5 and .keras.

        All of them are set, or none when one does not fit.

        Args:
            filepath: of the file.
            skip_mismatch: leave alone those that do not fit.

        Raises:
            ModelFileError: there is no such file, or it is damaged.
            ShapeError: it does not fit the model.
        """
        load_weights(self, filepath, skip_mismatch)

    def to_graph(self) -> Graph:
        """The graph from inputs to outputs as it was built, frozen: its text can be read."""
        outputs = flatten(self.output)[0]
        inputs = [tensor.value for tensor in flatten(self.input)[0]]
        return slice_graph(outputs[0].graph, [tensor.value for tensor in outputs], inputs)


@cache
def functional_kind(cls: type[Model]) -> type[Any]:
    """The class of models of this one that stand between tensors: it is functional, too."""
    functional = Model.functional
    assert functional is not None
    if cls is Model or issubclass(cls, functional):
        return functional if cls is Model else cls
    named = {"__module__": cls.__module__, "__doc__": cls.__doc__, "stands_for": cls}
    return type(cls.__name__, (cls, functional), named)

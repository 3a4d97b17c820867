"""Layers of Keras that cannot be here: they say why, and what to do instead."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer


class TorchModuleWrapper(Layer):
    """A module of PyTorch: refused.

    Args:
        module: the module.
        name: see `Layer`.
        output_shape: of its results.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: always.
    """

    def __init__(
        self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any
    ) -> None:
        raise GraphcError(
            "a module of PyTorch does not run in an XLA program",
            given=repr(module)[:200],
            fix="export it with torch.onnx, or write its weights into layers of graphc",
            origin=capture_origin(),
        )


class TFSMLayer(Layer):
    """A saved model of TensorFlow: refused.

    Args:
        filepath: its folder.
        call_endpoint: the function that is called.
        call_training_endpoint: the one in training.
        trainable: see `Layer`.
        name: see `Layer`.
        dtype: see `Layer`.

    Raises:
        GraphcError: always.
    """

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        raise GraphcError(
            "a saved model holds a program of TensorFlow, which does not run in an XLA program",
            given=repr(filepath)[:200],
            fix="load it with Keras and save its weights; model.load_weights reads them",
            origin=capture_origin(),
        )

"""A function of JAX as a layer: its nodes become nodes of the graph, and passes see them."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from typing import Any, Final, cast

import jax
import numpy as np

from graphc.dtypes import as_dtype
from graphc.errors import GraphcError, ShapeError
from graphc.importers.jax_functions.import_jaxpr import import_jaxpr
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.conversion import to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.importing import inlined
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.random.streams import SeedGenerator, key_of

_JAX: Final = cast(Any, jax)  # much of it has no types
_CALL = ("params", "state", "rng", "inputs", "training")
_INIT = ("rng", "inputs", "training")


class JaxLayer(Layer):
    """What a function of JAX computes of its inputs and its own parameters.

    Sizes of the inputs, that of the batch included, have to be known when it is called: JAX traces
    functions for fixed sizes.

    Args:
        call_fn: takes some of `params`, `state`, `rng` (a key, None outside of training), `inputs`
            and `training`, by these names; gives the outputs, or outputs and the new state where it
            takes a state.
        init_fn: takes `rng`, `inputs` and perhaps `training`; gives the parameters, or parameters
            and state.
        params: nested arrays that optimizers change; those that `init_fn` gives by default.
        state: nested arrays that the function changes.
        seed: an integer: layers of one seed draw the same; `init_fn` gets a key of it, or of the
            layer's name.
        native_serialization_platforms: accepted for Keras's sake.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: a function takes something else, or there is nothing to make parameters of.
    """

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self._taken = _arguments(call_fn, "call_fn", _CALL)
        self._init_taken = [] if init_fn is None else _arguments(init_fn, "init_fn", _INIT)
        self.generator = SeedGenerator(seed)
        self._first = (params, state)
        self.params: Any = None
        self.state: Any = None
        needs = {"params", "state"} & set(self._taken)
        if needs and init_fn is None and params is None and state is None:
            raise GraphcError(
                "there is nothing to make the parameters of call_fn of",
                given=f"call_fn({', '.join(self._taken)}) alone",
                fix="give init_fn=, or params= and state=",
                origin=capture_origin(),
            )

    def build(self, input_shape: Any) -> None:
        params, state = self._first
        if params is None and state is None and {"params", "state"} & set(self._taken):
            params, state = self._made_anew(input_shape)
        self.params = self._as_weights(params, "params", True)
        self.state = self._as_weights(state, "state", False)

    def _made_anew(self, input_shape: Any) -> tuple[Any, Any]:
        """Parameters and state as `init_fn` makes them for inputs of this shape."""
        assert self.init_fn is not None
        ones = _JAX.tree.map(
            lambda shape: np.ones([1 if n is None else n for n in shape], np.float32),
            input_shape,
            is_leaf=_is_shape,
        )
        values = {"rng": self._init_key(), "inputs": ones, "training": True}
        made = self.init_fn(*[values[name] for name in self._init_taken])
        return made if "state" in self._taken else (made, None)

    def _init_key(self) -> Any:
        seed = zlib.crc32(self.name.encode()) if self.seed is None else self.seed
        return _JAX.random.PRNGKey(seed)

    def _call_key(self, training: bool) -> Any:
        return key_of(self.generator) if training else None

    def _as_weights(self, values: Any, kind: str, trainable: bool) -> Any:
        def made(path: Any, value: Any) -> Variable:
            array = np.asarray(value)
            dtype = None if as_dtype(array.dtype).is_floating else array.dtype
            steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
            return self.add_weight(
                array.shape,
                lambda shape, dtype: np.asarray(array, dtype.numpy),
                dtype,
                trainable,
                name="_".join([kind, *steps]),
            )

        return _JAX.tree_util.tree_map_with_path(made, values)

    def call(self, inputs: Any, training: bool = False) -> Any:
        values: dict[str, Any] = {
            "params": self.params,
            "state": self.state,
            "rng": self._call_key(training) if "rng" in self._taken else None,
            "inputs": inputs,
        }
        arrays = {name: values[name] for name in self._taken if name != "training"}
        leaves, tree = _JAX.tree.flatten(arrays, is_leaf=lambda x: isinstance(x, Variable))
        graph = get_default_graph()
        tensors = [to_tensor(leaf, None, graph) for leaf in leaves]

        def flat(*given: Any) -> Any:
            named = _JAX.tree.unflatten(tree, given)
            return self.call_fn(*[named.get(name, training) for name in self._taken])

        specs = [self._spec(tensor) for tensor in tensors]
        closed, shapes = _JAX.make_jaxpr(flat, return_shape=True)(*specs)
        results = inlined(import_jaxpr(closed), tensors, graph)
        made = _JAX.tree.unflatten(_JAX.tree.structure(shapes), results)
        if "state" not in self._taken:
            return made
        outputs, state = made
        old, new = (_JAX.tree.leaves(x, is_leaf=_is_held) for x in (self.state, state))
        for variable, value in zip(old, new, strict=True):
            variable.assign(value)
        return outputs

    def _spec(self, tensor: Tensor) -> Any:
        if not all(isinstance(size, int) for size in tensor.shape):
            raise ShapeError(
                f"the layer {self.name!r} needs to know all sizes of its inputs",
                given=tensor.value.type,
                fix="give the Input a batch_size, or the placeholder sizes instead of None",
                origin=capture_origin(),
            )
        return _JAX.ShapeDtypeStruct(tensor.shape, tensor.dtype.numpy)


def _is_held(thing: Any) -> bool:
    return isinstance(thing, (Variable, Tensor))


def _is_shape(thing: Any) -> bool:
    return isinstance(thing, tuple) and all(n is None or isinstance(n, int) for n in thing)


def _arguments(function: Callable[..., Any], name: str, known: tuple[str, ...]) -> list[str]:
    taken = list(inspect.signature(function).parameters)
    if "inputs" not in taken or not set(taken) <= set(known):
        raise GraphcError(
            f"{name} takes other arguments",
            given=f"{name}({', '.join(taken)})",
            expected=f"inputs, and beside it some of {', '.join(known)}",
            fix="wrap it in a function of these names",
            origin=capture_origin(),
        )
    return taken

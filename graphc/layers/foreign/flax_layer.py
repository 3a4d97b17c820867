"""A module of Flax as a layer."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from graphc.layers.foreign.jax_layer import JaxLayer


class FlaxLayer(JaxLayer):
    """What a module of Flax (Linen) computes; see `JaxLayer`.

    Args:
        module: the module.
        method: what of it is called; its `__call__` by default. If it takes `training`, it gets it.
        variables: nested arrays by collection, "params" among them; those that `module.init` gives
            by default.
        **kwargs: `seed`, and see `Layer`.
    """

    def __init__(
        self,
        module: Any,
        method: Callable[..., Any] | str | None = None,
        variables: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.module, self.method = module, method
        called = getattr(module, method) if isinstance(method, str) else method or module.__call__
        changing = importlib.import_module("flax.linen").DenyList(["params"])

        def applied(params: Any, state: Any, rng: Any, inputs: Any, **training: bool) -> Any:
            held = {**(params or {}), **(state or {})}
            options = {"rngs": rng, "method": method, "mutable": changing, **training}
            return module.apply(held, inputs, **options)

        def initial(rng: Any, inputs: Any, **training: bool) -> Any:
            return _parts(module.init(rng, inputs, method=method, **training))

        def applied_in_training(
            params: Any, state: Any, rng: Any, inputs: Any, training: bool
        ) -> Any:
            return applied(params, state, rng, inputs, training=training)

        def initial_in_training(rng: Any, inputs: Any, training: bool) -> Any:
            return initial(rng, inputs, training=training)

        def applied_alike(params: Any, state: Any, rng: Any, inputs: Any) -> Any:
            return applied(params, state, rng, inputs)

        def initial_alike(rng: Any, inputs: Any) -> Any:
            return initial(rng, inputs)

        tells = "training" in inspect.signature(called).parameters
        params, state = (None, None) if variables is None else _parts(variables)
        super().__init__(
            applied_in_training if tells else applied_alike,
            initial_in_training if tells else initial_alike,
            params,
            state,
            **kwargs,
        )

    def _init_key(self) -> Any:
        key = super()._init_key()
        return {"params": key, "dropout": key + 1}

    def _call_key(self, training: bool) -> Any:
        return {"dropout": super()._call_key(training)} if training else {}


def _parts(variables: Mapping[str, Any]) -> tuple[Any, Any]:
    """What optimizers change, and the rest."""
    params = {name: item for name, item in variables.items() if name == "params"}
    return params, {name: item for name, item in variables.items() if name != "params"}

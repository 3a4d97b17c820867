"""Keras's optimizers, each a name and defaults over an update rule."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.optimizers.optimizer import Optimizer, refuse_old_names


class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's form of it."""

    rule: ClassVar[str] = "sgd"

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        name: str | None = "SGD",
        **unknown: Any,
    ) -> None:
        refuse_old_names(unknown, ("learning_rate", "momentum", "nesterov", "name"))
        super().__init__(learning_rate, name=name, momentum=momentum, nesterov=nesterov)


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of gradients (Hinton's lecture 6e)."""

    rule: ClassVar[str] = "rmsprop"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *,
        name: str | None = "rmsprop",
        **unknown: Any,
    ) -> None:
        refuse_old_names(
            unknown, ("learning_rate", "rho", "momentum", "epsilon", "centered", "name")
        )
        super().__init__(
            learning_rate,
            name=name,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
        )


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba 2014), AMSGrad with `amsgrad=True`."""

    rule: ClassVar[str] = "adam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *,
        name: str | None = "adam",
        **unknown: Any,
    ) -> None:
        refuse_old_names(
            unknown, ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad", "name")
        )
        super().__init__(
            learning_rate,
            name=name,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
        )

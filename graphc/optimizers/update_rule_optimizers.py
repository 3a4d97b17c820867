"""Keras's optimizers, each a name, arguments and defaults over an update rule."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's form of it.

    Args:
        learning_rate: size of a step.
        momentum: how much of the last step each step keeps, from 0 to 1.
        nesterov: look ahead along the momentum (Nesterov 1983).
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "sgd"

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 <= momentum <= 1:
            raise GraphcError(
                "momentum is out of its range",
                given=repr(momentum),
                expected="a number from 0 to 1",
                origin=capture_origin(),
            )
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            momentum=momentum,
            nesterov=nesterov,
            **kwargs,
        )


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of gradients (Tieleman and Hinton 2012).

    Args:
        learning_rate: size of a step.
        rho: how much of the running mean each step keeps.
        momentum: how much of the last step each step keeps.
        epsilon: added under the root.
        centered: divide by the spread around the running mean of gradients (Graves 2013).
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "rmsprop"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
            **kwargs,
        )


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba 2014, https://arxiv.org/abs/1412.6980).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the running mean of gradients each step keeps.
        beta_2: how much of the running mean of squared gradients each step keeps.
        epsilon: added to the root of the latter.
        amsgrad: divide by the largest such mean so far (Reddi and others 2018).
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "adam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            **kwargs,
        )


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (Duchi and others 2011).

    Args:
        learning_rate: size of a step.
        initial_accumulator_value: what the sum begins with.
        epsilon: added under the root.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "adagrad"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            **kwargs,
        )


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017, 1711.05101).

    `exclude_from_weight_decay` leaves variables out of it.

    Args:
        learning_rate: size of a step.
        weight_decay: the part of a variable, times the rate, that each step takes away.
        beta_1: how much of the running mean of gradients each step keeps.
        beta_2: how much of the running mean of squared gradients each step keeps.
        epsilon: added to the root of the latter.
        amsgrad: divide by the largest such mean so far (Reddi and others 2018).
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )

"""Adam and those that grew from it, under Keras's names."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.optimizers.arguments import as_given, require_range
from graphc.optimizers.optimizer import Optimizer


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
        given = as_given(locals())
        super().__init__(**given)


class AdamW(Adam, names=("adamw",)):
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
        given = as_given(locals())
        is_number = weight_decay is not None  # type: ignore[reportUnnecessaryComparison]
        require_range(is_number, "weight_decay", weight_decay, "a number")
        super().__init__(**given)


class Adamax(Optimizer):
    """Adam with the largest gradient, not a mean of squares (Kingma and Ba 2014, section 7.1).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the running mean of gradients each step keeps.
        beta_2: how much of the largest gradient each step keeps.
        epsilon: added to the latter.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "adamax"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        given = as_given(locals())
        super().__init__(**given)


class Nadam(Optimizer):
    """Adam that looks ahead along its momentum (Dozat 2015).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the running mean of gradients each step keeps.
        beta_2: how much of the running mean of squared gradients each step keeps.
        epsilon: added to the root of the latter.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "nadam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        given = as_given(locals())
        super().__init__(**given)


class Lamb(Optimizer):
    """Adam whose steps are as long as each variable is large (You and others 2019, 1904.00962).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the running mean of gradients each step keeps.
        beta_2: how much of the running mean of squared gradients each step keeps.
        epsilon: added to the root of the latter.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "lamb"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        given = as_given(locals())
        super().__init__(**given)


class ScheduleFreeAdamW(Optimizer, names=("schedulefreeadamw",)):
    """Adam on a mean of its own path, without a schedule (Defazio and others 2024, 2405.15682).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the average is in the variables, from 0 to 1.
        beta_2: how much of the running mean of squared gradients each step keeps.
        epsilon: added to the root of the latter.
        warmup_steps: steps in which the learning rate rises from 0.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "schedule_free_adamw"

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        given = as_given(locals())
        super().__init__(**given)

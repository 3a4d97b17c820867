"""Optimizers that divide gradients by what they remember of their squares, under Keras's names."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.optimizers.arguments import as_given, require_range
from graphc.optimizers.optimizer import Optimizer


class RMSprop(Optimizer, names=("rmsprop",)):
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
        given = as_given(locals())
        super().__init__(**given)


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
        given = as_given(locals())
        super().__init__(**given)


class Adadelta(Optimizer):
    """Steps as long as the last steps were, by running means of squares (Zeiler 2012, 1212.5701).

    Args:
        learning_rate: size of a step.
        rho: how much of the running means each step keeps.
        epsilon: added under the roots.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "adadelta"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan and others 2013).

    Args:
        learning_rate: size of a step.
        learning_rate_power: how steps get shorter as the sum of squares grows; at most 0.
        initial_accumulator_value: what the sum of squared gradients begins with.
        l1_regularization_strength: what makes variables exactly 0; at least 0.
        l2_regularization_strength: what holds variables near 0; at least 0.
        l2_shrinkage_regularization_strength: the same, as a part of the gradient; at least 0.
        beta: added to the root of the sum of squares, in the paper.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "ftrl"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        falls = learning_rate_power <= 0
        require_range(falls, "learning_rate_power", learning_rate_power, "at most 0")
        for argument in (
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):
            require_range(given[argument] >= 0, argument, given[argument], "at least 0")
        super().__init__(**given)


class Adafactor(Optimizer):
    """Means of squares of rows and columns, not of elements (Shazeer and Stern 2018, 1804.04235).

    Args:
        learning_rate: size of a step.
        beta_2_decay: the power of the step by which running means forget less.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size of a variable that steps are made relative to.
        clip_threshold: the largest root mean square of a step, before the rate.
        relative_step: without effect: in Keras too the rate is at most one by the root of the step.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "adafactor"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        del given["relative_step"]
        super().__init__(**given)

"""Optimizers that go along a momentum, under Keras's names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from graphc.ops.variable import Variable
from graphc.optimizers.arguments import as_given, require_range
from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.step_building import VariableStep
from graphc.update_rules.registry import find_update_rule


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
        given = as_given(locals())
        require_range(0 <= momentum <= 1, "momentum", momentum, "a number from 0 to 1")
        super().__init__(**given)


class Lion(Optimizer):
    """Steps of one length, along the sign of a momentum (Chen and others 2023, 2302.06675).

    Args:
        learning_rate: size of a step.
        beta_1: how much of the momentum is in a step, above 0.
        beta_2: how much of the momentum each step keeps.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "lion"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        require_range(0 < beta_1 <= 1, "beta_1", beta_1, "a number above 0, up to 1")
        super().__init__(**given)


class Muon(Optimizer):
    """A momentum made orthogonal, for the matrices of hidden layers (Jordan 2024).

    Variables that are no matrices, embeddings, and what `exclude_layers` names, such as the last
    layer, are changed by Adam.

    Args:
        learning_rate: size of a step.
        adam_beta_1: Adam's, how much of the running mean of gradients each step keeps.
        adam_beta_2: Adam's, how much of the running mean of squared gradients each step keeps.
        adam_weight_decay: weight decay of the variables that Adam changes.
        epsilon: Adam's, added to the root.
        weight_decay: of the others.
        exclude_layers: regular expressions; variables in whose names one is found go to Adam.
        exclude_embeddings: whether those with "embedding" in their names go to Adam.
        muon_a, muon_b, muon_c: the polynomial that makes a matrix orthogonal: a·x + b·x³ + c·x⁵.
        adam_lr_ratio: Adam's learning rate as a part of the other.
        momentum: how much of the last momentum each step keeps.
        ns_steps: how often the polynomial is applied.
        nesterov: look ahead along the momentum.
        rms_rate: root mean square of a step of a matrix (Liu and others 2025, 2502.16982); None
            leaves the step as it is.
        **kwargs: none; errors name what older versions called an argument.

    The other arguments are those of `Optimizer`.
    """

    rule: ClassVar[str] = "muon"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        given = as_given(locals())
        is_count = isinstance(ns_steps, int) and ns_steps >= 0
        require_range(is_count, "ns_steps", ns_steps, "a whole number, at least 0")
        excluded = [*(exclude_layers or ()), *(["(?i)embedding"] if exclude_embeddings else [])]
        self._by_name = [re.compile(pattern) for pattern in excluded]
        self._adam = find_update_rule("adam").complete(
            {"beta_1": adam_beta_1, "beta_2": adam_beta_2, "epsilon": epsilon}
        )
        self._adam_weight_decay, self._adam_rate = adam_weight_decay, adam_lr_ratio
        for argument in (*_OF_ADAM, "exclude_layers", "exclude_embeddings"):
            del given[argument]
        given |= {"has_rms_rate": rms_rate is not None, "rms_rate": rms_rate or 0.0}
        super().__init__(**given)

    def step_of(self, variable: Variable) -> VariableStep:
        step = super().step_of(variable)
        by_name = any(pattern.search(variable.name) for pattern in self._by_name)
        if variable.ndim == 2 and not by_name:
            return step
        decays = variable not in self._undecayed
        decay = self._adam_weight_decay if decays else None
        return VariableStep("adam", self._adam, decay, self._adam_rate)


_OF_ADAM: Final = ("adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "adam_lr_ratio")

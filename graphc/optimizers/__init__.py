"""Floor 4: optimizers under Keras's names. What a step computes is in `graphc/update_rules`."""

from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.update_rule_optimizers import SGD, Adam, RMSprop

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop"]

"""Floor 4: optimizers under Keras's names. What a step computes is in `graphc/update_rules`."""

import graphc.optimizers.schedules as schedules
from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.update_rule_optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "schedules"]

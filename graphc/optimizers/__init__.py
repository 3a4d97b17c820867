"""Floor 4: optimizers under Keras's names. What a step computes is in `graphc/update_rules`.

optimizer        what all share: gradients, steps, learning rate; arguments, learning_rates
step_building    one step as assignments; gradient_clipping, weight_decay, kept_variables
adam_family, momentum_optimizers, square_averaging  the optimizers
loss_scaling, multi_optimizer  what wraps one, and what wraps several
schedules        learning rates that depend on the step
identifiers      optimizers by name and as data
"""

import sys
from typing import TYPE_CHECKING, Any

import graphc.optimizers.schedules as schedules
from graphc.missing_names import missing_name
from graphc.optimizers.adam_family import Adam, Adamax, AdamW, Lamb, Nadam, ScheduleFreeAdamW
from graphc.optimizers.identifiers import deserialize, get, serialize
from graphc.optimizers.loss_scaling import LossScaleOptimizer
from graphc.optimizers.momentum_optimizers import SGD, Lion, Muon
from graphc.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.square_averaging import Adadelta, Adafactor, Adagrad, Ftrl, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

if not TYPE_CHECKING:  # or else no misspelt name would be found

    def __getattr__(name: str) -> Any:
        raise missing_name(sys.modules[__name__], name)

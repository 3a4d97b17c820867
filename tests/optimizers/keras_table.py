"""Configurations of optimizers and schedules that are run here and in Keras.

Each is run for six steps on variables of several ranks. `keras_recording` writes what Keras makes
of them, the tests compare. Every argument of every constructor is somewhere not its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SHAPES: dict[str, tuple[int, ...]] = {
    "scale": (),
    "bias": (3,),
    "kernel": (4, 3),
    "filters": (2, 3, 2),
    "embeddings": (3, 4),
    "output": (2, 3),
}
ALL, FEW = ("scale", "bias", "kernel", "filters"), ("bias", "kernel")
STEPS = 6


@dataclass(frozen=True)
class Case:
    """One configuration.

    Attributes:
        optimizer: the class.
        arguments: of its constructor; a schedule is its name and its arguments.
        variables: names in `SHAPES`.
        excluded: what has no weight decay.
        inner: of a wrapper, the class and the arguments of what it wraps.
        spoiled: steps in which the first gradient is infinite.
    """

    optimizer: str
    arguments: dict[str, Any]
    variables: tuple[str, ...] = ALL
    excluded: tuple[str, ...] = ()
    inner: tuple[str, dict[str, Any]] | None = None
    spoiled: tuple[int, ...] = ()


DECAY = ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.7})

# What each optimizer has of its own.
OWN: list[Case] = [
    Case("SGD", {}),
    Case("SGD", {"learning_rate": 0.1, "momentum": 0.9}, FEW),
    Case("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, FEW),
    Case("RMSprop", {}),
    Case("RMSprop", {"learning_rate": 0.02, "rho": 0.7, "momentum": 0.5, "epsilon": 1e-3}, FEW),
    Case("RMSprop", {"learning_rate": DECAY, "centered": True, "epsilon": 1e-2}, FEW),
    Case("Adagrad", {}),
    Case("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-2}, FEW),
    Case("Adadelta", {}),
    Case("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}),
    Case("Adam", {}),
    Case("Adam", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}, FEW),
    Case("Adam", {"learning_rate": DECAY, "amsgrad": True, "beta_2": 0.5}, FEW),
    Case("AdamW", {}),
    Case("AdamW", {"learning_rate": 0.05, "weight_decay": 0.2, "beta_1": 0.7}, FEW, ("bias",)),
    Case("AdamW", {"learning_rate": 0.05, "beta_2": 0.6, "epsilon": 1e-2, "amsgrad": True}, FEW),
    Case("Adamax", {}),
    Case("Adamax", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Nadam", {}),
    Case("Nadam", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Ftrl", {}),
    Case(
        "Ftrl",
        {
            "learning_rate": 0.2,
            "learning_rate_power": -0.8,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.4,
        },
    ),
    Case("Ftrl", {"learning_rate": DECAY, "learning_rate_power": 0.0, "beta": 0.1}, FEW),
    Case("Adafactor", {}),
    Case(
        "Adafactor",
        {
            "learning_rate": 0.3,
            "beta_2_decay": -0.5,
            "epsilon_1": 1e-3,
            "epsilon_2": 0.5,
            "clip_threshold": 0.6,
            "relative_step": False,
        },
    ),
    Case("Adafactor", {"learning_rate": DECAY}, FEW),
    Case("Lion", {}),
    Case("Lion", {"learning_rate": 0.05, "beta_1": 0.6, "beta_2": 0.8}),
    Case("Lamb", {}),
    Case("Lamb", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Muon", {}, tuple(SHAPES)),
    Case(
        "Muon",
        {
            "learning_rate": 0.05,
            "adam_beta_1": 0.7,
            "adam_beta_2": 0.9,
            "adam_weight_decay": 0.1,
            "epsilon": 1e-2,
            "weight_decay": 0.3,
            "exclude_layers": ["out.*"],
            "exclude_embeddings": False,
            "adam_lr_ratio": 0.5,
        },
        ("bias", "kernel", "embeddings", "output"),
        ("kernel",),
    ),
    Case(
        "Muon",
        {
            "learning_rate": DECAY,
            "muon_a": 3.0,
            "muon_b": -4.0,
            "muon_c": 2.0,
            "momentum": 0.8,
            "ns_steps": 3,
            "nesterov": False,
            "rms_rate": None,
        },
        ("bias", "kernel", "embeddings", "output"),
    ),
    Case("Muon", {"learning_rate": 0.05, "rms_rate": 0.4, "adam_weight_decay": None}, FEW),
    Case("ScheduleFreeAdamW", {}),
    Case(
        "ScheduleFreeAdamW",
        {
            "learning_rate": 0.05,
            "beta_1": 0.7,
            "beta_2": 0.9,
            "epsilon": 1e-2,
            "warmup_steps": 4,
        },
        FEW,
    ),
    Case("LossScaleOptimizer", {}, FEW, (), ("Adam", {"learning_rate": 0.05}), (2,)),
    Case(
        "LossScaleOptimizer",
        {"initial_scale": 4.0, "dynamic_growth_steps": 2},
        FEW,
        (),
        ("SGD", {"learning_rate": DECAY, "momentum": 0.5, "clipnorm": 0.3, "use_ema": True}),
        (1, 4),
    ),
]

# What all have: on one or two variables, since it is done around the rule.
SHARED: list[dict[str, Any]] = [
    {"weight_decay": 0.1, "clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.8},
    {"clipvalue": 0.4, "loss_scale_factor": 8.0, "gradient_accumulation_steps": 2},
    {
        "global_clipnorm": 0.7,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 3,
    },
]
OPTIMIZERS = list(dict.fromkeys(case.optimizer for case in OWN if case.inner is None))
CASES: list[Case] = OWN + [
    Case(optimizer, {"learning_rate": 0.05, **shared}, FEW)
    for optimizer in OPTIMIZERS
    for shared in SHARED
]

SCHEDULE_STEPS = [0, 1, 2, 3, 5, 9, 10, 11, 25]
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.5, "decay_steps": 3, "decay_rate": 0.5, "staircase": True},
    ),
    DECAY,
    ("InverseTimeDecay", {"initial_learning_rate": 0.5, "decay_steps": 3, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.5, "decay_steps": 3, "decay_rate": 0.5, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [2, 10], "values": [1.0, 0.5, 0.25]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.5, "decay_steps": 10}),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.5,
            "decay_steps": 4,
            "end_learning_rate": 0.05,
            "power": 0.5,
            "cycle": True,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.5, "decay_steps": 10}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 8,
            "alpha": 0.2,
            "warmup_target": 0.7,
            "warmup_steps": 3,
        },
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.5, "first_decay_steps": 4}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.5,
            "first_decay_steps": 3,
            "t_mul": 1.0,
            "m_mul": 0.8,
            "alpha": 0.1,
        },
    ),
]


def initial_values() -> dict[str, np.ndarray]:
    """The variables before the first step."""
    generator = np.random.default_rng(5)
    return {
        name: np.asarray(generator.normal(size=shape), np.float32) for name, shape in SHAPES.items()
    }


def gradients() -> list[dict[str, np.ndarray]]:
    """Those of each step; some elements are zero."""
    generator = np.random.default_rng(6)
    return [
        {
            name: np.asarray(
                generator.normal(size=shape) * (generator.uniform(size=shape) > 0.1), np.float32
            )
            for name, shape in SHAPES.items()
        }
        for _ in range(STEPS)
    ]

"""Floor 4: random tensors, drawn anew in every run from the session's seed.

A draw depends on the seed, on its own stream number, on how many runs have drawn before, and on the
iterations of the user's loops around it: never on what the passes did.
"""

from graphc.random.distributions import (
    bernoulli,
    categorical,
    normal,
    randint,
    truncated_normal,
    uniform,
)
from graphc.random.masks import dropout, shuffle

__all__ = [
    "bernoulli",
    "categorical",
    "dropout",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

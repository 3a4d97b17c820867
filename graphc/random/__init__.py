"""Floor 4: random tensors, drawn anew in every run from the session's seed.

A draw depends on the seed, on its own stream number, on how many runs have drawn before, and on the
iterations of the user's loops around it: never on what the passes did.
"""

import sys
from typing import TYPE_CHECKING, Any

from graphc.missing_names import missing_name
from graphc.random.continuous import cauchy, exponential, gumbel, laplace, logistic
from graphc.random.counting import binomial, poisson
from graphc.random.distributions import (
    bernoulli,
    categorical,
    multivariate_normal,
    normal,
    randint,
    truncated_normal,
    uniform,
)
from graphc.random.gammas import beta, chi_squared, dirichlet, gamma, log_gamma, student_t
from graphc.random.masks import choice, dropout, permutation, shuffle
from graphc.random.streams import SeedGenerator

__all__ = [
    "SeedGenerator",
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "cauchy",
    "chi_squared",
    "choice",
    "dirichlet",
    "dropout",
    "exponential",
    "gamma",
    "gumbel",
    "laplace",
    "log_gamma",
    "logistic",
    "multivariate_normal",
    "normal",
    "permutation",
    "poisson",
    "randint",
    "shuffle",
    "student_t",
    "truncated_normal",
    "uniform",
]

if not TYPE_CHECKING:  # or else no misspelt name would be found

    def __getattr__(name: str) -> Any:
        raise missing_name(sys.modules[__name__], name)

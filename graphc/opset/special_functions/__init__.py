"""Special functions, element by element: error, gamma, beta and Bessel functions and their kin.

Each family of ops stands beside the NumPy algorithms that it is held to, which are written in
float64 from the definitions and expansions of the NIST Digital Library of Mathematical Functions
(DLMF, https://dlmf.nist.gov), not from XLA's approximations.
"""

from graphc.opset.special_functions import (
    bessel_functions,
    error_functions,
    gamma_functions,
    incomplete_beta,
    incomplete_gamma,
)

__all__ = [
    "bessel_functions",
    "error_functions",
    "gamma_functions",
    "incomplete_beta",
    "incomplete_gamma",
]

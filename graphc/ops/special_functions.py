"""Special functions, element by element, of real numbers; integers are cast to the default float.

`erf`, `erfc`, `erfinv` and `i0` are keras.ops'; the others have the names that jax.scipy.special
and scipy.special give them: gammaln, digamma, polygamma, zeta, gammainc, gammaincc, betainc, i0e,
i1, i1e, ndtr, logit, xlogy. Operands are promoted and broadcast. Sources: NIST Digital Library of
Mathematical Functions, chapters 5 (gamma), 7 (error), 8 (incomplete gamma and beta), 10 (Bessel),
25 (zeta).
"""

from __future__ import annotations

import math
from typing import Any

from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply, negative, sign, subtract
from graphc.ops.broadcasting import aligned, apply
from graphc.ops.comparison import equal, isnan, logical_and, logical_not, where
from graphc.ops.conversion import cast_to, floatx
from graphc.ops.exponential import exp, log, log1p
from graphc.ops.tensor import Tensor


def _reals(things: tuple[Any, ...], what: str) -> list[Tensor]:
    """Floats of one type and shape."""
    tensors = aligned(things)
    if tensors[0].dtype.is_complex:
        raise DTypeError(
            f"{what}() takes real numbers",
            given=" and ".join(str(tensor.value.type) for tensor in tensors),
            expected="floats or integers",
            origin=capture_origin(),
        )
    if tensors[0].dtype.is_floating:
        return tensors
    return [cast_to(tensor, floatx()) for tensor in tensors]


def _apply(op_name: str, what: str, name: str | None, *things: Any) -> Tensor:
    return apply(op_name, *_reals(things, what), name=name or what)


# -- error functions -------------------------------------------------------------------------------


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function."""
    return _apply("erf", "erf", name, x)


def erfc(x: Any, name: str | None = None) -> Tensor:
    """1 - erf(x), with all its digits where that is small."""
    return _apply("erfc", "erfc", name, x)


def erfinv(x: Any, name: str | None = None) -> Tensor:
    """The number whose error function is x; infinite at ±1, NaN outside."""
    return _apply("erf_inv", "erfinv", name, x)


def ndtr(x: Any, name: str | None = None) -> Tensor:
    """The probability that a normal number is below x."""
    (tensor,) = _reals((x,), "ndtr")
    tail = erfc(multiply(negative(tensor), math.sqrt(0.5)))
    return multiply(tail, 0.5, name or "ndtr")


# -- gamma and beta --------------------------------------------------------------------------------


def gammaln(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2 and on."""
    return _apply("lgamma", "gammaln", name, x)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of `gammaln`; NaN at 0, -1, -2 and on."""
    return _apply("digamma", "digamma", name, x)


def polygamma(n: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order n of `digamma` at x; NaN for an n other than 0, 1, 2 and on.

    Its gradient with respect to n is refused: there is none between orders.
    """
    return _apply("polygamma", "polygamma", name, n, x)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function: the sum of (q + k) to the power -x over k = 0, 1, 2 and on.

    Its gradient with respect to x is refused.
    """
    return _apply("zeta", "zeta", name, x, q)


def gammainc(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized lower incomplete gamma function: the distribution function of Gamma(a, 1)."""
    return _apply("igamma", "gammainc", name, a, x)


def gammaincc(a: Any, x: Any, name: str | None = None) -> Tensor:
    """1 - gammainc(a, x), with all its digits where that is small."""
    return _apply("igammac", "gammaincc", name, a, x)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized incomplete beta function: the distribution function of Beta(a, b).

    Its gradients with respect to a and b are refused.
    """
    return _apply("regularized_incomplete_beta", "betainc", name, a, b, x)


# -- Bessel functions ------------------------------------------------------------------------------


def i0e(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0, times exp(-|x|)."""
    return _apply("bessel_i0e", "i0e", name, x)


def i1e(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1, times exp(-|x|)."""
    return _apply("bessel_i1e", "i1e", name, x)


def i0(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0; overflows a float32 from 92 on."""
    (tensor,) = _reals((x,), "i0")
    return _grown(i0e(tensor), tensor, name or "i0")


def i1(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1; overflows a float32 from 92 on."""
    (tensor,) = _reals((x,), "i1")
    return _grown(i1e(tensor), tensor, name or "i1")


def _grown(value: Tensor, x: Tensor, name: str) -> Tensor:
    """A value times exp(|x|), in two steps: exp overflows before the product does."""
    # x · sign(x), not |x|: its derivative at 0 is 0, as that of e^|x| i0e(x) is
    root = exp(multiply(multiply(x, sign(x)), 0.5))
    return multiply(multiply(value, root), root, name)


# -- with logarithms -------------------------------------------------------------------------------


def logit(x: Any, name: str | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of the sigmoid; NaN outside [0, 1]."""
    (tensor,) = _reals((x,), "logit")
    return subtract(log(tensor), log1p(negative(tensor)), name or "logit")


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The product x · log(y), and 0 where x is 0 (but for a y that is NaN)."""
    left, right = _reals((x, y), "xlogy")
    nothing = logical_and(equal(left, 0.0), logical_not(isnan(right)))
    product = multiply(left, log(where(nothing, 1.0, right)))
    return where(nothing, 0.0, product, name=name or "xlogy")

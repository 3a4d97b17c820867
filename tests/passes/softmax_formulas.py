"""Softmax and its gradient as JAX and people write them, for the tests of stabilisation."""

from __future__ import annotations


def c(build, x, number):
    return build.full_like(x, number)


def rows(build, value, like, axes=(1,)):
    kept = [axis for axis in range(like.type.rank) if axis not in axes]
    return build.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=kept)


def softmax_parts(build, x, axes=(1,)):
    powers = build.exponential(x)
    return powers, build.reduce_sum(powers, axes=axes)


def wide_sum(build, powers):
    total = build.reduce_sum(build.convert(powers, dtype="float32"), axes=(1,))
    return build.convert(total, dtype="float16")


def narrow_softmax(build, x):
    powers = build.exponential(x)
    return build.divide(powers, rows(build, wide_sum(build, powers), x))


def narrow_gradient(build, x, ct):
    powers = build.exponential(x)
    return gradient_of_sum(build, x, ct, powers, wide_sum(build, powers))


def weighted_difference(build, weights, ct):
    mean = build.reduce_sum(build.multiply(weights, ct), axes=(1,))
    return build.multiply(weights, build.subtract(ct, rows(build, mean, ct)))


def gradient_of_softmax(build, x, ct, *unread):
    return weighted_difference(build, build.softmax(x, axis=1), ct)


def gradient_of_quotient(build, x, ct):
    return gradient_of_sum(build, x, ct, *softmax_parts(build, x))


def gradient_of_sum(build, x, ct, powers, total):
    share = build.divide(c(build, total, 1), build.multiply(total, total))
    of_total = build.multiply(build.multiply(ct, rows(build, share, x)), powers)
    of_powers = build.divide(ct, rows(build, total, x))
    mean = rows(build, build.reduce_sum(of_total, axes=(1,)), x)
    return build.multiply(build.subtract(of_powers, mean), powers)


def difference_of_weighted(build, x, ct):
    weighted = build.multiply(ct, weights := build.softmax(x, axis=1))
    total = rows(build, build.reduce_sum(weighted, axes=(1,)), x)
    return build.subtract(weighted, build.multiply(total, weights))


def with_gradient_of_maximum(build, x, ct, y, sign_first):
    gradient = gradient_of_softmax(build, x, ct)
    if sign_first:
        total = build.reduce_sum(build.negate(gradient), axes=(1,))
    else:
        total = build.negate(build.reduce_sum(gradient, axes=(1,)))
    count = build.reduce_sum(build.abs(y), axes=(1,))
    share = rows(build, build.divide(total, count), x)
    return build.add(gradient, build.multiply(share, y))

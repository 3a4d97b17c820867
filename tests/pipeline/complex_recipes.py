"""Recipes of complex numbers and transforms: they go in and come out as real numbers."""

from __future__ import annotations

from graphc.ir.node import Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.movement_recipes import move
from tests.pipeline.recipe_book import recipe

_FUNCTIONS = ("exponential", "sine", "conj", "negate", "logistic", "tanh", "square", "cosine")


def _complex(s: Sketch, c: Choices) -> Value:
    """A complex tensor of moderate size."""
    x = s.pick(c, "float")
    y = fit(s, s.pick(c, "float"), x.type)
    return s.complex(s.bounded(x, 2.0), s.bounded(y, 2.0))


def _part(s: Sketch, c: Choices, z: Value) -> Value:
    """A real tensor made of a complex one."""
    part = c.of(("real", "imag", "square"))
    if part == "square":
        return s.real(s.multiply(z, s.conj(z)))
    return getattr(s, part)(z)


@recipe
def complex_numbers(s: Sketch, c: Choices) -> Value:
    """A chain of functions of complex numbers."""
    z = _complex(s, c)
    start = z
    for _ in range(1 + c.below(3)):
        name = c.of(("multiply", "function", "add", "divide", "move", "product"))
        if name == "function":
            function = c.of(_FUNCTIONS)
            z = s.multiply(z, z) if function == "square" else getattr(s, function)(z)
        elif name == "move":
            z = move(s, c, c.of(("transpose", "reshape", "reverse", "broadcast_in_dim")), z)
        elif name == "product" and z.type.rank:
            z = s.reduce_sum(z, axes=(c.below(z.type.rank),))
        elif z.type is start.type:
            other = s.add(start, s.full_like(start, 3 + 1j)) if name == "divide" else start
            z = getattr(s, name if name != "product" else "add")(z, other)
    return _part(s, c, z)


@recipe
def complex_choice(s: Sketch, c: Choices) -> Value:
    """Complex numbers that are compared and chosen."""
    z = _complex(s, c)
    w = s.conj(z) if c.chance(2) else s.add(z, s.full_like(z, 1j))
    equal = s.compare(z, w, direction=c.of(("EQ", "NE")))
    return _part(s, c, s.select(equal, z, w))


@recipe
def transform(s: Sketch, c: Choices) -> Value:
    """A Fourier transform along the last axes, of real or of complex numbers."""
    x = s.pick(c, "float", lambda x: x.type.rank > 0)
    axes = 1 + c.below(min(x.type.rank, 2))
    sizes = x.type.shape[-axes:]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise NotApplicableError
    form = c.of(("FFT", "RFFT", "IFFT", "there and back"))
    if form == "RFFT":
        return _part(s, c, s.fft(x, fft_type="RFFT", fft_length=sizes))
    if form == "there and back":
        there = s.fft(x, fft_type="RFFT", fft_length=sizes)
        return s.fft(s.multiply(there, there), fft_type="IRFFT", fft_length=sizes)
    z = s.complex(x, s.sine(x))
    return _part(s, c, s.fft(z, fft_type=form, fft_length=sizes))

"""What a jaxpr repeats: a quick look, before anything is paid for an import and for passes.

Products and draws are told apart by their primitive and types; those of a call are counted once and
added wherever it is called; those in bodies of loops and branches count too, for XLA compiles them.
A microsecond or two an equation.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from jax.extend.core import ClosedJaxpr, jaxprs_in_params

from graphc.importers.jax_functions.calls import called_jaxpr
from graphc.opset.jax_primitive.known_primitives import DRAWS

_WITH_BODIES: Final = frozenset({"scan", "while", "cond"})
_REPEATED: Final = _WITH_BODIES | {"conv_general_dilated", "dot_general", "ragged_dot"}
"""What layers are known by."""

LAYERS: Final = 6
"""So many products of one type come of layers."""


@dataclass(frozen=True)
class Repetition:
    """What was found, calls written out, bodies of loops and branches included.

    Attributes:
        equations: how many there are.
        products: how many products, convolutions, loops or branches have the same types, at most.
        heavy: how many products, convolutions, loops and branches there are in all.
        in_layers: how many of these are of types that come at least `LAYERS` times.
        arguments: how many arrays the jaxpr is given.
        draws: how many draws of random numbers have the same type, at most.
        flops: of all products of matrices and convolutions, in each iteration of a loop whose
            length is known.
        argument_bytes: of what the jaxpr is given.
        result_bytes: of what it gives.
        largest_logits: bytes of the largest product of which exponentials are taken.
        attends: whether one of these is of a batch, or of heads: not of weights that all share.
    """

    equations: int
    products: int
    heavy: int
    in_layers: int
    arguments: int
    draws: int
    flops: int
    argument_bytes: int
    result_bytes: int
    largest_logits: int
    attends: bool


class _Seen:
    """What the equations of one jaxpr are, calls included."""

    def __init__(self) -> None:
        self.equations = 0
        self.flops = 0
        self.repeated: Counter[object] = Counter()
        self.draws: Counter[object] = Counter()
        self.product_bytes: dict[int, int] = {}
        self.exponentials: set[int] = set()
        self.batched: set[int] = set()

    def add(self, other: _Seen, times: int = 1) -> None:
        self.equations += other.equations
        self.flops += other.flops * times
        self.repeated.update(other.repeated)
        self.draws.update(other.draws)
        self.product_bytes |= other.product_bytes
        self.exponentials |= other.exponentials
        self.batched |= other.batched

    def add_equation(self, equation: Any) -> None:
        self.equations += 1
        name = equation.primitive.name
        if name in _REPEATED:
            types = tuple([atom.aval for atom in (*equation.invars, *equation.outvars)])
            self.repeated[name, types] += 1
        elif name in DRAWS:
            self.draws[name, equation.outvars[0].aval] += 1
        if name == "dot_general":
            result, left = equation.outvars[0].aval, equation.invars[0].aval
            contracted = equation.params["dimension_numbers"][0][0]
            self.flops += 2 * result.size * math.prod([left.shape[axis] for axis in contracted])
            self.product_bytes[result.size] = _bytes(result)
            if equation.params["dimension_numbers"][1][0]:
                self.batched.add(result.size)
        elif name == "conv_general_dilated":
            result, kernel = equation.outvars[0].aval, equation.invars[1].aval
            features = kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
            self.flops += 2 * result.size * (kernel.size // max(1, features))
        elif name == "exp":
            self.exponentials.add(equation.outvars[0].aval.size)


def find_repetition(program: ClosedJaxpr) -> Repetition:
    """Count what may be repeated in a jaxpr."""
    seen = _look(program.jaxpr, {})
    logits = [held for size, held in seen.product_bytes.items() if size in seen.exponentials]
    return Repetition(
        seen.equations,
        max(seen.repeated.values(), default=0),
        seen.repeated.total(),
        sum([count for count in seen.repeated.values() if count >= LAYERS]),
        len(program.in_avals),
        max(seen.draws.values(), default=0),
        seen.flops,
        sum(map(_bytes, program.in_avals)),
        sum(map(_bytes, program.out_avals)),
        max(logits, default=0),
        not seen.batched.isdisjoint(seen.exponentials),
    )


def _look(jaxpr: Any, known: dict[Any, _Seen]) -> _Seen:
    if jaxpr in known:
        return known[jaxpr]
    seen = known[jaxpr] = _Seen()
    for equation in jaxpr.eqns:
        inner = called_jaxpr(equation)
        if inner is not None:
            seen.add(_look(getattr(inner, "jaxpr", inner), known))
            continue
        seen.add_equation(equation)
        if equation.primitive.name in _WITH_BODIES:
            for body in jaxprs_in_params(equation.params):
                seen.add(_look(body, known), equation.params.get("length", 1))
    return seen


def _bytes(aval: Any) -> int:
    return aval.size * aval.dtype.itemsize if hasattr(aval, "shape") else 0

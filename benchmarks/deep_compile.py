"""What depth costs: a Transformer's train step to its first result, beside `jax.jit` of the loop.

To the first result means all of it: building or tracing, initial values, compiling, one step. A
graph that repeats a layer is compiled as one loop, so 48 layers cost little more than 12.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks.deep_transformer import Step, by_hand, in_a_session
from benchmarks.harness import Case, Comparison, Growth, main

Maker = Callable[[int, int, int], tuple[Step, object]]


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases: against JAX at 2 and 16 layers, growth from 12 to 48, and a warm step."""
    width, length = (32, 16) if smoke else (256, 128)

    def first_result(make: Maker, layers: int) -> Callable[[], object]:
        return lambda: make(layers, width, length)[0]()

    def against_jax(layers: int, target: float) -> Comparison:
        return Comparison(
            f"{layers} layers to the first result",
            first_result(in_a_session, layers),
            first_result(by_hand, layers),
            target=target,
            warmups=0,
        )

    if smoke:
        return [against_jax(2, 1.15)]
    ours, theirs = in_a_session(8, width, length)[0], by_hand(8, width, length)[0]
    return [
        against_jax(2, 1.15),
        against_jax(16, 1 / 6),
        Growth(
            "growth with the number of layers",
            lambda layers: first_result(in_a_session, layers),
            (12, 48),
            target=0.19,  # 48 layers in 1.3 times the time of 12
            warmups=0,
        ),
        Comparison("a step of 8 layers", ours, theirs, target=1.0),
    ]


if __name__ == "__main__":
    sys.exit(main("deep_compile", make_cases))

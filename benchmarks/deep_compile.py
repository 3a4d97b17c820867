"""What depth costs: train steps to their first result, beside `jax.jit` of the loop over layers.

To the first result means all of it: building or tracing, initial values, compiling, one step. A
graph that repeats a layer is compiled as one loop, so 48 layers cost little more than 12. That of
`graphc.jit` begins with JAX's own trace of the step, which no pass can shorten; so its growth is
measured beyond the trace.

`--only NAME` measures one network alone: transformer, mlp, resnet, abab, encoder-decoder, lstm.
`--pairs 3` is enough for an impression: 16 layers of a Transformer take `jax.jit` 20 s each time.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import graphc
from benchmarks.deep_networks import Network, make_networks
from benchmarks.deep_training import Step, beyond_the_trace, by_jit, in_a_session
from benchmarks.deep_transformer import make_transformer
from benchmarks.harness import Case, Comparison, Growth, main

_FEW: Final = 2
_GROWTH: Final = (12, 48)
_SMOKED: Final = ("mlp",)  # the others compile longer
_BEYOND: Final = "beyond JAX's trace"


def _exponent(ratio: float) -> float:
    """The exponent of a cost that grows by a ratio between the two depths."""
    return math.log(ratio) / math.log(_GROWTH[1] / _GROWTH[0])


def _cases(network: Network, smoke: bool) -> Iterator[Case]:
    def beside_jax(kind: str, make: Callable[[int], Step], layers: int, target: float) -> Case:
        return Comparison(
            f"{network.name}, {kind}: {layers} layers to the first result",
            lambda: make(layers)(),
            lambda: by_jit(network, layers)[0](),
            target=target,
            warmups=0,
        )

    def session(layers: int) -> Step:
        return in_a_session(network, layers)[0]

    def jit(layers: int) -> Step:
        return by_jit(network, layers, graphc.jit)[0]

    few = _FEW * 2 if smoke else _FEW  # enough for a loop
    yield beside_jax("session", session, few, 1.15)
    yield beside_jax("jit", jit, few, 1.15)
    if smoke:
        return
    yield beside_jax("session", session, network.deep, 1 / 6)
    yield beside_jax("jit", jit, network.deep, 1 / 3)
    yield Growth(
        f"{network.name}, session: growth with the number of layers",
        lambda layers: lambda: session(layers)(),
        _GROWTH,
        target=_exponent(1.3),
        warmups=0,
    )
    yield Growth(
        f"{network.name}, jit: growth {_BEYOND}",
        lambda layers: beyond_the_trace(network, layers),
        _GROWTH,
        target=_exponent(1.6),
        warmups=0,
    )
    yield Comparison(
        f"{network.name}, session: a step of 8 layers",
        _when_called(lambda: session(8)),
        _when_called(lambda: by_jit(network, 8)[0]),
        target=1.0,
    )


def _when_called(make: Callable[[], Step]) -> Step:
    """The step, made at the first call."""
    made = functools.cache(make)
    return lambda: made()()


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases of all networks; when smoked, of those that compile fast."""
    transformer = make_transformer(*((32, 16) if smoke else (256, 128)))
    networks = (transformer, *make_networks(smoke))
    wanted = [each for each in networks if not smoke or each.name in _SMOKED]
    return [case for network in wanted for case in _cases(network, smoke)]


if __name__ == "__main__":
    sys.exit(main("deep_compile", make_cases))

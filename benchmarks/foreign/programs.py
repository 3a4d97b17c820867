"""What a program is, and the list of all of them, library by library.

A family is a module with `PROGRAMS`: names to makers, in the order of their sizes. A maker gives a
function and its arguments, small enough for a CPU. A family whose library is missing has none.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Maker = Callable[[], tuple[Callable[..., Any], Sequence[Any]]]

FAMILIES: Final = {
    "jax": "jax_functions",
    "transformations": "jax_transformations",
    "stax": "stax_networks",
    "networks": "jax_networks",
    "sequences": "jax_sequences",
    "optax": "optax_updates",
    "flax": "flax_linen",
    "nnx": "flax_nnx",
    "equinox": "equinox_modules",
    "haiku": "haiku_modules",
    "numpyro": "numpyro_models",
    "keras": "keras_applications",
}
"""The families and their modules. The first five need nothing but JAX."""

SOON_COMPILED: Final = ("jax", "transformations", "stax", "networks")
"""Those that need nothing but JAX, and whose smallest program compiles in a second."""


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        name: its family and what it is.
        make: gives the function and its arguments.
    """

    name: str
    make: Maker


def programs(families: Sequence[str] = tuple(FAMILIES)) -> Iterator[Program]:
    """The programs of some families, those left out whose library is not installed."""
    for family in families:
        try:
            module = importlib.import_module(f"benchmarks.foreign.{FAMILIES[family]}")
        except ImportError:
            continue
        for name, make in module.PROGRAMS.items():
            yield Program(f"{family}: {name}", make)

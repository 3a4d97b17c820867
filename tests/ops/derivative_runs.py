"""Running what was built with all passes and with the required ones alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

import graphc
import passes

REQUIRED = passes.default_pipeline().only()


def both_ways(fetches: Any, feeds: Mapping[Any, Any] | None = None) -> list[Any]:
    """What a session gives for fetches, first with all passes, then without those it can spare."""
    found: list[Any] = []
    for pipeline in (None, REQUIRED):
        with graphc.Session(pipeline=pipeline, seed=3) as session:
            found.append(session.run(fetches, feeds))
    return found


def check(
    fetches: Sequence[Any],
    feeds: Mapping[Any, Any],
    expected: Callable[..., Sequence[Any]],
    rtol: float = 1e-9,
) -> None:
    """Hold what was built, with and without passes, to a JAX function of the fed arrays."""
    with jax.enable_x64(True):
        program = jax.jit(expected, compiler_options={"xla_backend_optimization_level": 0})
        wanted = [np.asarray(each) for each in program(*feeds.values())]
    for found in both_ways(list(fetches), feeds):
        assert len(found) == len(wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=1e-11)

"""Recipes of forward derivatives, which only a pass writes out; results may only be fetched."""

from __future__ import annotations

from typing import Final

from graphc.ir.node import Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

TANGENTS: Final = frozenset({"directional_derivative"})
"""Recipes that hold `jvp` intents."""


@recipe
def directional_derivative(s: Sketch, c: Choices) -> list[Value]:
    """How one or two values move when others, inputs or interior ones, move along tangents."""
    ys = [s.pick(c, "float") for _ in range(1 + c.below(2))]
    xs = list(dict.fromkeys(s.pick(c, "float") for _ in range(1 + c.below(2))))
    tangents = [fit(s, s.pick(c, "float"), x.type) for x in xs]
    made = s.jvp(*ys, *xs, *tangents, ys=len(ys), xs=len(xs))
    results = [made] if isinstance(made, Value) else list(made)
    if not s.has_derivatives(results):
        raise NotApplicableError
    s.loose += results
    return []

"""The names of recipes. Each adds a few nodes to a sketch, from numbers that were drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphc.ir.node import Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch

Recipe = Callable[[Sketch, Choices], Value | list[Value] | None]
"""Gives what it made, to be used further where that is tame."""

RECIPES: Final[dict[str, Recipe]] = {}


def recipe(function: Recipe) -> Recipe:
    """Add a recipe to the book, by its function's name."""
    RECIPES[function.__name__] = function
    return function


def follow(name: str, sketch: Sketch, choices: Choices) -> None:
    """Add the nodes of a recipe; none where the sketch holds nothing that it needs."""
    try:
        made = RECIPES[name](sketch, choices)
    except NotApplicableError:
        sketch.settle()
        return
    sketch.keep(*([made] if isinstance(made, Value) else made or []))

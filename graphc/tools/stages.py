"""A graph from a file, taken through the pipeline as far as somebody asks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final

import jax

from graphc.dimensions import Dim
from graphc.errors import FeedError, GraphcError, did_you_mean
from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline
from graphc.session.program import LAST_SYMBOLIC_STAGE
from graphc.session.standard_passes import default_pipeline

BUILT: Final = "built"
LOWERED: Final = "lowered"


def size_item(text: str) -> tuple[str, int]:
    """An argument type: `n0=32`."""
    name, equals, number = text.partition("=")
    if not (name and equals and number.strip().isdecimal()):
        raise argparse.ArgumentTypeError(
            f"given {text!r}, expected a symbol and its size such as n0=32"
        )
    return name.strip(), int(number)


def add_size_argument(parser: argparse.ArgumentParser) -> None:
    """The sizes of symbols."""
    parser.add_argument(
        "--size",
        metavar="n0=32",
        dest="sizes",
        action="extend",
        nargs="+",
        type=size_item,
        default=[],
        help="sizes of symbols, which stages from `specialised` on need",
    )


def add_stage_argument(parser: argparse.ArgumentParser) -> None:
    """The stage to stop after."""
    parser.add_argument(
        "--stage",
        metavar="STAGE",
        default="fused",
        help="stop after this stage: built (the file as it is), functional, canonical, …, fused; "
        "`graphc passes` lists them (default: fused)",
    )


def stage_names(pipeline: Pipeline) -> tuple[str, ...]:
    """What can be asked for."""
    return (BUILT, *pipeline.stage_names, LOWERED)


def symbols_of(graph: Graph) -> list[str]:
    """The symbols in the types of a graph's inputs, in the order in which they appear."""
    shapes = [value.type.shape for value in graph.inputs]
    sizes = [size for shape in shapes for size in shape if isinstance(size, Dim)]
    return list(dict.fromkeys(name for size in sizes for name in sorted(size.symbols)))


def graph_at(
    graph: Graph, stage: str, sizes: Mapping[str, int], pipeline: Pipeline | None = None
) -> Graph:
    """The graph after a stage, which a fresh run of the pipeline gives.

    Args:
        graph: a graph at any stage.
        stage: the stage to stop after; "built" gives the graph as it is.
        sizes: the sizes of symbols; stages from `specialised` on need them all.
        pipeline: the passes; the default ones if None.

    Raises:
        GraphcError: there is no such stage or symbol.
        FeedError: a symbol needs a size.
    """
    pipeline = pipeline or default_pipeline()
    known = stage_names(pipeline)
    if stage not in known:
        raise GraphcError(
            f"there is no stage {stage!r}",
            expected="one of " + ", ".join(known),
            fix=did_you_mean(stage, known),
        )
    _refuse_unknown(sizes, symbols_of(graph))
    if stage == BUILT:
        return graph
    names = pipeline.stage_names
    stage = names[-1] if stage == LOWERED else stage
    manager = PassManager(pipeline)
    context = PassContext(platform=jax.default_backend())
    if names.index(stage) <= names.index(LAST_SYMBOLIC_STAGE):
        return manager.run(graph, until=stage, context=context).result
    missing = [name for name in symbols_of(graph) if name not in sizes]
    if missing:
        raise FeedError(
            f"the stage {stage!r} needs concrete sizes",
            given=f"no size of {', '.join(missing)}",
            fix="--size " + " ".join(f"{name}=32" for name in missing)
            + f", or --stage {LAST_SYMBOLIC_STAGE}",
        )  # fmt: skip
    symbolic = manager.run(graph, until=LAST_SYMBOLIC_STAGE, context=context).result
    context.sizes = sizes
    return manager.run(
        symbolic, start_after=LAST_SYMBOLIC_STAGE, until=stage, context=context
    ).result


def _refuse_unknown(sizes: Mapping[str, int], symbols: Sequence[str]) -> None:
    for name in sizes:
        if name not in symbols:
            raise GraphcError(
                f"the graph's inputs have no size named {name!r}",
                fix=did_you_mean(name, symbols),
            )

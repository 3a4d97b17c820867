"""Numbers of one program at any stage, on one feed and the variables as they are.

NumPy can run neither gradients nor optimizer steps that are still intents, so a graph is taken
through the required passes of what is left of the pipeline first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import VerifyError
from graphc.ir.graph import Graph
from graphc.lowering.executable import Executable
from graphc.reference.evaluator import evaluate
from graphc.reference.widening import widen
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pack_layout import pack_members
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.rewrite_step import RewriteStep

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Numbers:
    """What one graph gives.

    Attributes:
        precise: with every float as float64.
        native: as the graph declares it.
    """

    precise: dict[str, Array]
    native: dict[str, Array]


@dataclass(frozen=True)
class StageRuns:
    """Runs graphs of one program.

    Attributes:
        pipeline: the program's passes.
        sizes: of its symbols.
        platform: what it is compiled for.
        arrays: feeds and variables, by kind and name.
        fetch_names: what its fetches are called.
        device: where XLA runs; JAX's default if None.
    """

    pipeline: Pipeline
    sizes: Mapping[str, int]
    platform: str
    arrays: Mapping[tuple[str, str], Array]
    fetch_names: Sequence[str]
    device: Any = None

    def context(self) -> PassContext:
        return PassContext(sizes=self.sizes, platform=self.platform)

    def finished(self, graph: Graph, after: str | None) -> Graph:
        """A graph without intents and symbols.

        Args:
            graph: at some stage.
            after: the stage that it has been through.
        """
        required = PassManager(self.pipeline.only())
        return required.run(graph, start_after=after, context=self.context()).result

    def after_step(self, step: RewriteStep, made: Graph) -> Graph:
        """What a graph that stands where the result of a step does comes to in the end."""
        names = self.pipeline.stage_names
        place = names.index(step.stage.name)
        left = _required_left(step)
        stage = None if left and place == 0 else names[place - 1] if left else names[place]
        return self.finished(made, stage)

    def numbers(self, graph: Graph) -> Numbers:
        """What NumPy makes of a graph that is finished.

        Raises:
            VerifyError: it has an input that nobody feeds.
        """
        wide = widen(graph)
        precise = self.labelled(graph, evaluate(wide, self.arguments(wide)))
        native = self.labelled(graph, evaluate(graph, self.arguments(graph)))
        return Numbers(precise, native)

    def on_xla(self, graph: Graph, *, precise: bool) -> dict[str, Array]:
        """What XLA makes of a finished graph; nothing is donated."""
        made = widen(graph) if precise else graph
        if not made.outputs:
            return {}
        executable = Executable(made, device=self.device, donate=False)
        arguments = self.arguments(made)
        ordered = [arguments[place] for place in executable.lowered.order]
        results = executable.call(*executable.constants, *ordered)
        return self.labelled(graph, [np.asarray(result) for result in results])

    def arguments(self, graph: Graph) -> list[Array]:
        """An array of exactly its type for each input of a graph."""
        found: list[Array] = []
        for value in graph.inputs:
            attributes = value.node.attributes
            array = self._array(attributes["kind"], attributes["name"], attributes["members"])
            if array is None:
                raise VerifyError(
                    f"the graph has an input that nobody feeds: {attributes['name']!r}",
                    given=f"{value.type} of the kind {attributes['kind']!r}",
                    expected=", ".join(repr(name) for _, name in self.arrays),
                    origin=value.node.origin,
                )
            found.append(array.astype(value.type.dtype.numpy))
        return found

    def _array(self, kind: str, name: str, members: Sequence[str]) -> Array | None:
        """What an input is fed: a pack, the values of its variables as rows."""
        if not members:
            return self.arrays.get((kind, name))
        rows = [self.arrays.get((kind, member)) for member in members]
        found = [row for row in rows if row is not None]
        return np.stack(found) if len(found) == len(rows) else None

    def names(self, graph: Graph) -> list[tuple[str, ...]]:
        """What the results of a graph are called; a pack has a name for each of its rows."""
        count, packs = len(graph.fetches), pack_members(graph)
        names = list(self.fetch_names[:count])
        names += [f"a fetch that was added ({place})" for place in range(len(names), count)]
        updates = [packs.get(name, (name,)) for name in graph.update_names]
        return [
            *[(name,) for name in names],
            *[tuple([f"new value of {name!r}" for name in each]) for each in updates],
        ]

    def labelled(self, graph: Graph, outputs: Sequence[Any]) -> dict[str, Array]:
        """Results by name."""
        found: dict[str, Array] = {}
        for names, output in zip(self.names(graph), outputs, strict=True):
            rows = [output] if len(names) == 1 else output
            found.update((name, np.asarray(row)) for name, row in zip(names, rows, strict=True))
        return found


def _required_left(step: RewriteStep) -> bool:
    """Whether a required pass of the stage may still have to run after a step."""
    passes = list(step.stage.passes)
    last = max(place for place, each in enumerate(passes) if each in step.passes)
    return any(each.required for each in passes[last + 1 :])

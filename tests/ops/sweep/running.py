"""Running many cases at once: in one compiled program, and by the NumPy references of the ops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import graphc
from tests.ops.evaluation import values_of
from tests.ops.sweep.case import SweepCase

_TOGETHER = 250  # cases in one program: fewer pay for more dispatches, more for longer compilation


class Built:
    """Cases as tensors of one graph, fed through placeholders that cases share."""

    def __init__(self, cases: Sequence[SweepCase]) -> None:
        self.feeds: dict[graphc.Tensor, Any] = {}
        self.cases: list[SweepCase] = []
        self.results: list[list[graphc.Tensor]] = []
        self.problems: list[str] = []
        holders: dict[int, graphc.Tensor] = {}
        for case in cases:
            for array in case.arrays:
                if id(array) not in holders:
                    holder = graphc.placeholder(str(array.dtype), array.shape)
                    holders[id(array)], self.feeds[holder] = holder, array
            try:
                made = case.function(*[holders[id(array)] for array in case.arrays])
            except Exception as problem:
                self.problems.append(f"{case.label}: {type(problem).__name__}: {problem}")
                continue
            listed = list(made) if isinstance(made, (list, tuple)) else [made]
            self.cases.append(case)
            self.results.append([graphc.ops.copy(each) for each in listed])

    def compare(self, values: Sequence[Any], how: str) -> None:
        """Note what differs in the values of all results."""
        rest = iter(values)
        for case, results in zip(self.cases, self.results, strict=True):
            found = [next(rest) for _ in results]
            for value, tensor in zip(found, results, strict=True):
                if str(value.dtype) != tensor.dtype.name:
                    self.problems.append(f"{case.label}: {value.dtype}, declared {tensor.dtype}")
            self.problems += case.check(found, how)

    @property
    def tensors(self) -> list[graphc.Tensor]:
        return [tensor for results in self.results for tensor in results]


def problems_of(cases: Sequence[SweepCase]) -> Iterator[str]:
    """What is wrong, in words: nothing should be."""
    for start in range(0, len(cases), _TOGETHER):
        graph = graphc.Graph()
        with graph.as_default(), graphc.Session(graph=graph) as session:
            built = Built(cases[start : start + _TOGETHER])
            if built.cases:
                built.compare(values_of(built.tensors, built.feeds), "by the references")
                built.compare(session.run(built.tensors, built.feeds), "compiled")
        yield from built.problems

"""Running many cases at once: in one compiled program, and by the NumPy references of the ops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import graphc
from graphc.errors import ShapeError
from tests.ops.evaluation import values_of
from tests.ops.sweep.case import SweepCase

_TOGETHER = 400  # cases in one program: fewer pay for more dispatches, more for longer compilation


class Built:
    """Cases as tensors of one graph, fed through placeholders that cases share.

    Args:
        cases: what to build.
        symbolic: whether the sizes of placeholders are unknown. Then a function may refuse.
    """

    def __init__(self, cases: Sequence[SweepCase], symbolic: bool = False) -> None:
        self.feeds: dict[graphc.Tensor, Any] = {}
        self.cases: list[SweepCase] = []
        self.results: list[list[graphc.Tensor]] = []
        self.problems: list[str] = []
        holders: dict[int, graphc.Tensor] = {}
        for case in cases:
            for array in case.arrays:
                if id(array) not in holders:
                    shape = [None] * array.ndim if symbolic else array.shape
                    holder = graphc.placeholder(str(array.dtype), shape)
                    holders[id(array)], self.feeds[holder] = holder, array
            try:
                made = case.function(*[holders[id(array)] for array in case.arrays])
            except Exception as problem:
                if not (symbolic and isinstance(problem, ShapeError)):
                    self.problems.append(f"{case.label}: {type(problem).__name__}: {problem}")
                continue
            listed = list(made) if isinstance(made, (list, tuple)) else [made]
            self.cases.append(case)
            self.results.append([graphc.ops.copy(each) for each in listed])

    def evaluate(self) -> list[Any]:
        """The values of all results, by the NumPy references of the ops."""
        return values_of(self.tensors, self.feeds)

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
                built.compare(built.evaluate(), "by the references")
                built.compare(session.run(built.tensors, built.feeds), "compiled")
        yield from built.problems


def takes_any_size(case: SweepCase) -> bool:
    """Whether sizes may be unknown: they are never taken to be 1, so nothing is broadcast."""
    one_shape = len({array.shape for array in case.arrays}) == 1
    if "split" in case.label and "9]" in case.label:
        return False  # bounds outside are cut where the size is known, and refused by a run else
    return one_shape and not any(1 in array.shape for array in case.arrays)


def problems_of_unknown_sizes(cases: Sequence[SweepCase]) -> tuple[list[str], int]:
    """What is wrong where sizes are known only when fed, and how many cases could be built."""
    problems: list[str] = []
    count = 0
    for case in cases:
        with graphc.Graph().as_default():
            built = Built([case], symbolic=True)
            if built.cases:
                built.compare(built.evaluate(), "with unknown sizes")
        problems += built.problems
        count += len(built.cases)
    return problems, count

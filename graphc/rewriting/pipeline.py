"""Pipelines: named stages of passes, as a value that is read, printed and changed by copying.

    pipeline.without("common_subexpressions").before("algebra", MyPass())

Places are named, never numbered: a pass by its own name, in every stage that runs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.op import Trait
from graphc.ir.origin import capture_origin
from graphc.rewriting.fingerprint import fingerprint
from graphc.rewriting.graph_pass import GraphPass


@dataclass(frozen=True)
class Stage:
    """A named step of a pipeline.

    Attributes:
        name: what dumps and `compile_until` call the graph after it.
        passes: what runs, in order.
        fixpoint: whether the passes are repeated until none changes anything. Neighbouring rule
            passes then run as one.
        forbidden: ops, by name or by trait, that may not exist after it, regions included.
    """

    name: str
    passes: tuple[GraphPass, ...] = ()
    fixpoint: bool = False
    forbidden: frozenset[str | Trait] = frozenset()


@dataclass(frozen=True)
class Pipeline:
    """Stages in order.

    Attributes:
        stages: the stages.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        names = self.stage_names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise GraphcError("two stages of a pipeline have one name", given=", ".join(twice))

    @property
    def stage_names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.stages)

    @property
    def passes(self) -> tuple[GraphPass, ...]:
        """Every pass in the order in which it runs."""
        return tuple(each for stage in self.stages for each in stage.passes)

    @property
    def pass_names(self) -> tuple[str, ...]:
        """The names of the passes, each once, in the order in which they first run."""
        return tuple(dict.fromkeys(each.name for each in self.passes))

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            GraphcError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise GraphcError(
            f"the pipeline has no stage {name!r}",
            expected="one of " + ", ".join(self.stage_names),
            fix=did_you_mean(name, self.stage_names),
        )

    def without(self, *names: str) -> Pipeline:
        """The pipeline without some passes, in every stage.

        Raises:
            GraphcError: it has no pass of such a name, or nothing could be lowered without it.
        """
        for name in names:
            if any(each.required for each in self._find(name)):
                raise GraphcError(
                    f"the pass {name!r} cannot be left out",
                    fix="what it removes cannot be lowered; stop before it with a stage's name",
                    origin=capture_origin(),
                )
        return self._keeping(lambda each: each.name not in names)

    def only(self, *names: str) -> Pipeline:
        """The pipeline with those passes and the required ones alone.

        Raises:
            GraphcError: it has no pass of such a name.
        """
        for name in names:
            self._find(name)
        return self._keeping(lambda each: each.required or each.name in names)

    def before(self, name: str, *added: GraphPass) -> Pipeline:
        """The pipeline with passes put before a pass, wherever it runs, or at a stage's beginning.

        Raises:
            GraphcError: it has neither pass nor stage of that name.
        """
        return self._insert(name, added, after=False)

    def after(self, name: str, *added: GraphPass) -> Pipeline:
        """The pipeline with passes put after a pass, wherever it runs, or at a stage's end.

        Raises:
            GraphcError: it has neither pass nor stage of that name.
        """
        return self._insert(name, added, after=True)

    def replacing(self, name: str, *instead: GraphPass) -> Pipeline:
        """The pipeline with passes in place of one, wherever that runs: one with other options.

        Raises:
            GraphcError: it has no pass of that name.
        """
        self._find(name)
        return self._map(lambda each: instead if each.name == name else (each,))

    def with_stage(self, stage: Stage) -> Pipeline:
        """The pipeline with another stage of the same name.

        Raises:
            GraphcError: it has no stage of that name.
        """
        self.stage(stage.name)
        return Pipeline(tuple(stage if s.name == stage.name else s for s in self.stages))

    def _find(self, name: str) -> list[GraphPass]:
        found = [each for each in self.passes if each.name == name]
        if not found:
            raise self._unknown(name, self.pass_names)
        return found

    def _unknown(self, name: str, known: Sequence[str]) -> GraphcError:
        return GraphcError(
            f"the pipeline has no pass {name!r}",
            expected="one of " + ", ".join(self.pass_names),
            fix=did_you_mean(name, known),
            origin=capture_origin(),
        )

    def _map(self, function: Callable[[GraphPass], tuple[GraphPass, ...]]) -> Pipeline:
        return Pipeline(
            tuple(
                replace(stage, passes=tuple(new for each in stage.passes for new in function(each)))
                for stage in self.stages
            )
        )

    def _keeping(self, wanted: Callable[[GraphPass], bool]) -> Pipeline:
        return self._map(lambda each: (each,) if wanted(each) else ())

    def _insert(self, name: str, added: tuple[GraphPass, ...], *, after: bool) -> Pipeline:
        if name in self.pass_names:
            if after:
                return self._map(lambda each: (each, *added) if each.name == name else (each,))
            return self._map(lambda each: (*added, each) if each.name == name else (each,))
        if name not in self.stage_names:
            raise self._unknown(name, (*self.pass_names, *self.stage_names))
        stage = self.stage(name)
        passes = (*stage.passes, *added) if after else (*added, *stage.passes)
        return self.with_stage(replace(stage, passes=passes))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over stages, passes, options and rules: a part of every cache key."""
        return hashlib.sha256(fingerprint(self).encode()).hexdigest()

    def __str__(self) -> str:
        """A table: stages, how they run, their passes with options that differ from the default."""
        rows = [("stage", "runs", "passes")]
        for stage in self.stages:
            runs = "to a fixpoint" if stage.fixpoint else "once"
            passes = ", ".join(map(_label, stage.passes))
            rows.append((stage.name, runs if stage.passes else "", passes))
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name:{widths[0]}}  {runs:{widths[1]}}  {passes}".rstrip()
            for name, runs, passes in rows
        )


def _label(each: GraphPass) -> str:
    """A pass's name, with its options unless all are at their default."""
    options = each.options()
    shown = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"{each.name}({shown})" if shown else each.name

"""Rewrite rules, sets of them, and sets as passes.

A rule is a named thing: a pattern, a check that returns a reason when it refuses, a rewrite, and
what it does to numbers:

* `exact`: every bit stays, for every input;
* `reassociates`: equal in real arithmetic, rounded differently;
* `stabilises`: equal in real arithmetic, and finite or closer to it where the original is not.

Plain algebra is written as a function whose parameters are the variables and whose body gives both
sides; whatever needs to look at shapes or attributes is a rule with a Python rewrite:

    rules = RuleCollector("algebra")

    @rules.equation("exact")
    def double_negation(x: Tensor) -> Equation:
        return -(-x), x

    @rules.rewrite("exact", op("reshape", op("reshape", x)))
    def reshape_of_reshape(match: Match) -> Value:
        return match.build.reshape(match["x"], shape=match.type.shape)

    Algebra = RulePass(rules.rule_set())
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.rewriting.match import Match
from graphc.rewriting.terms import Captured, Number, Operation, Tensor, Term, TermLike, as_term

Numerics = Literal["exact", "reassociates", "stabilises"]
NUMERICS: Final[tuple[Numerics, ...]] = typing.get_args(Numerics)
NOT_NEEDED: Final = ""
"""The reason of a refusal that nobody has to hear of: the match is in normal form already."""
Check: TypeAlias = Callable[[Match], str | None]
Rewrite: TypeAlias = Callable[[Match], Value | Sequence[Value]]
Equation: TypeAlias = tuple[Operation, TermLike]


@dataclass(frozen=True, eq=False)
class RewriteRule:
    """One rewrite.

    Attributes:
        name: what reports, traces and origins call it.
        pattern: what it looks for; several terms that name the same variables are alternatives.
        rewrite: gives the value that stands for the match, or one per result of its root. It may
            make nodes with `match.build`; it must not use the value that it replaces.
        numerics: what it does to numbers.
        check: gives a reason to leave a match alone, or None. Reports show the reason, unless it is
            `NOT_NEEDED`.
        doc: one line for reports.
    """

    name: str
    pattern: Operation | tuple[Operation, ...]
    rewrite: Rewrite
    numerics: Numerics
    check: Check | None = None
    doc: str = ""

    @property
    def patterns(self) -> tuple[Operation, ...]:
        return self.pattern if isinstance(self.pattern, tuple) else (self.pattern,)

    def __str__(self) -> str:
        return f"{self.name}: {' | '.join(map(str, self.patterns))} ({self.numerics})"


@dataclass(frozen=True)
class RuleSet:
    """Rules that belong together. The order of rules is their priority at one node.

    Attributes:
        name: the name of the pass that they make.
        rules: the rules.
    """

    name: str
    rules: tuple[RewriteRule, ...]

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise GraphcError(f"{self.name}: two rules have one name", given=", ".join(twice))

    def __iter__(self) -> Iterator[RewriteRule]:
        return iter(self.rules)

    def __getitem__(self, name: str) -> RewriteRule:
        """The rule of that name.

        Raises:
            GraphcError: there is none.
        """
        for rule in self.rules:
            if rule.name == name:
                return rule
        known = [rule.name for rule in self.rules]
        raise GraphcError(f"{self.name} has no rule named {name!r}", fix=did_you_mean(name, known))

    def without(self, *names: str) -> RuleSet:
        """The set without some rules.

        Raises:
            GraphcError: it does not have one of them.
        """
        dropped = [self[name] for name in names]
        return RuleSet(self.name, tuple(rule for rule in self.rules if rule not in dropped))

    def keeping(self, *numerics: Numerics) -> RuleSet:
        """The rules that do to numbers one of the things named."""
        return RuleSet(self.name, tuple(rule for rule in self.rules if rule.numerics in numerics))


@dataclass
class RuleCollector:
    """Gathers the rules of a module by decorators.

    Attributes:
        name: the name of the set.
        rules: those gathered so far.
    """

    name: str
    rules: list[RewriteRule] = field(default_factory=list[RewriteRule])

    def rule_set(self) -> RuleSet:
        """The rules gathered so far, as a set."""
        return RuleSet(self.name, tuple(self.rules))

    def equation(
        self, numerics: Numerics, check: Check | None = None
    ) -> Callable[[Callable[..., Equation]], RewriteRule]:
        """A rule whose parameters are its variables and whose body gives both sides.

        Parameters are annotated `Tensor` (any value), `Constant`, `Splat` (a constant of one
        number) or `Captured` (an attribute).
        """

        def decorate(function: Callable[..., Equation]) -> RewriteRule:
            before, after = function(*_variables_of(function))
            name, doc = function.__name__, _first_line(function)
            return self.add(name, doc, (before,), after, numerics, check)

        return decorate

    def rewrite(
        self, numerics: Numerics, *patterns: Operation, check: Check | None = None
    ) -> Callable[[Rewrite], RewriteRule]:
        """A rule whose body makes the new nodes."""

        def decorate(function: Rewrite) -> RewriteRule:
            doc = _first_line(function)
            rule = RewriteRule(function.__name__, patterns, function, numerics, check, doc)
            self.rules.append(rule)
            return rule

        return decorate

    def add(
        self,
        name: str,
        doc: str,
        before: Sequence[Operation],
        after: TermLike,
        numerics: Numerics,
        check: Check | None = None,
    ) -> RewriteRule:
        """A rule from terms: the spellings of its left side, and its right side."""
        term = as_term(after)
        rule = RewriteRule(
            name, tuple(before), lambda match: construct(term, match), numerics, check, doc
        )
        self.rules.append(rule)
        return rule


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _variables_of(function: Callable[..., Any]) -> list[Term | Captured]:
    """A variable for each parameter, of the class that annotates it.

    Raises:
        TypeError: an annotation is none of those classes.
    """
    kinds = typing.get_type_hints(function)
    made: list[Term | Captured] = []
    for name in inspect.signature(function).parameters:
        kind = kinds.get(name)
        if not (isinstance(kind, type) and issubclass(kind, (Tensor, Captured))):
            raise TypeError(
                f"{function.__name__}: annotate {name} as Tensor, Constant, Splat or Captured"
            )
        made.append(kind(name))
    return made


def construct(term: Term, match: Match) -> Value:
    """Build a right-hand term out of what was matched."""
    return _construct(term, match, match.type)


def _construct(term: Term, match: Match, type_: TensorType) -> Value:
    if isinstance(term, Number):
        return match.build.full(term.number, type_.dtype, type_.shape)
    if isinstance(term, Tensor):
        return match[term.name]
    assert isinstance(term, Operation)
    assert term.operands is not None, f"{term}: `...` on the right side of a rule"
    made = [None if isinstance(x, Number) else _construct(x, match, type_) for x in term.operands]
    # A number takes the type of its last neighbour: the branch of a `select`, not its predicate.
    neighbour = next((value.type for value in reversed(made) if value is not None), type_)
    operands = [
        _construct(x, match, neighbour) if value is None else value
        for x, value in zip(term.operands, made, strict=True)
    ]
    computed = _compute(term, operands, match)
    if computed is not None:
        return computed
    attributes = {name: _resolve(value, match) for name, value in term.attributes.items()}
    results: Value | Sequence[Value] = getattr(match.build, term.op_name)(*operands, **attributes)
    return results if isinstance(results, Value) else results[term.result]


_OF_CONSTANTS: Final[dict[str, Callable[..., Any]]] = {
    "negate": np.negative,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


def _compute(term: Operation, operands: Sequence[Value], match: Match) -> Value | None:
    """Arithmetic of constants, done at once: `x + -c` must not be taken for a sum with `-c`."""
    function = _OF_CONSTANTS.get(term.op_name)
    scalars = [match.scope.splat(operand) for operand in operands]
    if function is None or (term.op_name == "divide" and operands[0].type.dtype.is_integer):
        return None
    known = [splat.scalar for splat in scalars if splat is not None]
    if len(known) < len(scalars):
        return None
    with np.errstate(all="ignore"):
        return match.full(function(*known), like=operands[0])


def _resolve(attribute: Any, match: Match) -> Any:
    if isinstance(attribute, Captured):
        return match.attribute(attribute.name)
    return attribute(match) if callable(attribute) else attribute

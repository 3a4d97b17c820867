"""Terms: the expressions that rewrite rules are written in.

One language for both sides of a rule. On the left a term is matched against a graph
(`graphc.rewriting.pattern`), on the right the same term is built from what was matched.

    x, y = variables("x", "y")
    x * 1                                  # operators make the ops of those names
    op("log", op("softmax", x, axis=attribute("axis")))
    op.log(op.softmax(x, axis=attribute("axis")))        # the same

A plain number on the left matches any constant all of whose elements are that number; 0.0 and -0.0
are two numbers. On the right it becomes a constant of its neighbour's type. Attributes that a
left-hand term does not mention may have any value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any, Final, TypeAlias

PlainNumber: TypeAlias = bool | int | float | complex


class Term:
    """An expression over variables, numbers and ops."""

    def __add__(self, other: TermLike) -> Operation:
        return op("add", self, other)

    def __radd__(self, other: TermLike) -> Operation:
        return op("add", other, self)

    def __sub__(self, other: TermLike) -> Operation:
        return op("subtract", self, other)

    def __rsub__(self, other: TermLike) -> Operation:
        return op("subtract", other, self)

    def __mul__(self, other: TermLike) -> Operation:
        return op("multiply", self, other)

    def __rmul__(self, other: TermLike) -> Operation:
        return op("multiply", other, self)

    def __truediv__(self, other: TermLike) -> Operation:
        return op("divide", self, other)

    def __rtruediv__(self, other: TermLike) -> Operation:
        return op("divide", other, self)

    def __pow__(self, other: TermLike) -> Operation:
        return op("power", self, other)

    def __and__(self, other: TermLike) -> Operation:
        return op("and", self, other)

    def __or__(self, other: TermLike) -> Operation:
        return op("or", self, other)

    def __xor__(self, other: TermLike) -> Operation:
        return op("xor", self, other)

    def __neg__(self) -> Operation:
        return op("negate", self)

    def __invert__(self) -> Operation:
        return op("not", self)


TermLike: TypeAlias = Term | PlainNumber


@dataclass(frozen=True, eq=False)
class Tensor(Term):
    """A variable: any value; the same value wherever the variable stands again."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Constant(Tensor):
    """A variable that stands for constants only, those that are known by their hash left out."""


@dataclass(frozen=True, eq=False)
class Splat(Tensor):
    """A variable that stands for constants with one number at every position only.

    Broadcasts, reshapes and conversions of such a constant count as well.
    """


@dataclass(frozen=True, eq=False)
class Known(Tensor):
    """A variable that stands for whatever a `Constant` or a `Splat` stands for."""


@dataclass(frozen=True, eq=False)
class Number(Term):
    """A constant with this number at every position."""

    number: PlainNumber

    def __str__(self) -> str:
        return repr(self.number)


@dataclass(frozen=True, eq=False)
class Captured:
    """An attribute of any value that the rule gives a name.

    Attributes:
        name: the rule's name for it; the same name twice demands equal values.
        accepts: the values it may have; None for all. Says no silently: a reason that a user should
            read belongs into the rule's check.
    """

    name: str
    accepts: Callable[[Any], bool] | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Operation(Term):
    """An op applied to terms.

    Attributes:
        op_name: the op.
        operands: its operands, or None for any number of any values.
        attributes: values to demand, or `Captured`; on the right also functions of the match.
        bound_as: the rule's name for the result, so that check and rewrite can look at it.
        is_used_once: whether nothing but the node above may use the result.
        result: which result of the op is meant.
        keeps_order: whether operands stand as written even where they may change places.
    """

    op_name: str
    operands: tuple[Term, ...] | None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    bound_as: str | None = None
    is_used_once: bool = False
    result: int = 0
    keeps_order: bool = False

    def in_order(self) -> Operation:
        """The same term for operands in the written order only."""
        return replace(self, keeps_order=True)

    def named(self, name: str) -> Operation:
        """The same term with a name for its result."""
        return replace(self, bound_as=name)

    def used_once(self) -> Operation:
        """The same term for results that only the node above uses."""
        return replace(self, is_used_once=True)

    def __str__(self) -> str:
        texts = ["..."] if self.operands is None else [str(operand) for operand in self.operands]
        texts += [f"{name}={_attribute_text(value)}" for name, value in self.attributes.items()]
        text = f"{self.op_name}({', '.join(texts)})"
        if self.bound_as:
            text = f"{self.bound_as}: {text}"
        if self.keeps_order:
            text = f"in_order({text})"
        return f"once({text})" if self.is_used_once else text


def _attribute_text(value: Any) -> str:
    if callable(value) and not isinstance(value, Captured):
        return getattr(value, "__name__", "function")
    return str(value)


def as_term(given: TermLike) -> Term:
    """A term; a plain number becomes a `Number`.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(given, Term):
        return given
    # Rules are written by people: what the annotation rules out happens all the same.
    if not isinstance(given, (bool, int, float, complex)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"given {given!r}, expected a term of a rewrite rule or a number")
    return Number(given)


class _Operations:
    """`op("log", x)` and `op.log(x)`; the operand `...` stands for any operands."""

    def __call__(
        self, op_name: str, /, *operands: TermLike | EllipsisType, **attributes: Any
    ) -> Operation:
        if any(isinstance(operand, EllipsisType) for operand in operands):
            if len(operands) != 1:
                raise TypeError(f"{op_name}: `...` stands alone, for all operands")
            return Operation(op_name, None, attributes)
        terms = [as_term(x) for x in operands if not isinstance(x, EllipsisType)]
        return Operation(op_name, tuple(terms), attributes)

    def __getattr__(self, op_name: str) -> Callable[..., Operation]:
        if op_name.startswith("__"):
            raise AttributeError(op_name)

        def call(*operands: TermLike | EllipsisType, **attributes: Any) -> Operation:
            return self(op_name, *operands, **attributes)

        return call


op: Final = _Operations()


def variables(*names: str) -> Sequence[Tensor]:
    """Variables that stand for any value: `x, y = variables("x", "y")`."""
    return tuple(Tensor(name) for name in names)


def splats(*names: str) -> Sequence[Splat]:
    """Variables that stand for constants of one number."""
    return tuple(Splat(name) for name in names)


def constants(*names: str) -> Sequence[Constant]:
    """Variables that stand for constants."""
    return tuple(Constant(name) for name in names)


def attribute(name: str, accepts: Callable[[Any], bool] | None = None) -> Captured:
    """An attribute to capture; with `accepts`, only where that says yes."""
    return Captured(name, accepts)

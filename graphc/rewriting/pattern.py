"""Patterns: terms compiled to closures that match a node, and what they found.

A pattern is compiled once into a chain of small functions over a list of registers, one register
for each part of the term. An op whose operands may change places tries both orders and lets the
rest of the chain decide, so `x*y + x*z` is found in all eight spellings. Bound variables are
registers too: nothing has to be undone when an attempt fails.

Ops with the trait BARRIER (`input`, `tap`, `optimization_barrier`) cannot stand in a pattern:
nothing is matched through them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphc.errors import GraphcError
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from graphc.ir.registry import OpRegistry
from graphc.rewriting.match import MatchScope, OperandMaker, SplatMaker
from graphc.rewriting.splats import EXACT_EVERYWHERE, is_number
from graphc.rewriting.terms import Captured, Constant, Known, Number, Operation, Splat, Tensor, Term

Registers: TypeAlias = list[Any]
Step: TypeAlias = Callable[[Registers, MatchScope], bool]
Maker: TypeAlias = tuple[OpSpec, int]


def _accept(registers: Registers, scope: MatchScope) -> bool:
    return True


@dataclass(frozen=True)
class Pattern:
    """A compiled term.

    Attributes:
        term: what it was compiled from.
        root: the op of the node that is matched.
        size: how many registers matching takes; the first holds the root's first result.
        names: the register of each variable, named result and captured attribute.
        is_commutative: whether the root's two operands may change places.
        has_equal_operands: whether both operands of the root are one variable.
        depth: how many ops lie on the longest path of the term.
        step: the chain of closures.
    """

    term: Operation
    root: OpSpec
    size: int
    names: Mapping[str, int]
    is_commutative: bool
    has_equal_operands: bool
    depth: int
    step: Step

    def match(self, node: Node, scope: MatchScope) -> Registers | None:
        """The registers of a match at a node of the root's op, or None."""
        registers: Registers = [None] * self.size
        registers[0] = node.outputs[0]
        return registers if self.step(registers, scope) else None

    def may_match(self, makers: Sequence[OperandMaker]) -> bool:
        """Whether a root with operands made by these could match at all."""
        wanted = self.term.operands
        if wanted is None:
            return True
        if len(wanted) != len(makers):
            return False
        if self.has_equal_operands and makers[0] is not makers[1]:
            return False
        return _may_be(wanted, makers) or (self.is_commutative and _may_be(wanted, makers[::-1]))


def _may_be(wanted: Sequence[Term], makers: Sequence[OperandMaker]) -> bool:
    return all(map(_may_be_made, wanted, makers))


def _may_be_made(term: Term, maker: OperandMaker) -> bool:
    """Whether a term may stand for what was made so."""
    op = maker.op if isinstance(maker, SplatMaker) else maker
    if isinstance(term, Operation):
        return op.name == term.op_name
    if isinstance(term, Constant):
        return op.name == "constant"
    if not isinstance(term, (Number, Splat, Known)):
        return True
    if not isinstance(maker, SplatMaker) or not maker.is_splat:
        return isinstance(term, Known) and op.name == "constant"
    if isinstance(term, Number) and term.number in EXACT_EVERYWHERE:
        return maker.number == term.number
    return True


@dataclass
class _Compiler:
    registry: OpRegistry
    term: Operation
    size: int = 1
    names: dict[str, int] = field(default_factory=dict[str, int])
    used_once: list[int] = field(default_factory=list[int])

    def spec(self, op_name: str) -> OpSpec:
        spec = self.registry.find(op_name)
        if spec is None:
            raise GraphcError(
                f"the pattern {self.term} names no op: {op_name!r}",
                fix=self.registry.suggestion(op_name),
            )
        if spec.has(Trait.BARRIER):
            raise GraphcError(
                f"the pattern {self.term} would match through {op_name!r}, which is a barrier",
                fix="write a pass that looks at such nodes itself",
            )
        return spec

    def take(self) -> int:
        self.size += 1
        return self.size - 1

    def steps(self, obligations: Sequence[tuple[int, Term]]) -> Step:
        """The chain that checks each register against its term, the ops before the variables."""
        if not obligations:
            return _check_used_once(self.used_once) if self.used_once else _accept
        (register, term), *rest = obligations
        if isinstance(term, Operation):
            return self.operation(register, term, rest)
        if isinstance(term, Number):
            return _check_number(register, term.number, self.steps(rest))
        assert isinstance(term, Tensor)
        known = self.names.setdefault(term.name, register)
        following = self.steps(rest)
        if isinstance(term, Splat):
            following = _check_splat(register, following)
        elif isinstance(term, (Constant, Known)):
            following = _check_constant(register, isinstance(term, Known), following)
        return following if known == register else _check_same(register, known, following)

    def operation(self, register: int, term: Operation, rest: Sequence[tuple[int, Term]]) -> Step:
        spec = self.spec(term.op_name)
        if term.bound_as is not None:
            self.names[term.bound_as] = register
        if term.is_used_once:
            self.used_once.append(register)
        operands: list[tuple[int, Term]] = []
        if term.operands is not None:
            if spec.arity is not None and spec.arity != len(term.operands):
                raise GraphcError(
                    f"the pattern {self.term} gives {term.op_name} {len(term.operands)} operands",
                    expected=f"{spec.arity}, or ...",
                )
            operands = [(self.take(), operand) for operand in term.operands]
        attributes = [(name, *self.attribute(spec, name, v)) for name, v in term.attributes.items()]
        # Ops first: they fail sooner than variables, and a number costs a look at a constant.
        following = self.steps([*rest, *sorted(operands, key=_rank)])
        for name, target, wanted in reversed(attributes):
            if target is None:
                following = _check_attribute(register, name, wanted, following)
            else:
                following = _capture_attribute(register, name, target, wanted, following)
        if term.operands is not None:
            swaps = spec.has(Trait.COMMUTATIVE) and not term.keeps_order
            wanted = [(place, self.maker(operand)) for place, operand in operands]
            following = _load(register, wanted, swaps, following)
        return following

    def maker(self, term: Term) -> Maker | None:
        """The op that makes an operand, and as which of its results; None for any."""
        if not isinstance(term, Operation):
            return None
        return self.spec(term.op_name), term.result

    def attribute(self, spec: OpSpec, name: str, wanted: Any) -> tuple[int | None, Any]:
        declared = spec.attributes.fields.get(name)
        if declared is None:
            raise GraphcError(f"the pattern {self.term}: {spec.name} has no attribute {name!r}")
        if not isinstance(wanted, Captured):
            return None, declared.kind.normalise(wanted)
        if wanted.name not in self.names:
            self.names[wanted.name] = self.take()
            return self.names[wanted.name], (wanted.accepts, True)
        return self.names[wanted.name], (wanted.accepts, False)


def _rank(obligation: tuple[int, Term]) -> int:
    term = obligation[1]
    return 0 if isinstance(term, Operation) else 1 if isinstance(term, Number) else 2


def _check_number(register: int, number: Any, following: Step) -> Step:
    def step(registers: Registers, scope: MatchScope) -> bool:
        splat = scope.splat(registers[register])
        return splat is not None and is_number(splat, number) and following(registers, scope)

    return step


def _check_splat(register: int, following: Step) -> Step:
    def step(registers: Registers, scope: MatchScope) -> bool:
        return scope.splat(registers[register]) is not None and following(registers, scope)

    return step


def _check_constant(register: int, or_splat: bool, following: Step) -> Step:
    def step(registers: Registers, scope: MatchScope) -> bool:
        node = registers[register].node
        if node.op.name == "constant":
            is_known = not node.attributes["value"].is_detached
        else:
            is_known = or_splat and scope.splat(registers[register]) is not None
        return is_known and following(registers, scope)

    return step


def _check_same(register: int, known: int, following: Step) -> Step:
    def step(registers: Registers, scope: MatchScope) -> bool:
        return registers[register] is registers[known] and following(registers, scope)

    return step


def _check_used_once(places: Sequence[int]) -> Step:
    """Comes last: the first look at uses costs a walk over the whole graph."""

    def step(registers: Registers, scope: MatchScope) -> bool:
        return all(scope.editor.has_one_use(registers[place]) for place in places)

    return step


def _is_made_by(value: Value, maker: Maker | None) -> bool:
    return maker is None or (value.node.op is maker[0] and value.index == maker[1])


def _load(
    register: int, wanted: Sequence[tuple[int, Maker | None]], swaps: bool, following: Step
) -> Step:
    """Puts the operands of a node into registers, if the wanted ops made them.

    Where operands may change places, it tries both.
    """
    if len(wanted) == 1:
        only, maker = wanted[0]

        def load_one(registers: Registers, scope: MatchScope) -> bool:
            registers[only] = operand = scope.operands(registers[register].node)[0]
            return _is_made_by(operand, maker) and following(registers, scope)

        return load_one

    if len(wanted) != 2:

        def load_all(registers: Registers, scope: MatchScope) -> bool:
            operands = scope.operands(registers[register].node)
            if len(operands) != len(wanted):
                return False
            for (place, maker), operand in zip(wanted, operands, strict=True):
                if not _is_made_by(operand, maker):
                    return False
                registers[place] = operand
            return following(registers, scope)

        return load_all
    (left, left_maker), (right, right_maker) = wanted

    def load_two(registers: Registers, scope: MatchScope) -> bool:
        operands = scope.operands(registers[register].node)
        if len(operands) != 2:
            return False
        first, second = operands
        if _is_made_by(first, left_maker) and _is_made_by(second, right_maker):
            registers[left], registers[right] = first, second
            if following(registers, scope):
                return True
        if swaps and _is_made_by(second, left_maker) and _is_made_by(first, right_maker):
            registers[left], registers[right] = second, first
            return following(registers, scope)
        return False

    return load_two


def _check_attribute(register: int, name: str, wanted: Any, following: Step) -> Step:
    def step(registers: Registers, scope: MatchScope) -> bool:
        value = registers[register].node.attributes[name]
        return value == wanted and following(registers, scope)

    return step


def _capture_attribute(
    register: int, name: str, target: int, how: tuple[Any, bool], following: Step
) -> Step:
    accepts, is_first = how

    def step(registers: Registers, scope: MatchScope) -> bool:
        value = registers[register].node.attributes[name]
        if not is_first and value != registers[target]:
            return False
        registers[target] = value
        return (accepts is None or accepts(value)) and following(registers, scope)

    return step


def compile_pattern(term: Operation, registry: OpRegistry) -> Pattern:
    """Compile a term for matching.

    Raises:
        GraphcError: it names an op that does not exist or is a barrier, or operands or attributes
            that the op does not have.
    """
    compiler = _Compiler(registry, term)
    step = compiler.steps([(0, term)])
    spec = compiler.spec(term.op_name)
    operands = term.operands
    return Pattern(
        term=term,
        root=spec,
        size=compiler.size,
        names=compiler.names,
        is_commutative=spec.has(Trait.COMMUTATIVE) and not term.keeps_order,
        has_equal_operands=_is_one_variable_twice(operands or ()),
        depth=_depth(term),
        step=step,
    )


def _is_one_variable_twice(operands: Sequence[Term]) -> bool:
    names = [operand.name for operand in operands if isinstance(operand, Tensor)]
    return len(operands) == 2 and len(names) == 2 and names[0] == names[1]


def _depth(term: Term) -> int:
    if not isinstance(term, Operation):
        return 0
    return 1 + max((_depth(operand) for operand in term.operands or ()), default=0)

"""The left side of a rule, written down: each rule of the pipeline gets something to fire on.

A pattern is a term over variables; variables become values that there are, constants numbers, and
attributes that the pattern leaves open are drawn. New rules are tried without a word here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.dtypes import BOOL, C128, F64, I32, DType
from graphc.errors import GraphcError
from graphc.ir.node import Value
from graphc.ir.op import Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RewriteRule
from graphc.rewriting.terms import Captured, Constant, Known, Number, Operation, Splat, Tensor, Term
from passes.pipelines import CLEAN_UP
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.movement_recipes import MOVES
from tests.pipeline.recipe_book import recipe

RULES: Final[dict[str, Sequence[RewriteRule]]] = {
    each.name: each.rules.rules for each in CLEAN_UP if isinstance(each, RulePass)
}
_NUMBERS: Final = (1, 2, 0, -1, 3, 0.5, -0.0, 0.25, -2)


@recipe
def left_side(s: Sketch, c: Choices) -> Value:
    """A match of a random rule, which its check may refuse all the same."""
    rules = RULES[c.of(list(RULES))]
    rule = rules[(c.below(100) * 97 + c.below(100)) % len(rules)]
    pattern = c.of(rule.patterns)
    return write_left_side(s, c, pattern)


def write_left_side(s: Sketch, c: Choices, pattern: Operation) -> Value:
    """Nodes that a pattern matches.

    Raises:
        NotApplicableError: they could not be made of what there is.
    """
    dtypes = (F64, I32, BOOL, s.narrow, C128)
    first = c.below(len(dtypes))
    for attempt in range(len(dtypes)):
        dtype = dtypes[(first + attempt) % len(dtypes)]
        try:
            return _Writer(s, c, dtype).write(pattern, None)
        except (GraphcError, NotApplicableError):
            continue
    raise NotApplicableError


class _Writer:
    """Writes one pattern.

    Attributes:
        variables: what variables stand for.
        attributes: what captured attributes are.
    """

    def __init__(self, sketch: Sketch, choices: Choices, dtype: DType) -> None:
        self.sketch = sketch
        self.choices = choices
        self.dtype = dtype
        self.variables: dict[str, Value] = {}
        self.attributes: dict[str, Any] = {}

    def write(self, term: Term, type_: TensorType | None) -> Value:
        """A value that a term matches; of a type, where one is asked for."""
        if isinstance(term, Operation):
            made = self.operation(term, type_)
        elif isinstance(term, Number):
            made = self.constant(term.number, type_)
        elif isinstance(term, Tensor) and term.name in self.variables:
            made = self.variables[term.name]
        else:
            assert isinstance(term, Tensor)
            made = self.variables[term.name] = self.variable(term, type_)
        if type_ is not None and made.type is not type_:
            raise NotApplicableError
        return made

    def variable(self, term: Tensor, type_: TensorType | None) -> Value:
        if isinstance(term, Splat) or (isinstance(term, Known) and self.choices.chance(2)):
            return self.constant(self.choices.of(_NUMBERS), type_)
        if isinstance(term, Constant | Known):
            return self.array(type_)
        dtype = self.dtype if type_ is None else type_.dtype
        if dtype.is_complex:
            real = self.sketch.pick(self.choices, "float", lambda x: x.type.dtype is F64)
            real = real if type_ is None else fit(self.sketch, real, type_.with_dtype(F64))
            real = self.sketch.bounded(real)
            return self.sketch.exponential(self.sketch.complex(real, self.sketch.sine(real)))
        if type_ is None:
            found = self.sketch.pick(self.choices, "any", lambda x: x.type.dtype is dtype)
        else:
            found = fit(self.sketch, self.sketch.pick(self.choices, "any"), type_)
        # Between 0 and 1 much is defined that is not elsewhere.
        return self.sketch.logistic(found) if dtype is F64 and self.choices.chance(3) else found

    def like(self, type_: TensorType | None) -> TensorType:
        """The type that was asked for, or that of some value."""
        if type_ is not None:
            return type_
        found = self.sketch.pick(self.choices, "any")
        return found.type.with_dtype(self.dtype)

    def constant(self, number: Any, type_: TensorType | None) -> Value:
        type_ = self.like(type_)
        dtype = type_.dtype
        if not dtype.is_floating and (number != number or abs(number) == float("inf")):
            raise NotApplicableError
        if dtype.is_integer and number != int(number):
            raise NotApplicableError
        if self.choices.chance(3) and type_.is_static:
            return self.sketch.array(np.full(type_.shape, number).astype(dtype.numpy))
        return self.sketch.full(number, dtype, type_.shape)

    def array(self, type_: TensorType | None) -> Value:
        type_ = self.like(type_)
        if not type_.is_static:
            raise NotApplicableError
        shape: Any = type_.shape
        count = int(np.prod(shape))
        numbers = np.rint(np.cos(np.arange(count) * 1.7 + self.choices.below(5)) * 128) / 64
        return self.sketch.array(numbers.reshape(shape).astype(type_.dtype.numpy))

    # -- operations ------------------------------------------------------------------------------

    def operation(self, term: Operation, type_: TensorType | None) -> Value:
        if term.operands is None:
            raise NotApplicableError
        if term.op_name == "constant":
            return self.sketch.array(np.ones((2, 3), self.dtype.numpy))
        spec = REGISTRY[term.op_name]
        if spec.has(Trait.ELEMENTWISE):
            operands = self.elementwise_operands(term, type_)
        elif type_ is not None and term.op_name in ("broadcast_in_dim", "reshape"):
            return self.moved_to(term, type_)
        else:
            operands = [self.write(term.operands[0], None)]
            scalar = operands[0].type.with_shape(())
            others = [scalar if term.op_name == "pad" else None for _ in term.operands[1:]]
            operands += [
                self.write(operand, other)
                for operand, other in zip(term.operands[1:], others, strict=True)
            ]
        return self.make(term, operands, self.chosen(term.op_name, operands, type_))

    def make(self, term: Operation, operands: Sequence[Value], chosen: dict[str, Any]) -> Value:
        """The op, with attributes that the pattern demands or gives a name."""
        given = dict(chosen)
        for name, wanted in term.attributes.items():
            if not isinstance(wanted, Captured):
                given[name] = wanted
            elif wanted.name in self.attributes:
                given[name] = self.attributes[wanted.name]
        made = getattr(self.sketch, f"{term.op_name}_")(*operands, **given)
        for name, wanted in term.attributes.items():
            if isinstance(wanted, Captured):
                value = made.node.attributes[name]
                if wanted.accepts is not None and not wanted.accepts(value):
                    raise NotApplicableError
                self.attributes[wanted.name] = value
        return made

    def elementwise_operands(self, term: Operation, type_: TensorType | None) -> list[Value]:
        """Operands of one type; the first that is no plain number decides where none is given."""
        terms = term.operands or ()
        if term.op_name == "compare" and type_ is not None:
            type_ = type_.with_dtype(F64)
        if term.op_name == "convert" and type_ is not None:
            type_ = type_.with_dtype(self.choices.of((F64, self.sketch.narrow, I32, BOOL)))
        if term.op_name in ("real", "imag", "abs") and self.dtype.is_complex:
            type_ = None if type_ is None else type_.with_dtype(C128)
        if term.op_name == "complex":
            type_ = (type_ or self.like(None)).with_dtype(F64)
        # One predicate or bound may be for all elements, where it is a plain variable.
        alone = {"select": (0,), "clamp": (0, 2)}.get(term.op_name, ())
        is_lone = self.choices.chance(2)
        order = sorted(
            range(len(terms)),
            key=lambda i: (i in alone, isinstance(terms[i], (Number, Splat, Constant))),
        )
        made: dict[int, Value] = {}
        for position in order:
            wanted = type_
            if wanted is not None and position in alone:
                wanted = wanted.with_dtype(BOOL) if term.op_name == "select" else wanted
                if is_lone and type(terms[position]) is Tensor:
                    wanted = wanted.with_shape(())
            made[position] = self.write(terms[position], wanted)
            type_ = type_ or made[position].type
        return [made[position] for position in range(len(terms))]

    def moved_to(self, term: Operation, type_: TensorType) -> Value:
        """A broadcast or a reshape that gives a type: of what has fewer axes."""
        (operand,) = term.operands or ()
        shape = type_.shape
        reduced = self.attributes.get("axes", ())
        kept = [axis for axis in range(len(shape)) if axis not in reduced]
        if not reduced:
            is_unit = term.op_name == "reshape"
            kept = [a for a in kept if (shape[a] != 1 if is_unit else not self.choices.chance(2))]
        small = type_.with_shape(tuple([shape[axis] for axis in kept]))
        value = self.write(operand, small)
        chosen: dict[str, Any] = {"shape": shape}
        if term.op_name == "broadcast_in_dim":
            chosen["broadcast_dimensions"] = kept
        return self.make(term, [value], chosen)

    def chosen(
        self, name: str, operands: Sequence[Value], type_: TensorType | None
    ) -> dict[str, Any]:
        """Attributes for what a pattern leaves open."""
        c, x = self.choices, operands[0]
        if name in MOVES:
            return MOVES[name](self.sketch, c, x)
        if name == "compare":
            return {"direction": c.of(("LT", "GT", "LE", "GE", "EQ", "NE"))}
        if name == "convert":
            return {"dtype": type_.dtype if type_ else c.of((F64, I32, self.sketch.narrow, BOOL))}
        if name == "reduce_precision":
            return {"exponent_bits": 8, "mantissa_bits": c.of((7, 10))}
        if name.startswith("reduce_") or name == "log_sum_exp":
            axes = [axis for axis in range(x.type.rank) if c.chance(2)]
            return {"axes": axes or list(range(x.type.rank))[-1:]}
        if name in ("softmax", "log_softmax", "dimension_size"):
            return {"axis": c.below(max(x.type.rank, 1))}
        if name == "threshold":
            return {"threshold": c.of((0.25, -1.0)), "value": c.of((0.0, 2.0))}
        if name == "dot_general":
            return _contraction(c, *operands)
        return {}


def _contraction(c: Choices, x: Value, y: Value) -> dict[str, Any]:
    pairs = [
        (left, right)
        for left in range(x.type.rank)
        for right in range(y.type.rank)
        if x.type.shape[left] == y.type.shape[right]
    ]
    if not pairs:
        raise NotApplicableError
    left, right = c.of(pairs)
    return {"lhs_contracting": (left,), "rhs_contracting": (right,)}

"""Intents: nodes that stand for what a later pass writes. Their types are known at once."""

from __future__ import annotations

from graphc.dimensions import Dimension
from graphc.errors import GradientError, ShapeError
from graphc.ir.attributes import (
    INTEGER,
    NUMBERS,
    STRING,
    TRUTH,
    Attribute,
    Schema,
    choice,
)
from graphc.ir.op import NoGradient, NotLowered, OpCall, OpSpec, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType


def _gradient_type(call: OpCall) -> tuple[TensorType, ...]:
    ys, xs = call.attributes["ys"], call.attributes["xs"]
    grad_ys = call.attributes["grad_ys"]
    if len(call.types) != ys + xs + grad_ys + call.attributes["stops"]:
        raise call.error(ShapeError, "the counts of ys, xs, grad_ys and stops do not add up")
    if grad_ys not in (0, ys):
        raise call.error(ShapeError, "needs one grad_y per y, or none")
    for position in range(ys + xs):
        if not call.types[position].dtype.is_inexact:
            what = "y" if position < ys else "x"
            raise call.error(
                GradientError,
                f"{what} is {call.types[position].dtype}; a gradient needs floats or complex "
                "numbers",
                fix="cast it to a float with ops.cast before it is used",
            )
    for y, grad_y in zip(call.types[:ys], call.types[ys + xs : ys + xs + grad_ys], strict=False):
        if grad_y.dtype is not y.dtype or grad_y.rank != y.rank:
            raise call.error(ShapeError, "a grad_y must have the type of its y", y)
        for mine, theirs in zip(y.shape, grad_y.shape, strict=True):
            call.require_equal(mine, theirs, "the sizes of y and grad_y")
    return call.types[ys : ys + xs]


GRADIENT = REGISTRY.register(
    OpSpec(
        name="gradient",
        doc="The gradients of the sum of ys, each times its grad_y, with respect to xs.",
        arity=None,
        attributes=Schema(
            ys=INTEGER,
            xs=INTEGER,
            grad_ys=Attribute(INTEGER, 0),
            stops=Attribute(INTEGER, 0),
            unconnected=Attribute(choice("error", "zero"), "error"),
        ),
        infer=_gradient_type,
        lower=NotLowered("the stage `differentiated` writes gradients out"),
        gradient=NoGradient("inner gradients are written out before outer ones", is_error=True),
        reference=NotLowered("the stage `differentiated` writes gradients out"),
        samples=tuple,
        traits=Trait.INTENT,
    )
)


def _jvp_type(call: OpCall) -> list[TensorType]:
    ys: int = call.attributes["ys"]
    xs: int = call.attributes["xs"]
    if len(call.types) != ys + 2 * xs:
        raise call.error(ShapeError, "the counts of ys, xs and tangents do not add up")
    for position in range(ys + xs):
        if not call.types[position].dtype.is_inexact:
            what = "y" if position < ys else "x"
            raise call.error(
                GradientError,
                f"{what} is {call.types[position].dtype}; a tangent needs floats or complex "
                "numbers",
                fix="cast it to a float with ops.cast before it is used",
            )
    rows: tuple[Dimension, ...] = (
        call.types[ys + xs].shape[:1] if call.attributes["batched"] and xs else ()
    )
    for x, tangent in zip(call.types[ys : ys + xs], call.types[ys + xs :], strict=True):
        shape = (*rows, *x.shape)
        if tangent.dtype is not x.dtype or tangent.rank != len(shape):
            raise call.error(ShapeError, "a tangent must have the type of its x", x)
        for mine, theirs in zip(shape, tangent.shape, strict=True):
            call.require_equal(mine, theirs, "the sizes of x and its tangent")
    return [y.with_shape((*rows, *y.shape)) for y in call.types[:ys]]


JVP = REGISTRY.register(
    OpSpec(
        name="jvp",
        doc="The derivatives of ys when each x moves along its tangent. Operands: ys, xs, "
        "tangents. Batched, the tangents have one more axis in front, and so have the results.",
        arity=None,
        attributes=Schema(ys=INTEGER, xs=INTEGER, batched=Attribute(TRUTH, False)),
        infer=_jvp_type,
        lower=NotLowered("the stage `differentiated` writes tangents out"),
        gradient=NoGradient("inner derivatives are written out before outer ones", is_error=True),
        reference=NotLowered("the stage `differentiated` writes tangents out"),
        samples=tuple,
        traits=Trait.INTENT,
    )
)


def _apply_update_type(call: OpCall) -> tuple[TensorType, ...]:
    # operands: variable, gradient, learning rate, iteration, slots; results: variable, slots
    if len(call.types) < 4:
        raise call.error(
            ShapeError, "takes a variable, its gradient, a learning rate, an iteration, and slots"
        )
    variable, gradient, *_ = call.types
    if gradient is not variable:
        raise call.error(ShapeError, "the gradient must have the type of the variable", variable)
    if call.attributes["stacked"]:
        for type_ in (variable, *call.types[4:]):
            if type_.rank == 0 or type_.shape[0] != variable.shape[0]:
                raise call.error(ShapeError, "stacked variables and slots have a row for each")
    return (variable, *call.types[4:])


APPLY_UPDATE = REGISTRY.register(
    OpSpec(
        name="apply_update",
        doc="One step of an optimizer on one variable: its new value, then its new slots. Stacked, "
        "variable and slots have one more axis in front, and each row is a variable of its own.",
        arity=None,
        attributes=Schema(
            rule=STRING,
            hyperparameters=Attribute(NUMBERS, ()),
            stacked=Attribute(TRUTH, False),
        ),
        infer=_apply_update_type,
        lower=NotLowered("the stage `updated` writes optimizer steps out"),
        gradient=NoGradient("differentiate the update's own formula instead", is_error=True),
        reference=NotLowered("the stage `updated` writes optimizer steps out"),
        samples=tuple,
        traits=Trait.INTENT,
    )
)

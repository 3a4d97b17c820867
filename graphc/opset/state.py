"""State, while a graph is being built: `read` and `assign`.

The first pass (`functional`) makes state explicit: variables become inputs of kind "state" and
updates of the graph; no later pass sees an effect.
"""

from __future__ import annotations

from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import DTYPE, FLOAT, SHAPE, STRING, STRINGS, Attribute, Schema, choice
from graphc.ir.op import NoGradient, NotLowered, OpCall, OpSpec, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TOKEN_TYPE, TensorType, tensor_type

_GONE = NotLowered("the stage `functional` makes state explicit")


def _variable_type(call: OpCall) -> TensorType:
    return tensor_type(call.attributes["dtype"], call.attributes["shape"])


def _assign_type(call: OpCall) -> TensorType:
    variable = _variable_type(call)
    if not call.types:
        raise call.error(ShapeError, "needs the value to assign")
    value = call.types[0]
    if value.dtype is not variable.dtype:
        raise call.error(
            DTypeError, f"the variable holds {variable.dtype}", variable, "use ops.cast"
        )
    if value.rank != variable.rank:
        raise call.error(ShapeError, "the variable has another shape", variable)
    for axis, (mine, theirs) in enumerate(zip(value.shape, variable.shape, strict=True)):
        call.require_equal(mine, theirs, f"the sizes of axis {axis} of value and variable")
    return variable


READ = REGISTRY.register(
    OpSpec(
        name="read",
        doc="A variable's value: before the run, or after the assignments among its operands.",
        arity=None,
        attributes=Schema(variable=STRING, dtype=DTYPE, shape=SHAPE),
        infer=_variable_type,
        lower=_GONE,
        gradient=NoGradient("a read depends on state alone"),
        reference=_GONE,
        samples=tuple,
        traits=Trait.EFFECT,
    )
)

ASSIGN = REGISTRY.register(
    OpSpec(
        name="assign",
        doc="Sets a variable to its first operand, adds or subtracts it, or moves towards it by an "
        "average that keeps `momentum` of the old value; gives the new value.",
        arity=None,
        attributes=Schema(
            variable=STRING,
            mode=choice("set", "add", "subtract", "average"),
            dtype=DTYPE,
            shape=SHAPE,
            momentum=Attribute(FLOAT, 0.0),
        ),
        infer=_assign_type,
        lower=_GONE,
        gradient=NoGradient("assignments are resolved before autodiff"),
        reference=_GONE,
        samples=tuple,
        traits=Trait.EFFECT,
    )
)

INITIALIZE = REGISTRY.register(
    OpSpec(
        name="initialize",
        doc="Variables get their initial values back; the session does it before the run.",
        arity=0,
        attributes=Schema(variables=STRINGS),
        infer=lambda call: TOKEN_TYPE,
        lower=_GONE,
        gradient=NoGradient("an operation has no value"),
        reference=_GONE,
        samples=tuple,
        traits=Trait.EFFECT | Trait.HOST,
    )
)

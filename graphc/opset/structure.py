"""The ops that hold a graph together: inputs, constants, taps, barriers, joins of control.

`input` and `constant` make values; `tap` and `stop_gradient` are identities that the autodiff pass
reads; `after` and `group` carry control dependencies until the `functional` stage resolves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.dtypes import I32
from graphc.ir.attributes import (
    DTYPE,
    INTEGER,
    LITERAL,
    SHAPE,
    STRINGS,
    Attribute,
    Schema,
    choice,
)
from graphc.ir.attributes import STRING as TEXT
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import (
    NoGradient,
    NotLowered,
    OpCall,
    OpSpec,
    Sample,
    TracedLowering,
    Trait,
    ZeroGradient,
)
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TOKEN_TYPE, TensorType, tensor_type
from graphc.opset.samples import draw
from graphc.opset.type_rules import require_axes


def _declared_type(call: OpCall) -> TensorType:
    return tensor_type(call.attributes["dtype"], call.attributes["shape"])


def _operand_type(call: OpCall) -> TensorType:
    return call.types[0]


def _first(call: OpCall, *arrays: Any) -> Any:
    return arrays[0]


def _pass_on(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    return (cotangents[0], *[None] * (len(operands) - 1))


def _identity_samples() -> list[Sample]:
    return [Sample((draw(2, 3),)), Sample((draw(4, dtype="int32"),), differentiable=False)]


INPUT = REGISTRY.register(
    OpSpec(
        name="input",
        doc="A value that comes from outside: a feed, a variable's value, a region's argument.",
        arity=0,
        attributes=Schema(
            kind=choice("feed", "state", "argument"),
            name=TEXT,
            dtype=DTYPE,
            shape=SHAPE,
            members=Attribute(STRINGS, ()),
        ),
        infer=_declared_type,
        lower=NotLowered("inputs become parameters of the program"),
        gradient=NoGradient("an input depends on nothing"),
        reference=NotLowered("inputs are bound by whoever runs the graph"),
        samples=tuple,
        traits=Trait.BARRIER,
    )
)


def _constant_array(call: OpCall) -> Any:
    return call.attributes["value"].array


CONSTANT = REGISTRY.register(
    OpSpec(
        name="constant",
        doc="A fixed array; strings stay on the host.",
        arity=0,
        attributes=Schema(value=LITERAL),
        infer=lambda call: call.attributes["value"].type,
        lower=TracedLowering(_constant_array),
        gradient=NoGradient("a constant depends on nothing"),
        reference=_constant_array,
        samples=lambda: [
            Sample((), {"value": 1.5}, differentiable=False),
            Sample((), {"value": draw(2, 3)}, differentiable=False),
            Sample((), {"value": np.array([1, 2], np.int32)}, differentiable=False),
        ],
    )
)

TAP = REGISTRY.register(
    OpSpec(
        name="tap",
        doc="An identity that no pass merges, moves, folds or matches through: a gradient's path.",
        arity=1,
        attributes=Schema(label=TEXT),
        infer=_operand_type,
        lower=TracedLowering(_first),
        gradient=_pass_on,
        reference=_first,
        samples=lambda: [Sample((draw(2, 3),), {"label": "x"})],
        traits=Trait.BARRIER | Trait.ROW_WISE,
    )
)

STOP_GRADIENT = REGISTRY.register(
    OpSpec(
        name="stop_gradient",
        doc="An identity with derivative zero.",
        arity=1,
        infer=_operand_type,
        lower=TracedLowering(_first),
        gradient=NoGradient("it is there to stop the gradient"),
        reference=_first,
        samples=lambda: [Sample((draw(2, 3),), differentiable=False)],
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

AFTER = REGISTRY.register(
    OpSpec(
        name="after",
        doc="Its first operand, once all the others have been computed: a control dependency.",
        arity=None,
        infer=_operand_type,
        lower=NotLowered("the stage `functional` resolves control dependencies"),
        gradient=_pass_on,
        reference=_first,
        samples=lambda: [Sample((draw(2), draw(3)))],
        traits=Trait.EFFECT,
    )
)


def _token(call: OpCall, *arrays: Any) -> Any:
    return np.array(None, dtype=object)


GROUP = REGISTRY.register(
    OpSpec(
        name="group",
        doc="An operation that is done when all its operands are; its value is a token.",
        arity=None,
        infer=lambda call: TOKEN_TYPE,
        lower=NotLowered("the stage `functional` resolves control dependencies"),
        gradient=NoGradient("an operation has no value"),
        reference=_token,
        samples=tuple,
        traits=Trait.EFFECT | Trait.HOST,
    )
)


def _dimension_size_type(call: OpCall) -> TensorType:
    require_axes(call, [call.attributes["axis"]], call.types[0].rank, "axes")
    return tensor_type(I32, ())


def _dimension_size(call: OpCall, x: Any) -> Any:
    return np.int32(x.shape[call.attributes["axis"]])


DIMENSION_SIZE = REGISTRY.register(
    OpSpec(
        name="dimension_size",
        doc="The size of one axis as an int32 scalar; a constant once sizes are known.",
        arity=1,
        attributes=Schema(axis=INTEGER),
        infer=_dimension_size_type,
        lower=TracedLowering(_dimension_size),
        gradient=ZeroGradient(),
        reference=_dimension_size,
        samples=lambda: [Sample((draw(2, 5),), {"axis": 1}, differentiable=False)],
    )
)


def _lower_barrier(call: OpCall, x: Any) -> Any:
    barrier = cast(Any, lax.optimization_barrier)  # pyright: ignore[reportUnknownMemberType]
    return barrier(x)  # JAX declares the operand without a type


OPTIMIZATION_BARRIER = REGISTRY.register(
    OpSpec(
        name="optimization_barrier",
        doc="An identity that neither our passes nor XLA's look through.",
        arity=1,
        infer=_operand_type,
        lower=TracedLowering(_lower_barrier),
        gradient=lambda build, call, operands, results, cotangents: (
            build.optimization_barrier(cotangents[0]),
        ),
        reference=_first,
        samples=_identity_samples,
        traits=Trait.BARRIER | Trait.ROW_WISE,
    )
)

"""Finding JAX's primitives by name, as functions of arrays; and which parameters are plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import jax
import jax.extend.core.primitives as jax_primitives
import numpy as np
from jax import lax
from jax.extend.core import Primitive

from graphc.dtypes import as_dtype
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.attributes import STRING, AttributeKind
from graphc.ir.op import OpCall
from graphc.ir.parameters import register_enumeration, register_record
from graphc.ir.types import TensorType, tensor_type

Function = Callable[..., list[Any]]

DRAWS: Final = frozenset({"random_bits", "rng_bit_generator", "threefry2x32"})
"""The primitives that make random numbers of keys."""

_JAX: Final = cast(Any, jax)  # much of it has no types
_LAX: Final = cast(Any, lax)

for _enumeration in (
    *(_LAX.FftType, _LAX.GatherScatterMode, _LAX.Precision, _LAX.RandomAlgorithm),
    _LAX.RoundingMethod,
):
    register_enumeration(_enumeration)
for _record in (
    *(_LAX.ConvDimensionNumbers, _LAX.GatherDimensionNumbers, _LAX.ScatterDimensionNumbers),
):
    register_record(_record)

_KNOWN: Final[dict[str, Primitive]] = {
    found.name: found
    for module in (jax_primitives, lax, lax.linalg)
    for found in vars(module).values()
    if isinstance(found, Primitive)
}


def _normalise(value: Any) -> str:
    """The name of a primitive; one that is given itself is found by its name from now on."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Primitive):
        raise TypeError(f"{value!r} is neither a JAX primitive nor the name of one")
    if _KNOWN.setdefault(value.name, value) is not value:
        raise ValueError(f"JAX has another primitive named {value.name!r}")
    return value.name


PRIMITIVE: Final = AttributeKind(
    "a JAX primitive, or its name", _normalise, STRING.format, STRING.parse
)


def primitive_of(call: OpCall) -> Any:
    """The primitive that a call names.

    Raises:
        GraphcError: there is none of that name.
    """
    name: str = call.attributes["primitive"]
    found = _KNOWN.get(name)
    if found is None:
        raise call.error(
            GraphcError,
            f"there is no public JAX primitive named {name!r}",
            "a primitive of jax.lax, or one that was handed over as an object before",
        )
    return found


def function_of(call: OpCall) -> Function:
    """The primitive that a call names as a function of arrays; gives a list."""
    primitive = primitive_of(call)
    parameters = primitive.get_bind_params(dict(call.attributes["parameters"]))

    def function(*operands: Any) -> list[Any]:
        results = primitive.bind(*operands, **parameters)
        return list(results) if primitive.multiple_results else [results]

    return function


def is_draw(primitive: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a primitive makes random numbers, or calls nothing but one that does."""
    called = parameters.get("jaxpr")
    if called is None:
        return primitive in DRAWS
    equations = getattr(called, "jaxpr", called).eqns
    return any(equation.primitive.name in DRAWS for equation in equations)


def run_on_cpu(function: Function, call: OpCall, arrays: Sequence[Any]) -> list[Any]:
    """A reference by JAX itself: there is no other truth about what JAX calls a primitive."""
    given = [
        np.asarray(array).astype(type_.dtype.numpy)
        for array, type_ in zip(arrays, call.types, strict=True)
    ]
    with _JAX.enable_x64(True), _JAX.default_device(_JAX.devices("cpu")[0]):
        return [np.asarray(result) for result in function(*given)]


def require_arrays(call: OpCall) -> None:
    """Check that JAX can look at the operands.

    Raises:
        ShapeError: a size is still symbolic.
        DTypeError: an operand is no array of numbers.
    """
    for position, type_ in enumerate(call.types):
        if type_.dtype.is_host:
            raise call.error(DTypeError, f"operand {position} is {type_}", "numbers")
        if not type_.is_static:
            raise call.error(
                ShapeError,
                f"operand {position} is {type_}: JAX needs to know every size",
                fix="build the graph with concrete sizes, or use an op of graphc.ops here",
            )


def type_of(call: OpCall, result: Any) -> TensorType:
    """The type that JAX gives a result.

    Raises:
        DTypeError: it is no array of numbers.
    """
    try:
        return tensor_type(as_dtype(result.dtype), tuple(result.shape))
    except (AttributeError, DTypeError):
        name = call.attributes["primitive"]
        problem = f"{name} gives {result}, which is no array of numbers"
        raise call.error(DTypeError, problem) from None

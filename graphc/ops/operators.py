"""Python's operators on tensors and variables: one table, installed when this module is imported.

The functions import `Tensor`, so the class cannot name them; see `graphc/ops/operand.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc.ir.origin import capture_origin
from graphc.ops import arithmetic, comparison, indexing, linear_algebra, rounding
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.operand import NoValueError, Operand
from graphc.ops.tensor import Tensor

_BINARY: Final[dict[str, Callable[[Any, Any], Tensor]]] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.true_divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.mod,
    "matmul": linear_algebra.matmul,
    "and": comparison.bitwise_and,
    "or": comparison.bitwise_or,
    "xor": comparison.bitwise_xor,
    "lshift": comparison.left_shift,
    "rshift": comparison.right_shift,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Tensor]]] = {
    "lt": comparison.less,
    "le": comparison.less_equal,
    "gt": comparison.greater,
    "ge": comparison.greater_equal,
}
_UNARY: Final[dict[str, Callable[[Any], Tensor]]] = {
    "neg": arithmetic.negative,
    "abs": arithmetic.absolute,
    "invert": comparison.bitwise_not,
}


def _power(self: Any, other: Any, modulo: Any = None) -> Tensor:
    if modulo is not None:
        raise NoValueError(
            "there is no power of three arguments",
            given=f"pow({self!r}, {other!r}, {modulo!r})",
            fix="(x ** y) % z, where x ** y fits the element type",
            origin=capture_origin(),
        )
    return arithmetic.power(self, other)


def _positive(self: Any) -> Tensor:
    return to_tensor(self, None, graph_of((self,)))


def _quotient_and_rest(self: Any, other: Any) -> tuple[Tensor, Tensor]:
    return arithmetic.floor_divide(self, other), arithmetic.mod(self, other)


def _rounded(self: Any, ndigits: int | None = None) -> Tensor:
    return rounding.round(self, 0 if ndigits is None else ndigits)


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return function(other, self)

    return operator


for _name, _function in {**_BINARY, **_COMPARISONS, **_UNARY}.items():
    setattr(Operand, f"__{_name}__", _function)
for _name, _function in _BINARY.items():
    setattr(Operand, f"__r{_name}__", _reflected(_function))
_OTHERS: Final[dict[str, Callable[..., Any]]] = {
    "pow": _power,
    "rpow": _reflected(arithmetic.power),
    "divmod": _quotient_and_rest,
    "rdivmod": _reflected(_quotient_and_rest),
    "pos": _positive,
    "round": _rounded,
    "getitem": indexing.getitem,
    "iter": indexing.iterate,  # without it a loop would ask for x[0], x[1], … for ever
}
for _name, _function in _OTHERS.items():
    setattr(Operand, f"__{_name}__", _function)


_NUMPY_OPERATORS: Final[dict[np.ufunc, Callable[..., Any]]] = {
    np.add: arithmetic.add,
    np.subtract: arithmetic.subtract,
    np.multiply: arithmetic.multiply,
    np.true_divide: arithmetic.true_divide,
    np.floor_divide: arithmetic.floor_divide,
    np.remainder: arithmetic.mod,
    np.divmod: _quotient_and_rest,
    np.power: arithmetic.power,
    np.matmul: linear_algebra.matmul,
    np.bitwise_and: comparison.bitwise_and,
    np.bitwise_or: comparison.bitwise_or,
    np.bitwise_xor: comparison.bitwise_xor,
    np.left_shift: comparison.left_shift,
    np.right_shift: comparison.right_shift,
    np.less: comparison.less,
    np.less_equal: comparison.less_equal,
    np.greater: comparison.greater,
    np.greater_equal: comparison.greater_equal,
}
"""What `array + tensor` and its like ask NumPy for first."""


def _numpy_function(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """What a function of NumPy that works element by element makes of a tensor or a variable."""
    operator = _NUMPY_OPERATORS.get(ufunc)
    if operator is not None and method == "__call__" and not options:
        return operator(*inputs)
    if not any(isinstance(each, Tensor) for each in (*inputs, *options.get("out", ()))):
        values = [np.asarray(each) for each in inputs]  # of variables, which have one
        return getattr(ufunc, method)(*values, **options)
    name = ufunc.__name__
    raise NoValueError(
        f"{self!r} is part of the graph; numpy.{name} computes at once",
        fix=f"graphc.ops has NumPy's names: ops.{name}(…) adds it to the graph. For a value, use "
        ".numpy(), or session.run(tensor, feed_dict)",
        origin=capture_origin(),
    )


Operand.__array_ufunc__ = _numpy_function  # type: ignore[method-assign]

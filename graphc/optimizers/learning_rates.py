"""What may be a learning rate: a number, a tensor, or a function of the iteration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import to_tensor
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


def require_learning_rate(given: Any) -> None:
    """Check a learning rate.

    Raises:
        GraphcError: it is no number of at least 0, no scalar, and no function.
    """
    if callable(given):
        return
    if isinstance(given, (Tensor, Variable)):
        if given.shape == () and given.dtype.is_floating:
            return
    else:
        try:
            if float(given) >= 0:
                return
        except (TypeError, ValueError):
            pass
    raise GraphcError(
        "this is no learning rate",
        given=repr(given),
        expected="a number of at least 0, a schedule, or a scalar float tensor of the graph",
        origin=capture_origin(),
    )


def rate_at(schedule: Callable[..., Any], iterations: Tensor) -> Tensor:
    """What a function gives at an iteration: it takes the iteration, or nothing.

    Raises:
        GraphcError: the result is no learning rate.
    """
    rate = schedule(iterations) if _takes_iteration(schedule) else schedule()
    require_learning_rate(rate)
    return to_tensor(rate, None, iterations.graph)


def _takes_iteration(schedule: Callable[..., Any]) -> bool:
    try:
        inspect.signature(schedule).bind(None)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True

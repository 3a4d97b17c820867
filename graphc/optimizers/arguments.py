"""The arguments that all optimizers share: checked once, and mistakes in their names told."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from graphc.errors import GradientError, GraphcError, StateError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


@dataclass(frozen=True)
class StepOptions:
    """What happens around the update rule in a step; names and defaults are Keras's.

    Attributes:
        weight_decay: the part of a variable, times the learning rate, that each step takes away
            before the update (decoupled, Loshchilov and Hutter 2017,
            https://arxiv.org/abs/1711.05101).
        clipnorm: the largest norm of each gradient.
        clipvalue: the largest absolute value in a gradient.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: keep a running average of each variable.
        ema_momentum: how much of the average each step keeps.
        ema_overwrite_frequency: after how many steps variables are set to their averages; None
            leaves that to `finalize_variable_values`.
        loss_scale_factor: what `minimize` multiplies the loss by, and divides gradients by.
        gradient_accumulation_steps: how many steps add up gradients for one update by their mean.

    Raises:
        GraphcError: a number is out of its range, or several ways to clip are asked for.
    """

    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    loss_scale_factor: float | None = None
    gradient_accumulation_steps: int | None = None

    def __post_init__(self) -> None:
        clips = {
            name: getattr(self, name)
            for name in ("clipnorm", "clipvalue", "global_clipnorm")
            if getattr(self, name) is not None
        }
        if len(clips) > 1:
            raise GraphcError(
                "gradients can be clipped in one way only",
                given=", ".join(f"{name}={limit}" for name, limit in clips.items()),
                fix="keep one of clipnorm, clipvalue and global_clipnorm",
                origin=capture_origin(),
            )
        for name, limit in clips.items():
            require_range(limit > 0, name, limit, "a number above 0")
        require_range(
            0 <= self.ema_momentum <= 1, "ema_momentum", self.ema_momentum, "a number from 0 to 1"
        )
        for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            steps = getattr(self, name)
            is_whole = isinstance(steps, int) and steps >= least
            require_range(
                steps is None or is_whole, name, steps, f"None, or a whole number >= {least}"
            )
        scale = self.loss_scale_factor
        require_range(scale is None or scale > 0, "loss_scale_factor", scale, "a number above 0")


def refuse_unknown_arguments(optimizer: type, given: Collection[str]) -> None:
    """Say what Keras 3 calls an argument that older versions named otherwise.

    Raises:
        GraphcError: something is given.
    """
    known = [name for name in inspect.signature(optimizer).parameters if name != "kwargs"]
    for name in given:
        fix = {
            "lr": "write learning_rate=",
            "decay": "give a schedule as the learning rate: optimizers.schedules.InverseTimeDecay",
        }.get(name) or did_you_mean(name, known)
        raise GraphcError(f"optimizers have no argument {name!r}", fix=fix, origin=capture_origin())


def as_given(names: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor, from its `locals()` before there are others."""
    given = {name: value for name, value in names.items() if name not in ("self", "__class__")}
    return given | given.pop("kwargs", {})


def require_range(holds: bool, name: str, given: Any, expected: str) -> None:
    """Check an argument.

    Raises:
        GraphcError: it is out of its range.
    """
    if not holds:
        raise GraphcError(
            f"{name} is out of its range",
            given=repr(given),
            expected=expected,
            origin=capture_origin(),
        )


def require_loss(loss: Any) -> None:
    """Refuse what no gradient can be taken of.

    Raises:
        GradientError: it is no tensor.
    """
    if not isinstance(loss, (Tensor, Variable)):
        raise GradientError(
            "this loss is no tensor of the graph",
            given=f"{repr(loss)[:200]} ({type(loss).__name__})",
            expected="a scalar that graphc.ops made of variables",
            fix="call the function, and hand its result over: minimize(loss())"
            if callable(loss)
            else None,
            origin=capture_origin(),
        )


def require_no_body() -> None:
    """Refuse to build a step in a branch or a loop body: it would be done whatever is chosen.

    Raises:
        StateError: the default graph is such a body.
    """
    if get_default_graph().parent is not None:
        raise StateError(
            "a branch or a loop body cannot hold a step of an optimizer",
            given="minimize or apply_gradients inside of cond, while_loop, scan or map_fn",
            expected="one step, built outside, that session.run does as often as it is asked to",
            fix="outside, minimize the loss that cond gives: minimize(cond(p, lambda: a, "
            "lambda: b)); or change variables inside by hand: "
            "variable.assign_sub(rate * gradients(loss, variable))",
            origin=capture_origin(),
        )


def as_pairs(grads_and_vars: Any) -> list[tuple[Any, Variable]]:
    """Gradients with their variables, those left out that have none.

    Raises:
        GraphcError: something is no pair of a gradient and a variable, or there is no gradient.
    """
    is_one = isinstance(grads_and_vars, (Tensor, Variable))
    pairs: list[Any] = [grads_and_vars] if is_one else list(grads_and_vars)
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and _is_variable(pair[1])):
            raise GraphcError(
                "a step takes gradients with their variables",
                given=repr(pair)[:200],
                expected="pairs (gradient, variable)",
                fix="apply_gradients(zip(gradients, variables)), or apply(gradients, variables)",
                origin=capture_origin(),
            )
    given = [(pair[0], pair[1]) for pair in pairs if pair[0] is not None]
    if not given:
        raise GraphcError(
            "there is nothing to apply",
            expected="at least one gradient that is not None",
            origin=capture_origin(),
        )
    return given


def _is_variable(thing: Any) -> bool:
    return isinstance(thing, Variable)

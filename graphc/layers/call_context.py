"""What holds while a layer is called, for the layers that it calls in turn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class CallContext:
    """The outermost call that a thread is in.

    Attributes:
        training: whether layers behave as in training: dropout drops, statistics of the batch are
            used and averaged. None where nobody said: each layer takes its own default.
        is_outermost: whether no other call is around.
    """

    training: bool | None = None
    is_outermost: bool = True


class _Calls(threading.local):
    context: CallContext | None = None
    undoing: list[Callable[[], None]] | None = None


_calls = _Calls()


def is_inside_a_call() -> bool:
    """Whether a layer is being called."""
    return _calls.context is not None


def note_building(undo: Callable[[], None]) -> None:
    """Have `undo` called should a call around fail: the weights that a layer was given go then."""
    if _calls.undoing is not None:
        _calls.undoing.append(undo)


@contextlib.contextmanager
def _undone_on_failure() -> Iterator[None]:
    before = _calls.undoing
    undoing = _calls.undoing = [] if before is None else before
    known = len(undoing)
    try:
        yield
    except BaseException:
        while len(undoing) > known:
            undoing.pop()()
        raise
    finally:
        _calls.undoing = before


@contextlib.contextmanager
def entered_call(training: bool | None, default: bool | None = None) -> Iterator[CallContext]:
    """Be in a call inside the block.

    Args:
        training: what the caller says; None goes on as the call around says.
        default: what holds where that says nothing either, for the layers inside as well.
    """
    before = _calls.context
    if training is None and before is not None:
        training = before.training
    context = CallContext(default if training is None else training, before is None)
    _calls.context = CallContext(context.training, False)
    try:
        with _undone_on_failure():
            yield context
    finally:
        _calls.context = before


@contextlib.contextmanager
def outside_of_calls() -> Iterator[None]:
    """Inside the block no call is around: what is called there is noted as a step of a model."""
    before = _calls.context
    _calls.context = None
    try:
        yield
    finally:
        _calls.context = before

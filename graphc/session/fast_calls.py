"""The short way for calls that look like the one before.

A call of a small program costs JAX and XLA 7 µs when nothing else runs, and a layer of Python a
tenth of that, more while XLA's own thread is busy. So a plan replaces its `run` by a function that
is made for the types of the first run: everything it needs is in its closure. Whatever does not
fit, or fails, goes the careful way, `Plan.run_for`, which also says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.errors import ExecutionError
from graphc.session.failures import execution_failure

if TYPE_CHECKING:
    from graphc.session.plan import Plan
    from graphc.session.program import Signature


def wait_for(results: Sequence[Any], updates: Sequence[str]) -> None:
    """Wait for a program that gives no numbers: XLA may read feeds in place until it is done.

    Raises:
        ExecutionError: it failed.
    """
    try:
        for result in results[:1]:
            result.block_until_ready()
    except Exception as problem:
        raise execution_failure(problem, updates) from problem


FeedType = tuple[Any, tuple[int, ...]]
"""NumPy element type and shape."""


def make_fast_call(
    plan: Plan, signature: Signature, types: Sequence[FeedType]
) -> Callable[..., Any]:
    """`plan.run` for NumPy arrays of exactly these types, positional."""
    # Several variables must be read in one go; one is what it is at some moment.
    reads_at_once = len(signature.state_names) <= 1
    if len(types) == 1 and plan.is_single and not signature.update_names and reads_at_once:
        return _one_in_one_out(plan, signature, *types[0])
    return _any_number(plan, signature, types)


def _one_in_one_out(
    plan: Plan, signature: Signature, dtype: Any, shape: tuple[int, ...]
) -> Callable[..., Any]:
    """One array in, one array out, no variable changed: the commonest, and the shortest."""
    call, constants = signature.executable.call, signature.executable.constants
    variables, names = plan.store.arrays, signature.state_names
    array_type, copy = np.ndarray, np.array

    def run(array: Any) -> Any:
        if type(array) is array_type and array.dtype == dtype and array.shape == shape:
            try:
                # No lock: should another thread donate a variable meanwhile, JAX refuses the call.
                return copy(call(*constants, *[variables[name] for name in names], array)[0])
            except Exception:
                return plan.run_for((array,), as_numpy=True)
        return plan.run_for((array,), as_numpy=True)

    return run


def _any_number(plan: Plan, signature: Signature, types: Sequence[FeedType]) -> Callable[..., Any]:
    call, constants = signature.executable.call, signature.executable.constants
    names, updates = signature.state_names, signature.update_names
    first_update, count = signature.fetch_count, plan.number_count
    store, array_type, copy = plan.store, np.ndarray, np.array

    def run(*given: Any) -> Any:
        for array, (dtype, shape) in zip(given, types, strict=True):
            if type(array) is not array_type or array.dtype != dtype or array.shape != shape:
                return plan.run_for(given, as_numpy=True)
        try:
            with store.lock:
                state = [store.arrays[name] for name in names]
                results = call(*constants, *state, *given)
                if updates:
                    store.update(updates, results[first_update:])
                    if count == 0:  # they are all variables, which the next program may consume
                        wait_for(results, updates)
        except ExecutionError:
            raise
        except Exception as problem:
            lost = store.lost()
            if lost:
                raise execution_failure(problem, lost) from problem
            return plan.run_for(given, as_numpy=True)
        try:
            return plan.arrange([copy(result) for result in results[:count]])
        except Exception as problem:
            raise execution_failure(problem, updates) from problem

    return run

"""Branches in the graph: `cond`, `case`, `switch`. Loops are in `graphc.ops.loops`.

User functions are called once, while the graph is built; see `graphc.ops.bodies` for what becomes
of them, of the variables they read and of those they assign. Values go in and come out in nested
tuples, lists and dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import BOOL, TOKEN
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.bodies import (
    Body,
    flatten,
    require_same_structure,
    require_same_type,
    unflatten,
    union_of_captures,
)
from graphc.ops.comparison import equal as equal_numbers
from graphc.ops.comparison import less_equal, not_equal
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure


def _predicate(pred: Any) -> Tensor:
    tensor = to_tensor(pred, None, graph_of((pred,)))
    if tensor.ndim:
        raise ShapeError(
            "a predicate is a scalar",
            given=tensor.value.type,
            fix="choose element by element with ops.where, or reduce it with ops.all or ops.any",
            origin=capture_origin(),
        )
    return tensor if tensor.dtype is BOOL else not_equal(tensor, 0)


@undone_on_failure
def cond(
    pred: Any,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    *operands: Any,
    name: str | None = None,
) -> Any:
    """What `true_fn` gives where `pred` holds, else what `false_fn` gives; only one is run.

    Args:
        pred: a scalar; a number is true where it is not 0. A Python bool chooses at once.
        true_fn: takes the operands; gives tensors in any nesting, or operations.
        false_fn: likewise: the same nesting, element types and shapes. Python numbers take the
            element type that the other branch has in their place.
        *operands: handed to the functions; what they use from outside needs none.
        name: of the node.

    Returns:
        The nesting of the functions' results. An operation where they give nothing but assign
        variables: running it runs the branch.

    Raises:
        GraphcError: the structures differ; names both lines.
        DTypeError: element types differ; names both lines.
        ShapeError: shapes differ, or `pred` is no scalar.
    """
    if isinstance(pred, (bool, np.bool_)):
        return (true_fn if pred else false_fn)(*operands)
    for function in (true_fn, false_fn):
        if not callable(function):
            raise GraphcError(
                "a branch is no function",
                given=f"{function!r} ({type(function).__name__})",
                fix=f"lambda: ... in its place: cond(pred, lambda: {function!r}, ...)",
                origin=capture_origin(),
            )
    predicate = _predicate(pred)
    graph = graph_of((predicate, *[x for x in flatten(operands)[0] if isinstance(x, Tensor)]))
    bodies = [Body(fn, graph, [], lambda _, fn=fn: fn(*operands)) for fn in (true_fn, false_fn)]
    on_true, on_false = bodies
    require_same_structure(
        "the results of the two branches",
        *(on_false.tree, on_true.tree, on_false.line, on_true.line),
    )
    results = [_branch_results(on_true, on_false, n) for n in range(len(on_true.leaves))]
    effects = [body.effects() for body in bodies]
    columns = [[pair[side] for pair in results] for side in (0, 1)]
    is_silent = not results and any(effects)
    if is_silent:
        columns = [
            [body.graph.add(REGISTRY["group"], found)[0]]
            for body, found in zip(bodies, effects, strict=True)
        ]
    captures = union_of_captures(bodies)
    regions = tuple(
        body.finish(column, captures, found)
        for body, column, found in zip(bodies, columns, effects, strict=True)
    )
    if not columns[0]:
        return unflatten(on_true.tree, [])
    made = graph.add(REGISTRY["cond"], (predicate, *captures), regions=regions, name=name or "cond")
    if is_silent:
        return made[0].op
    given = [tensor.op if tensor.dtype is TOKEN else tensor for tensor in made]
    return unflatten(on_true.tree, given)


def _branch_results(on_true: Body, on_false: Body, position: int) -> tuple[Tensor, Tensor]:
    """One result of both branches, of one type."""
    mine, theirs = on_true.dtype(position), on_false.dtype(position)
    left, right = on_true.tensor(position, theirs), on_false.tensor(position, mine)
    require_same_type(
        f"results {position} of the two branches",
        *(right.value.type, left.value.type),
        *(on_false.line_of_leaf(position), on_true.line_of_leaf(position)),
    )
    return left, right


@undone_on_failure
def switch(
    index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, name: str | None = None
) -> Any:
    """What `branches[index]` gives; an index outside takes the nearest branch.

    Args:
        index: an integer scalar; a Python integer chooses at once.
        branches: functions as for `cond`.
        *operands: handed to them.
        name: of the node.

    Raises:
        GraphcError: there is no branch, or the structures of their results differ.
    """
    if not branches:
        raise GraphcError("switch() needs a branch", origin=capture_origin())
    last = len(branches) - 1
    if isinstance(index, (int, np.integer)):
        return branches[min(max(int(index), 0), last)](*operands)
    if last == 0:
        return branches[0](*operands)
    number = to_tensor(index, None, graph_of((index,)))

    def choose(position: int) -> Callable[..., Any]:
        if position == last:
            return branches[last]
        here = less_equal(number, 0) if position == 0 else equal_numbers(number, position)
        return lambda *given: cond(
            here, branches[position], choose(position + 1), *given, name=name or "switch"
        )

    return choose(0)(*operands)


@undone_on_failure
def case(
    pred_fn_pairs: Sequence[tuple[Any, Callable[[], Any]]] | Mapping[Any, Callable[[], Any]],
    default: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """What the function of the first true predicate gives, as TensorFlow's `case`.

    Args:
        pred_fn_pairs: predicates with functions of no arguments, as for `cond`.
        default: for no true predicate; the last function for None.
        name: of the node.

    Raises:
        GraphcError: there is no function, or the structures of their results differ.
    """
    mapping = isinstance(pred_fn_pairs, Mapping)
    pairs = list(pred_fn_pairs.items() if mapping else pred_fn_pairs)  # type: ignore[union-attr]
    if default is None:
        if not pairs:
            raise GraphcError("case() needs a function", origin=capture_origin())
        default = pairs.pop()[1]
    chosen = default
    for pred, function in reversed(pairs):
        chosen = _either(pred, function, chosen, name or "case")
    return chosen()


def _either(
    pred: Any, function: Callable[[], Any], otherwise: Callable[[], Any], name: str
) -> Callable[[], Any]:
    return lambda: cond(pred, function, otherwise, name=name)

"""Branches in the graph: `cond`, `case`, `switch`. Loops are in `graphc.ops.loops`.

User functions are called once, while the graph is built; see `graphc.ops.bodies` for what becomes
of them, of the variables they read and of those they assign. Values go in and come out in nested
tuples, lists and dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import BOOL, I32, TOKEN
from graphc.errors import DTypeError, GraphcError, ShapeError
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
from graphc.ops.comparison import clip, not_equal, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, to_tensor
from graphc.ops.dataflow import get_default_graph
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
    return _choose("cond", _predicate(pred), (true_fn, false_fn), operands, name or "cond")


def _choose(
    op_name: str,
    choice: Tensor,
    functions: Sequence[Callable[..., Any]],
    operands: Sequence[Any],
    name: str,
) -> Any:
    """A node that runs one of several functions.

    Args:
        op_name: "cond" or "case".
        choice: what it goes by.
        functions: the branches.
        operands: handed to them.
        name: of the node.
    """
    for function in functions:
        if not callable(function):
            raise GraphcError(
                "a branch is no function",
                given=f"{function!r} ({type(function).__name__})",
                fix=f"lambda: ... in its place: cond(pred, lambda: {function!r}, ...)",
                origin=capture_origin(),
            )
    graph = graph_of((choice, *[x for x in flatten(list(operands))[0] if isinstance(x, Tensor)]))
    bodies = [Body(fn, graph, [], lambda _, fn=fn: fn(*operands)) for fn in functions]
    first, *others = bodies
    for other in others:
        require_same_structure(
            "the results of the two branches", other.tree, first.tree, other.line, first.line
        )
    rows = [_branch_results(bodies, position) for position in range(len(first.leaves))]
    effects = [body.effects() for body in bodies]
    columns = [[row[side] for row in rows] for side in range(len(bodies))]
    is_silent = not rows and any(effects)
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
        return unflatten(first.tree, [])
    made = graph.add(REGISTRY[op_name], (choice, *captures), regions=regions, name=name)
    if is_silent:
        return made[0].op
    given = [tensor.op if tensor.dtype is TOKEN else tensor for tensor in made]
    return unflatten(first.tree, given)


def _branch_results(bodies: Sequence[Body], position: int) -> list[Tensor]:
    """One result of all branches, of one type."""
    known = [dtype for body in bodies if (dtype := body.dtype(position)) is not None]
    first, *others = [body.tensor(position, known[0] if known else None) for body in bodies]
    for body, other in zip(bodies[1:], others, strict=True):
        require_same_type(
            f"results {position} of the two branches",
            *(other.value.type, first.value.type),
            *(body.line_of_leaf(position), bodies[0].line_of_leaf(position)),
        )
    return [first, *others]


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
    if number.ndim or not number.dtype.is_integer:
        raise (ShapeError if number.ndim else DTypeError)(
            "the index of a switch is a whole number",
            given=number.value.type,
            expected="an integer scalar",
            origin=capture_origin(),
        )
    if number.dtype is not I32:  # a larger one would not fit
        number = cast_to(clip(number, 0, last), I32)
    return _choose("case", number, branches, operands, name or "switch")


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
    open_pairs: list[tuple[Any, Callable[[], Any]]] = []
    for pred, function in pairs:
        if not isinstance(pred, (bool, np.bool_)):
            open_pairs.append((pred, function))
        elif pred:  # nothing after it can be chosen
            default = function
            break
    if not open_pairs:
        return default()
    if len(open_pairs) == 1:
        return cond(*open_pairs[0], default, name=name or "case")
    chosen = constant_tensor(get_default_graph(), len(open_pairs), I32)
    for position, (pred, _) in reversed(list(enumerate(open_pairs))):
        chosen = where(_predicate(pred), np.int32(position), chosen)
    functions = [*[function for _, function in open_pairs], default]
    return _choose("case", chosen, functions, (), name or "case")

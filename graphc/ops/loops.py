"""Loops in the graph: `scan`, `fori_loop`, `while_loop`.

`scan` and a `fori_loop` over known bounds have gradients of any order, and so has a `while_loop`
with a `maximum_iterations` that is known while the graph is built. Without it a `while_loop` has
derivatives in forward mode only: see `graphc.jvp`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from graphc.dimensions import Dim, Dimension, equal
from graphc.dtypes import BOOL, I32, TOKEN
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import add
from graphc.ops.bodies import (
    Body,
    flatten,
    line_of,
    require_same_structure,
    require_same_type,
    unflatten,
    union_of_captures,
)
from graphc.ops.comparison import less, logical_and, not_equal
from graphc.ops.conversion import cast_to, constant_tensor, default_dtype, graph_of, to_tensor
from graphc.ops.creation import arange
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.sizes import as_size
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable


def _graph_of_leaves(leaves: Sequence[Any]) -> DataflowGraph:
    return graph_of([leaf for leaf in leaves if isinstance(leaf, (Tensor, Variable))])


class _Carries:
    """What a loop hands from one iteration to the next.

    Attributes:
        tensors: the first values.
        tree: their structure.
        is_weak: which of them were Python numbers, and take the element type of what follows.
    """

    def __init__(self, graph: DataflowGraph, first: Any) -> None:
        leaves, self.tree = flatten(first)
        self.tensors = [to_tensor(leaf, None, graph) for leaf in leaves]
        self.is_weak = [
            not isinstance(leaf, (Tensor, Variable)) and default_dtype(leaf) is not None
            for leaf in leaves
        ]

    def widened(self, body: Body) -> bool:
        """Cast Python numbers to the types that a body makes of them; says whether any changed."""
        changed = False
        for position, tensor in enumerate(self.tensors):
            found = body.dtype(position) if self.is_weak[position] else None
            if found is not None and found is not tensor.dtype and found is not TOKEN:
                self.tensors[position] = cast_to(tensor, found)
                self.is_weak[position] = False
                changed = True
        return changed

    def next_values(self, body: Body) -> list[Tensor]:
        """The first results of a body, held to the types of the first values.

        Raises:
            DTypeError: an element type changes; names both lines.
            ShapeError: a shape changes; names both lines.
        """
        found: list[Tensor] = []
        for position, first in enumerate(self.tensors):
            value = body.tensor(position, first.dtype)
            require_same_type(
                f"carry {position} before and after an iteration",
                *(value.value.type, first.value.type),
                *(body.line_of_leaf(position), f"{first.origin.file}:{first.origin.line}"),
            )
            found.append(value)
        return found


def _refuse_operations(tensors: Sequence[Tensor], body: Body) -> None:
    if any(tensor.dtype is TOKEN for tensor in tensors):
        raise GraphcError(
            "a loop's body gives tensors, not operations",
            given=f"an operation among the results of the function at {body.line}",
            fix="leave it out: what the body assigns is assigned in every iteration",
            origin=capture_origin(),
        )


# -- scan ------------------------------------------------------------------------------------------


@undone_on_failure
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
    unroll: int = 1,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Calls `f` on one slice of `xs` after another, handing on a carry: `jax.lax.scan`.

    Args:
        f: takes the carry and a slice, gives the new carry, of the same structure and types, and
            what is to be stacked.
        init: the first carry: tensors in any nesting. Python numbers take the element types that
            `f` gives in their place.
        xs: tensors in any nesting, whose first sizes are equal; None where only `length` counts.
        length: the number of iterations; the first size of xs by default.
        reverse: whether to begin with the last slice. What is stacked keeps its place.
        unroll: accepted for Keras's sake; the compiler decides.
        name: of the node.

    Returns:
        The last carry, and what was stacked: one more axis in front, of size `length`.

    Raises:
        ShapeError: the first sizes differ, or neither xs nor a length is given; a carry changes
            its shape.
        DTypeError: a carry changes its element type.
        GraphcError: `f` gives no pair, or the structure of the carry changes.
    """
    x_leaves, x_tree = flatten(xs)
    graph = _graph_of_leaves([*flatten(init)[0], *x_leaves])
    carries = _Carries(graph, init)
    scanned = [to_tensor(leaf, None, graph) for leaf in x_leaves]
    count = _length(scanned, length)
    slices = [tensor.value.type.with_shape(tensor.shape[1:]) for tensor in scanned]
    number = len(carries.tensors)

    def call(arguments: Sequence[Tensor]) -> Any:
        carry = unflatten(carries.tree, arguments[:number])
        return _pair(f, f(carry, unflatten(x_tree, arguments[number:])), carries.tree)

    def trace() -> Body:
        types = [*[tensor.value.type for tensor in carries.tensors], *slices]
        return Body(f, graph, types, call)

    body = trace()
    if carries.widened(body):
        body = trace()
    stacked = [body.tensor(place) for place in range(number, len(body.leaves))]
    results = [*carries.next_values(body), *stacked]
    _refuse_operations(results, body)
    effects = body.effects()
    if effects and not results:
        raise GraphcError(
            "a loop that only assigns gives nothing that could be run",
            given=f"the function at {body.line}",
            fix="give a tensor back: a carry, or something to stack",
            origin=capture_origin(),
        )
    captures = union_of_captures([body])
    region = body.finish(results, captures, effects)
    made: tuple[Tensor, ...] = ()
    if results:
        op = REGISTRY["scan"]
        attributes = op.attributes.make(
            {
                "carries": number,
                "invariants": len(captures),
                "length": count,
                "reverse": bool(reverse),
            },
            "scan",
        )
        operands = [*carries.tensors, *scanned, *captures]
        made = graph.add(op, operands, attributes, (region,), name or "scan")
    return unflatten(body.tree, made)


def _pair(function: Callable[..., Any], given: Any, tree: Any) -> tuple[Any, Any]:
    """What a scan's function gave: the new carry, and what is stacked."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise GraphcError(
            "the function of a scan gives a pair: the new carry, and what is stacked",
            given=f"{type(given).__name__} from the function at {line_of(function)}",
            fix="return carry, None where nothing is stacked",
            origin=capture_origin(),
        )
    line = line_of(function)
    require_same_structure(
        "the carry before and after an iteration", flatten(given[0])[1], tree, line, "init"
    )
    return (given[0], given[1])


def _length(scanned: Sequence[Tensor], length: Any) -> Dimension:
    found: Dimension | None = None if length is None else as_size(length, "the length of a scan")
    for tensor in scanned:
        if not tensor.ndim:
            raise ShapeError(
                "a scan goes over the first axis of tensors",
                given=f"the scalar {tensor.name!r}",
                origin=capture_origin(),
            )
        if found is None:
            found = tensor.shape[0]
        elif equal(found, tensor.shape[0]) is False:
            raise ShapeError(
                "the numbers of slices differ",
                given=", ".join(str(each.value.type) for each in scanned),
                expected=f"a first size of {found}",
                origin=capture_origin(),
            )
        elif not isinstance(found, int):
            found = tensor.shape[0] if isinstance(tensor.shape[0], int) else found
    if found is None or (isinstance(found, int) and found < 0):
        raise ShapeError(
            "a scan needs the number of its iterations",
            given=f"xs=None, length={length!r}" if not scanned else f"length={length!r}",
            fix="say length=",
            origin=capture_origin(),
        )
    return found


@undone_on_failure
def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[[Any, Any], Any],
    init_val: Any,
    name: str | None = None,
) -> Any:
    """`body_fun(i, value)` for i from `lower` to `upper` - 1, handing on the value.

    Args:
        lower: an integer, known or computed.
        upper: likewise. Bounds that are known make a `scan`, which has gradients.
        body_fun: takes the number (i32) and the value, gives the new value.
        init_val: the first value: tensors in any nesting.
        name: of the node.

    Raises:
        GraphcError: the structure of the value changes.
        DTypeError: an element type changes.
        ShapeError: a shape changes.
    """
    label = name or "fori_loop"
    if all(isinstance(bound, (int, Dim)) for bound in (lower, upper)):

        def step(value: Any, number: Any) -> tuple[Any, None]:
            return body_fun(number, value), None

        step.__wrapped__ = body_fun  # type: ignore[attr-defined]
        return scan(step, init_val, arange(lower, upper, dtype=I32), name=label)[0]
    first, last = to_tensor(lower), to_tensor(upper)
    if not (first.dtype.is_integer and last.dtype.is_integer):
        raise DTypeError("the bounds of a fori_loop are integers", origin=capture_origin())
    state = (cast_to(first, I32), init_val)

    def goes_on(number: Tensor, value: Any) -> Tensor:
        return less(number, cast_to(last, I32))

    def advance(number: Tensor, value: Any) -> tuple[Tensor, Any]:
        return add(number, 1), body_fun(number, value)

    advance.__wrapped__ = body_fun  # type: ignore[attr-defined]
    return while_loop(goes_on, advance, state, name=label)[1]


# -- while -----------------------------------------------------------------------------------------


@undone_on_failure
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Calls `body` on the loop's variables as long as `cond` holds for them.

    Args:
        cond: takes the variables, one argument each; gives a scalar.
        body: takes them too; gives new values of the same structure, types and shapes.
        loop_vars: a tuple or list of tensors in any nesting, or one tensor.
        maximum_iterations: to stop after; None for no limit. A number makes the loop
            differentiable: what its gradient needs of each iteration is kept, in room for so many,
            and the way back takes as many steps as were run.
        name: of the node.

    Returns:
        The last values, in the structure of `loop_vars`.

    Raises:
        GraphcError: the structure changes, or there are no variables.
        DTypeError: an element type changes.
        ShapeError: a shape changes, or the condition is no scalar.
    """
    is_single = not isinstance(loop_vars, (tuple, list))
    first = (loop_vars,) if is_single else tuple(loop_vars)
    if not flatten(first)[0]:
        raise GraphcError("a while_loop needs a variable", origin=capture_origin())
    graph = _graph_of_leaves(flatten(first)[0])
    maximum, limit = _limits(maximum_iterations, graph)
    count = [] if limit is None else [constant_tensor(graph, 0, I32)]
    carries = _Carries(graph, (*count, *first))

    def values(arguments: Sequence[Tensor]) -> tuple[Any, ...]:
        return unflatten(carries.tree, arguments)[len(count) :]

    def step(arguments: Sequence[Tensor]) -> tuple[Any, ...]:
        given = body(*values(arguments))
        listed = tuple(given) if isinstance(given, (tuple, list)) and not is_single else (given,)
        if is_single and isinstance(given, (tuple, list)) and len(given) == 1:
            listed = tuple(given)
        after = (*[add(number, 1) for number in arguments[: len(count)]], *listed)
        line = line_of(body)
        require_same_structure(
            "the loop's variables before and after an iteration",
            *(flatten(after)[1], carries.tree, line, "loop_vars"),
        )
        return after

    def goes_on(arguments: Sequence[Tensor]) -> Tensor:
        holds = to_tensor(cond(*values(arguments)))
        if holds.ndim:
            raise ShapeError(
                "the condition of a while_loop is a scalar",
                given=f"{holds.value.type} from the function at {line_of(cond)}",
                fix="reduce it with ops.all or ops.any",
                origin=capture_origin(),
            )
        holds = holds if holds.dtype is BOOL else not_equal(holds, 0)
        return holds if limit is None else logical_and(holds, less(arguments[0], limit))

    def trace() -> Body:
        return Body(body, graph, [tensor.value.type for tensor in carries.tensors], step)

    traced = trace()
    if carries.widened(traced):
        traced = trace()
    results = carries.next_values(traced)
    _refuse_operations(results, traced)
    types = [tensor.value.type for tensor in carries.tensors]
    condition = Body(cond, graph, types, goes_on)
    captures = union_of_captures([condition, traced])
    regions = (
        condition.finish(condition.tensors(), captures, condition.effects()),
        traced.finish(results, captures, traced.effects()),
    )
    op = REGISTRY["while_loop"]
    number = len(carries.tensors)
    attributes = op.attributes.make({"carries": number, "maximum": maximum}, "while_loop")
    operands = [*carries.tensors, *captures]
    made = graph.add(op, operands, attributes, regions, name or "while_loop")[:number]
    found = unflatten(carries.tree, made)[len(count) :]
    if is_single:
        return found[0]
    return list(found) if isinstance(loop_vars, list) else found


def _limits(given: Any, graph: DataflowGraph) -> tuple[Dimension | None, Tensor | None]:
    """The greatest number of iterations: where it is known, else as a tensor (i32).

    Raises:
        ShapeError: it is below 0.
    """
    if given is None:
        return None, None
    if isinstance(given, (Tensor, Variable)):
        return None, cast_to(to_tensor(given, None, graph), I32)
    maximum = given if isinstance(given, Dim) else operator.index(given)
    if isinstance(maximum, int) and maximum < 0:
        raise ShapeError(
            "maximum_iterations is below 0",
            given=maximum,
            expected="a number of iterations, or None for no limit",
            origin=capture_origin(),
        )
    return maximum, None

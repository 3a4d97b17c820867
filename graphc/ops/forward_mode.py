"""Forward-mode derivatives, and what is made of them: `jvp` and `hessians`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from graphc.dimensions import product
from graphc.errors import GradientError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.bodies import flatten, require_same_structure, unflatten
from graphc.ops.broadcasting import apply, broadcast_to
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.gradients import (
    check_inexact,
    check_tensors,
    connected,
    gradients,
    listed,
    own_tensor,
    source_tensor,
)
from graphc.ops.identities import copy
from graphc.ops.matrices import eye
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure


@undone_on_failure
def jvp(
    ys: Any,
    xs: Any,
    tangents: Any,
    unconnected: Literal["error", "none", "zero"] = "error",
    name: str = "jvp",
) -> Any:
    """The derivatives of `ys` when each of `xs` moves along its tangent: forward mode.

    It costs about as much as the ys themselves, whatever their number and sizes, and goes through
    every loop, a `while_loop` without a bound too.

    Args:
        ys: a tensor, or a list.
        xs: a tensor or variable, or a list; interior tensors too. A variable stands for its value
            before the run.
        tangents: one per x, broadcast to its shape; of any order: tangents may depend on the ys.
        unconnected: what to do about a y that depends on no x: raise ("error"), give `None`
            ("none") or zeros ("zero").
        name: scope of the new nodes.

    Returns:
        One tensor for one y, a list for a list; each of the shape and element type of its y.
        Complex numbers as in JAX.

    Raises:
        GradientError: a y depends on no x, the numbers of xs and tangents differ, or something is
            no float and not complex.
    """
    y_things, x_things, given = listed(ys), listed(xs), listed(tangents)
    check_tensors(y_things, x_things)
    graph = graph_of([*y_things, *x_things, *[t for t in given if t is not None]])
    y_tensors = [own_tensor(y, graph) for y in y_things]
    x_tensors = [source_tensor(x, graph) for x in x_things]
    check_inexact(y_tensors, x_tensors)
    if len(given) != len(x_tensors):
        raise GradientError(
            "needs one tangent per x",
            given=f"{len(given)} tangents for {len(x_tensors)} xs",
            fix="give zeros for an x that does not move, or leave it out",
            origin=capture_origin(),
        )
    directions = [_direction(t, x) for t, x in zip(given, x_tensors, strict=True)]
    moving = [y for y in y_tensors if connected([y.value], [x.value for x in x_tensors])]
    still = [y for y in y_tensors if y not in moving]
    if still and unconnected == "error":
        raise GradientError(
            f"{still[0].name!r} depends on no x",
            given=f"ys {[y.name for y in y_tensors]}, xs {[x.name for x in x_tensors]}",
            expected="a differentiable path from some x to every y",
            fix='leave it out, or say unconnected="zero" or "none"',
            origin=capture_origin(),
        )
    wanted = y_tensors if unconnected == "zero" else moving
    made = _add_intent(wanted, x_tensors, directions, False, name) if wanted else ()
    found = dict(zip(wanted, made, strict=True))
    answer = [found.get(y) for y in y_tensors]
    return answer if isinstance(ys, (list, tuple)) else answer[0]


def _direction(given: Any, x: Tensor) -> Tensor:
    tensor = to_tensor(given, x.dtype, x.graph)
    if tensor.dtype.is_complex and not x.dtype.is_complex:
        raise GradientError(
            f"the tangent of the real x {x.name!r} is complex",
            given=tensor.value.type,
            expected=x.value.type,
            origin=capture_origin(),
        )
    return broadcast_to(cast_to(tensor, x.dtype), x.shape)


def _add_intent(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor],
    tangents: Sequence[Tensor],
    is_batched: bool,
    name: str,
) -> tuple[Tensor, ...]:
    op = REGISTRY["jvp"]
    attributes = op.attributes.make({"ys": len(ys), "xs": len(xs), "batched": is_batched}, op.name)
    operands = [*ys, *xs, *tangents]
    return graph_of(operands).add(op, operands, attributes, name=name)


@undone_on_failure
def hessians(ys: Any, xs: Any, name: str = "hessians") -> Any:
    """The second derivatives of the sum of `ys`: one block for each x, as in TensorFlow 1.

    Forward over reverse, for all directions at once: what does not depend on the direction is
    computed once.

    Args:
        ys: a tensor, or a list whose sum is differentiated.
        xs: a tensor or variable, or a list, of any rank.
        name: scope of the new nodes.

    Returns:
        One tensor for one x, a list for a list. For an x of shape s it has the shape s + s: the
        derivative, at the last axes, of the gradient at the first axes.

    Raises:
        GradientError: no y depends on an x, or something is no float and not complex.
    """
    x_things = listed(xs)
    slopes = gradients(ys, x_things, name=name)
    found = [_block(slope, x, name) for slope, x in zip(slopes, x_things, strict=True)]
    return found if isinstance(xs, (list, tuple)) else found[0]


def _block(slope: Tensor, thing: Any, name: str) -> Tensor:
    x = source_tensor(thing, slope.graph)
    shape = x.shape
    size = product(shape)
    basis = apply("reshape", eye(size, dtype=x.dtype), shape=(size, *shape))
    (rows,) = _add_intent([slope], [x], [basis], True, name)
    moved = apply("transpose", rows, permutation=[*range(1, len(shape) + 1), 0])
    return apply("reshape", moved, shape=(*shape, *shape), name=name)


@undone_on_failure
def jvp_of_function(
    fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False
) -> Any:
    """The results of a function and their derivatives along tangents: `keras.ops.jvp`.

    `graphc.jvp` does the same for tensors that exist already.

    Args:
        fun: takes one argument per primal; gives tensors in any nesting.
        primals: a tuple or list of the arguments: tensors in any nesting.
        tangents: likewise, of the same structure.
        has_aux: whether `fun` gives a pair, of which only the first is differentiated.

    Returns:
        The results of `fun` and, in the same nesting, their derivatives; with `has_aux`, then what
        else `fun` gives. A result that depends on no primal has zeros.

    Raises:
        GraphcError: the structures of primals and tangents differ.
        GradientError: something is no float and not complex.
    """
    leaves, tree = flatten(list(primals))
    directions, other = flatten(list(tangents))
    require_same_structure("primals and tangents", other, tree, "tangents", "primals")
    xs = [copy(leaf) for leaf in leaves]
    given = fun(*unflatten(tree, xs))
    results, aux = given if has_aux else (given, None)
    ys, out_tree = flatten(results)
    tensors = [to_tensor(y, None, graph_of(xs)) for y in ys]
    made = jvp(tensors, xs, directions, unconnected="zero")
    moved = unflatten(out_tree, made)
    return (results, moved, aux) if has_aux else (results, moved)

"""One function on many slices: `map`, one after another, and `vectorized_map`, all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dimensions import Dimension, equal
from graphc.dtypes import TOKEN
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.bodies import Body, flatten, unflatten
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.loops import scan
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable


@undone_on_failure
def map(f: Callable[..., Any], xs: Any, name: str | None = None) -> Any:
    """What `f` gives for each slice of `xs`, stacked.

    Args:
        f: takes one slice.
        xs: tensors in any nesting, whose first sizes are equal.
        name: of the node.

    Raises:
        ShapeError: the first sizes differ.
        GraphcError: `f` gives no tensor.
    """
    if not flatten(xs)[0]:
        raise GraphcError("map() needs a tensor to go over", origin=capture_origin())

    def step(carry: Any, x: Any) -> tuple[None, Any]:
        return None, f(x)

    step.__wrapped__ = f  # type: ignore[attr-defined]  # errors name the user's function
    return scan(step, None, xs, name=name or "map")[1]


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None) -> Any:
    """`map`, as TensorFlow calls it."""
    return map(fn, elems, name or "map_fn")


@undone_on_failure
def vectorized_map(function: Callable[[Any], Any], elements: Any, name: str | None = None) -> Any:
    """What `function` gives for each slice of `elements`, stacked; for all of them at once.

    Unlike `map`, which goes from slice to slice, it computes with one more axis: as fast as what a
    person would write with broadcasting, in as much memory.

    Args:
        function: takes one slice, in the structure of `elements`; may read variables and draw
            random numbers, others for each slice, but may assign nothing.
        elements: tensors in any nesting, whose first sizes are equal.
        name: of the node.

    Returns:
        The nesting of the function's results, each with one more axis in front.

    Raises:
        ShapeError: the first sizes differ, or a tensor is a scalar.
        GraphcError: there is no tensor to go over, or the function gives none.
    """
    leaves, tree = flatten(elements)
    if not leaves:
        raise GraphcError("vectorized_map() needs a tensor to go over", origin=capture_origin())
    graph = graph_of([leaf for leaf in leaves if isinstance(leaf, (Tensor, Variable))])
    mapped = [to_tensor(leaf, None, graph) for leaf in leaves]
    length = _length(mapped)
    types = [tensor.value.type.with_shape(tensor.shape[1:]) for tensor in mapped]
    body = Body(function, graph, types, lambda slices: function(unflatten(tree, slices)))
    results = body.tensors()
    if any(tensor.dtype is TOKEN for tensor in results) or not results:
        raise GraphcError(
            "a function that is mapped over slices gives tensors",
            given=f"{'an operation' if results else 'nothing'} from the function at {body.line}",
            origin=capture_origin(),
        )
    captures = list(body.graph.captures)
    region = body.finish(results, captures, body.effects())
    op = REGISTRY["vectorized_map"]
    attributes = op.attributes.make({"invariants": len(captures), "length": length}, op.name)
    operands = [*mapped, *captures]
    made = graph.add(op, operands, attributes, (region,), name or "vectorized_map")
    return unflatten(body.tree, made)


def _length(tensors: Sequence[Tensor]) -> Dimension:
    found: Dimension | None = None
    for tensor in tensors:
        if not tensor.ndim:
            raise ShapeError(
                "a function is mapped over the first axis of tensors",
                given=f"the scalar {tensor.name!r}",
                fix="use it in the function as it is: what is used from outside is not mapped",
                origin=capture_origin(),
            )
        size = tensor.shape[0]
        if found is not None and equal(found, size) is False:
            raise ShapeError(
                "the numbers of slices differ",
                given=", ".join(str(each.value.type) for each in tensors),
                expected=f"a first size of {found}",
                origin=capture_origin(),
            )
        found = size if found is None or isinstance(size, int) else found
    assert found is not None
    return found

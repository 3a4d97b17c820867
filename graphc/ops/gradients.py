"""Asking for gradients: `gradients` adds an intent, a pass writes it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from graphc.errors import GradientError
from graphc.ir.graph import topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import NoGradient
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import add
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.program_order import current_order
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable

Unconnected = Literal["error", "none", "zero"]


def listed(things: Any) -> list[Any]:
    """What a user gave as one thing or as a list of things, as a list."""
    if things is None:
        return []
    return list(things) if isinstance(things, (list, tuple)) else [things]


def _passes_gradient(node: Node) -> bool:
    rule = node.op.gradient
    if node.op.name in ("gradient", "jvp", "apply_update", "after") or not isinstance(
        rule, NoGradient
    ):
        return True
    return rule.is_error  # the pass that writes the gradient says why there is none


def _variables_read(node: Node) -> set[str]:
    """The variables that the regions of a node read by name."""
    return {
        inner.attributes["variable"]
        for region in node.regions
        for inner in region.walk()
        if inner.op.name == "read"
    }


def _assigns(node: Node, variable: str) -> bool:
    return node.op.name == "assign" and node.attributes["variable"] == variable


def _waits_for_assignment(read: Node) -> bool:
    """Whether a read under control dependencies gives another value than the one before the run."""
    variable = read.attributes["variable"]
    if any(_assigns(value.node, variable) for value in read.inputs):
        return True
    return bool(read.inputs) and any(
        _assigns(node, variable) for node in topological_order(read.inputs)
    )


def connected(ys: Sequence[Value], xs: Sequence[Value], stops: Sequence[Value] = ()) -> set[Value]:
    """The `xs` that some y depends on in a differentiable way, not through a stop."""
    targets, stopped = set(xs), set(stops)
    reached = {value for value in ys if value not in stopped or value in targets}

    def operands(node: Node) -> tuple[Value, ...]:
        blocked = all(value in stopped for value in node.outputs)
        if blocked or not _passes_gradient(node):
            return ()
        return tuple([value for value in node.inputs if value.type.dtype.is_inexact])

    reads: dict[str, list[Value]] = {}
    for x in targets:
        if x.node.op.name == "read" and not _waits_for_assignment(x.node):
            reads.setdefault(x.node.attributes["variable"], []).append(x)
    for node in topological_order(list(reached), (), operands):
        reached.update(operands(node))
        if not reads or all(value in stopped for value in node.outputs):
            continue
        names = _variables_read(node)
        if node.op.name == "read" and not _waits_for_assignment(node):
            names.add(node.attributes["variable"])
        for variable in names:
            reached.update(reads.get(variable, ()))
    return targets & reached


@undone_on_failure
def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Unconnected = "error",
    name: str = "gradients",
) -> Any:
    """The gradients of the sum of `ys` with respect to each of `xs`, of any order.

    Args:
        ys: a tensor, or a list whose gradients are added up.
        xs: a tensor or variable, or a list; interior tensors too. A variable stands for its value
            before the run; in the order of a `train_step`, for all that was read of it.
        grad_ys: weights of the ys, of their shapes; ones by default.
        stop_gradients: tensors through which nothing flows.
        unconnected_gradients: what to do about an x that no y depends on: raise ("error"), give
            `None` ("none") or zeros ("zero").
        name: scope of the new nodes.

    Returns:
        One tensor for one x, a list for a list; each of the shape and element type of its x.
        Complex numbers as in JAX.

    Raises:
        GradientError: an x is unconnected, or something is no float and not complex.
    """
    if unconnected_gradients not in get_args(Unconnected):
        raise GradientError(
            "unconnected_gradients is a word",
            given=repr(unconnected_gradients),
            expected='"error", "none" or "zero"',
            origin=capture_origin(),
        )
    y_things, x_things = listed(ys), listed(xs)
    check_tensors(y_things, x_things)
    everything = [*y_things, *x_things, *listed(grad_ys), *listed(stop_gradients)]
    graph = graph_of([thing for thing in everything if thing is not None])
    y_tensors = [own_tensor(y, graph) for y in y_things]
    sources = [_sources(x, graph) for x in x_things]
    x_tensors = [tensor for group in sources for tensor, _ in group]
    stops = [own_tensor(stop, graph) for stop in listed(stop_gradients)]
    check_inexact(y_tensors, x_tensors)
    found = connected(
        [y.value for y in y_tensors], [x.value for x in x_tensors], [s.value for s in stops]
    )
    groups = [_reached(group, found) for group in sources]
    missing = [group[0] for group in groups if group[0].value not in found]
    if missing and unconnected_gradients == "error":
        raise GradientError(
            f"no y depends on {missing[0].name!r}",
            given=f"ys {[y.name for y in y_tensors]}, xs {[x.name for x in x_tensors]}",
            expected="a differentiable path from every x to some y",
            fix=_fix_of_unconnected(y_tensors, missing[0]),
            origin=capture_origin(),
        )
    x_tensors = [tensor for group in groups for tensor in group]
    wanted = (
        x_tensors if unconnected_gradients == "zero" else [x for x in x_tensors if x.value in found]
    )
    weights = _weights(y_tensors, grad_ys)
    results: dict[Tensor, Tensor] = {}
    if wanted:
        op = REGISTRY["gradient"]
        attributes = op.attributes.make(
            {
                "ys": len(y_tensors),
                "xs": len(wanted),
                "grad_ys": len(weights),
                "stops": len(stops),
                "unconnected": "zero",
            },
            op.name,
        )
        operands = [*y_tensors, *wanted, *weights, *stops]
        made = graph.add(op, operands, attributes, name=name)
        results = dict(zip(wanted, made, strict=True))
    answer = [_total([results.get(tensor) for tensor in group]) for group in groups]
    return answer if isinstance(xs, (list, tuple)) else answer[0]


def _fix_of_unconnected(ys: Sequence[Tensor], x: Tensor) -> str:
    """What to do about an x that no y depends on, by what is usual in its place."""
    captured = ys[0].graph.captures.values()
    if all(y in captured for y in ys):
        return (
            "the ys were computed outside of this branch or loop body: compute them in it, or take "
            "the gradient outside"
        )
    name = x.value.node.attributes.get("variable")
    below = topological_order([y.value for y in ys])
    if any(node.op.name == "read" and node.attributes["variable"] == name for node in below):
        return (
            "the ys read the variable after an assignment: take the gradient of that read, "
            "`now = variable.read_value()` under the same control_dependencies, and use `now`"
        )
    return 'leave it out, or say unconnected_gradients="zero" or "none"'


def _sources(thing: Any, graph: DataflowGraph) -> list[tuple[Tensor, Tensor | None]]:
    """What an x may stand for: tensors, each with the assignment that it sees, if any."""
    found: list[tuple[Tensor, Tensor | None]] = [(source_tensor(thing, graph), None)]
    order = current_order(graph)
    if isinstance(thing, Variable) and order is not None:
        found += [(read, assignment) for assignment, read in order.reads(thing.name, graph)]
    return found


def _reached(group: list[tuple[Tensor, Tensor | None]], found: set[Value]) -> list[Tensor]:
    """Those that ys depend on, one for each assignment that is seen; the first if there is none."""
    reached = {assignment: tensor for tensor, assignment in group if tensor.value in found}
    return list(reached.values()) or [group[0][0]]


def _total(parts: list[Tensor | None]) -> Tensor | None:
    total, *others = parts
    for part in others:
        total = part if total is None or part is None else add(total, part)
    return total


def own_tensor(thing: Any, graph: DataflowGraph) -> Tensor:
    """A tensor of `graph`: in a body, the input that stands for one from outside."""
    tensor = to_tensor(thing, None, graph)
    return tensor if tensor.graph is graph else graph.capture(tensor)


def check_tensors(ys: list[Any], xs: list[Any]) -> None:
    """Check that all are tensors or variables.

    Raises:
        GradientError: one is not.
    """
    for what, things in (("y", ys), ("x", xs)):
        for thing in things:
            if not isinstance(thing, (Tensor, Variable)):
                raise GradientError(
                    f"this {what} is no tensor: nothing of the graph depends on it",
                    given=f"{thing!r} ({type(thing).__name__})",
                    expected="tensors and variables",
                    origin=capture_origin(),
                )


def source_tensor(thing: Any, graph: DataflowGraph) -> Tensor:
    """What a derivative is taken with respect to: of a variable, its value before the run."""
    return thing.plain_read(graph) if isinstance(thing, Variable) else own_tensor(thing, graph)


def check_inexact(ys: list[Tensor], xs: list[Tensor]) -> None:
    """Check that all are floats or complex numbers.

    Raises:
        GradientError: one is not.
    """
    for what, tensors in (("y", ys), ("x", xs)):
        for tensor in tensors:
            if not tensor.dtype.is_inexact:
                raise GradientError(
                    f"the {what} {tensor.name!r} is {tensor.dtype}: it has no gradient",
                    expected="floats or complex numbers",
                    fix="cast it with ops.cast before it is used",
                    origin=capture_origin(),
                )


def _weights(ys: list[Tensor], grad_ys: Any) -> list[Tensor]:
    """One weight per y, ones where the user gave None; none at all when none is given."""
    given = listed(grad_ys)
    if all(weight is None for weight in given):
        return []
    if len(given) != len(ys):
        raise GradientError(
            "needs one grad_y per y",
            given=f"{len(given)} grad_ys for {len(ys)} ys",
            fix="put None where the weight is one",
            origin=capture_origin(),
        )
    weights: list[Tensor] = []
    for y, weight in zip(ys, given, strict=True):
        tensor = to_tensor(1 if weight is None else weight, y.dtype, y.graph)
        weights.append(broadcast_to(cast_to(tensor, y.dtype), y.shape))
    return weights

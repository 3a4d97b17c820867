"""A group of nodes that is one thing to a reader: what the `fused` stage outlines.

XLA gets the body in place, so a fusion changes no program. It says what belongs together, and what
its nodes cost when nothing between them goes through memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dimensions import Dimension
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import STRING, Attribute, Schema, choice, optional
from graphc.ir.builder import Builder, GraphBuilder, inline
from graphc.ir.differentiation import append_gradients, reached_inputs, reached_outputs
from graphc.ir.editor import GraphEditor
from graphc.ir.forward_differentiation import jvp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import Cost, Forward, InlineLowering, OpCall, OpSpec, Recomputed, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.opset.samples import draw


def _type(call: OpCall) -> Sequence[TensorType]:
    if len(call.regions) != 1:
        raise call.error(ShapeError, f"has {len(call.regions)} regions", "one: body")
    (body,) = call.regions
    if body.update_names:
        raise call.error(
            ShapeError,
            f"its body updates variables ({', '.join(body.update_names)})",
            "a closed graph whose results are those of the fusion",
        )
    if len(body.inputs) != len(call.types):
        raise call.error(
            ShapeError, f"its body takes {len(body.inputs)} operands", f"{len(call.types)}"
        )
    for position, (value, given) in enumerate(zip(body.inputs, call.types, strict=True)):
        if given is not value.type:
            _require_type(call, position, given, value.type)
    call.constraints.extend(body.constraints)
    return [value.type for value in body.outputs]


def _require_type(call: OpCall, position: int, given: TensorType, expected: TensorType) -> None:
    what = f"operand {position} is {given}"
    if given.dtype is not expected.dtype:
        raise call.error(DTypeError, what, f"{expected}, as the body declares it")
    if given.rank != expected.rank:
        raise call.error(ShapeError, what, f"{expected}, as the body declares it")
    for axis, sizes in enumerate(zip(given.shape, expected.shape, strict=True)):
        call.require_equal(*sizes, f"{what}, its body takes {expected}: sizes {axis}")


def _reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    return bodies[0](*arrays)


def _cost(call: OpCall) -> Cost:
    """The work of all nodes of the body, but only the bytes that go in and come out."""
    flops: Dimension = 0
    for node in call.regions[0].nodes:
        if node.op.name != "input":
            flops = flops + node.op.cost_of(node.call).flops
    moved: Dimension = 0
    for type_ in (*call.types, *call.results):
        moved = moved + type_.byte_size
    return Cost(flops, moved)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None] | Recomputed:
    """The body in place, followed by its gradient: its nodes are computed once."""
    (body,) = call.regions
    given = [i for i in range(len(results)) if call.has_cotangent(i)]
    wanted = [i for i in sorted(reached_inputs(body, given)) if call.wants(i)]
    if not wanted:
        return [None] * len(operands)
    written = _with_gradients(body, wanted, given)
    made = inline(build, written, [*operands, *[cotangents[i] for i in given]])
    gradients: list[Value | None] = [None] * len(operands)
    for position, value in zip(wanted, made[len(results) :], strict=True):
        gradients[position] = value
    return Recomputed(made[: len(results)], gradients)


def _tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    """The body in place, with tangents beside its nodes."""
    (body,) = call.regions
    moved = {i: tangent for i, tangent in enumerate(tangents) if tangent is not None}
    reached = sorted(reached_outputs(body, moved))
    if not reached:
        return Forward(results, [None] * len(results))
    made = inline(build, jvp_graph(body, list(moved), reached), [*operands, *moved.values()])
    found = dict(zip(reached, made[len(results) :], strict=True))
    return Forward(made[: len(results)], [found.get(i) for i in range(len(results))])


def _with_gradients(body: Graph, wanted: Sequence[int], given: Sequence[int]) -> Graph:
    """A body that also takes cotangents of results `given`, and gives those of inputs `wanted`."""
    editor = GraphEditor(body)
    build = editor.build
    cotangents = [build.input(body.outputs[i].type, f"cotangent{i}") for i in given]
    editor.inputs.extend(cotangents)
    xs = [body.inputs[i] for i in wanted]
    gradients = append_gradients(
        build,
        body.nodes,
        [body.outputs[i] for i in given],
        cotangents,
        xs,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    filled = [build.full_like(x, 0) if g is None else g for x, g in zip(xs, gradients, strict=True)]
    editor.set_outputs([*body.outputs, *filled])
    made, _ = editor.freeze()
    return made


def _chain(dtype: str) -> tuple[Graph, ...]:
    """Elementwise: two results, one of which the other uses, and an operand that is a result."""
    build = GraphBuilder()
    matrix = as_type(dtype, (2, 3))
    x, y, row = (
        build.input(matrix, "x"),
        build.input(matrix, "y"),
        build.input(as_type(dtype, (3,)), "row"),
    )
    product = build.multiply(x, y)
    repeated = build.broadcast_in_dim(row, shape=(2, 3), broadcast_dimensions=(1,))
    return (build.finish([product, build.tanh(build.add(product, repeated)), y]),)


def _dense(dtype: str) -> tuple[Graph, ...]:
    """A contraction with its epilogue, and a mask, which has no gradient."""
    build = GraphBuilder()
    x, w = build.input(as_type(dtype, (2, 3)), "x"), build.input(as_type(dtype, (3, 2)), "w")
    product = build.dot_general(x, w, lhs_contracting=(1,), rhs_contracting=(0,))
    mask = build.compare(product, build.full_like(product, 0), direction="GT")
    return (build.finish([build.logistic(product), mask]),)


def _sum_of_squares(dtype: str) -> tuple[Graph, ...]:
    """A reduction with what goes before; an operand is a count, and one serves nothing."""
    build = GraphBuilder()
    x = build.input(as_type(dtype, (2, 3)), "x")
    count = build.input(as_type("int32"), "count")
    build.input(as_type(dtype), "unused")
    total = build.reduce_sum(build.multiply(x, x), axes=(0, 1))
    return (build.finish([build.divide(total, build.convert(count, dtype=dtype))]),)


def _samples() -> list[Sample]:
    samples: list[Sample] = []
    for dtype in ("float32", "float64"):

        def x(*shape: int, salt: int = 0, dtype: str = dtype) -> Any:
            return draw(*shape, dtype=dtype, salt=salt)

        samples += [
            Sample(
                (x(2, 3), x(2, 3, salt=1), x(3)),
                {"kind": "elementwise"},
                make_regions=lambda dtype=dtype: _chain(dtype),
            ),
            Sample(
                (x(2, 3), x(3, 2)),
                {"kind": "epilogue", "label": "dot_general, logistic"},
                make_regions=lambda dtype=dtype: _dense(dtype),
            ),
            Sample(
                (x(2, 3), draw(low=1, high=5, dtype="int32"), x()),
                {"kind": "reduction", "label": 'a "label"'},
                make_regions=lambda dtype=dtype: _sum_of_squares(dtype),
            ),
        ]
    return samples


FUSION = REGISTRY.register(
    OpSpec(
        name="fusion",
        doc="The results of its body on the operands; the body's nodes are emitted in its place.",
        arity=None,
        attributes=Schema(
            kind=choice("elementwise", "epilogue", "reduction"),
            label=Attribute(optional(STRING), None),
        ),
        infer=_type,
        lower=InlineLowering(),
        gradient=_gradient,
        tangent=_tangent,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.REGION,
        region_names=("body",),
    )
)

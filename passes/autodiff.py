"""The stage `differentiated`: writes `gradient` and `jvp` intents out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.errors import GradientError
from graphc.ir.differentiation import append_gradients
from graphc.ir.editor import GraphEditor
from graphc.ir.forward_differentiation import append_tangents
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from passes.functional.gradient_taps import DERIVATIVES
from passes.outlining import map_over_rows
from passes.region_rewriting import NodeReplacement


@dataclass(frozen=True)
class Autodiff(GraphPass):
    """Derivatives of any order, backward (`gradient`) and forward (`jvp`).

    * Inner intents are written out before outer ones: those in regions first, then in the order of
      the graph. Each goes over the slice between its xs and ys, as it is by then.
    * A composite with a gradient rule of its own is kept. One without is replaced by its
      decomposition, in the forward graph too, so nothing is computed twice.
    * An intent's x that no y depends on gets zeros, or is an error, as the intent says. A y that
      depends on no x has the tangent zero.
    * Tangents in batches: what depends on them is computed for all at once, the rest once.
    * New nodes carry the line of the forward node, the rule "autodiff", and the name
      "gradients/<forward name>" or "tangents/<forward name>".
    """

    name: ClassVar[str] = "autodiff"
    required: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        intents = NodeReplacement(context.registry, DERIVATIVES, _write_out)
        editor = intents.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"intents": len(intents.found)})


def _write_out(editor: GraphEditor, intent: Node) -> None:
    """Replace the results of one intent by the derivatives that it stands for."""
    with editor.build.located(intent.origin.with_rule("autodiff"), intent.name):
        if intent.op.name == "jvp":
            _write_tangents(editor, intent)
        else:
            _write_gradients(editor, intent)


def _write_gradients(editor: GraphEditor, intent: Node) -> None:
    attributes, build = intent.attributes, editor.build
    counts = [attributes[name] for name in ("ys", "xs", "grad_ys", "stops")]
    ys, xs, grad_ys, stops = _split(editor.operands(intent), counts)
    made = append_gradients(
        build,
        topological_order(ys, (), editor.operands),
        ys,
        grad_ys or [None] * len(ys),
        xs,
        stops=stops,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    for result, x, gradient in zip(intent.outputs, xs, made, strict=True):
        if gradient is None:
            if attributes["unconnected"] == "error":
                raise _unconnected(intent, ys, x)
            gradient = build.full_like(x, 0)
        editor.replace(result, gradient)


def _write_tangents(editor: GraphEditor, intent: Node) -> None:
    attributes, build = intent.attributes, editor.build
    counts = [attributes[name] for name in ("ys", "xs", "xs")]
    ys, xs, tangents = _split(editor.operands(intent), counts)
    is_batched = attributes["batched"]
    rows = [build.input(x.type, "tangent") for x in xs] if is_batched else tangents
    made = append_tangents(
        build,
        topological_order(ys, (), editor.operands),
        xs,
        rows,
        ys,
        operands_of=editor.operands,
        replace=None if is_batched else editor.replace,
    )
    filled = [build.full_like(y, 0) if t is None else t for y, t in zip(ys, made, strict=True)]
    if is_batched:
        filled = map_over_rows(editor, filled, rows, tangents)
    for result, tangent in zip(intent.outputs, filled, strict=True):
        if tangent.type is not result.type:  # sizes that a constraint makes equal
            tangent = build.reshape(tangent, shape=result.type.shape)
        editor.replace(result, tangent)


def _split(operands: Sequence[Value], counts: Sequence[int]) -> list[list[Value]]:
    parts: list[list[Value]] = []
    start = 0
    for count in counts:
        parts.append(list(operands[start : start + count]))
        start += count
    return parts


def _unconnected(intent: Node, ys: Sequence[Value], x: Value) -> GradientError:
    return GradientError(
        f"no y depends on {_describe(x)} in a differentiable way",
        given=f"the gradient of {', '.join(_describe(y) for y in ys)}",
        expected="a path of floats from every x to some y, through no stop_gradient",
        fix='leave that x out, or ask with unconnected_gradients="zero" or "none"',
        origin=intent.origin,
    )


def _describe(value: Value) -> str:
    node = value.node
    if node.op.name == "tap":
        return _describe(node.inputs[0])
    if node.op.name == "input":
        return f"{node.attributes['name']!r} ({value.type})"
    name = repr(node.name) if node.name else node.op.name
    return f"{name} ({value.type}, made at {node.origin.file}:{node.origin.line})"

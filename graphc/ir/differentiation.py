"""Reverse accumulation over nodes: the engine of gradients, without intents, taps or state.

`append_gradients` walks the nodes between xs and ys once, from the last to the first, and adds the
nodes of each op's gradient rule. `vjp_graph` does the same to a closed graph, for the regions of
region ops. Which values depend on which is decided from the declared facets alone: a path ends at
`NoGradient`, goes on with derivative zero through `ZeroGradient`, and carries no integers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from graphc.errors import GradientError, VerifyError
from graphc.ir.builder import Builder, decomposition_graph
from graphc.ir.cotangents import Cotangents
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, node_inputs
from graphc.ir.node import Node, Value
from graphc.ir.op import ByDecomposition, NoGradient, Recomputed, ZeroGradient
from graphc.ir.types import TensorType

Replace = Callable[[Value, Value], object]
"""`replace(old, new)`: let `new` stand for `old` from now on, as `GraphEditor.replace` does."""


def append_gradients(
    build: Builder,
    nodes: Sequence[Node],
    ys: Sequence[Value],
    grad_ys: Sequence[Value | None],
    xs: Sequence[Value],
    *,
    stops: Collection[Value] = (),
    operands_of: Callable[[Node], tuple[Value, ...]] = node_inputs,
    replace: Replace | None = None,
) -> list[Value | None]:
    """Add the gradients of the sum of `ys`, each times its `grad_y`, with respect to `xs`.

    Only nodes on a path between `xs` and `ys` are visited, each once. An x may stand anywhere: its
    gradient is the total derivative through all paths, those through other xs included.

    Args:
        build: adds the nodes; they carry the origin of the node they derive from, with the rule
            "autodiff", and its name below "gradients".
        nodes: operands before users; holds all nodes between `xs` and `ys`, may hold more.
        ys: floats or complex numbers.
        grad_ys: one cotangent per y, of its type; None is ones.
        xs: what to differentiate with respect to.
        stops: values to treat as constants; an x among them still gets its own gradient.
        operands_of: the operands of a node as they are now: `editor.operands` inside an editor.
        replace: told of results that a rule or a decomposition computes anew, so that they are not
            computed twice: `editor.replace` inside an editor.

    Returns:
        One gradient per x, of its type, or None where no y depends on it.

    Raises:
        GradientError: a path leads through an op whose gradient is not to be had; names its line.
    """
    sweep = _Sweep(build, xs, frozenset(stops), operands_of, replace)
    sweep.note_dependents(nodes)
    for y, grad_y in zip(ys, grad_ys, strict=True):
        if y in sweep.dependent:
            cotangent = build.full_like(y, 1) if grad_y is None else grad_y
            sweep.cotangents.add(y, sweep.fit(cotangent, y.type, "the grad_y of a gradient"))
    sweep.run(nodes)
    return [sweep.gradient(x) for x in xs]


class _Sweep:
    """The tables of one reverse accumulation."""

    def __init__(
        self,
        build: Builder,
        xs: Iterable[Value],
        stops: frozenset[Value],
        operands_of: Callable[[Node], tuple[Value, ...]],
        replace: Replace | None,
    ) -> None:
        self.build = build
        self.stops = stops
        self.operands_of = operands_of
        self.replace = replace
        self.dependent: set[Value] = {x for x in xs if x.type.dtype.is_inexact}
        self.cotangents = Cotangents(build)
        self.zero: set[Value] = set()  # connected, with derivative zero so far
        self.zeros: dict[TensorType, Value] = {}

    def note_dependents(self, nodes: Iterable[Node]) -> None:
        """Extend `dependent` by what the nodes compute from it in a differentiable way."""
        extend_dependents(self.dependent, nodes, self.stops, self.operands_of)

    def run(self, nodes: Sequence[Node]) -> None:
        cotangents, zero = self.cotangents, self.zero
        for node in reversed(nodes):
            for output in node.outputs:
                if output in cotangents or output in zero:
                    self.visit(node)
                    break

    def visit(self, node: Node) -> None:
        operands = self.operands_of(node)
        wanted = tuple([operand in self.dependent for operand in operands])
        reached = [output for output in node.outputs if output not in self.stops]
        if ends_paths(node) or not any(wanted):
            return
        given = tuple([o in self.cotangents and o not in self.stops for o in node.outputs])
        if not any(given) or isinstance(node.op.gradient, ZeroGradient):
            if any(output in self.cotangents or output in self.zero for output in reached):
                self.zero.update(o for o, wants in zip(operands, wanted, strict=True) if wants)
            return
        with self.build.located(node.origin.with_rule("autodiff"), gradient_name(node.name)):
            if isinstance(node.op.gradient, ByDecomposition):
                self.decompose(node, operands, given)
            else:
                self.apply_rule(node, operands, wanted, given)

    def apply_rule(
        self,
        node: Node,
        operands: tuple[Value, ...],
        wanted: tuple[bool, ...],
        given: tuple[bool, ...],
    ) -> None:
        rule = node.op.gradient
        if isinstance(rule, NoGradient):
            raise GradientError(
                f"{node.op.name} has no gradient: {rule.reason}", given=node, origin=node.origin
            )
        assert not isinstance(rule, (ZeroGradient, ByDecomposition))
        call = node.call
        call.wanted, call.given = wanted, given
        cotangents = [
            self.cotangents[output] if has else self.zeros_of(output)
            for output, has in zip(node.outputs, given, strict=True)
        ]
        try:
            made = rule(self.build, call, operands, node.outputs, cotangents)
        except GradientError as error:
            raise error.at(node.origin) from None
        if isinstance(made, Recomputed):
            self.note_replaced(node, made.results)
            made = made.cotangents
        if len(made) != len(operands):
            raise VerifyError(
                f"the gradient rule of {node.op.name} does not give one cotangent per operand",
                given=len(made),
                expected=len(operands),
            )
        what = f"a cotangent by the gradient rule of {node.op.name}"
        for operand, wants, cotangent in zip(operands, wanted, made, strict=True):
            if wants and cotangent is not None:
                self.cotangents.add(operand, self.fit(cotangent, operand.type, what))

    def decompose(self, node: Node, operands: tuple[Value, ...], given: tuple[bool, ...]) -> None:
        """Write a composite out, and go on through the nodes that it is made of."""
        graph = decomposition_graph(node.call)
        added: list[Node] = []
        mapped = dict(zip(graph.inputs, operands, strict=True))
        with self.build.located(node.origin, node.name):
            for inner in graph.nodes:
                if inner.op.name == "input":
                    continue
                inputs = tuple([mapped[value] for value in inner.inputs])
                copy = self.build.make(inner.op, inputs, inner.attributes, inner.regions)
                mapped.update(zip(inner.outputs, copy.outputs, strict=True))
                added.append(copy)
        results = [mapped[value] for value in graph.outputs]
        self.note_replaced(node, results)
        self.note_dependents(added)
        for output, result, has in zip(node.outputs, results, given, strict=True):
            if has and result in self.dependent:
                self.cotangents.add(result, self.cotangents[output])
        self.run(added)

    def note_replaced(self, node: Node, results: Sequence[Value]) -> None:
        if self.replace is not None:
            for old, new in zip(node.outputs, results, strict=True):
                self.replace(old, new)

    def fit(self, cotangent: Value, type_: TensorType, what: str) -> Value:
        """A cotangent whose sizes are equal by a constraint, written with the value's own sizes."""
        given = cotangent.type
        if given is type_:
            return cotangent
        if given.dtype is not type_.dtype or given.rank != type_.rank:
            raise VerifyError(f"{what} has the wrong type", given=given, expected=type_)
        return self.build.reshape(cotangent, shape=type_.shape)

    def zeros_of(self, value: Value) -> Value:
        found = self.zeros.get(value.type)
        if found is None:
            found = self.zeros[value.type] = self.build.full_like(value, 0)
        return found

    def gradient(self, x: Value) -> Value | None:
        if x in self.cotangents:
            return self.cotangents[x]
        return self.zeros_of(x) if x in self.zero else None


def gradient_name(name: str) -> str:
    """The name of what derives from a node of that name."""
    return f"gradients/{name}" if name else "gradients"


def forward_name(name: str) -> str:
    """The name of the node that a node of that name derives from."""
    return name.removeprefix("gradients").removeprefix("/")


def ends_paths(node: Node) -> bool:
    """Whether no derivative goes through a node, and nobody has to know."""
    gradient = node.op.gradient
    return isinstance(gradient, NoGradient) and not gradient.is_error


def extend_dependents(
    dependent: set[Value],
    nodes: Iterable[Node],
    stops: Collection[Value] = (),
    operands_of: Callable[[Node], tuple[Value, ...]] = node_inputs,
) -> None:
    """Add to a set of values what the nodes compute from them in a differentiable way."""
    for node in nodes:
        for operand in operands_of(node):
            if operand in dependent:
                break
        else:
            continue
        if ends_paths(node):
            continue
        for output in node.outputs:
            if output.type.dtype.is_inexact and output not in stops:
                dependent.add(output)


def reached_outputs(graph: Graph, inputs: Collection[int]) -> set[int]:
    """Positions of the outputs that depend on these inputs in a differentiable way."""
    dependent = {graph.inputs[i] for i in inputs if graph.inputs[i].type.dtype.is_inexact}
    extend_dependents(dependent, graph.nodes)
    return {i for i, value in enumerate(graph.outputs) if value in dependent}


def reached_inputs(graph: Graph, outputs: Collection[int]) -> set[int]:
    """Positions of the inputs on which these outputs depend in a differentiable way."""
    live = {graph.outputs[i] for i in outputs if graph.outputs[i].type.dtype.is_inexact}
    for node in reversed(graph.nodes):
        if not any(output in live for output in node.outputs) or ends_paths(node):
            continue
        live.update(value for value in node.inputs if value.type.dtype.is_inexact)
    return {i for i, value in enumerate(graph.inputs) if value in live}


def vjp_graph(
    graph: Graph,
    wanted: Sequence[int],
    given: Sequence[int] | None = None,
    *,
    with_outputs: bool = False,
) -> Graph:
    """The gradient of a closed graph, as a closed graph.

    Args:
        graph: a region; updates no variables.
        wanted: positions of the inputs whose cotangents are asked for.
        given: positions of the outputs whose cotangents are handed over, the others' being zero;
            by default all that are floats or complex numbers.
        with_outputs: whether to give the outputs of `graph` too, before all others.

    Returns:
        Takes the inputs of `graph`, then one cotangent per given output; gives one cotangent per
        wanted input, zeros where no given output depends on it.
    """
    if given is None:
        given = [i for i, value in enumerate(graph.outputs) if value.type.dtype.is_inexact]
    editor = GraphEditor(graph)
    build = editor.build
    cotangents = [build.input(graph.outputs[i].type, f"cotangent{i}") for i in given]
    editor.inputs.extend(cotangents)
    xs = [graph.inputs[i] for i in wanted]
    gradients = append_gradients(
        build,
        graph.nodes,
        [graph.outputs[i] for i in given],
        cotangents,
        xs,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    editor.set_outputs(
        [
            *(graph.outputs if with_outputs else ()),
            *[
                build.full_like(x, 0) if g is None else g
                for x, g in zip(xs, gradients, strict=True)
            ],
        ]
    )
    made, _ = editor.freeze()
    return made

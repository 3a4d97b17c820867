"""Forward accumulation over nodes: tangents of values along given tangents of xs.

`append_tangents` walks the nodes once, from the first to the last, and adds to each what moves its
results. An op with a rule of its own (the region ops) gives results and tangents together. Of any
other op the gradient rule is *transposed*: a gradient rule is linear in its cotangents v, so with
g = Jᵀ v the gradient of (g · t) with respect to v is J t, whatever v is; what only led to g is dead
and never added. `jvp_graph` does the same to a closed graph, for the regions of region ops.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from graphc.errors import GradientError, GraphcError, VerifyError
from graphc.ir.builder import Builder, GraphBuilder, decomposition_graph
from graphc.ir.differentiation import Replace, append_gradients, ends_paths, extend_dependents
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, node_inputs, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import ByDecomposition, NoGradient, OpCall, Recomputed, ZeroGradient
from graphc.ir.types import TensorType


def append_tangents(
    build: Builder,
    nodes: Sequence[Node],
    xs: Sequence[Value],
    tangents: Sequence[Value],
    ys: Sequence[Value],
    *,
    operands_of: Callable[[Node], tuple[Value, ...]] = node_inputs,
    replace: Replace | None = None,
) -> list[Value | None]:
    """Add the derivatives of `ys` when each x moves along its tangent.

    An x may stand anywhere: what reaches it from other xs is added to its own tangent, so this is
    the transpose of `append_gradients`.

    Args:
        build: adds the nodes; they carry the origin of the node they derive from, with the rule
            "autodiff", and its name below "tangents".
        nodes: operands before users; holds all nodes between `xs` and `ys`, may hold more.
        xs: floats or complex numbers.
        tangents: one per x, of its type.
        ys: floats or complex numbers.
        operands_of: the operands of a node as they are now: `editor.operands` inside an editor.
        replace: told of results that are computed anew together with their tangents, unless the
            given tangents depend on them.

    Returns:
        One tangent per y, of its type, or None where it depends on no x.

    Raises:
        GradientError: a path leads through an op whose derivative is not to be had; names its line.
    """
    sweep = _Sweep(build, operands_of, replace, tangents)
    for x, tangent in zip(xs, tangents, strict=True):
        sweep.seed(x, tangent)
    needed = set(topological_order(list(ys), (), operands_of))
    for node in nodes:
        if node in needed:
            sweep.visit(node)
    return [sweep.tangents.get(y) for y in ys]


class _Sweep:
    """The tables of one forward accumulation."""

    def __init__(
        self,
        build: Builder,
        operands_of: Callable[[Node], tuple[Value, ...]],
        replace: Replace | None,
        given: Sequence[Value],
    ) -> None:
        self.build = build
        self.operands_of = operands_of
        self.replace = replace
        self.given = given
        self.tangents: dict[Value, Value] = {}
        self.seeds: dict[Value, Value] = {}
        self._before: set[Node] | None = None

    def seed(self, x: Value, tangent: Value) -> None:
        tangent = self.fit(tangent, x.type, "the tangent of an x")
        before = self.seeds.get(x)
        self.seeds[x] = tangent if before is None else self.build.add(before, tangent)
        self.tangents[x] = self.seeds[x]

    def visit(self, node: Node) -> None:
        operands = self.operands_of(node)
        found = [self.tangents.get(operand) for operand in operands]
        if all(tangent is None for tangent in found) or ends_paths(node):
            return
        rule = node.op.gradient
        if isinstance(rule, ZeroGradient):
            return
        with self.build.located(node.origin.with_rule("autodiff"), _tangent_name(node.name)):
            if node.op.tangent is not None:
                try:
                    made = node.op.tangent(self.build, node.call, operands, node.outputs, found)
                except GraphcError as error:
                    raise error.at(node.origin) from None
                self.note_results(node, made.results)
                self.note(node.outputs, made.tangents)
                self.note(made.results, made.tangents)
            elif isinstance(rule, ByDecomposition):
                self.decompose(node, operands)
            elif isinstance(rule, NoGradient):
                raise GradientError(
                    f"{node.op.name} has no derivative: {rule.reason}",
                    given=node,
                    origin=node.origin,
                )
            else:
                self.note(node.outputs, self.transposed(node, operands, found))

    def note(self, results: Sequence[Value], tangents: Sequence[Value | None]) -> None:
        for result, tangent in zip(results, tangents, strict=True):
            seed = self.seeds.get(result)
            if tangent is None:
                continue
            tangent = self.fit(tangent, result.type, "a tangent")
            self.tangents[result] = tangent if seed is None else self.build.add(seed, tangent)

    def note_results(self, node: Node, results: Sequence[Value]) -> None:
        """Let results that were computed anew stand for the old, where that makes no circle."""
        for old, new in zip(node.outputs, results, strict=True):
            if old in self.seeds and new is not old:
                self.seeds[new] = self.seeds[old]
                self.tangents[new] = self.seeds[old]
        if self.replace is None:
            return
        if self._before is None:
            self._before = set(topological_order(list(self.given), (), self.operands_of))
        if node not in self._before:
            for old, new in zip(node.outputs, results, strict=True):
                if new is not old:
                    self.replace(old, new)

    def decompose(self, node: Node, operands: tuple[Value, ...]) -> None:
        """Write a composite out, and go on through the nodes that it is made of."""
        graph = decomposition_graph(node.call)
        mapped = dict(zip(graph.inputs, operands, strict=True))
        with self.build.located(node.origin, node.name):
            added = _copy(self.build, graph, mapped)
        results = [mapped[value] for value in graph.outputs]
        self.note_results(node, results)
        for inner in added:
            self.visit(inner)
        for old, new in zip(node.outputs, results, strict=True):
            if new in self.tangents:
                self.tangents.setdefault(old, self.tangents[new])

    def transposed(
        self, node: Node, operands: tuple[Value, ...], tangents: Sequence[Value | None]
    ) -> list[Value | None]:
        moved = tuple([i for i, tangent in enumerate(tangents) if tangent is not None])
        graph, reached = _transposed_rule(self.build, node.call, moved)
        given = [tangent for tangent in tangents if tangent is not None]
        mapped = dict(zip(graph.inputs, [*operands, *node.outputs, *given], strict=True))
        _copy(self.build, graph, mapped)
        made = dict(zip(reached, [mapped[value] for value in graph.outputs], strict=True))
        return [made.get(position) for position in range(len(node.outputs))]

    def fit(self, tangent: Value, type_: TensorType, what: str) -> Value:
        """A tangent whose sizes are equal by a constraint, written with the value's own sizes."""
        given = tangent.type
        if given is type_:
            return tangent
        if given.dtype is not type_.dtype or given.rank != type_.rank:
            raise VerifyError(f"{what} has the wrong type", given=given, expected=type_)
        return self.build.reshape(tangent, shape=type_.shape)


def _tangent_name(name: str) -> str:
    return f"tangents/{name}" if name else "tangents"


def _copy(build: Builder, graph: Graph, mapped: dict[Value, Value]) -> list[Node]:
    """Add the nodes of a closed graph, where `build` stands; `mapped` learns their values."""
    added: list[Node] = []
    for inner in graph.nodes:
        if inner.op.name == "input":
            continue
        inputs = tuple([mapped[value] for value in inner.inputs])
        copy = build.make(inner.op, inputs, inner.attributes, inner.regions)
        mapped.update(zip(inner.outputs, copy.outputs, strict=True))
        added.append(copy)
    return added


def _transposed_rule(
    build: Builder, call: OpCall, moved: tuple[int, ...]
) -> tuple[Graph, tuple[int, ...]]:
    """The forward rule of an op, from its gradient rule; memoised.

    Returns:
        A closed graph of the op's operands, its results, and a tangent for each operand in `moved`;
        and the positions of the results whose tangents it gives.
    """
    key = ("tangent", call.attributes, call.types, moved)
    if not call.regions and (found := call.op.type_memo.get(key)) is not None:
        return found
    made = _transpose(build, call, moved)
    if not call.regions:
        call.op.type_memo[key] = made
    return made


def _transpose(
    build: Builder, call: OpCall, moved: tuple[int, ...]
) -> tuple[Graph, tuple[int, ...]]:
    own = GraphBuilder(build.registry)
    operands = [own.input(type_, f"operand{i}") for i, type_ in enumerate(call.types)]
    results = [own.input(type_, f"result{i}") for i, type_ in enumerate(call.results)]
    tangents = [own.input(call.types[i], f"tangent{i}") for i in moved]
    rule = call.op.gradient
    assert callable(rule)
    asked = OpCall(call.op, call.types, call.attributes, call.regions, call.results)
    asked.wanted = tuple([i in moved for i in range(len(call.types))])
    # The cotangents: their values do not matter, for nothing may depend on them in the end.
    cotangents = [own.full_like(result, 0) for result in results]
    given = rule(own, asked, operands, results, cotangents)
    if isinstance(given, Recomputed):
        given = given.cotangents
    pairs = [(given[i], t) for i, t in zip(moved, tangents, strict=True) if given[i] is not None]
    xs = [v if v.type.dtype.is_inexact else None for v in cotangents]
    made = append_gradients(
        own,
        list(own.nodes),
        [g for g, _ in pairs if g is not None],
        [t for _, t in pairs],
        [x for x in xs if x is not None],
    )
    found = dict(zip([i for i, x in enumerate(xs) if x is not None], made, strict=True))
    reached = tuple([i for i, tangent in sorted(found.items()) if tangent is not None])
    graph = own.finish([value for i in reached if (value := found[i]) is not None])
    return _without_cotangents(graph, call, dict(zip(cotangents, results, strict=True))), reached


def _without_cotangents(graph: Graph, call: OpCall, results: Mapping[Value, Value]) -> Graph:
    """The transposed rule with results in place of cotangents, of which it knows only sizes.

    Raises:
        GradientError: the rule depends on the cotangents themselves, so it is not linear in them.
    """
    users = [n for n in graph.nodes if any(value in results for value in n.inputs)]
    if any(value in results for value in graph.outputs) or any(
        node.op.name != "dimension_size" for node in users
    ):
        raise call.error(
            GradientError,
            "its gradient is not linear in what comes from above, so it has no forward mode",
            "a gradient that doubles when the cotangents double",
        )
    if not users:
        return graph
    editor = GraphEditor(graph)
    for cotangent, result in results.items():
        editor.replace(cotangent, result)
    return editor.freeze()[0]


def jvp_graph(graph: Graph, moved: Sequence[int], wanted: Sequence[int]) -> Graph:
    """A closed graph that gives its outputs, and then the tangents of some.

    Args:
        graph: a region; updates no variables.
        moved: positions of the inputs whose tangents are handed over.
        wanted: positions of the outputs whose tangents are given, zeros where they do not move.

    Returns:
        Takes the inputs of `graph`, then one tangent per input in `moved`.
    """
    editor = GraphEditor(graph)
    build = editor.build
    tangents = [build.input(graph.inputs[i].type, f"tangent{i}") for i in moved]
    editor.inputs.extend(tangents)
    ys = [graph.outputs[i] for i in wanted]
    made = append_tangents(
        build,
        graph.nodes,
        [graph.inputs[i] for i in moved],
        tangents,
        ys,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    filled = [build.full_like(y, 0) if t is None else t for y, t in zip(ys, made, strict=True)]
    editor.set_outputs([*graph.outputs, *filled])
    return editor.freeze()[0]


def moved_carries(body: Graph, moved: Collection[int], carries: int) -> tuple[set[int], set[int]]:
    """Which inputs and outputs of a loop's body move, when those of `moved` do.

    The first `carries` outputs are the next values of the first inputs: what moves a carry moves
    it, and all that depends on it, in the iterations that follow.
    """
    inputs = set(moved)
    while True:
        dependent = {body.inputs[i] for i in inputs if body.inputs[i].type.dtype.is_inexact}
        extend_dependents(dependent, body.nodes)
        outputs = {i for i, value in enumerate(body.outputs) if value in dependent}
        more = {i for i in outputs if i < carries} - inputs
        if not more:
            return inputs, outputs
        inputs |= more

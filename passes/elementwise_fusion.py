"""The stage `fused`: what belongs together is outlined into regions with names.

XLA fuses by itself, and gets the bodies in place. The regions are for people, who read a training
step as some dozen steps, and for cost reports, which count the bytes that cross a region's border
and not those between its nodes.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar, Final

from graphc.errors import AttributeValueError
from graphc.ir.attributes import Attributes
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint, OpSpec
from graphc.ir.registry import OpRegistry
from graphc.ir.types import TensorType
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.fusion_groups import Group, Grouping, Role, group_nodes, role_of

FUSION: Final = "fusion"
_COUNTED_OPS: Final = 6  # kinds of ops that a label counts


@dataclass(frozen=True)
class ElementwiseFusion(GraphPass):
    """Outlines elementwise nodes, with at most one matrix product or reduction among them.

    * A region is convex, and every value that is used outside is one of its results. What lays an
      operand out (a broadcast, a reshape) is inside when nothing outside needs it; scalar constants
      and what is made of them alone are inside every region that uses them.
    * Its kind is "elementwise"; "epilogue", for a contraction or a reduction and what follows it;
      or "reduction", where elementwise nodes come before it. Its label counts its ops, its name
      is the name scope that its nodes share, its origin that of its last node.
    * Nodes around a contraction or a reduction have one top-level name scope: an optimizer's step
      is no part of the gradient that it takes.
    * Bodies of `scan`, `cond` and `while_loop` are fused too. A graph or body that holds a fusion
      already stays as it is.

    Attributes:
        smallest: a region has at least this many nodes besides constants.
        largest: a region has at most this many nodes that compute something.
    """

    name: ClassVar[str] = "elementwise_fusion"
    idempotent: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    smallest: int = 2
    largest: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest:
            raise AttributeValueError(
                "elementwise_fusion: the sizes of regions do not fit together",
                given=f"smallest={self.smallest}, largest={self.largest}",
                expected="1 <= smallest <= largest",
            )

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        fuser = _Fuser(self, context.registry)
        editor = fuser.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"regions": dict(fuser.kinds)})


class _Fuser:
    """Fuses a graph and the bodies in it, each of those once.

    Attributes:
        kinds: how many regions of each kind were made.
    """

    def __init__(self, options: ElementwiseFusion, registry: OpRegistry) -> None:
        self.options = options
        self.registry = registry
        self.fusion = registry[FUSION]
        self.kinds: Counter[str] = Counter()
        self._bodies: dict[Graph, Graph] = {}
        self._attributes: dict[tuple[str, ...], Attributes] = {}

    def edit(self, graph: Graph) -> GraphEditor | None:
        """An editor with the regions outlined; None where nothing is to be changed."""
        bodies: dict[Node, tuple[Graph, ...]] = {}
        is_fused = False
        for node in graph.nodes:
            if node.op is self.fusion:
                is_fused = True
            elif node.regions:
                changed = tuple([self.fused_body(body) for body in node.regions])
                if changed != node.regions:
                    bodies[node] = changed
        regions = [] if is_fused else list(self.outlined(graph))
        if not regions and not bodies:
            return None
        editor = GraphEditor(graph, self.registry)
        build = editor.build
        for node, changed in bodies.items():
            with build.located(node.origin, node.name):
                made = build.make(node.op, node.inputs, node.attributes, changed)
            _replace_all(editor, node.outputs, made.outputs)
        for region in regions:
            made = self.fusion_of(region, editor)
            _replace_all(editor, region.results, made.outputs)
            self.kinds[made.attributes["kind"]] += 1
        return editor

    def fused_body(self, body: Graph) -> Graph:
        found = self._bodies.get(body)
        if found is None:
            editor = self.edit(body)
            found = self._bodies[body] = body if editor is None else editor.freeze()[0]
        return found

    def fusion_of(self, region: _Region, editor: GraphEditor) -> Node:
        """The node for a region; its types are those of the body, and need no inference."""
        return Node(
            self.fusion,
            tuple([editor.resolve(value) for value in region.operands]),
            self.attributes(region),
            tuple([value.type for value in region.results]),
            (region.body,),
            _shared_scope(region.members) or region.root.name,
            region.root.origin.with_rule(self.options.name),
        )

    def attributes(self, region: _Region) -> Attributes:
        """Kind and label; one look-up for a region like one before."""
        key = (region.kind, *[node.op.name for node in region.members])
        found = self._attributes.get(key)
        if found is None:
            made = {"kind": key[0], "label": _label(key[1:])}
            found = self._attributes[key] = self.fusion.attributes.make(made, FUSION)
        return found

    def outlined(self, graph: Graph) -> Iterator[_Region]:
        """The groups of a graph that are worth a region; one comes after those it depends on."""
        grouping = group_nodes(graph, self.options.largest)
        smallest, free, input_op = self.options.smallest, grouping.free, self.registry["input"]
        for group in sorted(grouping.groups, key=attrgetter("level")):
            if len(group.members) == 1:
                (member,) = group.members
                if group.heavy is not None:
                    continue
                brings_free = any(value.node in free for value in member.inputs)
                if not brings_free and 1 + len(group.layout) < smallest:
                    continue
            region = _Region(group, grouping, input_op)
            if region.size >= smallest:
                yield region


class _Region:
    """The nodes of a group as a closed graph.

    A node without operands, and what is computed from such nodes alone, stands in every body that
    uses it as the very same object; all others are made anew.

    Attributes:
        group: what is outlined.
        root: the node that gives the last result.
        results: the values that the region's results stand for.
        operands: the values that the body's inputs stand for.
        members: the body's nodes that compute something, in its order.
        body: the closed graph.
        size: number of the body's nodes besides inputs and constants.
    """

    def __init__(self, group: Group, grouping: Grouping, input_op: OpSpec) -> None:
        self.group = group
        self.results = group.results
        self.operands: list[Value] = []
        self.members: list[Node] = []
        self.size = 0
        self._grouping = grouping
        self._input_op = input_op
        self._values: dict[Value, Value] = {}
        self._nodes: list[Node] = []
        for value in self._ends_first():
            if value not in self._values:
                self._write(value.node)
        values = self._values
        if len(self.results) > 1:
            wanted = set(self.results)
            self.results = [value for value in values if value in wanted]
        self.root = self.results[-1].node
        inputs = [values[value] for value in self.operands]
        nodes = [value.node for value in inputs]
        nodes += self._nodes
        self.body = Graph(inputs, [values[value] for value in self.results], nodes)

    @property
    def kind(self) -> str:
        heavy = self.group.heavy
        if heavy is None:
            return "elementwise"
        if role_of(heavy.op) is Role.REDUCTION:
            group_of = self._grouping.group_of
            for value in heavy.inputs:
                producer = value.node
                if group_of.get(producer) is self.group and producer not in self.group.layout:
                    return "reduction"
        return "epilogue"

    def _ends_first(self) -> Sequence[Value]:
        """The results, first those that nothing inside uses.

        From these the body is written, so that its order depends on what it computes, and not on
        who asks for which result first.
        """
        if len(self.results) == 1:
            return self.results
        used = {value for node in self.group.members for value in node.inputs}
        return sorted(self.results, key=used.__contains__)

    def _write(self, root: Node) -> None:
        """Add a node to the body, after those inside that it needs."""
        values, group, nodes = self._values, self.group, self._nodes
        group_of, free = self._grouping.group_of, self._grouping.free
        stack = [root]
        while stack:
            node = stack[-1]
            for value in node.inputs:
                if value in values:
                    continue
                producer = value.node
                if group_of.get(producer) is group or producer in free:
                    stack.append(producer)
                    break
                values[value] = self._new_input(value.type)
                self.operands.append(value)
            else:
                stack.pop()
                made = node if node in free else self._copy(node)
                nodes.append(made)
                values[node.outputs[0]] = made.outputs[0]
                if len(node.outputs) > 1:
                    values.update(zip(node.outputs, made.outputs, strict=True))
                self.size += node.op.name != "constant"

    def _copy(self, node: Node) -> Node:
        if role_of(node.op) is not Role.LAYOUT:
            self.members.append(node)
        values = self._values
        return Node(
            node.op,
            tuple([values[value] for value in node.inputs]),
            node.attributes,
            tuple([value.type for value in node.outputs]),
            node.regions,
            node.name,
            node.origin,
        )

    def _new_input(self, type_: TensorType) -> Value:
        attributes = _input_attributes(self._input_op, type_, len(self.operands))
        return Node(self._input_op, (), attributes, (type_,)).output


@functools.lru_cache(maxsize=4096)
def _input_attributes(op: OpSpec, type_: TensorType, position: int) -> Attributes:
    given = {"name": f"operand{position}", "dtype": type_.dtype, "shape": type_.shape}
    return op.attributes.make({"kind": "argument", **given}, op.name)


def _replace_all(editor: GraphEditor, olds: Sequence[Value], news: Sequence[Value]) -> None:
    for old, new in zip(olds, news, strict=True):
        editor.replace(old, new)


def _label(op_names: Sequence[str]) -> str:
    """What a region computes: "dot_general, add, 2 multiply"."""
    counts = Counter(op_names)
    texts = [name if count == 1 else f"{count} {name}" for name, count in counts.items()]
    if len(texts) > _COUNTED_OPS:
        texts[_COUNTED_OPS - 1 :] = ["..."]
    return ", ".join(texts)


def _shared_scope(members: Sequence[Node]) -> str:
    """The longest name scope that all nodes with names have in common; "" where none is."""
    names = {node.name for node in members}
    names.discard("")
    if len(names) < 2:
        return "".join(names)
    # Of paths in order, the first and the last have in common what all have.
    paths = [f"{name}/" for name in names]
    shared: list[str] = []
    for mine, theirs in zip(min(paths).split("/"), max(paths).split("/"), strict=False):
        if mine != theirs:
            break
        shared.append(mine)
    return "/".join(shared)


def unfuse(graph: Graph) -> Graph:
    """The graph with the bodies of all fusions in their place, in regions too.

    What `ElementwiseFusion` made of a graph becomes that graph again, node for node: a constant
    that it put into several regions is one node in all of them.
    """
    return _Unfuser().graph(graph)


class _Unfuser:
    """Puts bodies in place of fusions."""

    def __init__(self) -> None:
        self._known: dict[Graph, Graph] = {}

    def graph(self, graph: Graph) -> Graph:
        found = self._known.get(graph)
        if found is None:
            found = self._known[graph] = self._written_out(graph)
        return found

    def _written_out(self, graph: Graph) -> Graph:
        values: dict[Value, Value] = {}
        constraints = list(graph.constraints)
        if not self._write(graph, values, constraints):
            return graph
        outputs = [values.get(value, value) for value in graph.outputs]
        nodes = topological_order(outputs, graph.inputs)
        return Graph(graph.inputs, outputs, nodes, graph.update_names, constraints)

    def _write(
        self, graph: Graph, values: dict[Value, Value], constraints: list[Constraint]
    ) -> bool:
        """Note what stands for the values of a graph; gives whether anything does."""
        changed = False
        for node in graph.nodes:
            inputs = tuple([values.get(value, value) for value in node.inputs])
            if node.op.name == FUSION:
                (body,) = node.regions
                values.update(zip(body.inputs, inputs, strict=True))
                self._write(body, values, constraints)
                constraints += body.constraints
                results = tuple([values.get(value, value) for value in body.outputs])
            else:
                regions = tuple([self.graph(region) for region in node.regions])
                if inputs == node.inputs and regions == node.regions:
                    continue
                types = tuple([value.type for value in node.outputs])
                results = Node(
                    node.op, inputs, node.attributes, types, regions, node.name, node.origin
                ).outputs
            values.update(zip(node.outputs, results, strict=True))
            changed = True
        return changed

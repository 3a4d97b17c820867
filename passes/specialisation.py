"""Concrete sizes: symbols in types, attributes and regions become integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from graphc.dimensions import Dimension, substitute
from graphc.errors import GraphcError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.editor import ValueMap
from graphc.ir.graph import Graph
from graphc.ir.literal import as_literal
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics


@dataclass(frozen=True)
class Specialisation(GraphPass):
    """Puts the sizes that a feed has settled in place of their symbols.

    After it every type is static, `dimension_size` is a constant, and no constraint is left: each
    was checked. A graph without symbols comes back as it is.
    """

    name: ClassVar[str] = "specialisation"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if not has_symbols(graph):
            return PassResult.unchanged(graph)
        made, rebuilt = _Specialiser(context.sizes, context).graph(graph)
        return PassResult(
            made, True, ValueMap(rebuilt=rebuilt), {"sizes": dict(sorted(context.sizes.items()))}
        )


def has_symbols(graph: Graph) -> bool:
    """Whether a type, a constraint or a `dimension_size` is left for sizes to settle."""
    if graph.constraints:
        return True
    for node in graph.nodes:
        for value in node.outputs:
            if not value.type.is_static:
                return True
        if node.op.name == "dimension_size":
            return True
        for region in node.regions:
            if has_symbols(region):
                return True
    return False


def _symbols(sizes: Iterable[Dimension]) -> set[str]:
    return {name for size in sizes if not isinstance(size, int) for name in size.symbols}


class _Specialiser:
    """Copies graphs with sizes in place of symbols; shares what has none."""

    def __init__(self, sizes: Mapping[str, int], context: PassContext) -> None:
        self.sizes = sizes
        self.registry = context.registry
        self.regions: dict[Graph, Graph] = {}

    def graph(self, graph: Graph) -> tuple[Graph, dict[Node, Node]]:
        nodes: list[Node] = []
        build = Builder(nodes.append, self.registry)
        rebuilt: dict[Node, Node] = {}
        self.check(graph.constraints)
        for node in graph.nodes:
            try:
                made = self.node(node, build, rebuilt)
            except GraphcError as problem:
                raise problem.at(node.origin) from None
            except ValueError as problem:  # a divisor that becomes zero
                raise ShapeError(str(problem), origin=node.origin) from None
            if made is node:
                nodes.append(node)
            else:
                rebuilt[node] = made
        self.check(build.constraints)
        where = ValueMap(rebuilt=rebuilt)
        inputs = [where[value] for value in graph.inputs]
        outputs = [where[value] for value in graph.outputs]
        return Graph(inputs, outputs, nodes, graph.update_names), rebuilt

    def node(self, node: Node, build: Builder, rebuilt: Mapping[Node, Node]) -> Node:
        """The node with concrete sizes; itself where nothing about it changes."""
        build.origin, build.name = node.origin, node.name
        if node.op.name == "dimension_size":
            return self.fold_size(node, build)
        operands = tuple([_moved(value, rebuilt) for value in node.inputs])
        attributes = node.op.attributes.substitute(node.attributes, self.sizes)
        regions = tuple([self.region(region) for region in node.regions])
        is_same = operands == node.inputs and attributes is node.attributes
        if is_same and regions == node.regions and all(v.type.is_static for v in node.outputs):
            return node
        made = build.make(node.op, operands, attributes, regions)
        for before, after in zip(node.outputs, made.outputs, strict=True):
            if not after.type.is_static:
                unknown = _symbols(after.type.shape)
                raise self.missing(unknown, f"the shape of {before!r}")
        return made

    def fold_size(self, node: Node, build: Builder) -> Node:
        size = substitute(node.inputs[0].type.shape[node.attributes["axis"]], self.sizes)
        if not isinstance(size, int):
            raise self.missing(_symbols([size]), "a dimension_size")
        return build.literal(as_literal(size, node.output.type.dtype)).node

    def region(self, region: Graph) -> Graph:
        if not has_symbols(region):
            return region
        made = self.regions.get(region)
        if made is None:
            made = self.regions[region] = self.graph(region)[0]
        return made

    def check(self, constraints: Iterable[Constraint]) -> None:
        """Check equations between sizes, as far as the sizes are known.

        Raises:
            ShapeError: one does not hold; says which, and with which sizes.
        """
        for constraint in constraints:
            try:
                left = substitute(constraint.left, self.sizes)
                right = substitute(constraint.right, self.sizes)
            except ValueError as problem:  # a divisor that becomes zero
                raise ShapeError(f"the condition {constraint} fails: {problem}") from None
            if not (isinstance(left, int) and isinstance(right, int)):
                continue  # it is about a tensor that is not computed here, or its shape is refused
            if left != right:
                names = sorted(_symbols([constraint.left, constraint.right]))
                raise ShapeError(
                    f"sizes do not fit together: the graph needs {constraint}",
                    given=", ".join(f"{name} = {self.sizes[name]}" for name in names),
                    expected=f"equal sizes, not {left} and {right}",
                    fix="feed arrays whose sizes agree",
                )

    def missing(self, names: set[str], what: str) -> ShapeError:
        return ShapeError(
            f"{what} depends on a size that is not known",
            given="sizes of " + (", ".join(sorted(self.sizes)) or "no symbol"),
            expected="a size for " + ", ".join(sorted(names)),
            fix="feed a placeholder whose shape holds it",
        )


def _moved(value: Value, rebuilt: Mapping[Node, Node]) -> Value:
    node = rebuilt.get(value.node)
    return value if node is None else node.outputs[value.index]

"""Checking a graph: the type rules run again, and the shape of the graph itself."""

from __future__ import annotations

from collections.abc import Container, Iterable

from graphc.errors import GraphcError, VerifyError
from graphc.ir.builder import infer_types
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value


def verify_node(node: Node) -> None:
    """Run a node's type rule again.

    Raises:
        VerifyError: the rule refuses the operands, or gives other types than the node has.
    """
    types = tuple([value.type for value in node.inputs])
    declared = tuple([value.type for value in node.outputs])
    if not node.regions:
        known = node.op.type_memo.get((node.attributes, types))
        if known is not None and known[0] == declared:
            return
    try:
        inferred, _ = infer_types(node.op, types, node.attributes, node.regions)
    except GraphcError as problem:
        raise VerifyError(
            f"{node.op.name} does not take its operands: {problem.message}",
            given=problem.given,
            origin=node.origin,
        ) from problem
    if inferred != declared:
        raise VerifyError(
            f"{node.op.name} has other types than its type rule gives",
            given=declared,
            expected=inferred,
            origin=node.origin,
        )
    for region in node.regions:
        verify(region)


def verify(graph: Graph, known: Container[Node] = ()) -> None:
    """Check a whole graph.

    Args:
        graph: the graph.
        known: nodes whose types were checked before (nodes never change); their place in the graph
            is checked all the same.

    Raises:
        VerifyError: names the node and its line.
    """
    defined: set[Node] = set()
    values: set[Value] = set()
    has_all = values.issuperset
    inputs = {value.node for value in graph.inputs}
    for node in graph.nodes:
        if not has_all(node.inputs):
            raise _undefined(node, next(value for value in node.inputs if value not in values))
        if node in defined:
            raise VerifyError(f"{node.op.name} stands twice in the graph", origin=node.origin)
        if node.op.name == "input" and node not in inputs:
            raise VerifyError("an input node that is no input of the graph", origin=node.origin)
        if node not in known:
            verify_node(node)
        defined.add(node)
        values.update(node.outputs)
    _check_ends(graph, defined, inputs)


def _undefined(node: Node, value: Value) -> VerifyError:
    return VerifyError(
        f"{node.op.name} uses a value of {value.node.op.name} that stands later or in "
        "another graph",
        origin=node.origin,
        fix="regions take what they need as inputs; nodes stand in topological order",
    )


def _check_ends(graph: Graph, defined: set[Node], inputs: set[Node]) -> None:
    if len(inputs) != len(graph.inputs):
        raise VerifyError("an input stands twice among the inputs of the graph")
    for value in graph.inputs:
        if value.node.op.name != "input" or value.node not in defined:
            raise VerifyError(f"{value.node.op.name} stands among the inputs of the graph")
    for value in graph.outputs:
        if value.node not in defined:
            raise VerifyError(
                f"an output is made by {value.node.op.name} outside the graph",
                origin=value.node.origin,
            )
    if len(graph.update_names) > len(graph.outputs):
        raise VerifyError("more variables are updated than there are outputs")
    if len(set(graph.update_names)) != len(graph.update_names):
        raise VerifyError("a variable is updated twice", given=graph.update_names)


def check_allowed(nodes: Iterable[Node], forbidden: Container[str], stage: str) -> None:
    """Check that no op is left that may not exist after a stage, regions included.

    Raises:
        VerifyError: names the node.
    """
    for node in nodes:
        if node.op.name in forbidden:
            raise VerifyError(
                f"{node.op.name} may not exist after the stage {stage!r}", origin=node.origin
            )
        for region in node.regions:
            check_allowed(region.nodes, forbidden, stage)

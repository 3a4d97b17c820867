"""Whether samples of a batch can be left out: no sample sees another, but for sums over all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphc.dimensions import Dim
from graphc.errors import GraphcError
from graphc.ir.builder import call_types, decomposition_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import OpCall, Trait
from graphc.ir.origin import Origin
from graphc.rewriting.batch_rows.row_axes import MixesSamplesError, RowAxes
from graphc.rewriting.batch_rows.row_rules import RULES, Mask


@dataclass(frozen=True)
class Refusal:
    """Why a graph cannot leave samples out.

    Attributes:
        reason: what it does to them.
        origin: the line that made the node.
        name: of the node.
    """

    reason: str
    origin: Origin
    name: str

    def __str__(self) -> str:
        where = str(self.origin)
        return f"{self.reason} ({self.name!r}{', ' + where if where else ''})"


@dataclass(frozen=True)
class Examination:
    """What a graph does to the samples of a batch.

    Attributes:
        masks: by node, the operands whose padding must not count.
        sizes: the nodes that ask for the number of samples.
        refusals: why padding would change something else; empty where it does not.
        row_axes: for each fetch, the axis of samples, or None.
    """

    masks: dict[Node, tuple[Mask, ...]]
    sizes: frozenset[Node]
    refusals: tuple[Refusal, ...]
    row_axes: tuple[int | None, ...]


def examine(graph: Graph, batch: Dim) -> Examination:
    """Look at every node, at those of bodies and of decompositions too.

    Args:
        graph: a step on one batch, as it was built.
        batch: the symbol that stands for the number of samples.
    """
    axes = RowAxes(batch)
    masks: dict[Node, tuple[Mask, ...]] = {}
    sizes: set[Node] = set()
    refusals = list(_refused_constraints(graph, axes))
    for node in graph.nodes:
        try:
            if found := _masks_of(node, axes):
                masks[node] = tuple(found)
            if node.op.name == "dimension_size" and _asks_for_samples(node, axes):
                sizes.add(node)
        except MixesSamplesError as problem:
            refusals.append(Refusal(str(problem), node.origin, node.name))
    row_axes = () if refusals else tuple([axes.of(value) for value in graph.fetches])
    return Examination(masks, frozenset(sizes), tuple(refusals), row_axes)


def _refused_constraints(graph: Graph, axes: RowAxes) -> Iterator[Refusal]:
    for constraint in graph.constraints:
        if axes.is_counted_in(constraint.left) or axes.is_counted_in(constraint.right):
            reason = f"the number of samples must fulfil {constraint}"
            yield Refusal(reason, graph.outputs[0].node.origin, graph.outputs[0].node.name)


def _asks_for_samples(node: Node, axes: RowAxes) -> bool:
    axis: int = node.attributes["axis"]
    return axes.is_counted_in(node.inputs[0].type.shape[axis])


def _masks_of(node: Node, axes: RowAxes) -> list[Mask]:
    """What to mask of a node.

    Raises:
        MixesSamplesError: samples meet otherwise.
    """
    touched = [axes.of(value) for value in (*node.inputs, *node.outputs)]
    for region in node.regions:
        _require_apart(region, axes, node)
    rule = RULES.get(node.op.name)
    if rule is not None:
        return list(rule(axes, node))
    if all(axis is None for axis in touched) and not _names_batch(node, axes):
        return []
    if node.op.name == "input" or node.op.has(Trait.ELEMENTWISE | Trait.ROW_WISE):
        return []
    if node.op.decomposition is None:
        raise MixesSamplesError(f"nothing is known of what {node.op.name} does to samples")
    call = OpCall(node.op, call_types(node.inputs), node.attributes, node.regions)
    try:
        written_out = decomposition_graph(call)
    except GraphcError as problem:  # it needs sizes that are known
        raise MixesSamplesError(f"{node.op.name}: {problem.message}") from None
    _require_apart(written_out, axes, node)
    return []


def _names_batch(node: Node, axes: RowAxes) -> bool:
    """Whether an attribute depends on the number of samples."""
    substituted = node.op.attributes.substitute(node.attributes, dict.fromkeys(axes.names, 1))
    return substituted is not node.attributes


def _require_apart(graph: Graph, axes: RowAxes, around: Node) -> None:
    """In bodies and decompositions nothing is masked, so no samples may meet at all.

    Raises:
        MixesSamplesError: some do.
    """
    for _ in _refused_constraints(graph, axes):
        raise MixesSamplesError(f"{around.op.name} depends on the number of samples")
    for node in graph.nodes:
        asks = node.op.name == "dimension_size" and _asks_for_samples(node, axes)
        if asks or _masks_of(node, axes):
            raise MixesSamplesError(f"{around.op.name} mixes the samples of a batch")

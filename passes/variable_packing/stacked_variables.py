"""Which variables a graph reads as one array, and may keep as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.layer_rolling.node_signatures import Users


@dataclass(frozen=True)
class StackedVariables:
    """Variables that are read as one array.

    Attributes:
        variables: the inputs, by row.
        whole: the array.
    """

    variables: tuple[Value, ...]
    whole: Value


def is_state(value: Value) -> bool:
    """Whether a value is a variable's, before the run, and not a pack already."""
    attributes = value.node.attributes
    is_input = value.node.op.name == "input"
    return is_input and attributes["kind"] == "state" and not attributes["members"]


def stacked_variables(graph: Graph, users: Users) -> Iterator[StackedVariables]:
    """Every array that stacks whole variables; no variable is in two of them."""
    taken: set[Value] = set()
    names = set(graph.update_names)
    for node in graph.nodes:
        if node.op.name != "concatenate" or node.attributes["dimension"] != 0:
            continue
        variables = [_stacked_variable(row) for row in node.inputs]
        found = tuple([variable for variable in variables if variable is not None])
        rows = set(found)
        if len(found) < len(variables) or len(rows) < len(found) or taken & rows:
            continue
        updated = {value.node.attributes["name"] in names for value in found}
        if len(updated) == 1 and _differentiated_alike(found, users):
            taken |= rows
            yield StackedVariables(found, node.output)


def _stacked_variable(row: Value) -> Value | None:
    """The variable that a row of a stack is."""
    node = row.node
    if node.op.name != "reshape" or not is_state(node.inputs[0]):
        return None
    variable = node.inputs[0]
    return variable if row.type.shape == (1, *variable.type.shape) else None


def _differentiated_alike(variables: Sequence[Value], users: Users) -> bool:
    """Whether each gradient is taken with respect to all of the variables, or to none.

    Where a gradient ends at one of them (`stop_gradients`), the array is another way around it.
    """
    first = _gradients(variables[0], users)
    return first is not None and all(_gradients(each, users) == first for each in variables[1:])


def _gradients(variable: Value, users: Users) -> list[Node] | None:
    """The intents with a variable among their xs; None where it is anything else of one."""
    found: list[Node] = []
    for user, place in users[variable.node]:
        if user.op.name == "gradient":
            ys, xs = user.attributes["ys"], user.attributes["xs"]
            if not ys <= place < ys + xs or user in found:
                return None
            found.append(user)
    return found

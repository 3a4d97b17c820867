"""Which assignment a read sees, and in which order assignments of one variable take place.

The assignments of a graph are numbered in creation order (its node order), one bit each. Every node
has the set of assignments that it depends on, through operands, as an integer of such bits. What a
read sees is then the highest bit that it shares with the assignments of its variable, and two
assignments are ordered exactly when the later one has the bit of the earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphc.errors import StateError
from graphc.ir.node import Node, Value
from graphc.ir.types import TensorType

BEFORE_THE_RUN = -1


class StateOrder:
    """The versions of every variable, while a graph is walked in creation order.

    Args:
        take: makes the value that a variable has before the run, the first time it is needed.
    """

    def __init__(self, take: Callable[[str, TensorType, Node], Value]) -> None:
        self._take = take
        self._types: dict[str, tuple[TensorType, Node]] = {}
        self._writers: list[Node] = []
        self._written: dict[str, int] = {}  # the bits of a variable's assignments
        self._settings: dict[str, int] = {}  # those of them that do not go on from the one before
        self._versions: dict[tuple[str, int], Value] = {}
        self._seen: dict[Node, int] = {}

    def follow(self, node: Node, operands: Iterable[Value]) -> int:
        """Note what a node depends on; gives the assignments, as bits."""
        bits = 0
        if self._seen:
            for value in operands:
                bits |= self._seen.get(value.node, 0)
            if bits:
                self._seen[node] = bits
        return bits

    def version_seen(self, variable: str, bits: int) -> int:
        """The latest assignment of a variable among `bits`, or BEFORE_THE_RUN."""
        return (bits & self._written.get(variable, 0)).bit_length() - 1

    def latest_version(self, variable: str) -> int:
        """The last assignment of a variable so far, or BEFORE_THE_RUN."""
        return self._written.get(variable, 0).bit_length() - 1

    def value(self, variable: str, version: int, type_: TensorType, node: Node) -> Value:
        """A version of a variable.

        Args:
            variable: its name.
            version: an assignment, or BEFORE_THE_RUN.
            type_: what `node` takes the variable's type to be.
            node: who needs it.

        Raises:
            StateError: the variable has another type elsewhere.
        """
        self._check_type(variable, type_, node)
        key = (variable, version)
        found = self._versions.get(key)
        if found is None:
            found = self._versions[key] = self._take(variable, type_, node)
        return found

    def open_version(self, node: Node, bits: int, variables: Iterable[str], adds: bool) -> int:
        """Number an assignment; `set_value` gives its result.

        Args:
            node: the node that assigns.
            bits: the assignments that it depends on.
            variables: what it assigns.
            adds: whether it adds, subtracts or averages, so that the order among its like is free.

        Raises:
            StateError: its order to an earlier assignment is not defined; names both lines.
        """
        version = len(self._writers)
        bit = 1 << version
        for variable in variables:
            rivals = self._settings.get(variable, 0) if adds else self._written.get(variable, 0)
            unordered = rivals & ~bits
            if unordered:
                self._raise_unordered(variable, self._writers[unordered.bit_length() - 1], node)
            self._written[variable] = self._written.get(variable, 0) | bit
            if not adds:
                self._settings[variable] = self._settings.get(variable, 0) | bit
        self._writers.append(node)
        self._seen[node] = bits | bit
        return version

    def set_value(
        self, variable: str, version: int, value: Value, type_: TensorType, node: Node
    ) -> None:
        """Say what a variable is after an assignment."""
        self._check_type(variable, type_, node)
        self._versions[variable, version] = value

    def taken(self) -> dict[str, Value]:
        """The values before the run that were needed, by variable, in the order of first need."""
        return {name: value for (name, version), value in self._versions.items() if version < 0}

    def final_values(self) -> dict[str, Value]:
        """What assigned variables are in the end, in the order of first assignment."""
        return {
            variable: self._versions[variable, bits.bit_length() - 1]
            for variable, bits in self._written.items()
        }

    def type_of(self, variable: str) -> TensorType:
        return self._types[variable][0]

    def _check_type(self, variable: str, type_: TensorType, node: Node) -> None:
        known, first = self._types.setdefault(variable, (type_, node))
        if known is not type_:
            raise StateError(
                f"the variable {variable!r} has two types",
                given=f"{type_} here, {known} at {first.origin.file}:{first.origin.line}",
                expected="one element type and shape per variable",
                origin=node.origin,
            )

    @staticmethod
    def _raise_unordered(variable: str, earlier: Node, later: Node) -> None:
        first, second = earlier.origin, later.origin
        raise StateError(
            f"two assignments of the variable {variable!r} have no order",
            given=f"{_what(earlier)} at {first.file}:{first.line}, "
            f"{_what(later)} at {second.file}:{second.line}",
            expected="an order by data or by control dependencies, or additions alone",
            fix="build the later one under control_dependencies([the earlier one])",
            origin=second,
        )


def _what(node: Node) -> str:
    if node.op.name == "assign":
        name = {"set": "assign", "add": "assign_add", "subtract": "assign_sub"}
        return name[node.attributes["mode"]]
    return f"{node.op.name} {node.name!r}" if node.name else node.op.name

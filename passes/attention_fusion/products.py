"""The two products of attention, and what their axes stand for.

The rule looks at every product of two tensors. One whose summed axis is that of a softmax is the
sum of values; from the softmax it goes up to the product of queries and keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.attention_fusion.axis_atoms import Atoms, Axes
from passes.attention_fusion.logits import Logits, LogitsSearch, scaled_by_number
from passes.attention_fusion.masks import Masks

_BETWEEN: Final = frozenset({"transpose", "reshape", "convert"})
_NEAR: Final = 3
"""How many ops may stand between a softmax and the values for the rule to say that they do."""


class NearMissError(Exception):
    """What looks like attention is nothing that the op can say; says why."""


@dataclass(frozen=True)
class Part:
    """A tensor and what its axes stand for."""

    value: Value
    axes: Axes


@dataclass(frozen=True)
class Roles:
    """What each atom is: in the order in which the op has them."""

    examples: Sequence[int]
    queries: Sequence[int]
    keys: Sequence[int]
    key_heads: Sequence[int]
    group: Sequence[int]
    size: Sequence[int]
    value_size: Sequence[int]

    @property
    def heads(self) -> list[int]:
        """Those of queries."""
        return [*self.key_heads, *self.group]


@dataclass(frozen=True)
class Found:
    """Everything that attention is made of.

    Attributes:
        atoms: of the match.
        query, key, value: the tensors.
        result: the axes of what is replaced.
        roles: of the atoms.
        scale: of the logits.
        logits: bias and number of hidden logits.
        masks: what hides them.
        weights: the softmax.
        precision: of both products.
    """

    atoms: Atoms
    query: Part
    key: Part
    value: Part
    result: Axes
    roles: Roles
    scale: float
    logits: Logits
    masks: Masks
    weights: Part
    precision: str | None


def find_attention(node: Node, editor: GraphEditor) -> Found | None:
    """The attention whose last product a node is; None where it is nothing like it.

    Raises:
        NearMissError: it is something like it.
    """
    match = _softmax_of(node, editor)
    if match is not None:
        _require_own(match.atoms, node, editor.operands(node)[match.side], match.softmax)
        return match.find()
    for side in (0, 1):
        _report_near(editor, node, side)
    return None


def find_shared_attention(node: Node, editor: GraphEditor) -> Found | None:
    """As `find_attention`, where others may read the weights; None where it is something else."""
    match = _softmax_of(node, editor)
    if match is None or editor.has_one_use(match.softmax.output):
        return None
    return match.find()


def _softmax_of(node: Node, editor: GraphEditor) -> _Match | None:
    """The softmax over whose axis a product sums."""
    for side in (0, 1):
        weights = editor.operands(node)[side]
        if not _is_below_softmax(weights, editor):  # most products: no axis need be followed
            continue
        atoms = Atoms(editor)
        axes = atoms.fresh(weights.type.shape)
        found = _softmax_above(atoms, weights, axes)
        if found is None:
            continue
        softmax, softmax_axes = found
        contracted = [axes[axis] for axis in _contracting(node, side)]
        key = softmax_axes[softmax.attributes["axis"]]
        if atoms.flat(contracted) != atoms.flat([key]) or len(atoms.flat([key])) != 1:
            continue
        return _Match(atoms, node, side, axes, softmax, softmax_axes)
    return None


def _contracting(node: Node, side: int) -> Sequence[int]:
    return node.attributes[("lhs_contracting", "rhs_contracting")[side]]


def _batching(node: Node, side: int) -> Sequence[int]:
    return node.attributes[("lhs_batching", "rhs_batching")[side]]


def _free(node: Node, side: int, rank: int) -> list[int]:
    summed = {*_contracting(node, side), *_batching(node, side)}
    return [axis for axis in range(rank) if axis not in summed]


def _is_below_softmax(value: Value, editor: GraphEditor) -> bool:
    while value.node.op.name in _BETWEEN:
        value = editor.operands(value.node)[0]
    return value.node.op.name == "softmax"


def _softmax_above(atoms: Atoms, value: Value, axes: Axes) -> tuple[Node, Axes] | None:
    while value.node.op.name in _BETWEEN:
        if value.node.op.name == "convert":
            value = atoms.editor.operands(value.node)[0]
            continue
        above = atoms.above(value, axes, may_cut=True)
        if above is None:
            return None
        value, axes = above
    return (value.node, axes) if value.node.op.name == "softmax" else None


def _require_own(atoms: Atoms, root: Node, weights: Value, softmax: Node) -> None:
    value = weights
    while True:
        if not atoms.editor.has_one_use(value):
            raise NearMissError("the weights are used elsewhere too")
        if value.node is softmax:
            return
        value = atoms.editor.operands(value.node)[0]


def _report_near(editor: GraphEditor, node: Node, side: int) -> None:
    """Tell of a softmax that other ops part from the values, such as a dropout."""
    between = editor.operands(node)[side]
    level, size = [between], between.type.size
    for _ in range(_NEAR):
        above: list[Value] = []
        for value in level:
            if value.node.op.name == "softmax":
                name = between.node.op.name
                raise NearMissError(f"{name} stands between the softmax and the values")
            is_near = value.node.op.has(Trait.ELEMENTWISE) or value.node.op.name == "dropout"
            if is_near or value.node.op.name in _BETWEEN:
                above += editor.operands(value.node)
        level = [value for value in above if value.type.size == size]


@dataclass
class _Match:
    """One softmax whose weights are summed over."""

    atoms: Atoms
    node: Node
    side: int
    weights_axes: Axes
    softmax: Node
    softmax_axes: Axes

    def find(self) -> Found:
        atoms = self.atoms
        (key,) = atoms.flat([self.softmax_axes[self.softmax.attributes["axis"]]])
        search = LogitsSearch(atoms, (key,))
        (operand,) = atoms.editor.operands(self.softmax)
        reasons: list[str] = []
        for logits in search.walk(Logits(operand, self.softmax_axes)):
            try:
                return self._assemble(key, logits)
            except NearMissError as reason:
                reasons.append(str(reason))
        raise NearMissError((reasons or search.reasons)[0])

    def _assemble(self, key: int, logits: Logits) -> Found:
        atoms, scores = self.atoms, logits.product.node
        precision: str | None = self.node.attributes["precision"]
        require_precision(scores, precision)
        parts, size = operands_of(atoms, scores, logits.axes)
        sides = [place for place in (0, 1) if key in atoms.flat(parts[place].axes)]
        if len(sides) != 1:
            raise NearMissError("the softmax does not run over the keys of one tensor")
        query_part, factor = unscaled(atoms, parts[1 - sides[0]])
        key_part = bare_part(atoms, parts[sides[0]], is_repeated=True)
        value_part, value_size, result = other_operand(
            atoms, self.node, self.side, self.weights_axes
        )
        if len(atoms.flat([(key,)])) != 1:
            raise NearMissError("a reshape cuts the axis of keys")
        dtypes = {part.value.type.dtype for part in (query_part, key_part, value_part)}
        if len({*dtypes, self.node.output.type.dtype}) != 1 or not dtypes.pop().is_floating:
            raise NearMissError("query, key, value and result are not of one type of floats")
        of_keys = _without(atoms, key_part, [key, *size])
        of_values = _without(atoms, value_part, [key, *value_size])
        if set(of_keys) != set(of_values):
            raise NearMissError("keys and values belong to different axes of the logits")
        masks = Masks(atoms, key)
        for hiding in logits.hiding:
            masks.add(hiding.condition, hiding.axes, hiding.stays)
        free = _without(atoms, query_part, [*of_keys, *size])
        everything = {*atoms.flat(self.softmax_axes)}
        if everything != {key, *free, *of_keys}:
            raise NearMissError("a query does not have all axes of the logits")
        return Found(
            atoms,
            query_part,
            key_part,
            value_part,
            atoms.now(result),
            self._roles(key, free, of_keys, size, value_size, masks),
            logits.factor * factor,
            logits,
            masks,
            Part(self.softmax.output, self.softmax_axes),
            precision,
        )

    def _roles(
        self,
        key: int,
        free: list[int],
        shared: list[int],
        size: list[int],
        value_size: list[int],
        masks: Masks,
    ) -> Roles:
        atoms, query = self.atoms, masks.query
        if query is None and free:
            query = max(free, key=lambda atom: _largeness(atoms.size(atom)))
        if query is not None and query not in free:
            raise NearMissError("an axis that keys have too stands for the places of queries")
        group = [atom for atom in free if atom != query]
        examples, heads = (shared[:-1], shared[-1:]) if len(shared) > 1 else (shared, [])
        if group and not all(isinstance(n, int) for n in atoms.sizes([*group, *heads])):
            raise NearMissError("heads share keys, and their number is not known")
        queries = [] if query is None else [query]
        return Roles(examples, queries, [key], heads, group, size, value_size)


def require_precision(product: Node, precision: str | None) -> None:
    """Refuse a product that is not as exact as that of weights and values: the op knows one."""
    given = product.attributes["precision"]
    if given != precision:
        raise NearMissError(
            f"a product has the precision {given}, that of weights and values {precision}"
        )


def _largeness(size: object) -> float:
    """Lengths that are not known come before those that are."""
    return float(size) if isinstance(size, int) else float("inf")


def other_operand(atoms: Atoms, node: Node, side: int, axes: Axes) -> tuple[Part, list[int], Axes]:
    """What a tensor is multiplied by: its other operand, without what was repeated.

    Args:
        atoms: of the match.
        node: the product.
        side: which operand the tensor is.
        axes: its axes.

    Returns:
        The other operand, the atoms of it that the tensor lacks, the axes of the product.
    """
    other = 1 - side
    value = atoms.editor.operands(node)[other]
    others: list[tuple[int, ...]] = list(atoms.fresh(value.type.shape))
    for names in (_batching, _contracting):
        for mine, theirs in zip(names(node, side), names(node, other), strict=True):
            others[theirs] = axes[mine]
    free = [others[axis] for axis in _free(node, other, len(others))]
    halves = [[axes[i] for i in _free(node, side, len(axes))], free]
    if side == 1:
        halves.reverse()
    batch = [axes[axis] for axis in _batching(node, side)]
    result = (*batch, *halves[0], *halves[1])
    part = bare_part(atoms, Part(value, tuple(others)), is_repeated=True)
    return part, atoms.flat(free), result


def operands_of(atoms: Atoms, node: Node, axes: Axes) -> tuple[list[Part], list[int]]:
    """The operands of a product with the axes of its result, and the atoms it sums over."""
    operands = atoms.editor.operands(node)
    batching = len(_batching(node, 0))
    summed: list[tuple[int, ...]] = []
    parts: list[Part] = []
    start = batching
    for side, operand in enumerate(operands):
        mine: list[tuple[int, ...]] = [()] * operand.type.rank
        for place, axis in enumerate(_batching(node, side)):
            mine[axis] = axes[place]
        if side == 0:
            sizes = [operand.type.shape[axis] for axis in _contracting(node, side)]
            summed = list(atoms.fresh(sizes))
        for atom, axis in zip(summed, _contracting(node, side), strict=True):
            mine[axis] = atom
        for axis in _free(node, side, operand.type.rank):
            mine[axis] = axes[start]
            start += 1
        parts.append(Part(operand, tuple(mine)))
    return parts, atoms.flat(summed)


def bare_part(atoms: Atoms, part: Part, is_repeated: bool = False) -> Part:
    """What a tensor was made of by transposes and, if asked, repetitions; axes stay whole."""
    best, at = part, (part.value, part.axes)
    while (above := atoms.above(*at)) is not None:
        if at[0].node.op.name == "broadcast_in_dim" and not is_repeated:
            break
        at = above
        if all(len(axis) < 2 for axis in atoms.now(above[1])):
            best = Part(*above)
    return Part(best.value, atoms.now(best.axes))


def unscaled(atoms: Atoms, part: Part) -> tuple[Part, float]:
    """A tensor before it was multiplied by a number, and the number."""
    part, factor = bare_part(atoms, part), 1.0
    while part.value.node.op.name in ("multiply", "divide"):
        scaled = scaled_by_number(atoms, part.value)
        if scaled is None:
            break
        part, factor = bare_part(atoms, Part(scaled[0], part.axes)), factor * scaled[1]
    return part, factor


def _without(atoms: Atoms, part: Part, left_out: Sequence[int]) -> list[int]:
    dropped = set(atoms.flat([left_out]))
    return [atom for atom in atoms.flat(part.axes) if atom not in dropped]

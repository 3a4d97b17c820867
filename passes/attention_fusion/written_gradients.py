"""From attention down to its gradient, where that is written out too: an imported train step.

The weights w of attention are read by two products, that with the values and that with the
cotangent ct of the result, and by the gradient of the softmax, `w * (p - sum(w * p))`, where p is
the product of ct and the values. From there it goes down to the products that are the cotangents
of query and key, past all that stands between the logits and the softmax on the way up: the scale,
and a choice of 0 where logits are hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from graphc.ir.node import Node, Value
from graphc.rewriting.splats import splat_of
from passes.attention_fusion.axis_atoms import Atoms, Axes
from passes.attention_fusion.emission import gradient_orders
from passes.attention_fusion.logits import scaled_by_number
from passes.attention_fusion.products import (
    Found,
    NearMissError,
    Part,
    bare_part,
    operands_of,
    other_operand,
    require_precision,
    unscaled,
)

_LAYOUT: Final = ("transpose", "reshape")
QUERY, KEY, VALUE = range(3)


@dataclass(frozen=True)
class Cotangent:
    """A product that is a cotangent of query, key or value, up to a factor; or made of one.

    Attributes:
        product: its node.
        operand: which of the three it is of.
        factor: the product is so much times the cotangent.
        axes: those of the product.
    """

    product: Node
    operand: int
    factor: float
    axes: Axes


@dataclass(frozen=True)
class _Place:
    """A tensor on the way down.

    Attributes:
        value: the tensor.
        axes: its axes.
        factor: what it was multiplied by on the way.
        hiding: conditions that chose 0, as tensors without what was repeated, with their atoms and
            what they are where nothing is hidden.
    """

    value: Value
    axes: Axes
    factor: float = 1.0
    hiding: frozenset[tuple[Value, tuple[int, ...], bool]] = frozenset()


@dataclass
class GradientSearch:
    """Looks for the gradient of one attention.

    Attributes:
        found: the attention.
        result: the node that it is the result of.
        ct: the cotangent of the result, once it is found.
        cotangents: what was found of query, key and value.
    """

    found: Found
    result: Node
    ct: Part = field(init=False)
    cotangents: list[Cotangent] = field(default_factory=list[Cotangent])

    def run(self) -> None:
        """Find all of it.

        Raises:
            NearMissError: something else reads what the gradient is made of.
        """
        weights = self.found.weights
        gradient, own = self._gradient_of_softmax(weights.value)
        for node, place in self._products(_Place(*_pair(weights)), own):
            if node is not self.result:
                self._add_cotangent_of_value(node, place)
        for node, place in self._products(_Place(gradient, weights.axes), frozenset()):
            self._add_cotangent(node, place)

    @property
    def _atoms(self) -> Atoms:
        return self.found.atoms

    # --- the softmax ------------------------------------------------------------------------------

    def _gradient_of_softmax(self, weights: Value) -> tuple[Value, Set[Node]]:
        """The cotangent of the logits, and the nodes that read the weights for it."""
        editor = self._atoms.editor
        for node in editor.users(weights):
            if node.op.name != "multiply":
                continue
            left, right = editor.operands(node)
            difference = (right if left is weights else left).node
            if difference.op.name != "subtract":
                continue
            product, rows = editor.operands(difference)
            inner = self._weighted(weights, product, rows)
            if inner is not None:
                if {*editor.users(product)} != {inner, difference}:
                    raise NearMissError("the cotangent of the weights is used elsewhere too")
                self.ct = self._cotangent_of_result(product)
                return node.output, {node, inner}
        raise NearMissError("the weights are used elsewhere too")

    def _weighted(self, weights: Value, product: Value, rows: Value) -> Node | None:
        """The product of weights and their cotangents, if its sums are what is given."""
        editor = self._atoms.editor
        axis, rank = weights.node.attributes["axis"], weights.type.rank
        if rows.node.op.name != "broadcast_in_dim":
            return None
        if tuple(rows.node.attributes["broadcast_dimensions"]) != tuple(
            [each for each in range(rank) if each != axis]
        ):
            return None
        total = editor.operands(rows.node)[0].node
        if total.op.name != "reduce_sum" or tuple(total.attributes["axes"]) != (axis,):
            return None
        inner = editor.operands(total)[0].node
        is_product = inner.op.name == "multiply"
        return inner if is_product and {*editor.operands(inner)} == {weights, product} else None

    def _cotangent_of_result(self, product: Value) -> Part:
        """What is multiplied by the values to give the cotangents of the weights."""
        atoms, value, axes = self._atoms, product, self.found.weights.axes
        while value.node.op.name in (*_LAYOUT, "convert"):
            above: tuple[Value, Axes] | None = (atoms.editor.operands(value.node)[0], axes)
            if value.node.op.name != "convert":
                above = atoms.above(value, axes, may_cut=True)
            if above is None:
                raise NearMissError("a reshape mixes axes of the cotangents of the weights")
            value, axes = above
        if value.node.op.name != "dot_general":
            raise NearMissError("the cotangents of the weights are no product")
        require_precision(value.node, self.found.precision)
        parts, summed = operands_of(atoms, value.node, axes)
        for place in (0, 1):
            values = bare_part(atoms, parts[place], is_repeated=True)
            if self._is_same(values, self.found.value, summed):
                return bare_part(atoms, parts[1 - place])
        raise NearMissError("the cotangents of the weights are no product with the values")

    def _is_same(self, part: Part, reference: Part, free: Sequence[int]) -> bool:
        """Whether two parts are one tensor, with the same axes; free atoms become what they are."""
        atoms = self._atoms
        reference = bare_part(atoms, reference, is_repeated=True)
        mine, theirs = atoms.flat(part.axes), atoms.flat(reference.axes)
        if part.value is not reference.value or len(mine) != len(theirs):
            return False
        pairs = [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]]
        loose = set(atoms.flat([free]))
        if not all(left in loose for left, _ in pairs):
            return False
        for left, right in pairs:
            atoms.identify(left, right)
        return True

    # --- down to the products ---------------------------------------------------------------------

    def _products(self, place: _Place, own: Set[Node]) -> Iterator[tuple[Node, _Place]]:
        """The products that read a tensor, past layout, scale and masks.

        Raises:
            NearMissError: something else reads it, which is none of `own`.
        """
        editor = self._atoms.editor
        if editor.is_output(place.value):
            raise NearMissError("what the gradient is made of is a result, too")
        for user in editor.users(place.value):
            if user in own:
                continue
            if user.op.name == "dot_general":
                yield user, place
            else:
                yield from self._products(self._below(user, place), own)

    def _below(self, user: Node, place: _Place) -> _Place:
        """What one op makes of a tensor.

        Raises:
            NearMissError: nothing that stands in the gradient of attention.
        """
        atoms, name, axes = self._atoms, user.op.name, place.axes
        if name == "transpose":
            moved = tuple([axes[source] for source in user.attributes["permutation"]])
            return replace(place, value=user.output, axes=moved)
        if name == "reshape":
            cut = atoms.regroup(axes, user.output.type.shape, may_cut=True)
            if cut is None:
                raise NearMissError("a reshape mixes axes of the gradient")
            return replace(place, value=user.output, axes=cut)
        if name == "convert" and user.output.type.dtype.is_floating:
            return replace(place, value=user.output)
        if name == "negate":
            return replace(place, value=user.output, factor=-place.factor)
        if name in ("multiply", "divide"):
            scaled = scaled_by_number(atoms, user.output)
            if scaled is not None and scaled[0] is place.value:
                return replace(place, value=user.output, factor=place.factor * scaled[1])
        if name == "select":
            return self._chosen(user, place)
        if name == "reduce_sum":
            raise NearMissError("the cotangent of a bias is needed too")
        raise NearMissError(f"{name} reads what the gradient is made of")

    def _chosen(self, user: Node, place: _Place) -> _Place:
        atoms = self._atoms
        condition, *branches = atoms.editor.operands(user)
        stays = branches[0] is place.value
        other = splat_of(branches[1 if stays else 0], atoms.editor)
        if other is None or other.scalar != 0 or condition.type.rank != user.output.type.rank:
            raise NearMissError("the gradient is not 0 where something else is chosen")
        hiding = self._hiding(condition, place.axes, stays)
        return replace(place, value=user.output, hiding=place.hiding | {hiding})

    def _hiding(
        self, condition: Value, axes: Axes, stays: bool
    ) -> tuple[Value, tuple[int, ...], bool]:
        value, bare = self._atoms.bare(condition, axes)
        return value, tuple(self._atoms.flat(bare)), stays

    # --- the products -----------------------------------------------------------------------------

    def _add_cotangent_of_value(self, node: Node, place: _Place) -> None:
        if place.hiding:
            raise NearMissError("weights are hidden once more before they are used elsewhere")
        other, free, axes = self._other(node, place)
        if not self._is_same(other, self.ct, free):
            raise NearMissError("the weights are used elsewhere too")
        self._add(Cotangent(node, VALUE, place.factor, axes))

    def _add_cotangent(self, node: Node, place: _Place) -> None:
        """A product of the logits' cotangents with keys or with queries."""
        found, atoms = self.found, self._atoms
        wanted = {self._hiding(h.condition, h.axes, h.stays) for h in found.logits.hiding}
        if place.hiding != wanted:
            raise NearMissError("the gradient does not hide what attention hides")
        other, free, axes = self._other(node, place)
        while other.value.node.op.name == "convert":  # to the type of the logits
            (narrow,) = atoms.editor.operands(other.value.node)
            other = bare_part(atoms, Part(narrow, other.axes), is_repeated=True)
        if self._is_same(other, found.key, free):
            self._add(Cotangent(node, QUERY, place.factor / found.scale, axes))
            return
        query, factor = unscaled(atoms, other)
        if not self._is_same(query, found.query, free):
            raise NearMissError("a product of the gradient is with neither queries nor keys")
        self._add(Cotangent(node, KEY, place.factor * factor / found.scale, axes))

    def _other(self, node: Node, place: _Place) -> tuple[Part, list[int], Axes]:
        editor = self._atoms.editor
        left, right = editor.operands(node)
        if left is right:
            raise NearMissError("the gradient is multiplied by itself")
        require_precision(node, self.found.precision)
        return other_operand(self._atoms, node, 0 if left is place.value else 1, place.axes)

    def _add(self, cotangent: Cotangent) -> None:
        """Take one that has the axes of what it is the cotangent of, and its element type."""
        atoms = self._atoms
        wanted = {*atoms.flat([gradient_orders(self.found.roles)[cotangent.operand]])}
        cotangent = self._finished(cotangent, wanted)
        if {*atoms.flat(cotangent.axes)} != wanted:
            raise NearMissError("a product of the gradient has other axes than what it is of")
        self.cotangents.append(cotangent)

    def _finished(self, cotangent: Cotangent, wanted: Set[int]) -> Cotangent:
        """What becomes of a product until it is a cotangent of keys and as narrow as they are.

        Keys that are repeated have one for each of the heads that share them, which are summed.

        Raises:
            NearMissError: nothing comes of it that is.
        """
        atoms, editor = self._atoms, self._atoms.editor
        dtype = self.found.query.value.type.dtype
        group = {*atoms.flat([self.found.roles.group])}
        place = _Place(cotangent.product.output, cotangent.axes)
        while True:
            is_repeated = {*atoms.flat(place.axes)} - wanted == group != set()
            if not is_repeated and place.value.type.dtype is dtype:
                return replace(cotangent, product=place.value.node, axes=place.axes)
            if not editor.has_one_use(place.value):
                break
            (user,) = editor.users(place.value)
            if user.op.name == "reduce_sum" and is_repeated:
                summed = user.attributes["axes"]
                if {*atoms.flat([place.axes[axis] for axis in summed])} != group:
                    break
                kept = [axes for axis, axes in enumerate(place.axes) if axis not in summed]
                place = replace(place, value=user.output, axes=tuple(kept))
            elif user.op.name in (*_LAYOUT, "convert"):
                place = self._below(user, place)
            else:
                break
        if is_repeated:
            raise NearMissError("keys are repeated for heads that share them, and not summed")
        raise NearMissError("a cotangent is of another type of floats")


def _pair(part: Part) -> tuple[Value, Axes]:
    return part.value, part.axes

"""Products of matrices and vectors, and norms.

All are one `dot_general` each, with transposes and reshapes where an order of axes asks for them.
Operands are promoted to one element type, which the result has as well; a product of truth values
says whether any pair of them is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimensions import Dimension, equal
from graphc.dtypes import I8, I32
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.complex_numbers import conjugate
from graphc.ops.conversion import promoted
from graphc.ops.gathering import take
from graphc.ops.joining import stack
from graphc.ops.shaping import expand_dims, moveaxis, ravel, reshape, transpose
from graphc.ops.sizes import as_axes, as_axis
from graphc.ops.tensor import Tensor


def _factors(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    left, right = promoted((x1, x2))
    return left, right


def contract(
    left: Tensor,
    right: Tensor,
    contracting: tuple[Sequence[int], Sequence[int]],
    batching: tuple[Sequence[int], Sequence[int]] = ((), ()),
    name: str | None = None,
) -> Tensor:
    """One `dot_general`: axes are batching, then free of `left`, then free of `right`.

    Products of int8 are summed in int32, as in Keras: they would not fit otherwise.
    """
    return apply(
        "dot_general",
        left,
        right,
        lhs_contracting=contracting[0],
        rhs_contracting=contracting[1],
        lhs_batching=batching[0],
        rhs_batching=batching[1],
        preferred_element_type=I32 if left.dtype is I8 else None,
        name=name,
    )


def _unfit(what: str, left: Tensor, right: Tensor, expected: str) -> ShapeError:
    return ShapeError(
        f"{what}: the shapes do not fit together",
        given=f"{left.value.type} and {right.value.type}",
        expected=expected,
        fix="transpose or reshape one of them",
        origin=capture_origin(),
    )


def matmul(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The matrix product x1 @ x2, as NumPy's.

    Args:
        x1: […, m, k], or a vector [k].
        x2: […, k, n], or a vector [k].
        name: of the result.

    Returns:
        […, m, n], the leading axes broadcast; without m or n where an operand is a vector.

    Raises:
        ShapeError: an operand is a scalar, or sizes do not fit.
    """
    left, right = _factors(x1, x2)
    label = name or "matmul"
    if not left.ndim or not right.ndim:
        raise _unfit("matmul", left, right, "operands with at least one axis; for scalars use *")
    inner = right.ndim - 2 if right.ndim > 1 else 0
    if equal(left.shape[-1], right.shape[inner]) is False:
        raise _unfit("matmul", left, right, "the last size of x1 equal to the last but one of x2")
    if right.ndim <= 2 or left.ndim == 1:
        # Leading axes of one operand alone are free axes: no batches, no transposes.
        return contract(left, right, ([left.ndim - 1], [inner]), name=label)
    return _batched(left, right, label)


def _batched(left: Tensor, right: Tensor, name: str) -> Tensor:
    """The product of matrices of which both or the right ones come in batches."""
    rank = max(left.ndim, right.ndim) - 2
    sides = [_Batch(tensor, rank) for tensor in (left, right)]
    shared: list[int] = []
    for axis in range(rank):
        mine, theirs = sides[0].sizes[axis], sides[1].sizes[axis]
        if mine is None or theirs is None:
            continue
        if equal(mine, theirs) is False:
            raise _unfit("matmul", left, right, "leading sizes that are equal or 1")
        shared.append(axis)
    alone = [[a for a in side.kept if a not in shared] for side in sides]
    tensors = [side.squeezed() for side in sides]
    batching = [[side.kept.index(a) for a in shared] for side in sides]
    rows, columns = tensors[0].ndim - 1, tensors[1].ndim - 2
    # axes of the product: shared, left alone, m, right alone, n
    order = [*shared, *alone[0], -2, *alone[1], -1]
    target = [*sorted({*shared, *alone[0], *alone[1]}), -2, -1]
    final = [_either(sides[0].sizes[a], sides[1].sizes[a]) for a in range(rank)]
    shape = [*final, left.shape[-2], right.shape[-1]]
    moves = order != target
    grows = len(target) != rank + 2
    made = contract(
        tensors[0],
        tensors[1],
        ([rows], [columns]),
        (batching[0], batching[1]),
        None if moves or grows else name,
    )
    if moves:
        made = transpose(made, [order.index(a) for a in target], None if grows else name)
    return apply("reshape", made, shape=shape, name=name) if grows else made


def _either(left: Dimension | None, right: Dimension | None) -> Dimension:
    if left is None:
        return 1 if right is None else right
    return right if isinstance(right, int) else left


class _Batch:
    """The leading axes of an operand, aligned with those of the other.

    Attributes:
        sizes: by aligned axis, None where the operand has no such axis or its size is 1.
        kept: the aligned axes that it has.
    """

    def __init__(self, tensor: Tensor, rank: int) -> None:
        self.tensor = tensor
        self.missing = rank - (tensor.ndim - 2)
        own = tensor.shape[:-2]
        self.sizes: list[Dimension | None] = [None] * self.missing
        self.sizes += [None if size == 1 else size for size in own]
        self.kept = [axis for axis, size in enumerate(self.sizes) if size is not None]

    def squeezed(self) -> Tensor:
        """The operand without leading axes of size 1."""
        own = self.tensor.shape
        if len(self.kept) == len(own) - 2:
            return self.tensor
        shape = [*[own[axis - self.missing] for axis in self.kept], *own[-2:]]
        return apply("reshape", self.tensor, shape=shape)


def dot(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The product over the last axis of x1 and the last but one of x2 (its only one), as NumPy's.

    Returns:
        [rest of x1…, rest of x2…]; a scalar operand multiplies.

    Raises:
        ShapeError: the two sizes differ.
    """
    left, right = _factors(x1, x2)
    label = name or "dot"
    if not left.ndim or not right.ndim:
        return multiply(left, right, label)
    inner = right.ndim - 2 if right.ndim > 1 else 0
    if equal(left.shape[-1], right.shape[inner]) is False:
        raise _unfit("dot", left, right, "the last size of x1 equal to the last but one of x2")
    return contract(left, right, ([left.ndim - 1], [inner]), name=label)


def inner(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The product over the last axes of both; a scalar operand multiplies.

    Raises:
        ShapeError: the last sizes differ.
    """
    left, right = _factors(x1, x2)
    label = name or "inner"
    if not left.ndim or not right.ndim:
        return multiply(left, right, label)
    if equal(left.shape[-1], right.shape[-1]) is False:
        raise _unfit("inner", left, right, "equal last sizes")
    return contract(left, right, ([left.ndim - 1], [right.ndim - 1]), name=label)


def vdot(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The sum of the products of all elements, of the conjugate of x1: a scalar.

    Raises:
        ShapeError: the numbers of elements differ.
    """
    left, right = (ravel(factor) for factor in _factors(x1, x2))
    if equal(left.shape[0], right.shape[0]) is False:
        raise _unfit("vdot", left, right, "equal numbers of elements")
    return contract(conjugate(left), right, ([0], [0]), name=name or "vdot")


def outer(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Every element of x1 times every element of x2: [elements of x1, elements of x2]."""
    left, right = (ravel(factor) for factor in _factors(x1, x2))
    return multiply(expand_dims(left, 1), expand_dims(right, 0), name or "outer")


def kron(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The Kronecker product: x2 times each element of x1, in its place."""
    left, right = _factors(x1, x2)
    rank = max(left.ndim, right.ndim)
    left, right = (
        reshape(factor, (*[1] * (rank - factor.ndim), *factor.shape)) for factor in (left, right)
    )
    spread = multiply(
        expand_dims(left, tuple(range(1, 2 * rank, 2))),
        expand_dims(right, tuple(range(0, 2 * rank, 2))),
    )
    shape = [mine * theirs for mine, theirs in zip(left.shape, right.shape, strict=True)]
    return apply("reshape", spread, shape=shape, name=name or "kron")


def tensordot(x1: Any, x2: Any, axes: int | Sequence[Any] = 2, name: str | None = None) -> Tensor:
    """The product over several axes.

    Args:
        x1: a tensor.
        x2: likewise.
        axes: how many, the last of x1 and the first of x2; or a pair: those of x1, those of x2.
        name: of the result.

    Returns:
        [rest of x1…, rest of x2…].

    Raises:
        ShapeError: the sizes differ, or there are not as many axes on both sides.
    """
    left, right = _factors(x1, x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(left.ndim, right.ndim):
            raise _unfit("tensordot", left, right, f"at least {axes} axes each")
        pair = (range(left.ndim - axes, left.ndim), range(axes))
    else:
        first, second = axes
        pair = (as_axes(_listed(first), left), as_axes(_listed(second), right))
    mine, theirs = list(pair[0]), list(pair[1])
    sizes = zip(mine, theirs, strict=False)
    if len(mine) != len(theirs) or any(
        equal(left.shape[a], right.shape[b]) is False for a, b in sizes
    ):
        raise _unfit("tensordot", left, right, f"equal sizes along axes {mine} and {theirs}")
    return contract(left, right, (mine, theirs), name=name or "tensordot")


def _listed(axes: Any) -> list[int]:
    return [axes] if isinstance(axes, int) else list(axes)


def cross(
    x1: Any,
    x2: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The vector product of vectors of size 3 along axes.

    Args:
        x1: vectors along axisa.
        x2: vectors along axisb; the other axes are broadcast.
        axisa: of x1.
        axisb: of x2.
        axisc: of the result.
        axis: in place of all three.
        name: of the result.

    Raises:
        ShapeError: the size along an axis is not 3.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    left, right = promoted((x1, x2))
    parts: list[list[Tensor]] = []
    for tensor, along in ((left, axisa), (right, axisb)):
        position = as_axis(along, tensor.ndim, tensor)
        if tensor.shape[position] != 3:
            raise _unfit("cross", left, right, "size 3 along the axes of the vectors")
        moved = moveaxis(tensor, position, -1)
        parts.append([take(moved, number, -1) for number in range(3)])
    (a, b, c), (d, e, f) = parts
    components = [
        subtract(multiply(b, f), multiply(c, e)),
        subtract(multiply(c, d), multiply(a, f)),
        subtract(multiply(a, e), multiply(b, d)),
    ]
    return stack(components, axisc, name or "cross")

"""`correlate`: one vector moved along another."""

from __future__ import annotations

from typing import Any, Literal

from graphc.dtypes import BOOL, I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.complex_numbers import conjugate
from graphc.ops.conversion import cast_to, promoted
from graphc.ops.shaping import flip, reshape
from graphc.ops.tensor import Tensor

CorrelateMode = Literal["valid", "same", "full"]


def correlate(x1: Any, x2: Any, mode: CorrelateMode = "valid", name: str | None = None) -> Tensor:
    """The sums of products of a vector with another one that is moved along it, as NumPy's.

    The result at k is the sum of x1[n + k] conj(x2[n]) over n.

    Args:
        x1: numbers [m]; truth values count as int32.
        x2: numbers [n].
        mode: "valid", where the shorter lies inside of the longer: [max(m, n) - min(m, n) + 1];
            "same", around the middle: [max(m, n)]; "full", where they overlap: [m + n - 1].
        name: of the result.

    Raises:
        ShapeError: an operand is no vector, is empty, or has a size that is not known while the
            graph is built.
        GraphcError: there is no such mode.
    """
    if mode not in ("valid", "same", "full"):
        raise GraphcError(
            f"there is no mode {mode!r}",
            expected='"valid", "same" or "full"',
            origin=capture_origin(),
        )
    left, right = promoted((x1, x2))
    sizes = left.shape + right.shape
    if left.ndim != 1 or right.ndim != 1 or not all(isinstance(s, int) and s for s in sizes):
        raise ShapeError(
            "correlate() takes two vectors that are not empty, of known sizes",
            given=f"{left.value.type} and {right.value.type}",
            origin=capture_origin(),
        )
    if left.dtype is BOOL:
        left, right = cast_to(left, I32), cast_to(right, I32)
    right, label = conjugate(right), name or "correlate"
    if int(sizes[0]) < int(sizes[1]):  # type: ignore[arg-type]
        return flip(_moved(right, left, mode, None), 0, label)
    return _moved(left, right, mode, label)


def _moved(longer: Tensor, shorter: Tensor, mode: CorrelateMode, name: str | None) -> Tensor:
    size = int(shorter.shape[0])  # type: ignore[arg-type]
    before = {"valid": 0, "same": size // 2, "full": size - 1}[mode]
    after = {"valid": 0, "same": size - size // 2 - 1, "full": size - 1}[mode]
    operands = [reshape(each, (1, 1, -1)) for each in (longer, shorter)]
    found = apply(
        "convolution",
        *operands,
        dimension_numbers="bf0_oi0->bf0",
        padding_low=[before],
        padding_high=[after],
    )
    return reshape(found, -1, name)

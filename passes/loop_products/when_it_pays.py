"""For which sizes one product for all iterations is faster than one in each.

An LSTM of 32 steps by rows (examples) and units, of which a product is of `rows x units` with
`units x 4 units`; seconds with the products outside over seconds without, in JAX 0.11 (2 cores of
a Xeon, and an H100). Back: both gradients of weights and that of the bias, and the cotangents of
the inputs, after the loop. Forth: the product with the inputs before it.

               CPU, back                        CPU, forth
    rows     1     4    16    64   256        1     4    16    64
    16    0.83  0.57  0.66  1.08  1.26     1.02  1.11  1.60  1.70
    64    0.56  0.57  1.01  0.88  0.86     1.19  1.42  1.69  1.42
    128   0.48  0.26  0.46  0.93  0.98     0.98  1.56  1.45  1.39
    256   0.48  0.31  0.61  0.87  1.08     0.63  0.85  1.18  1.18
    512   0.47  0.31  0.59  0.86  0.95     0.63  0.81  1.04  1.19

               GPU, back                        GPU, forth
    16    1.05  0.90  0.83  0.77  0.79     0.87  0.81  0.80  0.79
    64    0.93  0.91  0.91  0.86  0.82     0.89  0.81  0.81  0.82
    256   1.17  0.65  0.78  0.76  0.74     0.86  0.77  0.79  0.78
    512   1.66  0.61  0.69  0.66  0.66     0.82  0.76  0.76  0.77

What the way back saves on CPUs is to read and write accumulators, which is much beside the product
of few rows. Before the loop little is saved, and XLA:CPU does not vectorise an exponential of a
row that it cuts out of a stack in the same kernel: so the weights must be large, and rows few.
"""

from __future__ import annotations

from typing import Final

_MOST_ROWS_CPU: Final = 64
_MOST_ROWS: Final = 256
_LEAST_WEIGHTS: Final = 256  # elements: 16 x 16, the smallest that was measured
_MOST_ROWS_BEFORE_CPU: Final = 4
_LEAST_BYTES_BEFORE_CPU: Final = 1 << 20  # of 256 x 1024 weights


def pays_after(rows: int, sizes: tuple[int, int], platform: str) -> bool:
    """Whether to make a product after a loop.

    Args:
        rows: over which the product of one iteration sums, or of which it gives as many.
        sizes: those of the weights, or of their gradient.
        platform: "cpu", "gpu" or "tpu".
    """
    if sizes[0] * sizes[1] < _LEAST_WEIGHTS:
        return False
    if platform == "cpu":
        return rows <= min(_MOST_ROWS_CPU, *sizes)
    return 1 < rows <= _MOST_ROWS


def pays_before(rows: int, weight_bytes: int, platform: str) -> bool:
    """Whether to make a product before a loop: of so many rows, with weights of that size."""
    if platform == "cpu":
        return rows <= _MOST_ROWS_BEFORE_CPU and weight_bytes >= _LEAST_BYTES_BEFORE_CPU
    return rows <= _MOST_ROWS

"""Activations where they are delicate: at kinks, far out, at infinities and NaN, as Keras is.

The table is recorded: values and derivatives of keras.ops 3.15.1 on JAX 0.10.2 in float32 (`mish`:
jax.nn), one column per number of X.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc
from graphc import nn, ops
from graphc.errors import DTypeError

X = np.float32([0, 1, -1, 3, -3, 6, 0.5, -0.5, 1000, -1000, math.nan, math.inf, -math.inf])

RECORDED = """
celu
    0 1 -0.6321205 3 -0.950213 6 0.5 -0.3934693 1000 -1 nan inf -1
    1 1 0.3678795 1 0.04978704 1 1 0.6065307 1 0 nan 1 0
elu
    0 1 -0.6321205 3 -0.950213 6 0.5 -0.3934693 1000 -1 nan inf -1
    1 1 0.3678795 1 0.04978704 1 1 0.6065307 1 0 nan 1 0
gelu
    0 0.841192 -0.158808 2.996363 -0.003637344 6 0.345714 -0.154286 1000 0 nan inf nan
    0.5 1.082964 -0.08296407 1.011584 -0.01158391 1 0.8673699 0.1326301 1 0 nan nan nan
hard_shrink
    0 1 -1 3 -3 6 0 0 1000 -1000 0 inf -inf
    0 1 1 1 1 1 0 0 1 1 0 1 1
hard_sigmoid
    0.5 0.6666667 0.3333333 1 0 1 0.5833334 0.4166667 1 0 nan 1 0
    0.1666667 0.1666667 0.1666667 0 0 0 0.1666667 0.1666667 0 0 0 0 0
hard_silu
    0 0.6666667 -0.3333333 3 0 6 0.2916667 -0.2083333 1000 0 nan inf nan
    0.5 0.8333334 0.1666667 1 0 1 0.6666667 0.3333333 1 0 nan 1 0
hard_tanh
    0 1 -1 1 -1 1 0.5 -0.5 1 -1 nan 1 -1
    1 1 1 0 0 0 1 1 0 0 1 0 0
leaky_relu
    0 1 -0.2 3 -0.6 6 0.5 -0.1 1000 -200 nan inf -inf
    1 1 0.2 1 0.2 1 1 0.2 1 0.2 0.2 1 0.2
log_sigmoid
 -0.693147 -0.313262 -1.31326 -0.0485874 -3.04859 -0.00247569 -0.474077 -0.974077 0 -1000 nan 0 -inf
    0.5 0.2689414 0.7310585 0.04742587 0.9525741 0.002472623 0.3775407 0.6224594 0 1 nan 0 1
mish
    0 0.8650985 -0.3034014 2.986536 -0.1456475 5.999927 0.3752452 -0.2207438 1000 0 nan inf nan
    0.6 1.049036 0.05921675 1.021106 -0.09339312 1.000133 0.8864244 0.2895107 1 0 nan nan nan
relu
    0 1 0 3 0 6 0.5 0 1000 0 nan inf 0
    0 1 0 1 0 1 1 0 1 0 0 1 0
relu6
    0 1 0 3 0 6 0.5 0 6 0 nan 6 0
    0 1 0 1 0 0 1 0 0 0 0 0 0
selu
  0 1.0507 -1.11133 3.1521 -1.67057 6.30421 0.525351 -0.691758 1050.7 -1.7581 nan inf -1.7581
  1.7581 1.0507 0.646769 1.0507 0.0875306 1.0507 1.0507 1.06634 1.0507 0 nan 1.0507 0
sigmoid
    0.5 0.7310586 0.2689414 0.9525741 0.04742587 0.9975274 0.6224594 0.3775407 1 0 nan 1 0
    0.25 0.1966119 0.1966119 0.04517666 0.04517666 0.002466466 0.2350037 0.2350037 0 0 nan 0 0
silu
    0 0.7310586 -0.2689414 2.857722 -0.1422776 5.985165 0.3112297 -0.1887703 1000 0 nan inf nan
    0.5 0.9276705 0.07232949 1.088104 -0.08810411 1.012326 0.7399612 0.2600388 1 0 nan nan nan
soft_shrink
    0 0.5 -0.5 2.5 -2.5 5.5 0 0 999.5 -999.5 0 inf -inf
    0 1 1 1 1 1 0 0 1 1 0 1 1
softplus
    0.6931472 1.313262 0.3132617 3.048587 0.04858735 6.002476 0.974077 0.474077 1000 0 nan inf 0
    0.5 0.7310585 0.2689414 0.9525741 0.04742587 0.9975273 0.6224594 0.3775407 1 0 nan 1 0
softsign
    0 0.5 -0.5 0.75 -0.75 0.8571429 0.3333333 -0.3333333 0.999001 -0.999001 nan nan nan
    1 0.25 0.25 0.0625 0.0625 0.02040817 0.4444445 0.4444445 9.980286e-07 9.980286e-07 nan nan nan
sparse_plus
    0.25 1 0 3 0 6 0.5625 0.0625 1000 0 nan inf 0
    0.5 1 0 1 0 1 0.75 0.25 1 0 nan nan nan
sparse_sigmoid
    0.5 1 0 1 0 1 0.75 0.25 1 0 nan 1 0
    0.5 0.25 0.25 0 0 0 0.5 0.5 0 0 0 0 0
squareplus
  1 1.61803 0.618034 3.30278 0.302776 6.16228 1.28078 0.780776 1000 0.00100708 nan inf nan
0.5 0.723607 0.276393 0.916025 0.0839749 0.974342 0.621268 0.378732 0.999999 1.02399e-06 nan nan nan
tanh_shrink
  0 0.2384058 -0.2384058 2.004945 -2.004945 5.000012 0.03788283 -0.03788283 999 -999 nan inf -inf
    0 0.5800257 0.5800257 0.9901339 0.9901339 0.9999752 0.2135523 0.2135522 1 1 nan 1 1
threshold
    -9 1 -9 3 -9 6 -9 -9 1000 -9 -9 inf -9
    0 1 0 1 0 1 0 0 1 0 0 1 0
"""

# What Keras gets wrong, and what is right: (name, "value" or "derivative", column) -> number.
CORRECTED = {
    ("softsign", "derivative", 11): 0.0,
    ("softsign", "derivative", 12): 0.0,
    ("sparse_plus", "derivative", 11): 1.0,
    ("sparse_plus", "derivative", 12): 0.0,
    ("squareplus", "value", 9): 0.000999999,
    ("squareplus", "value", 12): 0.0,
    ("squareplus", "derivative", 12): 0.0,
}

ARGUMENTS = {"threshold": (0.5, -9.0)}


def read_table() -> dict[tuple[str, str], list[float]]:
    lines = RECORDED.strip().splitlines()
    table: dict[tuple[str, str], list[float]] = {}
    for name, values, derivatives in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        table[name, "value"] = [float(number) for number in values.split()]
        table[name, "derivative"] = [float(number) for number in derivatives.split()]
    for (name, what, column), number in CORRECTED.items():
        table[name, what][column] = number
    return table


TABLE = read_table()
NAMES = sorted({name for name, _ in TABLE})


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], np.ndarray]:
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float32", X.shape)
        made = {name: getattr(nn, name)(x, *ARGUMENTS.get(name, ())) for name in NAMES}
        slopes = {name: graphc.gradients(ops.sum(y), x) for name, y in made.items()}
        values, derivatives = session.run([made, slopes], {x: X})
    return {
        **{(name, "value"): values[name] for name in NAMES},
        **{(name, "derivative"): derivatives[name] for name in NAMES},
    }


@pytest.mark.parametrize(("name", "what"), sorted(TABLE))
def test_an_activation_does_at_its_edges_what_keras_does(
    name: str, what: str, found: dict[tuple[str, str], np.ndarray]
) -> None:
    expected = TABLE[name, what]
    np.testing.assert_allclose(found[name, what], expected, rtol=1e-5, atol=1e-6)


def test_sparsemax_sums_to_one_along_its_axis_and_keeps_what_is_missing() -> None:
    """Keras 3.15's does not: its threshold adds up the cumulative sums."""
    x = np.float32([[0.5, 1.0, 0.25], [2.0, -1.0, 0.5], [0.0, np.nan, 0.0]])
    with graphc.Session(graph=graphc.Graph()) as session:
        logits = graphc.placeholder("float32", [None, None])
        rows, columns = nn.sparsemax(logits), nn.sparsemax(logits, axis=0)
        slope = graphc.gradients(ops.sum(rows * np.float32([1, 2, 3])), logits)
        found, along, gradient = session.run([rows, columns, slope], {logits: x})
    np.testing.assert_allclose(found[:2], [[0.25, 0.75, 0], [1, 0, 0]], atol=1e-6)
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(along[:, 0], [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(gradient[:2], [[-0.5, 0.5, 0], [0, 0, 0]], atol=1e-6)


def test_activations_refuse_complex_numbers() -> None:
    with pytest.raises(DTypeError, match=r"relu6\(\) takes real numbers"):
        nn.relu6(np.complex64([1j]))

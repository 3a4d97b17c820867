"""What `check_numerics` costs: a training step that checks every number beside one that does not.

The network is that of `examples/digits_mlp.py`, without dropout; both steps are callables of one
session on the same batch. The second case has a batch at which arithmetic, and not calling,
dominates.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

import graphc
from benchmarks.harness import Case, Comparison, main


def make_case(rows: int, calls: int) -> Comparison:
    """A step on so many rows, with checks and without."""
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", [rows, 64], name="x")
        y = graphc.placeholder("int32", [rows], name="y")
        hidden = graphc.layers.Dense(256, activation="relu")(x)
        hidden = graphc.layers.Dense(128, activation="relu")(hidden)
        logits = graphc.layers.Dense(10)(hidden)
        loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(y, logits)
        train = graphc.optimizers.Adam(1e-3).minimize(loss)
    session = graphc.Session(graph=graph)
    checked = session.make_callable([train, loss], [x, y], check_numerics=True)
    plain = session.make_callable([train, loss], [x, y])
    generator = np.random.default_rng(0)
    images = generator.random((rows, 64), dtype=np.float32)
    labels = generator.integers(0, 10, rows).astype(np.int32)
    return Comparison(
        f"digits MLP, {rows} rows: checked against unchecked",
        lambda: checked(images, labels),
        lambda: plain(images, labels),
        calls=calls,
    )


def make_cases(smoke: bool) -> Sequence[Case]:
    """A small batch and a large one."""
    return [
        make_case(32, 2 if smoke else 200),
        make_case(64 if smoke else 1024, 2 if smoke else 20),
    ]


if __name__ == "__main__":
    sys.exit(main("numerics_checks", make_cases))

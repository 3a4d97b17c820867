"""JAX's own cases of its primitives give JAX's numbers through the importer, all passes and XLA.

A sample runs by default; `GRAPHC_JAX_HARNESSES=3 pytest -s tests/importers` runs every third case,
and `=1` all of them (four minutes).
"""

from __future__ import annotations

import os

import pytest

from tests.importers.jax_functions.jax_harnesses import run, select, table

pytest.importorskip("absl.testing", reason="JAX's cases need absl")

STEP = int(os.environ.get("GRAPHC_JAX_HARNESSES", "41"))


def test_jaxs_own_cases_give_jaxs_numbers() -> None:
    outcomes = [run(harness) for harness in select(STEP)]
    print(f"\n{table(outcomes)}")  # noqa: T201
    failed = [f"{each.name}: {each.detail}" for each in outcomes if each.kind == "failed"]
    assert not failed, "\n".join(failed)
    # what is left to JAX should be rare; what is refused has effects, and these have none
    passed = sum(each.kind == "passed" for each in outcomes)
    assert passed >= 0.9 * len(outcomes)
    assert not any(each.kind == "refused" for each in outcomes)

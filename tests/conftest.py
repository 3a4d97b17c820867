"""What every test stands on: hypothesis profiles, a default graph of its own, Keras beside it.

Tests marked `cpu` are skipped where JAX runs on something else.

`GRAPHC_HYPOTHESIS_PROFILE=nightly pytest` tries many examples, and new ones at every run; how many
is `GRAPHC_HYPOTHESIS_EXAMPLES`, 500 if that is not set. The default, `ci`, tries few, and the same
ones on every machine.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.keras_process import KerasProcess

# No deadline: the first example pays for a compilation by XLA, the others do not.
settings.register_profile(
    "ci",
    max_examples=25,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    max_examples=int(os.environ.get("GRAPHC_HYPOTHESIS_EXAMPLES", "500")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("GRAPHC_HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is of CPUs only where there is something faster; others do not pay for JAX."""
    if item.get_closest_marker("cpu") is None:
        return
    import jax

    backend = jax.default_backend()
    if backend != "cpu":
        pytest.skip(f"about CPUs, and JAX runs on {backend}")


@pytest.fixture(autouse=True)
def fresh_default_graph() -> None:
    """Give each test an empty default graph, so that no node leaks from one to the next.

    A test that has not imported graphc has nothing to leak, and is not made to pay for the import.
    """
    reset = getattr(sys.modules.get("graphc"), "reset_default_graph", None)
    if reset is not None:
        reset()


@pytest.fixture(scope="module")
def layers_in_loops() -> Iterator[None]:
    """Loops even of the few small products that tests train, which run faster written out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("passes.layer_rolling.row_costs._FEW", 0)
        yield


@pytest.fixture(scope="session")
def keras_process() -> Iterator[KerasProcess]:
    """Keras, to compare numbers with; started by the first test that asks."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    from tests.keras_process import KerasProcess

    process = KerasProcess()
    yield process
    process.close()

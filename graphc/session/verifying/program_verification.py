"""From a session's program, feeds and variables to a report; no variable changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import TOKEN
from graphc.errors import GraphcError
from graphc.ir.graph import Graph
from graphc.ir.origin import capture_origin
from graphc.session.program import Program
from graphc.session.state import Compute, VariableStore
from graphc.session.verifying.stage_runs import StageRuns
from graphc.session.verifying.verification import Verification
from graphc.session.verifying.verify_report import VerifyReport


def verify_program(
    program: Program,
    fed: Sequence[Any],
    store: VariableStore,
    initialize: Compute,
    tolerance: float | None,
) -> VerifyReport:
    """Verify a program on one feed and the variables as they are.

    Args:
        program: the program.
        fed: an array per feed of it.
        store: the session's variables; those that were never used get their initial values.
        initialize: computes these.
        tolerance: see `Session.verify`.

    Raises:
        GraphcError: the tolerance is no positive number.
    """
    if tolerance is not None and not tolerance > 0:
        raise GraphcError(
            "this is no tolerance",
            given=tolerance,
            expected="a relative error above 0, or None",
            origin=capture_origin(),
        )
    arrays: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
    for value, array in zip(program.built.inputs, fed, strict=True):
        arrays["feed", value.node.attributes["name"]] = np.asarray(array)
    runs = StageRuns(
        program.pipeline,
        program.bind(fed),
        program.platform,
        arrays,
        _fetch_names(program.built),
        program.device,
    )
    start = runs.finished(program.built, None)
    names = [
        value.node.attributes["name"]
        for value in start.inputs
        if value.node.attributes["kind"] == "state"
    ]
    with store.lock:
        store.ensure(names, initialize)
        for name, array in zip(names, store.values(names), strict=True):
            arrays["state", name] = np.array(array)
    return Verification(program.built, start, runs, tolerance).run()


def _fetch_names(built: Graph) -> list[str]:
    """The names of what is fetched, each once."""
    found: list[str] = []
    seen: Counter[str] = Counter()
    for value in built.fetches:
        if value.type.dtype is not TOKEN:
            name = f"{value.node.name or value.node.op.name}:{value.index}"
            seen[name] += 1
            found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found

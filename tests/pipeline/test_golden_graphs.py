"""Small graphs that something once got wrong. Each file says what it was.

To add one: take the text of a failing example of the random tests, make it smaller by hand where
that is easy, and say in a comment above it what was wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.random_graphs import format_case, parse_case
from tests.pipeline.stage_comparison import check_canonical, check_numbers, check_text

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.txt"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_graph_that_was_once_wrong_is_right(path: Path) -> None:
    case = parse_case(path.read_text(encoding="utf-8"))
    compared = check_numbers(case)
    assert compared.is_compared
    for stages in (compared.required, compared.all):
        for graph in stages.values():
            check_text(graph)
    for stage in ("canonical", "simplified"):
        check_canonical(compared.all[stage], stage)
    again = parse_case(format_case(case))
    assert format_case(again) == format_case(case)

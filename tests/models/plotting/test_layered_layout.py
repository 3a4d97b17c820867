"""Places of nodes in ranks: nothing overlaps, edges run down, and bends are few."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.models.plotting.layered_layout import GAP, Link, lay_out, nearest_places

WIDTHS = st.floats(5, 200)


@given(st.lists(WIDTHS, min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_nothing_overlaps_and_edges_run_down_but_those_of_cycles(widths, data) -> None:
    size = len(widths)
    ends = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    links = [Link(*pair) for pair in data.draw(st.lists(ends, max_size=20, unique=True))]
    layout = lay_out(dict(enumerate(widths)), links)
    half = {node: widths[node] / 2 if isinstance(node, int) else 2.0
            for rank in layout.ranks for node in rank}  # fmt: skip
    for rank in layout.ranks:
        for left, right in itertools.pairwise(rank):
            apart = layout.middle[right] - layout.middle[left]
            assert apart > half[left] + half[right] + GAP - 1e-6
    assert min(layout.middle[node] - half[node] for node in half) == pytest.approx(0, abs=1e-6)
    assert max(layout.middle[node] + half[node] for node in half) <= layout.width + 1e-6
    assert sorted(node for node in half if isinstance(node, int)) == list(range(size))
    for link, path, is_upward in zip(links, layout.paths, layout.is_upward, strict=True):
        if link.source == link.target:
            assert not path
            continue
        ends = (link.target, link.source) if is_upward else (link.source, link.target)
        assert (path[0], path[-1]) == ends
        ranks = [next(n for n, rank in enumerate(layout.ranks) if each in rank) for each in path]
        assert ranks == list(range(ranks[0], ranks[0] + len(path)))


def test_a_row_is_straight_and_a_long_edge_passes_it_in_one_line() -> None:
    links = [Link(n, n + 1) for n in range(6)] + [Link(0, 6)]
    layout = lay_out(dict.fromkeys(range(7), 40.0), links)
    assert not any(layout.is_upward)
    (*_, path) = layout.paths
    assert len({layout.middle[bend] for bend in path[1:-1]}) == 1
    assert len({round(layout.middle[node]) for node in range(1, 6)}) == 1


def test_edges_do_not_cross_where_they_need_not() -> None:
    links = [Link(0, 5), Link(1, 4), Link(2, 3)]
    layout = lay_out(dict.fromkeys(range(6), 30.0), links)
    upper, lower = layout.ranks
    assert [link.target for n in upper for link in links if link.source == n] == lower


def test_only_the_edge_that_closes_a_cycle_runs_up() -> None:
    links = [Link("a", "b"), Link("b", "c"), Link("c", "a")]
    layout = lay_out({"a": 10.0, "b": 10.0, "c": 10.0}, links)
    assert layout.is_upward == [False, False, True]


def test_an_input_stands_right_above_what_it_is_for() -> None:
    layout = lay_out(dict.fromkeys("abcd", 10.0), [Link("a", "b"), Link("b", "c"), Link("d", "c")])
    assert layout.rank["d"] == layout.rank["b"]


@given(st.data(), st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_nearest_places_keep_their_distances_and_are_nearest(data, size) -> None:
    numbers = st.floats(-50, 50)
    wanted = data.draw(st.lists(numbers, min_size=size, max_size=size))
    apart = data.draw(st.lists(st.floats(1, 20), min_size=size - 1, max_size=size - 1))
    weights = data.draw(st.lists(st.floats(0.1, 8), min_size=size, max_size=size))
    found = np.array(nearest_places(wanted, apart, weights))
    assert (np.diff(found) >= np.array(apart) - 1e-9).all()

    def cost(places):
        return (np.array(weights) * (places - wanted) ** 2).sum()

    rng = np.random.default_rng(0)
    for scale in (0.01, 1.0, 10.0):
        for _ in range(20):
            other = found + scale * rng.normal(size=size)
            if (np.diff(other) >= np.array(apart)).all():
                assert cost(other) >= cost(found) - 1e-9

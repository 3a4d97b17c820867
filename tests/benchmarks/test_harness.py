"""The logic of the benchmark harness, on a clock that only the measured actions move."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import harness
from benchmarks.harness import (
    Comparison,
    Footprint,
    Growth,
    Result,
    growth_exponent,
    main,
    measure,
)

MakeCases = Callable[[bool], list[Comparison]]


class FakeClock:
    """Time passes only where an action spends it; every action is written down."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ran: list[str] = []

    def __call__(self) -> float:
        return self.now

    def action(self, name: str, *seconds: float) -> Callable[[], None]:
        """An action that takes each of `seconds` in turn, and the last for ever after."""
        left = list(seconds)

        def act() -> None:
            self.ran.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return act


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def quiet_console() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=160), text


def test_the_ratio_is_the_median_of_the_ratios_and_not_the_ratio_of_the_medians(
    clock: FakeClock,
) -> None:
    ours = clock.action("ours", 1.0, 20.0, 3.0)
    theirs = clock.action("theirs", 1.0, 10.0, 1.0)
    result = measure(Comparison("sum", ours, theirs, warmups=0), rounds=3, clock=clock)
    assert result.values == (1.0, 2.0, 3.0)
    assert result.median == 2.0
    assert result.quartiles == (1.5, 2.5)


def test_the_sides_take_turns_at_going_first(clock: FakeClock) -> None:
    case = Comparison("sum", clock.action("a", 1.0), clock.action("b", 1.0), warmups=0)
    measure(case, rounds=3, clock=clock)
    assert "".join(clock.ran) == "abbaab"


def test_warmups_and_preparation_are_not_timed(clock: FakeClock) -> None:
    case = Comparison(
        "compile",
        ours=clock.action("ours", 100.0, 2.0),
        theirs=clock.action("theirs", 100.0, 4.0),
        warmups=1,
        prepare=clock.action("prepare", 50.0),
    )
    result = measure(case, rounds=2, clock=clock)
    assert result.seconds == {"ours": (2.0, 2.0), "theirs": (4.0, 4.0)}
    assert clock.ran.count("prepare") == 4


def test_one_timing_of_many_calls_gives_the_seconds_of_one(clock: FakeClock) -> None:
    ours, theirs = clock.action("ours", 3.0), clock.action("theirs", 1.5)
    result = measure(Comparison("call", ours, theirs, calls=10, warmups=0), 1, clock)
    assert result.seconds == {"ours": (3.0,), "theirs": (1.5,)}
    assert clock.ran.count("ours") == 10


def test_a_timing_has_as_many_calls_as_it_needs_to_last(clock: FakeClock) -> None:
    ours, theirs = clock.action("ours", 3.0), clock.action("theirs", 1.5)
    measure(Comparison("call", ours, theirs, least_seconds=10.0, warmups=0), 2, clock)
    assert clock.ran.count("ours") == clock.ran.count("theirs") == 1 + 2 * 7


@pytest.mark.parametrize(("target", "met"), [(1.9, False), (2.0, True), (None, None)])
def test_a_target_is_met_by_a_median_that_is_not_above_it(
    clock: FakeClock, target: float | None, met: bool | None
) -> None:
    case = Comparison("x", clock.action("a", 2.0), clock.action("b", 1.0), target=target)
    assert measure(case, 3, clock).met is met


def test_growth_is_fitted_per_round_over_all_sizes(clock: FakeClock) -> None:
    def at_size(size: int) -> Callable[[], None]:
        return clock.action(str(size), 1e-3 * size**2)

    result = measure(Growth("passes", at_size, (10, 100, 1000), target=1.15), 3, clock)
    assert result.quantity == "exponent"
    assert result.values == pytest.approx((2.0, 2.0, 2.0))
    assert list(result.seconds) == ["10", "100", "1000"]
    assert result.met is False


def test_bytes_are_compared_once_and_shown() -> None:
    case = Footprint("step, memory", lambda: 3 * 2**19, lambda: 2**24, target=0.09)
    result = measure(case, rounds=5)
    assert result.values == (3 / 32,)
    assert result.met is False
    assert result.to_dict()["bytes"] == {"ours": 3 * 2**19, "theirs": 2**24}
    console, text = quiet_console()
    console.print(harness.make_table("memory", [result], smoke=False))
    assert "ours: 1.5 MiB" in text.getvalue()
    assert "missed" in text.getvalue()


def test_the_exponent_of_two_sizes_is_the_ratio_of_the_logs() -> None:
    assert growth_exponent([10, 100], [0.5, 5.0]) == pytest.approx(1.0)
    assert growth_exponent([10, 1000], [1.0, 10.0]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("sizes", "seconds", "words"),
    [
        ([10], [1.0], "two or more different sizes"),
        ([10, 10], [1.0, 2.0], "two or more different sizes"),
        ([10, 100], [1.0], "each with its seconds"),
        ([10, 100], [0.0, 1.0], "must be positive"),
    ],
)
def test_an_exponent_of_nonsense_is_refused(
    sizes: list[int], seconds: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        growth_exponent(sizes, seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.254, "1.25 s"), (0.0125, "12.50 ms"), (15.2e-6, "15.20 µs"), (3e-9, "3.00 ns")],
)
def test_seconds_are_shown_in_the_unit_that_suits_them(seconds: float, text: str) -> None:
    assert harness.format_seconds(seconds) == text


@pytest.fixture
def two_cases(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> MakeCases:
    """A case that misses its target and one without, timed by the fake clock."""

    def measure_by_fake_clock(case: harness.Case, rounds: int) -> Result:
        return measure(case, rounds, clock)

    monkeypatch.setattr(harness, "measure", measure_by_fake_clock)
    ours, theirs = clock.action("ours", 3.0), clock.action("theirs", 1.0)
    return lambda smoke: [
        Comparison("run", ours, theirs, target=1.5),
        Comparison("call smoke" if smoke else "call", ours, theirs),
    ]


def test_a_missed_target_is_the_exit_status_of_a_full_run(two_cases: MakeCases) -> None:
    console, text = quiet_console()
    assert main("dispatch", two_cases, ["--pairs", "3"], console) == 1
    assert "missed" in text.getvalue()
    assert "ratio 3.000" in text.getvalue()
    assert main("dispatch", two_cases, ["--pairs", "3", "--only", "call"], console) == 0


def test_a_smoke_run_is_short_and_judges_nothing(two_cases: MakeCases, clock: FakeClock) -> None:
    console, text = quiet_console()
    assert main("dispatch", two_cases, ["--smoke"], console) == 0
    assert "missed" not in text.getvalue()
    assert "call smoke" in text.getvalue()
    assert clock.ran.count("ours") == 2 * (2 + harness.SMOKE_ROUNDS)


def test_each_case_appends_a_line_of_json_with_its_environment(
    two_cases: MakeCases, tmp_path: Path
) -> None:
    path = tmp_path / "figures.jsonl"
    for _ in range(2):
        main("dispatch", two_cases, ["--pairs", "5", "--json", str(path)], quiet_console()[0])
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["name"] for line in lines] == ["run", "call"] * 2
    first = lines[0]
    assert (first["benchmark"], first["median"], first["target"]) == ("dispatch", 3.0, 1.5)
    assert (first["met"], first["rounds"], first["smoke"]) == (False, 5, False)
    assert first["seconds"] == {"ours": 3.0, "theirs": 1.0}
    assert first["environment"]["cores"] >= 1
    assert first["environment"]["jax"]


@pytest.mark.parametrize("arguments", [["--pairs", "0"], ["--only", "no such case"]])
def test_arguments_that_measure_nothing_are_refused(
    two_cases: MakeCases, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main("dispatch", two_cases, arguments)
    assert stopped.value.code == 2
    assert arguments[1] in capsys.readouterr().err

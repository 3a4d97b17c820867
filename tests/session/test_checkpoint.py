"""Variables survive in files, damaged files are refused, and nothing is half restored."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc.errors import CheckpointError
from graphc.session import checkpoint


def make_variables():
    return (
        graphc.Variable(np.arange(6, dtype=np.float32).reshape(2, 3), name="w"),
        graphc.Variable(np.array(7, np.int64), name="count"),
        graphc.Variable(np.array([1.5, -2.0]), name="half", dtype="bfloat16"),
    )


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session(seed=3) as opened:
        yield opened


def test_what_was_saved_is_restored_to_the_bit(session, tmp_path):
    w, count, half = make_variables()
    session.run(w.assign_add(np.full((2, 3), 0.1, np.float32)))
    saved = session.run([w, count, half])
    session.save(tmp_path / "state")
    session.run([w.assign(np.zeros((2, 3), np.float32)), count.assign(0)])
    session.restore(tmp_path / "state")
    for before, after in zip(saved, session.run([w, count, half]), strict=True):
        assert before.dtype == after.dtype
        assert before.tobytes() == after.tobytes()


def test_random_numbers_go_on_where_they_stood(session, tmp_path):
    noise = graphc.random.normal([3])
    session.run(noise)
    session.save(tmp_path / "state")
    second = session.run(noise)
    session.restore(tmp_path / "state")
    np.testing.assert_array_equal(session.run(noise), second)


def test_a_file_cut_at_any_byte_is_refused_and_changes_nothing(session, tmp_path):
    w, *_ = make_variables()
    session.save(tmp_path / "state")
    content = (tmp_path / "state").read_bytes()
    session.run(w.assign_add(np.ones((2, 3), np.float32)))
    current = session.run(w)
    for length in range(0, len(content), 7):
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            session.restore(tmp_path / "cut")
    np.testing.assert_array_equal(session.run(w), current)


def test_one_variable_that_does_not_fit_restores_none(session, tmp_path):
    w, *_ = make_variables()
    checkpoint.write_variables(
        tmp_path / "other",
        {"w": np.zeros((2, 3), np.float32), "count": np.zeros((), np.float32)},
    )
    with pytest.raises(CheckpointError, match="does not fit the variable"):
        session.restore(tmp_path / "other")
    assert session.run(w).max() == 5


def test_an_unknown_variable_is_named(session, tmp_path):
    make_variables()
    checkpoint.write_variables(tmp_path / "other", {"v": np.zeros(2, np.float32)})
    with pytest.raises(CheckpointError, match="holds 'v'"):
        session.restore(tmp_path / "other")


def test_a_write_that_fails_leaves_the_previous_file(session, tmp_path, monkeypatch):
    make_variables()
    path = tmp_path / "state"
    session.save(path)
    before = path.read_bytes()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "replace", refuse)
    with pytest.raises(CheckpointError, match="No space left"):
        session.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["state"]

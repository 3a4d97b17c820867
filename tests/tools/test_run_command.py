"""A graph in a file runs on arrays from files, and its results can be kept."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import graphc
from graphc.tools.running import run_graph
from tests.tools.command_line import AFFINE, call

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)


@pytest.fixture
def affine(tmp_path):
    path = tmp_path / "affine.txt"
    path.write_text(AFFINE)
    np.save(tmp_path / "x.npy", X)
    return path


def write(folder, body):
    path = folder / "graph.txt"
    path.write_text(f"graphc opset 1\ngraph {{\n{body}\n}}\n")
    return path


@pytest.mark.parametrize("stage", ["all", "none"])
def test_fetches_and_new_values_of_variables_are_saved(affine, tmp_path, stage):
    out = tmp_path / "out.npz"
    feeds = (f"x={tmp_path / 'x.npy'}", "w=[10, 0.5]")
    called = call("run", affine, "--feed", *feeds, "--save", out, "--stage", stage)
    assert called.status == 0, called.errors
    with np.load(out) as saved:
        assert set(saved.files) == {"scaled", "update/w"}
        np.testing.assert_array_equal(saved["scaled"], X * np.array([10, 0.5], np.float32))
        np.testing.assert_array_equal(saved["update/w"], np.array([20, 1], np.float32))
        assert saved["scaled"].dtype == np.float32
    assert "f32[n0, 2]" in called.output
    assert "30." in called.output
    assert "compiled in" in called.output


def test_stage_none_leaves_out_what_is_not_required(affine, monkeypatch):
    seen: list[set[str]] = []

    def spy(graph, feeds, *, pipeline, **options):
        seen.append(set(pipeline.pass_names))
        return run_graph(graph, feeds, pipeline=pipeline, **options)

    monkeypatch.setattr("graphc.tools.run_command.run_graph", spy)
    for stage in ("all", "none"):
        assert call("run", affine, "--feed", "x=[[1,2]]", "w=[1,1]", "--stage", stage).status == 0
    assert "algebra" in seen[0]
    assert "algebra" not in seen[1]
    assert {"functional", "autodiff", "specialisation"} <= seen[1]


def test_a_training_step_runs_from_its_text_and_a_checkpoint_as_in_its_session(tmp_path):
    with graphc.Graph().as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, 4], name="x")
        layer = graphc.layers.Dense(3)
        loss = graphc.ops.mean(graphc.ops.square(graphc.random.dropout(layer(x), 0.5)))
        train = graphc.optimizers.Adam(0.1).minimize(loss)
        fed = np.linspace(0, 1, 20, dtype=np.float32).reshape(5, 4)
        session.run(train, {x: fed})
        session.dump([train, loss], stage="built", path=tmp_path / "step.txt")
        session.save(tmp_path / "before.ckpt")
        expected = session.run([train, loss], {x: fed})[1]
        kernel = session.run(layer.kernel)
        name = layer.kernel.name
    np.save(tmp_path / "x.npy", fed)
    called = call(
        *("run", tmp_path / "step.txt", "--feed", f"x={tmp_path / 'x.npy'}"),
        *("--checkpoint", tmp_path / "before.ckpt", "--save", tmp_path / "out.npz"),
    )
    assert called.status == 0, called.errors
    with np.load(tmp_path / "out.npz") as saved:
        np.testing.assert_allclose(saved[f"update/{name}"], kernel, rtol=1e-6)
        assert "graphc/random_counter" in {key.removeprefix("update/") for key in saved.files}
        (value,) = [saved[key] for key in saved.files if not key.startswith("update/")]
        np.testing.assert_allclose(value, expected, rtol=1e-6)
    refused = call("run", tmp_path / "step.txt", "--checkpoint", tmp_path / "x.npy")
    assert refused.status == 1
    assert "no checkpoint of variables" in refused.errors


def test_random_numbers_follow_the_seed(tmp_path):
    path = write(
        tmp_path,
        "  %0 = random_key() {stream=3} : u32[2]\n"
        "  %1 = random_uniform(%0) {dtype=f32, shape=[4]} : f32[4]\n  return %1",
    )
    graph = graphc.parse(path.read_text())
    first, again, other = (run_graph(graph, {}, seed=seed).outputs[0].array for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert call("run", path, "--seed", -1).status == 0


def test_strings_are_run_on_the_host_beside_numbers(tmp_path):
    path = write(
        tmp_path,
        '  %0 = constant() {value=string[] "Hello World"} : string[] "greeting"\n'
        "  %1 = constant() {value=f32[] 2.0} : f32[]\n"
        "  %2 = add(%1, %1) : f32[]\n  return %2, %0, %2",
    )
    called = call("run", path, "--save", tmp_path / "out.npz")
    assert called.status == 0, called.errors
    assert "'Hello World'" in called.output
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        assert {name: saved[name].item() for name in saved.files} == {
            "output_0": 4.0,
            "greeting": "Hello World",
            "output_2": 4.0,
        }


def test_bfloat16_goes_through_files(tmp_path):
    path = write(
        tmp_path,
        '  input %0 : bf16[3] feed "x"\n  %1 = negate(%0) : bf16[3] "y"\n  return %1',
    )
    given = np.array([1.0, 0.1, -3.0], ml_dtypes.bfloat16)
    np.save(tmp_path / "x.npy", given)
    called = call("run", path, "--feed", f"x={tmp_path / 'x.npy'}", "--save", tmp_path / "out.npz")
    assert called.status == 0, called.errors
    with np.load(tmp_path / "out.npz") as saved:
        np.testing.assert_array_equal(saved["y"], -given.astype(np.float32))


def test_names_of_nodes_cannot_lead_out_of_the_file_of_results(tmp_path):
    path = write(
        tmp_path,
        '  input %0 : f32[] feed "x"\n  %1 = negate(%0) : f32[] "../../a//b"\n'
        '  %2 = negate(%1) : f32[] ".."\n  return %1, %2',
    )
    assert call("run", path, "--feed", "x=1", "--save", tmp_path / "out.npz").status == 0
    with np.load(tmp_path / "out.npz") as saved:
        assert saved.files == ["a/b", "output_1"]


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ([], ["2 inputs", "'x' (feed): f32[n0, 2]", "'w' (state): f32[2]", "--feed x=x.npy"]),
        (["x=[[1,2]]"], ["1 inputs", "'w'"]),
        (["x=[[1,2]]", "w=[1,2]", "v=3"], ["no input named 'v'"]),
        (["x=[[1,2]]", "x=[[1,2]]"], ["'x' is fed twice"]),
        (["x"], ["this is no feed", "name=1.5"]),
        (["x=1.5", "w=[1,2]"], ["wrong shape", "f32[n0, 2]"]),
        (["x=[[1,2],[3]]", "w=[1,2]"], ["rectangular"]),
        (["x=abc", "w=[1,2]"], ["holds what is no number"]),
        (["x=nothing.npy", "w=[1,2]"], ["nothing.npy", "No such file"]),
        (["x=[[true, false]]", "w=[[1,2]]"], ["the feed of 'w'"]),
    ],
)
def test_wrong_feeds_are_told(affine, feeds, words):
    called = call("run", affine, *(["--feed", *feeds] if feeds else []))
    assert called.status == 1
    for word in words:
        assert word in called.errors
    assert "Traceback" not in called.errors


def test_a_file_of_several_arrays_is_no_feed(affine, tmp_path):
    np.savez(tmp_path / "two.npz", a=X, b=X)
    (tmp_path / "two.npz").rename(tmp_path / "two.npy")
    called = call("run", affine, "--feed", f"x={tmp_path / 'two.npy'}", "w=[1,2]")
    assert "holds several arrays" in called.errors


def test_sizes_that_do_not_fit_together_are_told(tmp_path):
    path = write(
        tmp_path,
        '  input %0 : f32[n0] feed "x"\n  input %1 : f32[n1] feed "y"\n'
        "  %2 = add(%0, %1) : f32[n0]\n  require n0 == n1\n  return %2",
    )
    assert call("run", path, "--feed", "x=[1]", "y=[2]").status == 0
    called = call("run", path, "--feed", "x=[1,2]", "y=[2]")
    assert called.status == 1
    assert "do not fit together" in called.errors


def test_constants_without_elements_cannot_be_run(tmp_path):
    path = write(
        tmp_path,
        "  %0 = constant() {value=f32[32] sha256:00112233445566778899aabbccddeeff} : f32[32]\n"
        "  return %0",
    )
    called = call("run", path)
    assert called.status == 1
    assert "sha256:00112233445566778899aabbccddeeff" in called.errors
    assert "--constants" in called.errors


def test_a_device_is_chosen_by_name(affine):
    feeds = ("--feed", "x=[[1,2]]", "w=[1,2]")
    assert call("run", affine, *feeds, "--device", "cpu:0").status == 0
    called = call("run", affine, *feeds, "--device", "abacus")
    assert called.status == 1
    assert "there is no device 'abacus'" in called.errors


def test_results_that_cannot_be_written_are_told(affine, tmp_path):
    feeds = ("--feed", "x=[[1,2]]", "w=[1,2]")
    called = call("run", affine, *feeds, "--save", tmp_path / "no" / "out.npz")
    assert called.status == 1
    assert "cannot be written" in called.errors


def test_only_what_the_outputs_need_has_to_be_fed(tmp_path):
    path = write(
        tmp_path,
        '  input %0 : f32[] feed "x"\n  input %1 : f32[] feed "unused"\n'
        "  %2 = negate(%0) : f32[]\n  return %2",
    )
    assert call("run", path, "--feed", "x=1").status == 0

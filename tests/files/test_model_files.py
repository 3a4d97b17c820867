"""Models in files: what comes back is what was saved, and a damaged file does no harm."""

import copy
import json
import os
import random
import zipfile

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import CheckpointError, ModelFileError, ShapeError
from graphc.files.archive import write_archive

RNG = np.random.default_rng(3)
X = RNG.normal(size=(20, 4)).astype("f")
Y = RNG.normal(size=(20, 2)).astype("f")


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def make_sequential():
    return graphc.Sequential([graphc.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])


def make_functional():
    x = graphc.Input((4,), name="x")
    shared = layers.Dense(4, "relu", name="shared")
    table = graphc.constant(np.linspace(0, 1, 40, dtype="f").reshape(10, 4))
    joined = graphc.ops.concatenate([shared(x), shared(x * 2.0) + table[3]], axis=-1)
    return graphc.Model(x, {"a": layers.Dense(2)(joined), "b": joined - 1.0})


class Custom(graphc.Model):
    def __init__(self, width=3, **kwargs):
        super().__init__(**kwargs)
        self.first, self.last = layers.Dense(width, "relu"), layers.Dense(2)

    def call(self, inputs):
        return self.last(self.first(inputs))


@pytest.mark.parametrize("make", [make_sequential, make_functional, Custom])
def test_a_loaded_model_predicts_what_the_saved_one_does(make, tmp_path):
    model = make()
    expected = model.predict(X)
    model.save(tmp_path / "model.graphc")
    with graphc.Graph().as_default():
        loaded = graphc.load_model(tmp_path / "model.graphc", custom_objects={"Custom": Custom})
        found = loaded.predict(X)
        assert type(loaded) is type(model)
        assert [tuple(w.shape) for w in loaded.weights] == [tuple(w.shape) for w in model.weights]
        if isinstance(expected, dict):
            for name, value in expected.items():
                np.testing.assert_array_equal(found[name], value)
        else:
            np.testing.assert_array_equal(found, expected)


def test_training_goes_on_after_loading_as_if_it_had_not_been_saved(tmp_path):
    model = make_sequential()
    model.compile("adam", "mse", metrics=["mae"] if "mae" in dir(graphc.metrics) else None)
    model.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
    model.save(tmp_path / "model.graphc")
    model.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
    with graphc.Graph().as_default():
        loaded = graphc.load_model(tmp_path / "model.graphc")
        loaded.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
        for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_weights_go_from_model_to_model(tmp_path):
    first, second = make_sequential(), make_sequential()
    first.save_weights(tmp_path / "weights.safetensors")
    second.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    other = graphc.Sequential([graphc.Input((4,)), layers.Dense(3), layers.Dense(5)])
    before = other.get_weights()
    with pytest.raises(ShapeError, match="does not fit"):
        other.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(other.get_weights()[0], before[0])
    other.load_weights(tmp_path / "weights.safetensors", skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], first.get_weights()[0])
    with pytest.raises(ModelFileError, match="exists already"):
        first.save_weights(tmp_path / "weights.safetensors", overwrite=False)


def test_a_class_of_ones_own_is_asked_for_by_name(tmp_path):
    model = Custom(width=5)
    model.predict(X)
    model.save(tmp_path / "model.graphc")
    with pytest.raises(ModelFileError, match="custom_objects"):
        graphc.load_model(tmp_path / "model.graphc")


def test_a_model_without_weights_says_so(tmp_path):
    with pytest.raises(ModelFileError, match="not built"):
        graphc.Sequential([layers.Dense(3)]).save(tmp_path / "model.graphc")
    with pytest.raises(ModelFileError, match="cannot be read"):
        graphc.load_model(tmp_path / "absent.graphc")


def test_a_full_disk_leaves_the_previous_file(tmp_path, monkeypatch):
    model = make_sequential()
    path = tmp_path / "model.graphc"
    model.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["model.graphc"]


MUTATIONS = int(os.environ.get("GRAPHC_FILE_MUTATIONS", "40"))


def mutated(content, rng):
    """The content with bytes changed, cut, doubled, or numbers of its text replaced."""
    kind = rng.randrange(5)
    data = bytearray(content)
    if kind == 0:
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 1:
        del data[rng.randrange(len(data)) :]
    elif kind == 2:
        start = rng.randrange(len(data))
        del data[start : start + rng.randrange(1, 64)]
    elif kind == 3:
        start = rng.randrange(len(data))
        data[start:start] = data[start : start + rng.randrange(1, 64)]
    else:
        places = [i for i, byte in enumerate(data[:4000]) if chr(byte).isdigit()]
        for _ in range(rng.randrange(1, 4)):
            data[rng.choice(places)] = ord(str(rng.randrange(10)))
    return bytes(data)


def test_damaged_files_load_or_are_refused(tmp_path):
    model = make_functional()
    model.compile("adam", "mse")
    model.save(tmp_path / "model.graphc")
    model.save_weights(tmp_path / "weights.safetensors")
    rng = random.Random(int(os.environ.get("GRAPHC_FILE_SEED", "0")))
    outcomes = {"loaded": 0, "refused": 0}
    for name in ("model.graphc", "weights.safetensors"):
        content = (tmp_path / name).read_bytes()
        for _ in range(MUTATIONS // 2):
            (tmp_path / "damaged").write_bytes(mutated(content, rng))
            try:
                with graphc.Graph().as_default():
                    if name == "model.graphc":
                        graphc.load_model(tmp_path / "damaged")
                    else:
                        make_functional().load_weights(tmp_path / "damaged")
                outcomes["loaded"] += 1
            except (ModelFileError, CheckpointError, ShapeError):
                outcomes["refused"] += 1
    assert outcomes["refused"] > MUTATIONS / 4


ODD = [
    *(None, True, -1, 0, 2**31, 10**12, 10**40, 1e308, float("nan"), "", "relu", "Dense", "int8"),
    *("../../etc/passwd", [], {}, [[]], {"a": 1}, {"placeholder": "float32", "shape": [10**9] * 2}),
    {"kind": "layers", "class_name": "Dense", "config": {}},
    {"kind": "layers", "class_name": "Lambda", "config": {"function": "os.system"}},
]


def places(described, path=()):
    """The paths of everything inside of a description."""
    items = described.items() if isinstance(described, dict) else enumerate(described)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from places(item, (*path, key))


def changed(described, rng):
    """The description with something replaced, left out, doubled or put very deep inside."""
    for _ in range(rng.randrange(1, 4)):
        *path, last = rng.choice(list(places(described)))
        holder = described
        for key in path:
            holder = holder[key]
        kind = rng.randrange(5)
        if kind == 0:
            del holder[last]
        elif kind == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        elif kind == 2:
            depth = rng.choice([2, 900])
            for _ in range(depth):
                holder[last] = [holder[last]]
            if depth > 2:
                break
        else:
            holder[last] = copy.deepcopy(rng.choice(ODD))
        if not list(places(described)):
            break
    return described


def test_whole_files_with_a_changed_description_load_or_are_refused(tmp_path):
    """What nobody would notice by a checksum: the archive is whole, what it says is not."""
    model = make_sequential()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.graphc")
    with zipfile.ZipFile(tmp_path / "model.graphc") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    rng = random.Random(int(os.environ.get("GRAPHC_FILE_SEED", "0")))
    outcomes = {"loaded": 0, "refused": 0}
    for _ in range(MUTATIONS):
        others = {name: mutated(c, rng) if rng.random() < 0.1 else c for name, c in members.items()}
        description = changed(json.loads(members["config.json"]), rng)
        write_archive(
            tmp_path / "changed", {**others, "config.json": json.dumps(description).encode()}
        )
        try:
            with graphc.Graph().as_default():
                graphc.load_model(tmp_path / "changed")
            outcomes["loaded"] += 1
        except (ModelFileError, CheckpointError):
            outcomes["refused"] += 1
    assert outcomes["refused"] > MUTATIONS / 4

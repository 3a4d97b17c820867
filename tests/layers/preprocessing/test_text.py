"""Layers of strings: as in Keras, whose answers are recorded; and whole numbers in the graph."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ModelFileError, ShapeError
from graphc.layers.preprocessing.text.fingerprints import keyed_hash
from tests.layers.preprocessing.text_cases import CASES, KNOWN, NUMBERS, PETS, RECORD, WORDS

ANSWERS = json.loads(RECORD.read_text(encoding="utf-8"))


def _made(case: dict[str, Any]) -> Any:
    layer = getattr(layers, case["layer"])(**case["config"])
    if case["adapt"] is not None:
        layer.adapt(np.array(case["adapt"]))
    return layer


def test_there_is_an_answer_for_each_case() -> None:
    assert len(CASES) == len(ANSWERS)


def test_results_and_vocabularies_are_those_of_keras() -> None:
    problems = []
    with graphc.Graph().as_default(), graphc.Session() as session:
        built = [_made(case) for case in CASES]
        found = session.run(
            [
                layer([np.array(x) for x in case["inputs"]])
                if case["layer"] == "HashedCrossing"
                else layer(np.array(case["inputs"]))
                for layer, case in zip(built, CASES, strict=True)
            ]
        )
    for case, layer, mine, theirs in zip(CASES, built, found, ANSWERS, strict=True):
        said = f"{case['layer']}({case['config']})"
        mine = np.asarray(mine)
        expected = np.array(theirs["values"]).reshape(theirs["shape"])
        if mine.shape != expected.shape:
            problems.append(f"{said}: shape {mine.shape} instead of {expected.shape}")
        elif not _same(mine, expected):
            problems.append(f"{said}: {mine.tolist()} instead of {expected.tolist()}")
        if "vocabulary" in theirs and layer.get_vocabulary() != theirs["vocabulary"]:
            problems.append(f"{said}: {layer.get_vocabulary()} instead of {theirs['vocabulary']}")
    assert not problems, "\n".join(problems)


def _same(mine: np.ndarray, expected: np.ndarray) -> bool:
    if mine.dtype == object:
        return mine.astype(str).tolist() == expected.tolist()
    return np.allclose(mine, expected, atol=1e-5)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{i}-{CASES[i]['layer']}")
def test_a_layer_made_of_its_description_gives_the_same(number: int) -> None:
    case = CASES[number]
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = _made(case)
        again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
        assert again.get_config() == layer.get_config()
        many = case["layer"] == "HashedCrossing"
        inputs = [np.array(x) for x in case["inputs"]] if many else np.array(case["inputs"])
        one, other = session.run([layer(inputs), again(inputs)])
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", ["int", "multi_hot", "count", "one_hot"])
def test_whole_numbers_are_looked_up_in_the_graph_as_on_the_host(mode: str) -> None:
    numbers = np.array(NUMBERS) if mode != "one_hot" else np.array([[12], [5], [-3]])
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("int32", [None, numbers.shape[1]])
        pairs = []
        for config in ({}, {"mask_token": -4}, {"num_oov_indices": 3}):
            layer = layers.IntegerLookup(vocabulary=KNOWN, output_mode=mode, **config)
            pairs.append((layer(x), layer(numbers)))
        for found, expected in session.run(pairs, {x: numbers}):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype


def test_indices_become_whole_numbers_in_the_graph_as_on_the_host() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("int64", [None])
        layer = layers.IntegerLookup(vocabulary=KNOWN, invert=True, oov_token=-9)
        found = session.run(layer(x), {x: [0, 1, 4, 5, -2]})
    assert found.tolist() == [-9, 12, 42, -9, -9]


def test_strings_constants_lists_and_bytes_are_inputs() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.StringLookup(vocabulary=WORDS)
        given = [
            *(["dog", "x"], ("dog", "x"), np.array(["dog", "x"]), np.array([b"dog", b"x"])),
            *(graphc.constant(["dog", "x"]), np.array(["dog", "x"], object)),
        ]
        for found in session.run([layer(each) for each in given]):
            assert found.tolist() == [2, 0]
        assert session.run(layer("cow")) == 3


def test_words_go_on_to_an_embedding() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        words = layers.TextVectorization(output_sequence_length=4)
        words.adapt(["a b c", "b c", "c"])
        rows = words(["c b zzz"])
        vectors = layers.Embedding(words.vocabulary_size(), 3)(rows)
        indices, found = session.run([rows, vectors])
    assert indices.tolist() == [[2, 3, 1, 0]]
    assert found.shape == (1, 4, 3)


def test_functions_standardize_and_split() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.TextVectorization(
            standardize=np.char.upper, split=lambda texts: [t.split("-") for t in texts]
        )
        layer.adapt(["a-b", "A"])
        assert layer.get_vocabulary() == ["", "[UNK]", "A", "B"]
        assert session.run(layer(["b-a-c"])).tolist() == [[3, 2, 1]]


def test_batches_are_counted_together() -> None:
    layer = layers.StringLookup()
    layer.adapt(iter([np.array(["a", "b"]), np.array(["b"]), np.array(["c"] * 5)]), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]


def test_a_vocabulary_is_read_from_a_file_but_not_for_a_description(tmp_path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("cat\ndog\n", encoding="utf-8")
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "cat", "dog"]
    assert layer.get_config()["vocabulary"] == ["[UNK]", "cat", "dog"]
    for kind in (layers.StringLookup, layers.TextVectorization):
        with pytest.raises(ModelFileError, match="a file to read"):
            kind.from_config({"vocabulary": str(path)})


def test_the_hash_is_that_of_its_paper() -> None:
    key = (int.from_bytes(range(8), "little"), int.from_bytes(range(8, 16), "little"))
    assert keyed_hash(bytes(range(15)), key) == 0xA129CA6149BE45E5


def test_wrong_arguments_and_inputs_are_refused() -> None:
    strings = graphc.placeholder("string", [None])
    with pytest.raises(GraphcError, match="works on the host"):
        layers.StringLookup(vocabulary=WORDS)(strings)
    with pytest.raises(GraphcError, match="no index for what is not"):
        layers.StringLookup(vocabulary=WORDS, num_oov_indices=0)(np.array(PETS))
    with pytest.raises(GraphcError, match="does not fit"):
        layers.StringLookup(vocabulary=["a", "a"])
    with pytest.raises(GraphcError, match="does not fit"):
        layers.StringLookup(vocabulary=WORDS, max_tokens=3)
    with pytest.raises(GraphcError, match="does not fit"):
        layers.StringLookup(output_mode="count")(["a"])
    with pytest.raises(GraphcError, match="idf_weights"):
        layers.StringLookup(vocabulary=WORDS, output_mode="tf_idf")
    with pytest.raises(GraphcError, match="salt does not fit"):
        layers.Hashing(3, salt="sea")
    with pytest.raises(GraphcError, match="num_bins"):
        layers.Hashing(0)
    with pytest.raises(GraphcError, match="output_mode"):
        layers.HashedCrossing(3, output_mode="count")
    with pytest.raises(ShapeError, match="crosses"):
        layers.HashedCrossing(3)([np.array(["a"]), np.array([1, 2])])
    with pytest.raises(ShapeError, match="one text for each"):
        layers.TextVectorization()(np.array(PETS))
    with pytest.raises(GraphcError, match="split of a TextVectorization"):
        layers.TextVectorization(split="letters")
    with pytest.raises(TypeError, match="no argument 'vocab'"):
        layers.StringLookup(vocab=WORDS)

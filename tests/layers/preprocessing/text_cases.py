"""Calls of layers of strings and numbers, and what Keras gave, on its back end with strings.

With TensorFlow and Keras installed, `python -m tests.layers.preprocessing.text_cases` writes the
record `text_answers.json` again. Nothing of graphc is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("text_answers.json")

LONG = [
    *("", "a", "ab", "abc", "abcd", "seven77", "eight888", "hello world", "x" * 16, "y" * 17),
    *("z" * 32, "w" * 33, "v" * 64, "u" * 65, "t" * 127, "s" * 128, "r" * 200, "äöü 漢字"),
]
PETS = [["cat", "dog"], ["cow", "cat"], ["newt", "cat"]]
WORDS = ["cat", "dog", "cow"]
TEXTS = ["The cat, the DOG & the cow!", "  A newt's  tail\tis\nlong. ", "", "cat Ärger"]
NUMBERS = [[12, 1138], [-4, 12], [1000, 7]]
KNOWN = [12, 36, 1138, 42]


def case(layer: str, inputs: Any, adapt: Any = None, **config: Any) -> dict[str, Any]:
    return {"layer": layer, "inputs": inputs, "adapt": adapt, "config": config}


CASES = [
    case("Hashing", LONG, num_bins=1000),
    case("Hashing", LONG, num_bins=1000, salt=[133, 137]),
    case("Hashing", LONG, num_bins=7, mask_value=""),
    case("Hashing", NUMBERS, num_bins=50, salt=3, mask_value=12),
    case("Hashing", [["a"], ["b"], ["c"]], num_bins=4, output_mode="one_hot"),
    case("Hashing", PETS, num_bins=4, output_mode="multi_hot"),
    case("Hashing", PETS, num_bins=4, output_mode="count", dtype="float32"),
    case("HashedCrossing", [["A", "B", "A", "B"], [101, 101, -7, 2**40]], num_bins=1000),
    case("HashedCrossing", [[["A"], ["B"]], [["x"], ["y"]], [[1], [2]]], num_bins=5),
    case("HashedCrossing", [["A", "B"], [1, 2]], num_bins=3, output_mode="one_hot"),
    case("StringLookup", PETS, vocabulary=WORDS),
    case("StringLookup", PETS, vocabulary=["", "[UNK]", *WORDS], mask_token=""),
    case("StringLookup", [["cat", "m"], ["x", "m"]], vocabulary=WORDS, mask_token="m"),
    case("StringLookup", LONG, vocabulary=WORDS, num_oov_indices=10),
    case("StringLookup", LONG, vocabulary=WORDS, num_oov_indices=10, salt=5),
    case("StringLookup", ["dog", "cat"], vocabulary=WORDS, num_oov_indices=0),
    case("StringLookup", [["dog"], ["newt"]], vocabulary=WORDS, output_mode="one_hot"),
    case("StringLookup", PETS, vocabulary=WORDS, output_mode="multi_hot", mask_token="cow"[:0]),
    case("StringLookup", PETS, vocabulary=WORDS, output_mode="count", mask_token="cat2"),
    case(
        "StringLookup",
        PETS,
        vocabulary=WORDS,
        idf_weights=[0.25, 0.75, 0.6],
        output_mode="tf_idf",
        max_tokens=6,
        pad_to_max_tokens=True,
    ),
    case("StringLookup", [[1, 3, 0], [2, 9, 4]], vocabulary=WORDS, invert=True),
    case("StringLookup", [0, 1, 4], vocabulary=WORDS, invert=True, mask_token="", oov_token="?"),
    case("StringLookup", PETS, adapt=[["b", "a", "c"], ["a", "b", "d"]]),
    case("StringLookup", PETS, adapt=PETS, max_tokens=3),
    case("StringLookup", PETS, adapt=PETS, output_mode="tf_idf", num_oov_indices=2),
    case("IntegerLookup", NUMBERS, vocabulary=KNOWN),
    case("IntegerLookup", NUMBERS, vocabulary=KNOWN, mask_token=12, num_oov_indices=3)
    | {"config": {"vocabulary": KNOWN[1:], "mask_token": 12, "num_oov_indices": 3}},
    case("IntegerLookup", NUMBERS, vocabulary=KNOWN, num_oov_indices=4, oov_method="farmhash"),
    case(
        "IntegerLookup",
        NUMBERS,
        vocabulary=KNOWN,
        num_oov_indices=4,
        oov_method="farmhash",
        salt=[1, 2],
    ),
    case("IntegerLookup", NUMBERS, vocabulary=KNOWN, output_mode="multi_hot"),
    case("IntegerLookup", NUMBERS, vocabulary=KNOWN, output_mode="count", max_tokens=8),
    case("IntegerLookup", [[1, 3, 0], [2, 9, 4]], vocabulary=KNOWN, invert=True),
    case("IntegerLookup", NUMBERS, adapt=[[5, 7, 7], [1000, 5, 2]], mask_token=0),
    case("TextVectorization", TEXTS, adapt=TEXTS),
    case("TextVectorization", [[text] for text in TEXTS], adapt=TEXTS, max_tokens=5),
    case("TextVectorization", TEXTS, vocabulary=["cat", "the"], output_sequence_length=3),
    case("TextVectorization", TEXTS, vocabulary=["cat", "the"], output_sequence_length=9),
    case("TextVectorization", TEXTS, adapt=TEXTS, standardize=None),
    case("TextVectorization", TEXTS, adapt=TEXTS, standardize="lower", ngrams=2),
    case("TextVectorization", TEXTS, adapt=TEXTS, standardize="strip_punctuation"),
    case("TextVectorization", TEXTS, adapt=TEXTS, split="character"),
    case("TextVectorization", TEXTS, adapt=TEXTS, split=None, output_mode="int"),
    case("TextVectorization", TEXTS, adapt=TEXTS, output_mode="multi_hot", max_tokens=20)
    | {"pad": True},
    case("TextVectorization", TEXTS, adapt=TEXTS, output_mode="count"),
    case("TextVectorization", TEXTS, adapt=TEXTS, output_mode="tf_idf"),
    case("TextVectorization", TEXTS, adapt=TEXTS, output_mode="count", pad_to_max_tokens=True)
    | {"config": {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 30}},
    case(
        "TextVectorization",
        TEXTS,
        vocabulary=["cat", "the"],
        idf_weights=[0.5, 0.25],
        output_mode="tf_idf",
    ),
    case("TextVectorization", "the cat sat", vocabulary=["cat", "the"]),
]
for each in CASES:
    if each.pop("pad", False):
        each["config"]["pad_to_max_tokens"] = True


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What Keras gives: numbers or strings, and the vocabulary."""
    import keras
    import numpy as np

    layer = getattr(keras.layers, asked["layer"])(**asked["config"])
    if asked["adapt"] is not None:
        layer.adapt(np.array(asked["adapt"]))
    inputs = asked["inputs"]
    many = asked["layer"] == "HashedCrossing"
    found = layer([np.array(x) for x in inputs] if many else np.array(inputs))
    found = found.numpy() if hasattr(found, "numpy") else np.array(found)
    made = found.astype(str) if found.dtype == object else found
    result = {"shape": list(made.shape), "values": made.ravel().tolist()}
    if hasattr(layer, "get_vocabulary"):
        result["vocabulary"] = np.array(layer.get_vocabulary()).tolist()
    return result


def main() -> None:
    answers = [answer(each) for each in CASES]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in answers)
    RECORD.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sys.stdout.write(f"{len(answers)} answers recorded\n")


if __name__ == "__main__":
    main()

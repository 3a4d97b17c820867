"""Losses on small batches, each argument of their constructors with at least two values."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.keras_process import Case

_numbers = np.random.default_rng(7)
REAL, NEAR = (_numbers.normal(size=(4, 3)).astype(np.float32) for _ in range(2))
POSITIVE, RATES = (_numbers.gamma(2.0, size=(4, 3)).astype(np.float32) for _ in range(2))
LOGITS = _numbers.normal(size=(4, 3)).astype(np.float32) * 3
IMAGES = _numbers.normal(size=(2, 3, 4)).astype(np.float32)
NUMBERS = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[NUMBERS]
BINARY = np.float32([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0]])
WEIGHTS = np.float32([1.0, 0.5, 0.0, 2.0])
MAPS = np.array([[0, 2, 1, 2], [1, 1, 0, 2]])  # class numbers of IMAGES, classes on axis 1


def _softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis, keepdims=True))
    return (powers / powers.sum(axis, keepdims=True)).astype(np.float32)


PROBABILITIES = _softmax(LOGITS)
SOFT = _softmax(REAL)
CHANCES = (1 / (1 + np.exp(-LOGITS))).astype(np.float32)
HOT_MAPS = np.moveaxis(np.eye(3, dtype=np.float32)[MAPS], -1, 1)
EMBEDDINGS = (REAL / np.linalg.norm(REAL, axis=1, keepdims=True)).astype(np.float32)
SEQUENCES = np.array([[1, 2, 0, 0], [2, 2, 1, 0]])
EMITTED = _numbers.normal(size=(2, 7, 3)).astype(np.float32)
# Keras takes another axis of class numbers only where both shapes end alike
CALLS: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("MeanSquaredError", REAL, NEAR, {}),
    ("MeanAbsoluteError", REAL, NEAR, {}),
    ("MeanAbsolutePercentageError", REAL, NEAR, {}),
    ("MeanSquaredLogarithmicError", POSITIVE, RATES, {}),
    ("MeanSquaredLogarithmicError", REAL, NEAR, {"reduction": "none"}),
    ("CosineSimilarity", REAL, NEAR, {}),
    ("CosineSimilarity", IMAGES, IMAGES[::-1].copy(), {"axis": 1, "reduction": None}),
    ("Huber", REAL, NEAR, {}),
    ("Huber", REAL, NEAR, {"delta": 0.3}),
    ("LogCosh", REAL, NEAR, {}),
    ("LogCosh", REAL * 100, NEAR, {"reduction": "sum"}),
    ("Hinge", BINARY, LOGITS, {}),
    ("Hinge", BINARY * 2 - 1, LOGITS, {"reduction": None}),
    ("SquaredHinge", BINARY, LOGITS, {}),
    ("SquaredHinge", BINARY * 2 - 1, LOGITS, {"reduction": "sum"}),
    ("CategoricalHinge", ONE_HOT, LOGITS, {}),
    ("KLDivergence", SOFT, PROBABILITIES, {}),
    ("KLDivergence", ONE_HOT, PROBABILITIES, {"reduction": None}),
    ("Poisson", POSITIVE, RATES, {}),
    ("BinaryCrossentropy", BINARY, CHANCES, {}),
    ("BinaryCrossentropy", BINARY.astype(np.int32), CHANCES, {"label_smoothing": 0.2}),
    ("BinaryCrossentropy", BINARY, LOGITS, {"from_logits": True, "axis": 0}),
    ("BinaryCrossentropy", BINARY, BINARY, {"reduction": None}),
    ("BinaryCrossentropy", BINARY[:, :1], CHANCES[:, 0], {"reduction": None}),
    ("BinaryFocalCrossentropy", BINARY, CHANCES, {}),
    ("BinaryFocalCrossentropy", BINARY, CHANCES, {"apply_class_balancing": True}),
    (
        "BinaryFocalCrossentropy",
        BINARY,
        LOGITS,
        {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "from_logits": True},
    ),
    ("BinaryFocalCrossentropy", BINARY, CHANCES, {"label_smoothing": 0.1, "axis": 0}),
    ("CategoricalCrossentropy", ONE_HOT, PROBABILITIES, {}),
    ("CategoricalCrossentropy", SOFT, LOGITS, {"from_logits": True}),
    ("CategoricalCrossentropy", ONE_HOT, RATES, {"label_smoothing": 0.3}),
    ("CategoricalCrossentropy", HOT_MAPS, _softmax(IMAGES, 1), {"axis": 1, "reduction": None}),
    (
        "CategoricalCrossentropy",
        HOT_MAPS,
        IMAGES,
        {"axis": 1, "from_logits": True, "label_smoothing": 0.1},
    ),
    ("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES, {}),
    ("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES, {"alpha": 0.6, "gamma": 1.0}),
    ("CategoricalFocalCrossentropy", SOFT, LOGITS, {"alpha": [0.2, 0.3, 0.5], "from_logits": True}),
    ("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES, {"label_smoothing": 0.2}),
    ("CategoricalFocalCrossentropy", HOT_MAPS, _softmax(IMAGES, 1), {"axis": 1}),
    ("SparseCategoricalCrossentropy", NUMBERS, PROBABILITIES, {}),
    ("SparseCategoricalCrossentropy", NUMBERS[:, None], LOGITS, {"from_logits": True}),
    ("SparseCategoricalCrossentropy", NUMBERS, LOGITS, {"from_logits": True, "ignore_class": 2}),
    ("SparseCategoricalCrossentropy", NUMBERS, PROBABILITIES, {"ignore_class": 1}),
    ("SparseCategoricalCrossentropy", MAPS - 1, IMAGES.transpose(0, 2, 1), {"ignore_class": -1}),
    (
        "SparseCategoricalCrossentropy",
        MAPS[:, :3],
        IMAGES[:, :, :3],
        {"axis": 1, "from_logits": True, "ignore_class": 0, "reduction": "sum"},
    ),
    (
        "SparseCategoricalCrossentropy",
        MAPS[:, None, :3],
        _softmax(IMAGES, 1)[:, :, :3],
        {"axis": 1},
    ),
    ("CategoricalGeneralizedCrossEntropy", NUMBERS, PROBABILITIES, {}),
    ("CategoricalGeneralizedCrossEntropy", NUMBERS, PROBABILITIES, {"q": 0.9}),
    ("Dice", BINARY, CHANCES, {}),
    ("Dice", HOT_MAPS, _softmax(IMAGES, 1), {"axis": (1, 2), "reduction": None}),
    ("Tversky", BINARY, CHANCES, {}),
    ("Tversky", HOT_MAPS, _softmax(IMAGES, 1), {"axis": [1], "alpha": 0.2, "beta": 0.7}),
    ("CTC", SEQUENCES, EMITTED, {}),
    ("CTC", SEQUENCES, EMITTED, {"reduction": None}),
    ("Circle", NUMBERS, EMBEDDINGS, {}),
    ("Circle", NUMBERS[:, None], EMBEDDINGS, {"gamma": 10.0, "margin": 0.25}),
    ("Circle", NUMBERS, EMBEDDINGS, {"remove_diagonal": False, "gamma": 2.0}),
    ("Circle", NUMBERS, EMBEDDINGS, {"gamma": 2.0, "reduction": None}),
    ("MeanSquaredError", REAL[:, :1], NEAR[:, 0], {"reduction": None}),
    ("MeanSquaredError", REAL[:, 0], NEAR[:, :1], {"reduction": "mean"}),
    ("MeanSquaredError", REAL[:, 0], NEAR[:, 0], {}),
]


def _texts(config: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in config.items())


CASES: dict[str, Case] = {}
for _name, _true, _predicted, _config in CALLS:
    _first = not any(case.path == f"losses.{_name}" for case in CASES.values())
    _types = f"{_true.dtype}{_true.shape}, {_predicted.shape}"
    CASES[f"{_name}({_texts(_config)}) of {_types}"] = Case(
        f"losses.{_name}", (_true, _predicted), _config, gradient=1 if _first else None
    )

# every loss with weights of samples, in another way each
_REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")
for _place, (_name, _true, _predicted, _config) in enumerate(
    call for call in CALLS if not call[3] and call[0] not in ("Dice", "Tversky")
):
    _config = {"reduction": _REDUCTIONS[_place % 5]}
    _weights = WEIGHTS[: len(_true)]
    CASES[f"{_name}({_texts(_config)}), weighted"] = Case(
        f"losses.{_name}", (_true, _predicted, _weights), _config
    )

# weights, masks and reductions: of losses [2, 3]
VALUES = _numbers.normal(size=(2, 3)).astype(np.float32)
MASK = np.array([[True, False, True], [True, True, False]])
for _weight, _mask, _reduction in product(
    (None, np.array(2.0, np.float32), WEIGHTS[:2, None], VALUES**2, (VALUES**2)[..., None]),
    (None, MASK, MASK & False),
    (*_REDUCTIONS, None),
):
    _shape = None if _weight is None else np.shape(_weight)
    _which = "all" if _mask is None else "some" if _mask.any() else "none"
    CASES[f"{_reduction} of {_which}, weights {_shape}"] = Case(
        "losses.weighting.reduce_weighted_values",
        (VALUES, _weight, _mask, _reduction),
        keras_path="src.losses.loss.reduce_weighted_values",
    )

# the functions, with what no class hands on
CASES |= {
    "circle with references": Case(
        "losses.circle", (NUMBERS, EMBEDDINGS, NUMBERS[:3], EMBEDDINGS[:3] * 0.9, False, 4, 0.3)
    ),
    "huber": Case("losses.huber", (REAL, NEAR), keywords={"delta": 0.5}),
    "mean_squared_error": Case("losses.mean_squared_error", (BINARY.astype(np.int32), NEAR)),
    "kl_divergence": Case("losses.kl_divergence", (SOFT, PROBABILITIES)),
    "categorical_generalized_cross_entropy": Case(
        "losses.categorical_generalized_cross_entropy", (NUMBERS, PROBABILITIES, 0.2)
    ),
}
HALF = {
    f"{_name} in float16": Case(f"losses.{_name}", (_true, _predicted), {"dtype": "float16"})
    for _name, _true, _predicted in (
        ("MeanSquaredError", REAL, NEAR),
        ("CategoricalCrossentropy", ONE_HOT, PROBABILITIES),
        ("Poisson", POSITIVE, RATES),
    )
}

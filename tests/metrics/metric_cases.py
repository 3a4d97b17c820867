"""Metrics on small batches, each argument of their constructors with at least two values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.keras_process import Case

_numbers = np.random.default_rng(11)


def _real(*sizes: int) -> np.ndarray:
    return _numbers.normal(size=sizes).astype(np.float32)


def _softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis, keepdims=True))
    return (powers / powers.sum(axis, keepdims=True)).astype(np.float32)


REAL, NEAR, LOGITS = _real(6, 3), _real(6, 3), 3 * _real(6, 3)
POSITIVE, RATES = np.abs(REAL), np.abs(NEAR)
NUMBERS = np.array([2, 0, 1, 2, 0, 1])
ONE_HOT = np.eye(3, dtype=np.float32)[NUMBERS]
BINARY = np.float32([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]])
PROBABILITIES, SOFT = _softmax(LOGITS), _softmax(REAL)
CHANCES = (1 / (1 + np.exp(-LOGITS))).astype(np.float32)
STEPS, FAR_STEPS = _real(6, 2, 3), _real(6, 2, 3)
WEIGHTS = np.float32([1.0, 0.5, 0.0, 2.0, 0.25, 1.0])
STEP_WEIGHTS = np.abs(_real(6, 2))
MASK = np.array([[True, True], [True, False], [False, False]] * 2)
Call = tuple[str, np.ndarray, np.ndarray, dict[str, Any]]

DISTANCES: list[Call] = [
    ("MeanSquaredError", REAL, NEAR, {}),
    ("MeanSquaredError", REAL[:, :1], NEAR[:, 0], {"name": "error", "dtype": "float16"}),
    ("MeanSquaredError", STEPS, FAR_STEPS, {}),
    ("RootMeanSquaredError", REAL, NEAR, {}),
    ("RootMeanSquaredError", REAL[:, 0], NEAR[:, :1], {}),
    ("RootMeanSquaredError", STEPS, FAR_STEPS, {"dtype": "float16"}),
    ("MeanAbsoluteError", REAL, NEAR, {}),
    ("MeanAbsoluteError", BINARY.astype(np.int32), NEAR, {}),
    ("MeanAbsolutePercentageError", REAL, NEAR, {}),
    ("MeanSquaredLogarithmicError", POSITIVE, RATES, {}),
    ("LogCoshError", REAL, NEAR, {}),
    ("CosineSimilarity", REAL, NEAR, {}),
    ("CosineSimilarity", STEPS, FAR_STEPS, {"axis": 1}),
    ("Hinge", BINARY, LOGITS, {}),
    ("SquaredHinge", BINARY * 2 - 1, LOGITS, {}),
    ("CategoricalHinge", ONE_HOT, LOGITS, {}),
    ("KLDivergence", SOFT, PROBABILITIES, {}),
    ("Poisson", POSITIVE, RATES, {}),
    ("BinaryCrossentropy", BINARY, CHANCES, {}),
    ("BinaryCrossentropy", BINARY, LOGITS, {"from_logits": True}),
    ("BinaryCrossentropy", BINARY, CHANCES, {"label_smoothing": 0.2}),
    ("CategoricalCrossentropy", ONE_HOT, PROBABILITIES, {}),
    ("CategoricalCrossentropy", SOFT, LOGITS, {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", _softmax(STEPS, 1), _softmax(FAR_STEPS, 1), {"axis": 1}),
    ("SparseCategoricalCrossentropy", NUMBERS, PROBABILITIES, {}),
    ("SparseCategoricalCrossentropy", NUMBERS[:, None], LOGITS, {"from_logits": True}),
    ("SparseCategoricalCrossentropy", NUMBERS, PROBABILITIES, {"ignore_class": 1}),
    (
        "SparseCategoricalCrossentropy",
        NUMBERS[(np.arange(6)[:, None] + np.arange(3)) % 6],
        _softmax(_real(6, 3, 3), 1),
        {"axis": 1},
    ),
]
ACCURACIES: list[Call] = [
    ("Accuracy", NUMBERS, np.float32([2, 0, 0, 2, 1, 1]), {}),
    ("Accuracy", BINARY, BINARY[::-1].copy(), {}),
    ("BinaryAccuracy", BINARY, CHANCES, {}),
    ("BinaryAccuracy", BINARY[:, 0], CHANCES[:, :1], {"threshold": 0.2}),
    ("CategoricalAccuracy", ONE_HOT, PROBABILITIES, {}),
    ("SparseCategoricalAccuracy", NUMBERS, PROBABILITIES, {}),
    ("SparseCategoricalAccuracy", NUMBERS[:, None], LOGITS, {}),
    ("TopKCategoricalAccuracy", ONE_HOT, PROBABILITIES, {"k": 2}),
    ("TopKCategoricalAccuracy", ONE_HOT, LOGITS, {"k": 1}),
    ("SparseTopKCategoricalAccuracy", NUMBERS, PROBABILITIES, {"k": 2}),
    (
        "SparseTopKCategoricalAccuracy",
        NUMBERS,
        np.argsort(-LOGITS, axis=-1).astype(np.int32),
        {"k": 1, "from_sorted_ids": True},
    ),
]

_COUNTS: list[Call] = []
for _name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
    _COUNTS += [
        (_name, BINARY, CHANCES, {}),
        (_name, BINARY, CHANCES, {"thresholds": 0.2, "name": "count", "dtype": "float16"}),
        (_name, BINARY[:, 0], CHANCES[:, :1], {"thresholds": [0.9, 0.1, 0.4]}),
        (_name, BINARY * 2, CHANCES.round(1), {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}),
    ]
for _name in ("Precision", "Recall"):
    _COUNTS += [
        (_name, BINARY, CHANCES, {}),
        (_name, BINARY, CHANCES, {"thresholds": [0.2, 0.8]}),
        (_name, BINARY, CHANCES, {"thresholds": [0.0, 0.5, 1.0], "class_id": 1}),
        (_name, BINARY, LOGITS, {"top_k": 2}),
        (_name, BINARY, CHANCES, {"top_k": 1, "class_id": 2, "thresholds": 0.3}),
        (_name, BINARY, CHANCES, {"top_k": 2, "thresholds": [0.0, 0.5, 1.0]}),
        (_name, BINARY, LOGITS, {"thresholds": 0}),
    ]
for _name, _least in (
    ("SensitivityAtSpecificity", "specificity"),
    ("SpecificityAtSensitivity", "sensitivity"),
    ("PrecisionAtRecall", "recall"),
    ("RecallAtPrecision", "precision"),
):
    _COUNTS += [
        (_name, BINARY, CHANCES, {_least: 0.5}),
        (_name, BINARY, CHANCES, {_least: 0.9, "num_thresholds": 7}),
        (_name, BINARY, CHANCES, {_least: 0.4, "num_thresholds": 1, "class_id": 1}),
    ]
_AREAS: list[Call] = []
for _curve in ("ROC", "PR", "PRGAIN"):
    for _summation in ("interpolation", "majoring", "minoring"):
        _own = {"curve": _curve, "summation_method": _summation}
        _AREAS += [
            ("AUC", BINARY, CHANCES, _own | {"num_thresholds": 9}),
            ("AUC", BINARY, CHANCES, _own | {"multi_label": True, "num_labels": 3}),
        ]
_AREAS += [
    ("AUC", BINARY, CHANCES, {}),
    ("AUC", BINARY[:, 0], CHANCES[:, :1], {"thresholds": [0.7, 0.1, 0.2]}),
    ("AUC", BINARY, CHANCES.round(1), {"thresholds": [0.5]}),
    ("AUC", BINARY, LOGITS, {"from_logits": True, "name": "area", "dtype": "float16"}),
    ("AUC", BINARY, CHANCES, {"label_weights": [0.5, 1.0, 2.0]}),
    ("AUC", BINARY, CHANCES, {"label_weights": [0.5, 1.0, 2.0], "thresholds": [0.3, 0.4]}),
    ("AUC", BINARY, CHANCES, {"label_weights": [0.5, 1.0, 2.0], "multi_label": True}),
    ("AUC", BINARY, CHANCES, {"multi_label": True, "thresholds": [0.3, 0.4], "curve": "PR"}),
    ("AUC", BINARY, LOGITS, {"multi_label": True, "from_logits": True, "num_thresholds": 2}),
]
_SCORES: list[Call] = []
for _average in (None, "micro", "macro", "weighted"):
    _SCORES += [
        ("FBetaScore", BINARY, CHANCES, {"average": _average, "beta": 2.0, "threshold": 0.4}),
        ("F1Score", ONE_HOT, PROBABILITIES, {"average": _average}),
        ("F1Score", BINARY, CHANCES, {"average": _average, "threshold": 0.6}),
    ]
_SCORES.append(("FBetaScore", ONE_HOT, LOGITS, {}))
CLASSES = np.array([[2, 0, 1, 2], [0, 1, 2, 2], [5, 0, 0, -1]] * 2)
PREDICTED = np.array([[2, 0, 2, 1], [0, 1, 1, 2], [1, 0, 7, 0]] * 2)
_OVERLAPS: list[Call] = [
    ("IoU", CLASSES, PREDICTED, {"num_classes": 3, "target_class_ids": [0, 2]}),
    (
        "IoU",
        ONE_HOT,
        LOGITS,
        {
            "num_classes": 4,
            "target_class_ids": [0, 3],
            "sparse_y_true": False,
            "sparse_y_pred": False,
            "ignore_class": 1,
            "dtype": "float32",
        },
    ),
    ("MeanIoU", CLASSES, PREDICTED, {"num_classes": 3}),
    ("MeanIoU", CLASSES[:, 0], PREDICTED[:, 0], {"num_classes": 3, "ignore_class": 0}),
    ("MeanIoU", ONE_HOT, NUMBERS[::-1].copy(), {"num_classes": 3, "sparse_y_true": False}),
    ("MeanIoU", NUMBERS, LOGITS, {"num_classes": 5, "sparse_y_pred": False}),
    ("OneHotIoU", ONE_HOT, LOGITS, {"num_classes": 3, "target_class_ids": [1]}),
    (
        "OneHotIoU",
        ONE_HOT,
        NUMBERS[::-1].copy(),
        {"num_classes": 4, "target_class_ids": [1, 2], "sparse_y_pred": True, "ignore_class": 2},
    ),
    ("OneHotMeanIoU", ONE_HOT, LOGITS, {"num_classes": 3}),
    (
        "OneHotMeanIoU",
        ONE_HOT,
        NUMBERS[::-1].copy(),
        {"num_classes": 4, "sparse_y_pred": True, "ignore_class": 2},
    ),
    (
        "IoU",
        REAL,
        NEAR,
        {
            "num_classes": 4,
            "target_class_ids": [0, 1],
            "sparse_y_true": False,
            "sparse_y_pred": False,
            "axis": 0,
        },
    ),
    (
        "MeanIoU",
        REAL,
        NEAR,
        {"num_classes": 4, "sparse_y_true": False, "sparse_y_pred": False, "axis": 0},
    ),
    ("OneHotIoU", REAL, NEAR, {"num_classes": 4, "target_class_ids": [0, 1], "axis": 0}),
    ("OneHotMeanIoU", REAL, NEAR, {"num_classes": 4, "axis": 0}),
    ("BinaryIoU", BINARY, CHANCES, {}),
    ("BinaryIoU", BINARY, CHANCES, {"target_class_ids": [1], "threshold": 0.2}),
]
_CORRELATIONS: list[Call] = [
    ("PearsonCorrelation", REAL, NEAR, {}),
    ("PearsonCorrelation", STEPS, FAR_STEPS, {"axis": 1}),
    ("ConcordanceCorrelation", REAL, NEAR, {}),
    ("ConcordanceCorrelation", STEPS, FAR_STEPS, {"axis": 1}),
    ("R2Score", REAL, NEAR, {}),
    ("R2Score", REAL[:, :1], NEAR[:, 0], {"num_regressors": 2}),
    ("R2Score", REAL[:, :1], NEAR[:, :1], {"num_regressors": 5}),
    ("R2Score", REAL, NEAR, {"class_aggregation": None}),
    ("R2Score", REAL, NEAR, {"class_aggregation": "variance_weighted_average"}),
]


def _texts(config: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in config.items())


def updates(y_true: np.ndarray, y_pred: np.ndarray, weights: Any = None) -> tuple[Any, ...]:
    """Two batches of unequal sizes, with their weights."""
    parts = [slice(0, 4), slice(4, None)]
    return tuple(
        each if each is None else each[part] for part in parts for each in (y_true, y_pred, weights)
    )


def _weights(name: str, y_pred: np.ndarray) -> np.ndarray:
    if "IoU" not in name:
        return WEIGHTS
    whole = np.arange(y_pred.size).reshape(y_pred.shape) % 3  # one of each class number
    return whole if name in ("IoU", "MeanIoU", "BinaryIoU") else whole[:, 0]


def cases_of(calls: list[Call]) -> dict[str, Case]:
    """Every call without weights; the first of each metric with those of samples as well."""
    cases: dict[str, Case] = {}
    seen: set[str] = set()
    for name, y_true, y_pred, config in calls:
        title = f"{name}({_texts(config)}) of {y_true.dtype}{y_true.shape}, {y_pred.shape}"
        by_values = bool(config.get("num_regressors"))
        by_values |= "multi_label" in config and "thresholds" in config
        path = f"metrics.{name}"
        cases[title] = Case(path, updates(y_true, y_pred), config, op_by_op=by_values)
        if name not in seen:
            weighted = updates(y_true, y_pred, _weights(name, y_pred))
            cases[f"weighted {title}"] = Case(path, weighted, config, op_by_op=by_values)
        seen.add(name)
    return cases


CALLS = DISTANCES + ACCURACIES + _COUNTS + _AREAS + _SCORES + _OVERLAPS + _CORRELATIONS
CASES = cases_of(CALLS)
for _name in ("Sum", "Mean"):
    for _title, _values, _weights in (
        ("numbers", REAL[:, 0], None),
        ("weighted numbers", REAL[:, 0], WEIGHTS),
        ("weighted vectors", REAL, WEIGHTS),
        ("numbers with an axis of weights", REAL[:, 0], WEIGHTS[:, None]),
        ("steps", STEPS, None),
        ("steps with weights of samples", STEPS, WEIGHTS),
        ("steps with weights of steps", STEPS, STEP_WEIGHTS),
        ("steps with weights of numbers", STEPS, np.abs(FAR_STEPS)),
        ("steps with one more axis", STEPS, np.abs(FAR_STEPS)[..., None]),
    ):
        _given = tuple(updates(_values, _values, _weights)[place] for place in (1, 2, 4, 5))
        CASES[f"{_name} of {_title}"] = Case(f"metrics.{_name}", _given, {})
    CASES[f"{_name} of one number"] = Case(f"metrics.{_name}", (np.array(3, np.float32), None), {})
    CASES[f"{_name} of one weighed number"] = Case(
        f"metrics.{_name}", (REAL, np.array(0.5, np.float32)), {"dtype": "float16"}
    )
    CASES[f"{_name} of values with a mask"] = Case(
        f"metrics.{_name}", (STEPS, STEP_WEIGHTS), {}, {"mask": MASK}
    )
for _title, _weights in (
    ("no weights", None),
    ("weights of steps", STEP_WEIGHTS),
    ("an axis of weights", STEP_WEIGHTS[..., None]),
):
    CASES[f"MeanSquaredError with a mask and {_title}"] = Case(
        "metrics.MeanSquaredError", (STEPS, FAR_STEPS, _weights), {}, {"mask": MASK}
    )

"""Losses by name: functions, as Keras's strings name them, and the class of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from graphc.losses.embeddings import (
    Circle,
    circle,
)
from graphc.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from graphc.losses.hinges import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from graphc.losses.likelihoods import (
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    Poisson,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
)
from graphc.losses.loss import Loss, LossFunctionWrapper
from graphc.losses.overlap import (
    Dice,
    Tversky,
    dice,
    tversky,
)
from graphc.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from graphc.losses.sequences import (
    CTC,
    ctc,
)

_FUNCTIONS: Final[dict[Callable[..., Any], tuple[Any, ...]]] = {
    mean_squared_error: (
        MeanSquaredError,
        "mse",
        "MSE",
    ),
    mean_absolute_error: (
        MeanAbsoluteError,
        "mae",
        "MAE",
    ),
    mean_absolute_percentage_error: (
        MeanAbsolutePercentageError,
        "mape",
        "MAPE",
    ),
    mean_squared_logarithmic_error: (
        MeanSquaredLogarithmicError,
        "msle",
        "MSLE",
    ),
    cosine_similarity: (CosineSimilarity,),
    huber: (Huber,),
    log_cosh: (LogCosh,),
    hinge: (Hinge,),
    squared_hinge: (SquaredHinge,),
    categorical_hinge: (CategoricalHinge,),
    binary_crossentropy: (
        BinaryCrossentropy,
        "bce",
        "BCE",
    ),
    categorical_crossentropy: (CategoricalCrossentropy,),
    sparse_categorical_crossentropy: (SparseCategoricalCrossentropy,),
    binary_focal_crossentropy: (BinaryFocalCrossentropy,),
    categorical_focal_crossentropy: (CategoricalFocalCrossentropy,),
    kl_divergence: (
        KLDivergence,
        "kld",
        "KLD",
    ),
    poisson: (Poisson,),
    categorical_generalized_cross_entropy: (CategoricalGeneralizedCrossEntropy,),
    dice: (Dice,),
    tversky: (Tversky,),
    ctc: (CTC,),
    circle: (Circle,),
}
"""The class of each function, and its further names."""

for _function, (_, *_aliases) in _FUNCTIONS.items():
    Loss.registry.add(_function, _function.__name__, *_aliases)


def get(identifier: Any) -> Any:
    """The loss that a name, a configuration or a class means: a function or a `Loss`.

    As in Keras, "mse" names the function, "MeanSquaredError" the class. A function is itself, and
    None None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Loss.registry.get(identifier)


def as_loss(identifier: Any, y_true: Any = None, y_pred: Any = None) -> Loss:
    """A loss with weights, masks and a reduction, of whatever `get` takes.

    Args:
        identifier: what training is given as `loss=`; "crossentropy" and "ce" choose between the
            binary, the sparse and the categorical one by the shapes of labels and predictions.
        y_true: labels, for these two names.
        y_pred: predictions, likewise.

    Raises:
        GraphcError: it means no loss.
    """
    if identifier in ("crossentropy", "ce") and y_true is not None and y_pred is not None:
        identifier = _entropy_for(tuple(y_true.shape), tuple(y_pred.shape))
    found = get(identifier)
    if isinstance(found, Loss):
        return found
    if found is None:
        raise GraphcError(
            "None is no loss",
            expected='a name such as "mse", a Loss, or a function of labels and predictions',
            origin=capture_origin(),
        )
    try:
        entry = _FUNCTIONS.get(found)
    except TypeError:  # not hashable
        entry = None
    return LossFunctionWrapper(found) if entry is None else entry[0]()


def _entropy_for(labels: tuple[Any, ...], predictions: tuple[Any, ...]) -> str:
    if predictions[-1:] == (1,):
        return "binary_crossentropy"
    is_sparse = len(labels) < len(predictions) or labels[-1:] == (1,)
    return "sparse_categorical_crossentropy" if is_sparse else "categorical_crossentropy"


def deserialize(config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The loss that data describes, or the function or class that a name means.

    Raises:
        GraphcError: there is none.
    """
    return Loss.registry.deserialize(config, custom_objects)

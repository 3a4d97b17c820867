"""Floor 4: metrics under Keras's names; their state lives in the graph and on the device."""

import sys
from typing import TYPE_CHECKING, Any

from graphc.configurable import serialize as serialize
from graphc.losses.crossentropy import binary_crossentropy as binary_crossentropy
from graphc.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from graphc.losses.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from graphc.losses.focal import binary_focal_crossentropy as binary_focal_crossentropy
from graphc.losses.focal import categorical_focal_crossentropy as categorical_focal_crossentropy
from graphc.losses.hinges import categorical_hinge as categorical_hinge
from graphc.losses.hinges import hinge as hinge
from graphc.losses.hinges import squared_hinge as squared_hinge
from graphc.losses.likelihoods import kl_divergence as kl_divergence
from graphc.losses.likelihoods import poisson as poisson
from graphc.losses.regression import huber as huber
from graphc.losses.regression import log_cosh as log_cosh
from graphc.losses.regression import mean_absolute_error as mean_absolute_error
from graphc.losses.regression import (
    mean_absolute_percentage_error as mean_absolute_percentage_error,
)
from graphc.losses.regression import mean_squared_error as mean_squared_error
from graphc.losses.regression import (
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
)
from graphc.metrics.accuracies import Accuracy as Accuracy
from graphc.metrics.accuracies import BinaryAccuracy as BinaryAccuracy
from graphc.metrics.accuracies import CategoricalAccuracy as CategoricalAccuracy
from graphc.metrics.accuracies import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from graphc.metrics.accuracies import SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy
from graphc.metrics.accuracies import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from graphc.metrics.accuracies import accuracy as accuracy
from graphc.metrics.accuracies import binary_accuracy as binary_accuracy
from graphc.metrics.accuracies import categorical_accuracy as categorical_accuracy
from graphc.metrics.accuracies import sparse_categorical_accuracy as sparse_categorical_accuracy
from graphc.metrics.accuracies import (
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
)
from graphc.metrics.accuracies import top_k_categorical_accuracy as top_k_categorical_accuracy
from graphc.metrics.area_under_curve import AUC as AUC
from graphc.metrics.confusion import CountsAtThresholds as CountsAtThresholds
from graphc.metrics.confusion import FalseNegatives as FalseNegatives
from graphc.metrics.confusion import FalsePositives as FalsePositives
from graphc.metrics.confusion import Precision as Precision
from graphc.metrics.confusion import Recall as Recall
from graphc.metrics.confusion import TrueNegatives as TrueNegatives
from graphc.metrics.confusion import TruePositives as TruePositives
from graphc.metrics.constrained_rates import PrecisionAtRecall as PrecisionAtRecall
from graphc.metrics.constrained_rates import RecallAtPrecision as RecallAtPrecision
from graphc.metrics.constrained_rates import SensitivityAtSpecificity as SensitivityAtSpecificity
from graphc.metrics.constrained_rates import SpecificityAtSensitivity as SpecificityAtSensitivity
from graphc.metrics.correlations import ConcordanceCorrelation as ConcordanceCorrelation
from graphc.metrics.correlations import PearsonCorrelation as PearsonCorrelation
from graphc.metrics.correlations import R2Score as R2Score
from graphc.metrics.correlations import concordance_correlation as concordance_correlation
from graphc.metrics.correlations import pearson_correlation as pearson_correlation
from graphc.metrics.f_scores import F1Score as F1Score
from graphc.metrics.f_scores import FBetaScore as FBetaScore
from graphc.metrics.hinges import CategoricalHinge as CategoricalHinge
from graphc.metrics.hinges import Hinge as Hinge
from graphc.metrics.hinges import SquaredHinge as SquaredHinge
from graphc.metrics.metric import Metric as Metric
from graphc.metrics.metric import deserialize as deserialize
from graphc.metrics.metric import get as get
from graphc.metrics.overlaps import BinaryIoU as BinaryIoU
from graphc.metrics.overlaps import IoU as IoU
from graphc.metrics.overlaps import MeanIoU as MeanIoU
from graphc.metrics.overlaps import OneHotIoU as OneHotIoU
from graphc.metrics.overlaps import OneHotMeanIoU as OneHotMeanIoU
from graphc.metrics.probabilistic import BinaryCrossentropy as BinaryCrossentropy
from graphc.metrics.probabilistic import CategoricalCrossentropy as CategoricalCrossentropy
from graphc.metrics.probabilistic import KLDivergence as KLDivergence
from graphc.metrics.probabilistic import Poisson as Poisson
from graphc.metrics.probabilistic import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from graphc.metrics.reductions import Mean as Mean
from graphc.metrics.reductions import MeanMetricWrapper as MeanMetricWrapper
from graphc.metrics.reductions import Sum as Sum
from graphc.metrics.regression import CosineSimilarity as CosineSimilarity
from graphc.metrics.regression import LogCoshError as LogCoshError
from graphc.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from graphc.metrics.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from graphc.metrics.regression import MeanSquaredError as MeanSquaredError
from graphc.metrics.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from graphc.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
from graphc.missing_names import missing_name

if not TYPE_CHECKING:  # or else no misspelt name would be found

    def __getattr__(name: str) -> Any:
        raise missing_name(sys.modules[__name__], name)

"""Floor 4: metrics under Keras's names; their state lives in the graph and on the device."""

from graphc.metrics.accuracies import Accuracy as Accuracy
from graphc.metrics.accuracies import BinaryAccuracy as BinaryAccuracy
from graphc.metrics.accuracies import CategoricalAccuracy as CategoricalAccuracy
from graphc.metrics.accuracies import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from graphc.metrics.accuracies import (
    SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy,
)
from graphc.metrics.accuracies import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from graphc.metrics.accuracies import accuracy as accuracy
from graphc.metrics.accuracies import binary_accuracy as binary_accuracy
from graphc.metrics.accuracies import categorical_accuracy as categorical_accuracy
from graphc.metrics.accuracies import sparse_categorical_accuracy as sparse_categorical_accuracy
from graphc.metrics.accuracies import (
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
)
from graphc.metrics.accuracies import top_k_categorical_accuracy as top_k_categorical_accuracy
from graphc.metrics.metric import Metric as Metric
from graphc.metrics.metric import get as get
from graphc.metrics.reductions import Mean as Mean
from graphc.metrics.reductions import MeanMetricWrapper as MeanMetricWrapper
from graphc.metrics.reductions import Sum as Sum

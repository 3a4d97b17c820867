"""Floor 4: metrics under Keras's names; their state lives in the graph and on the device."""

from graphc.metrics.metric import Metric
from graphc.metrics.reductions import Mean, MeanMetricWrapper, Sum

__all__ = ["Mean", "MeanMetricWrapper", "Metric", "Sum"]

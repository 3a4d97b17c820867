"""Floor 4: penalties on weights and activities, under Keras's names."""

from graphc.configurable import serialize
from graphc.regularizers.norms import L1, L1L2, L2
from graphc.regularizers.orthogonality import OrthogonalRegularizer
from graphc.regularizers.regularizer import Regularizer, deserialize, get

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

"""Floor 4: what variables are kept to after each step, under Keras's names."""

from graphc.configurable import serialize
from graphc.constraints.constraint import Constraint, NonNeg, deserialize, get
from graphc.constraints.norms import MaxNorm, MinMaxNorm, UnitNorm

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

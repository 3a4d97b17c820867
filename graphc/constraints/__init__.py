"""Floor 4: what weights are held to after each step, under Keras's names."""

from graphc.constraints.constraint import Constraint, get

__all__ = ["Constraint", "get"]

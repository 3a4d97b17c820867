"""Activations that are made of other ops. `logistic`, `tanh` and `maximum` are ops of their own.

At a kink the derivative is what Keras takes it to be on JAX; each decomposition has it too, so that
JAX's derivative of a lowered graph says the same (but for `relu`: XLA knows a maximum with 0).
"""

from graphc.opset.activations import bounded, rectifiers, shrinking, smooth

__all__ = ["bounded", "rectifiers", "shrinking", "smooth"]

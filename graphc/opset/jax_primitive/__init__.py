"""Any effect-free JAX primitive as an op: its type, its lowering and its gradient are JAX's own.

What the op set has no op for comes in here, so that every JAX function can become a graph. Passes
know nothing about such a node but what it is called. Its NumPy reference is JAX itself, on the CPU:
there is no second truth to hold it to.
"""

from graphc.opset.jax_primitive import bound_primitive, storage, vjp

__all__ = ["bound_primitive", "storage", "vjp"]

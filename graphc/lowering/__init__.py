"""Floor 3: lowering. A frozen graph becomes a jaxpr, the jaxpr one `jit` equation, XLA compiles it.

tracing         each node's lowering run on JAX values: the fallback, and region bodies
jaxpr           equations written directly, without tracing
jax_internals   the one file that touches JAX's private modules
"""

"""Floor 3: lowering. A frozen graph becomes a jaxpr, the jaxpr one `jit` equation, XLA compiles it.

tracing           each node's lowering run on JAX values: the fallback, and region bodies
jaxpr             equations written directly, without tracing
repeated_bodies   which bodies a program has many times: they become functions
wide_types        does a program need JAX's x64 flag
executable        a program compiled for a device, and called with a flat argument list
compile_options   what XLA is told of programs that run once
disk_cache        compiled programs kept between processes
jax_internals     the one file that touches JAX's private modules
"""

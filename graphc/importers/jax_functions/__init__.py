"""JAX functions as graphs: a jaxpr, equation by equation.

* equations: equations that are an op of the set, each with what it takes to write it.
* loops_and_branches: equations that run other jaxprs.
* typed_keys: random keys, which are plain words here.
* import_jaxpr: the walk. What is no op of the set becomes a `jax_primitive`.
"""

from graphc.importers.jax_functions.import_jaxpr import import_jaxpr, trace_function

__all__ = ["import_jaxpr", "trace_function"]

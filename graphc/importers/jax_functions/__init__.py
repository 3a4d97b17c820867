"""JAX functions as graphs: a jaxpr, equation by equation.

* calls: which equations run another jaxpr on their operands.
* repetition: what a jaxpr repeats, before it is imported.
* equation_table: how an equation that is an op of the set is written.
* equations: what works on elements, moves data about, or reduces.
* indexing: what reads, writes and looks for positions.
* products_and_windows: products, convolutions, windows, factorizations.
* loops_and_branches: equations that run other jaxprs.
* typed_keys: random keys, which are plain words here.
* import_jaxpr: the walk. What is no op of the set becomes a `jax_primitive`.
"""

from graphc.importers.jax_functions.import_jaxpr import import_jaxpr, trace_function

__all__ = ["import_jaxpr", "trace_function"]

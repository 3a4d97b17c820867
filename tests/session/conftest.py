import graphc, importlib
from graphc.ops import operators
for m in "arithmetic casting comparison complex_numbers creation exponential gathering indexing joining linear_algebra reductions rounding shaping sizes slices trigonometric".split():
    mod=importlib.import_module("graphc.ops."+m)
    for n in dir(mod):
        if not n.startswith("_") and not hasattr(graphc.ops,n): setattr(graphc.ops,n,getattr(mod,n))

"""Branches, loops and maps in the graph, gathered from the modules that write them."""

from graphc.ops.associative_scans import associative_scan as associative_scan
from graphc.ops.branches import case as case
from graphc.ops.branches import cond as cond
from graphc.ops.branches import switch as switch
from graphc.ops.loops import fori_loop as fori_loop
from graphc.ops.loops import scan as scan
from graphc.ops.loops import while_loop as while_loop
from graphc.ops.mapping import map as map
from graphc.ops.mapping import map_fn as map_fn
from graphc.ops.mapping import vectorized_map as vectorized_map
from graphc.ops.vectorization import vectorize as vectorize

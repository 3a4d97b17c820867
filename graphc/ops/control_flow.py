"""Branches and loops in the graph, gathered from `graphc.ops.branches` and `graphc.ops.loops`."""

from graphc.ops.branches import case as case
from graphc.ops.branches import cond as cond
from graphc.ops.branches import switch as switch
from graphc.ops.loops import fori_loop as fori_loop
from graphc.ops.loops import map as map
from graphc.ops.loops import map_fn as map_fn
from graphc.ops.loops import scan as scan
from graphc.ops.loops import while_loop as while_loop

"""Computing before repeating: element by element on the small tensor, then the broadcast.

`exponential(broadcast(x))` becomes `broadcast(exponential(x))`, and so for every elementwise op all
of whose operands are the same broadcast of something, or one number. In the same way an op is
computed before axes of size 1 are inserted (`keepdims`), so that what stands between a reduction
and its broadcast does not hide one from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import graphc.opset as opset
from graphc.dimensions import Dimension
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from graphc.ir.registry import REGISTRY
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, RuleCollector
from graphc.rewriting.terms import Operation, Splat, Tensor, op
from passes.layout_rules import inserted_axes, repeats

_rules = RuleCollector("lifting")

# Importing the op set fills the registry, whose elementwise ops each get their rules below.
assert opset.__all__

"""Whether layers whose variables lie in stacks are better written out, for a step of training.

A loop works on rows beside the stacks that it keeps for its way back: what it hands on lies in
memory twice, and a product reads a row that was cut or computed again. Written out, layers read
what is kept where it lies. A loop makes up for that by what it computes again, which XLA keeps of
layers that are written out; or by the time that it saves.

Where layers are little more than a product, there is little to compute again, and cutting rows
takes as long as a part of the product. Dense layers of 256 units with relu, Adam, 128 rows (JAX
0.10, two cores; seconds to the first result, milliseconds for a step):

    layers    first, in a loop    written out    step, in a loop    written out    jax.jit
         4                0.32           0.29                2.8            1.8        1.8
         8                0.34           0.39                5.4            3.9        3.5
        12                0.33           0.48                6.8            5.2        5.0
        16                0.35           0.58                8.9            6.8        6.8

Blocks of a normalization, two products and a gelu take as long both ways, and half the memory in a
loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.op import Trait
from graphc.rewriting.pack_layout import PackLayout
from passes.layer_rolling.kept_results import (
    Result,
    bytes_of,
    carried_results,
    stacked_bytes,
    unrolled_bytes,
    worth_keeping,
)
from passes.layer_rolling.loops import Carried, Inside, Loop
from passes.layer_rolling.node_signatures import is_heavy
from passes.layer_rolling.orbits import Orbit

_SOON_COMPILED: Final = 200
"""So many products, those of the way back included, XLA compiles as fast as loops: 32 layers of two
products and a tanh take 0.48 s with Adam, 0.44 s as loops; 8 such layers 0.31 s and 0.46 s."""
_FEW: Final = 36
"""So many products with little between them, those of the way back included, are written out where
a loop saves less than the rows that it reads: a hundred steps make up for a longer first one."""
_FEW_BYTES: Final = 1 << 16
"""So many bytes more are no reason to write layers out."""
_SHARE: Final = 20
"""Nor is a twentieth of what is kept."""
_OF_A_PRODUCT: Final = 3
"""A product and its two gradients."""

_FROM_RESULT: Final = frozenset({"tanh", "logistic", "exp", "sqrt", "rsqrt"})
_LINEAR: Final = frozenset({"add", "subtract", "negate", "convert", "reduce_sum"})


def better_written_out(graph: Graph, loops: Sequence[Loop], packs: PackLayout) -> str | None:
    """Why layers that are trained are better written out; None where a loop does as well.

    Args:
        graph: with its gradients still to be made, or none.
        loops: what could be made of it.
        packs: the variables that are stacked already, and stay so; and those that stay apart.
    """
    orbits = [orbit for loop in loops for orbit in loop.orbits]
    if any(orbit.nodes[0].regions for orbit in orbits):
        return None  # what the gradient of a loop inside keeps is not known yet
    is_trained = any(node.op.name == "gradient" for node in graph.nodes)
    heavy = sum(loop.heavy_nodes() for loop in loops)
    if not heavy or heavy * (_OF_A_PRODUCT if is_trained else 1) > _SOON_COMPILED:
        return None
    variables = [name for loop in loops for name in row_variables(loop)]
    if not packs.apart.isdisjoint(variables):
        return "another program trains layers of these written out"
    if not is_trained or any(map(packs.row_of, variables)):
        return None
    faster = None
    if heavy * _OF_A_PRODUCT <= _FEW and all(map(_is_little, orbits)):
        faster = f"{heavy} products with little between them run faster written out"
    more = saved = kept = 0
    for loop in loops:
        wanted = _read_by_gradients(loop)
        carried = carried_results(loop)
        if not all(_is_known(result) for result in (*wanted, *carried)):
            return faster
        least = stacked_bytes(loop, wanted, worth_keeping(loop, wanted))
        unrolled, length = unrolled_bytes(loop, wanted), loop.schedule.length
        kept += length * unrolled
        saved += length * (unrolled - least)
        inside = set(wanted).difference(carried)
        more += 2 * sum(map(bytes_of, carried)) + max(map(bytes_of, inside), default=0)
    if more - saved > max(_FEW_BYTES, kept // _SHARE):
        return f"rows beside stacks take {more:,} bytes, and loops keep {saved:,} less"
    return faster if saved <= _bytes_of_rows(loops) else None


def _is_little(orbit: Orbit) -> bool:
    """Whether it is a product, or what takes little time beside one: a bias, an activation."""
    node = orbit.nodes[0]
    return is_heavy(node) or node.op.has(Trait.ELEMENTWISE | Trait.SHAPE_MOVE)


def _read_by_gradients(loop: Loop) -> list[Result]:
    """The results of a loop that the gradients of its ops read, about."""
    found: dict[Result, None] = {}
    for orbit in loop.orbits:
        op = orbit.nodes[0].op
        if op.name in _LINEAR or op.has(Trait.SHAPE_MOVE):
            continue
        if op.name in _FROM_RESULT:
            found[orbit, 0] = None
            continue
        for operand in loop.operands[orbit]:
            if isinstance(operand, Inside | Carried):
                found[operand.edge.source, operand.edge.index] = None
    return list(found)


def _is_known(result: Result) -> bool:
    orbit, index = result
    return isinstance(orbit.nodes[0].outputs[index].type.byte_size, int)


def row_variables(loop: Loop) -> Iterator[str]:
    """The names of the variables of which a loop reads another in each iteration."""
    for value in itertools.chain(*loop.stacks()):
        if value.node.op.name == "input":
            yield value.node.attributes["name"]


def _bytes_of_rows(loops: Sequence[Loop]) -> int:
    """The bytes of what is another in each iteration: of weights."""
    rows = [value for loop in loops for value in itertools.chain(*loop.stacks())]
    sizes = [value.type.byte_size for value in rows]
    return sum(size for size in sizes if isinstance(size, int))

"""Functions of slices as functions of whole tensors: `vectorize`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from graphc.dimensions import Dimension, equal, product
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten, line_of, unflatten
from graphc.ops.broadcasting import apply, broadcast_shapes, broadcast_to
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.mapping import vectorized_map
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable

_CORE: Final = r"\(\s*(?:\w+(?:\s*,\s*\w+)*)?\s*\)"
_SIGNATURE: Final = re.compile(
    rf"\s*{_CORE}(?:\s*,\s*{_CORE})*\s*->\s*{_CORE}(?:\s*,\s*{_CORE})*\s*"
)


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function of tensors that broadcasts over their leading axes: `numpy.vectorize`.

    Args:
        pyfunc: takes scalars, or tensors with as many axes as the signature says.
        excluded: positions of arguments that are handed on as they are.
        signature: the axes that `pyfunc` sees, as NumPy writes it: "(m,n),(n)->(m)".

    Returns:
        A function of the same arguments: their other axes, in front, are broadcast to one shape,
        which stands in front of the axes of each result.

    Raises:
        GraphcError: `pyfunc` is no function, or the signature is none.
    """
    if not callable(pyfunc):
        raise GraphcError(
            "vectorize() takes a function", given=repr(pyfunc), origin=capture_origin()
        )
    cores = None if signature is None else _parse(signature)
    left_out = frozenset(excluded or ())

    @undone_on_failure
    def call(*args: Any) -> Any:
        places = [i for i in range(len(args)) if i not in left_out]
        graph = graph_of([a for a in args if isinstance(a, (Tensor, Variable))])
        tensors = [to_tensor(args[i], None, graph) for i in places]
        takes, gives = cores or ([()] * len(places), None)
        if len(takes) != len(places):
            raise GraphcError(
                "the signature has another number of arguments",
                given=f"{len(places)} arguments",
                expected=f"{len(takes)}: {signature}",
                origin=capture_origin(),
            )
        sizes = _core_sizes(tensors, takes)
        loops = [t.shape[: t.ndim - len(core)] for t, core in zip(tensors, takes, strict=True)]
        shape = broadcast_shapes(*loops) if loops else ()
        spread = [i for i, loop in enumerate(loops) if loop]
        rows = [
            apply(
                "reshape",
                broadcast_to(tensors[i], (*shape, *tensors[i].shape[len(loops[i]) :])),
                shape=(product(shape), *tensors[i].shape[len(loops[i]) :]),
            )
            for i in spread
        ]

        def on_slices(slices: Sequence[Tensor]) -> Any:
            given = dict(zip(places, tensors, strict=True))
            given.update({places[i]: t for i, t in zip(spread, slices, strict=True)})
            results = pyfunc(*[given.get(i, arg) for i, arg in enumerate(args)])
            _check_results(results, gives, sizes, pyfunc)
            return results

        if not spread:
            return on_slices(())
        on_slices.__wrapped__ = pyfunc  # type: ignore[attr-defined]  # errors name the user's
        leaves, tree = flatten(vectorized_map(on_slices, rows, name="vectorize"))
        return unflatten(tree, [apply("reshape", t, shape=(*shape, *t.shape[1:])) for t in leaves])

    return call


def _parse(signature: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    if _SIGNATURE.fullmatch(signature) is None:
        raise GraphcError(
            "this is no signature of a function of arrays",
            given=repr(signature),
            expected='names of axes in parentheses: "(m,n),(n)->(m)"',
            origin=capture_origin(),
        )
    left, right = signature.split("->")
    sides = [
        [tuple(re.findall(r"\w+", core)) for core in re.findall(_CORE, side)]
        for side in (left, right)
    ]
    return sides[0], sides[1]


def _core_sizes(
    tensors: Sequence[Tensor], cores: Sequence[tuple[str, ...]]
) -> dict[str, Dimension]:
    sizes: dict[str, Dimension] = {}
    for tensor, core in zip(tensors, cores, strict=True):
        own = tensor.shape[tensor.ndim - len(core) :] if len(core) <= tensor.ndim else None
        if own is None or any(
            equal(sizes.setdefault(axis, size), size) is False
            for axis, size in zip(core, own, strict=True)
        ):
            raise ShapeError(
                "an argument does not have the axes of the signature",
                given=tensor.value.type,
                expected=f"last axes ({', '.join(core)})"
                + "".join(f", {axis} = {sizes[axis]}" for axis in core if axis in sizes),
                origin=capture_origin(),
            )
    return sizes


def _check_results(
    results: Any,
    cores: Sequence[tuple[str, ...]] | None,
    sizes: dict[str, Dimension],
    function: Callable[..., Any],
) -> None:
    if cores is None:
        return
    leaves = [to_tensor(leaf) for leaf in flatten(results)[0]]
    known = dict(sizes)
    fits = len(leaves) == len(cores) and all(
        leaf.ndim == len(core)
        and all(
            equal(known.setdefault(axis, size), size) is not False
            for axis, size in zip(core, leaf.shape, strict=True)
        )
        for leaf, core in zip(leaves, cores, strict=True)
    )
    if not fits:
        raise ShapeError(
            "the results do not have the axes of the signature",
            given=", ".join(str(leaf.value.type) for leaf in leaves)
            + f" from the function at {line_of(function)}",
            expected=", ".join(f"({', '.join(core)})" for core in cores),
            origin=capture_origin(),
        )

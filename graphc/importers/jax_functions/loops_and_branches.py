"""Equations that run other jaxprs: `scan`, `while`, `cond` as the region ops of the set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from graphc.ir.builder import Builder
from graphc.ir.node import Value

if TYPE_CHECKING:
    from graphc.importers.jax_functions.import_jaxpr import JaxprImporter

Write = Callable[["JaxprImporter", Any, Sequence[Value]], list[Value]]


def _listed(made: Value | Sequence[Value]) -> list[Value]:
    return [made] if isinstance(made, Value) else list(made)


def _scan(importer: JaxprImporter, equation: Any, operands: Sequence[Value]) -> list[Value]:
    """JAX's operands are constants, carries, slices; ours are carries, slices, constants."""
    p = equation.params
    constants, carries = _parts_of_scan(p, operands)
    if p["unroll"] >= p["length"] > 0:
        return _written_out(importer, p, operands)
    if p["unroll"] > 1:  # who asks for that has measured it; no op says it
        made = importer.build.jax_primitive(
            *operands, primitive=equation.primitive, parameters=dict(p)
        )
        return _listed(made)
    given = [*operands[constants:], *operands[:constants]]
    scanned = len(operands) - constants
    types = [
        value.type.with_shape(value.type.shape[1:]) if carries <= place < scanned else value.type
        for place, value in enumerate(given)
    ]
    places = [*range(scanned, len(operands)), *range(scanned)]
    made = importer.build.scan(
        *given,
        regions=(importer.body(p["jaxpr"], types, places),),
        carries=carries,
        invariants=constants,
        length=p["length"],
        reverse=p["reverse"],
    )
    return _listed(made)


def _parts_of_scan(p: Mapping[str, Any], operands: Sequence[Value]) -> tuple[int, int]:
    """How many operands are constants, and how many are carries."""
    if "num_consts" in p:
        return p["num_consts"], p["num_carry"]
    constants, carries, _ = p["ft_in"].update(operands).unpack()  # from JAX 0.11 on
    return len(list(constants)), len(list(carries))


def _written_out(
    importer: JaxprImporter, p: Mapping[str, Any], operands: Sequence[Value]
) -> list[Value]:
    """A scan whose iterations follow each other: a polynomial by Horner's rule is one in JAX."""
    build, length = importer.build, p["length"]
    count, carries = _parts_of_scan(p, operands)
    scanned = count + carries
    constants, carried = operands[:count], operands[count:scanned]
    rows: list[list[Value]] = []
    for iteration in range(length):
        place = length - 1 - iteration if p["reverse"] else iteration
        cut = [_row(build, value, place) for value in operands[scanned:]]
        results = importer.closed(p["jaxpr"], [*constants, *carried, *cut])
        carried = results[:carries]
        rows.append(results[carries:])
    if p["reverse"]:
        rows.reverse()
    stacks: list[Value] = []
    for parts in zip(*rows, strict=True):
        lifted = [build.reshape(part, shape=(1, *part.type.shape)) for part in parts]
        stacks.append(build.concatenate(*lifted, dimension=0))
    return [*carried, *stacks]


def _row(build: Builder, stack: Value, place: int) -> Value:
    rest = stack.type.shape[1:]
    cut = build.slice(
        stack,
        start_indices=[place] + [0] * len(rest),
        limit_indices=[place + 1, *rest],
        strides=[1] * (1 + len(rest)),
    )
    return build.reshape(cut, shape=rest)


def _while(importer: JaxprImporter, equation: Any, operands: Sequence[Value]) -> list[Value]:
    """JAX's operands are the condition's constants, the body's constants, carries."""
    p = equation.params
    tests, steps = p["cond_nconsts"], p["body_nconsts"]
    carries = len(operands) - tests - steps
    given = [*operands[tests + steps :], *operands[: tests + steps]]
    types = [value.type for value in given]
    test_places = [*range(carries, carries + tests), *range(carries)]
    step_places = [*range(carries + tests, len(given)), *range(carries)]
    test, step = p["cond_jaxpr"], p["body_jaxpr"]

    def goes_on(inner: JaxprImporter, values: Sequence[Value]) -> Value:
        (answer,) = inner.closed(test, [values[place] for place in test_places])
        return answer

    def any_goes_on(inner: JaxprImporter, values: Sequence[Value]) -> list[Value]:
        answers = goes_on(inner, values)
        return [inner.build.reduce_or(answers, axes=range(answers.type.rank))]

    def those_go_on(inner: JaxprImporter, values: Sequence[Value]) -> list[Value]:
        answers = goes_on(inner, values)
        news = inner.closed(step, [values[place] for place in step_places])
        return [
            inner.build.select(_along_first_axes(inner.build, answers, new), new, old)
            for new, old in zip(news, values[:carries], strict=True)
        ]

    if test.out_avals[0].shape:  # a batch of loops: those that are done wait for the others
        regions = importer.region(types, any_goes_on), importer.region(types, those_go_on)
    else:
        regions = (
            importer.body(test, types, test_places),
            importer.body(step, types, step_places),
        )
    return _listed(importer.build.while_loop(*given, regions=regions, carries=carries))


def _along_first_axes(build: Builder, answers: Value, like: Value) -> Value:
    """One truth value of a batch for all elements of its example."""
    shape = like.type.shape
    if answers.type.shape == shape:
        return answers
    axes = range(answers.type.rank)
    return build.broadcast_in_dim(answers, shape=shape, broadcast_dimensions=axes)


def _cond(importer: JaxprImporter, equation: Any, operands: Sequence[Value]) -> list[Value]:
    index, *given = operands
    types = [value.type for value in given]
    branches: Sequence[Any] = equation.params["branches"]
    regions = [importer.body(branch, types, range(len(given))) for branch in branches]
    return _listed(importer.build.case(index, *given, regions=tuple(regions)))


def _reduce(importer: JaxprImporter, equation: Any, operands: Sequence[Value]) -> list[Value]:
    p = equation.params
    scalars = [value.type.with_shape(()) for value in operands[len(operands) // 2 :]]
    body = importer.body(p["jaxpr"], [*scalars, *scalars], range(len(operands)))
    made = importer.build.reduce(*operands, regions=(body,), dimensions=p["dimensions"])
    return _listed(made)


REGIONS: Final[dict[str, Write]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "reduce": _reduce,
}

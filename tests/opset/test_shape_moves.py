"""broadcast_in_dim, reshape, transpose, reverse, concatenate: errors, symbols, gradients' form."""

from __future__ import annotations

import re
from typing import Any

import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.op import Constraint
from graphc.ir.types import as_type
from tests.opset.gradient_checks import graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names


def build_op(name: str, *types: Any, **attributes: Any) -> tuple[GraphBuilder, Any]:
    build = GraphBuilder()
    inputs = [build.input(as_type(*type_), f"x{i}") for i, type_ in enumerate(types)]
    return build, getattr(build, name)(*inputs, **attributes)


F32 = "float32"


@pytest.mark.parametrize(
    ("name", "types", "attributes", "words"),
    [
        ("broadcast_in_dim", [(3,)], {"shape": (2, 4), "broadcast_dimensions": (1,)}, "3 and 4"),
        ("broadcast_in_dim", [(3,)], {"shape": (2, 3), "broadcast_dimensions": ()}, "1 axes"),
        ("broadcast_in_dim", [(3,)], {"shape": (2, 3), "broadcast_dimensions": (2,)}, "0 to 1"),
        ("broadcast_in_dim", [(3,)], {"shape": (2, 3), "broadcast_dimensions": (-1,)}, "[-1]"),
        (
            "broadcast_in_dim",
            [(3, 2)],
            {"shape": (2, 3), "broadcast_dimensions": (1, 0)},
            "transpose",
        ),
        ("broadcast_in_dim", [(N,)], {"shape": (2, -3), "broadcast_dimensions": (1,)}, "-3"),
        ("reshape", [(2, 3)], {"shape": (5,)}, "6 and 5"),
        ("reshape", [(2, N)], {"shape": (2 * N + 1,)}, "must be equal"),
        ("transpose", [(2, 3)], {"permutation": (0,)}, "permutation"),
        ("transpose", [(2, 3)], {"permutation": (0, 0)}, "permutation"),
        ("transpose", [(2, 3)], {"permutation": (0, -1)}, "counted from 0"),
        ("reverse", [(2, 3)], {"dimensions": (2,)}, "0 to 1"),
        ("reverse", [(2, 3)], {"dimensions": (1, 1)}, "distinct"),
        ("concatenate", [(2, 3), (2, 4)], {"dimension": 0}, "3 and 4"),
        ("concatenate", [(2, 3), (2,)], {"dimension": 0}, "2 axes each"),
        ("concatenate", [(2, 3), (2, 3)], {"dimension": 2}, "0 to 1"),
        ("concatenate", [(), ()], {"dimension": 0}, "do not fit"),
        ("concatenate", [], {"dimension": 0}, "at least one tensor"),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, types: list[Any], attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        build_op(name, *[(F32, shape) for shape in types], **attributes)


def test_concatenate_takes_one_element_type() -> None:
    with pytest.raises(DTypeError, match="one element type"):
        build_op("concatenate", (F32, (2,)), ("int32", (2,)), dimension=0)


@pytest.mark.parametrize("name", ["reshape", "transpose", "reverse", "broadcast_in_dim"])
def test_strings_stay_on_the_host(name: str) -> None:
    attributes = {
        "reshape": {"shape": (2, 1)},
        "transpose": {"permutation": (0,)},
        "reverse": {"dimensions": (0,)},
        "broadcast_in_dim": {"shape": (2,), "broadcast_dimensions": (0,)},
    }
    with pytest.raises(DTypeError, match="operand 0 is string"):
        build_op(name, ("string", (2,)), **attributes[name])


def test_a_missing_attribute_is_named() -> None:
    with pytest.raises(GraphcError, match="permutation"):
        build_op("transpose", (F32, (2,)))


def test_a_symbol_is_never_taken_to_be_one() -> None:
    build, result = build_op(
        "broadcast_in_dim", (F32, (N,)), shape=(2, 5), broadcast_dimensions=(1,)
    )
    assert result.type is as_type(F32, (2, 5))
    assert build.constraints == [Constraint(N, 5)]


def test_an_axis_of_size_one_is_repeated_to_a_symbolic_size() -> None:
    build, result = build_op(
        "broadcast_in_dim", (F32, (1, N)), shape=(M, N), broadcast_dimensions=(0, 1)
    )
    assert result.type is as_type(F32, (M, N))
    assert build.constraints == []


def test_undecided_numbers_of_elements_become_a_constraint() -> None:
    build, _ = build_op("reshape", (F32, (N, 4)), shape=(M, 2))
    assert build.constraints == [Constraint(4 * N, 2 * M)]
    build, _ = build_op("reshape", (F32, (N, 4)), shape=(2 * N, 2))
    assert build.constraints == []


def test_concatenate_adds_sizes_and_equates_the_others() -> None:
    build, result = build_op("concatenate", (F32, (N, M)), (F32, (3, 7)), dimension=0)
    assert result.type is as_type(F32, (N + 3, 7))
    assert build.constraints == [Constraint(M, 7)]


def test_axes_are_kept_sorted_so_that_equal_sets_are_equal() -> None:
    _, one = build_op("reverse", (F32, (2, 3)), dimensions=(1, 0))
    _, other = build_op("reverse", (F32, (2, 3)), dimensions=(0, 1))
    assert one.node.attributes is other.node.attributes


def test_the_gradient_of_a_broadcast_sums_the_repeated_axes_once() -> None:
    graph = graph_of(
        lambda build, x: [
            build.broadcast_in_dim(x, shape=(4, 2, 5, 3), broadcast_dimensions=(1, 2, 3))
        ],
        as_type(F32, (2, 1, 3)),
    )
    made = vjp_graph(graph, [0])
    assert op_names(made) == ["reduce_sum", "reshape"]
    assert made.nodes[-2].attributes["axes"] == (0, 2)


def test_concatenate_gives_cotangents_only_where_they_are_wanted() -> None:
    types = [as_type(F32, (size,)) for size in (2, 3, 4)]
    graph = graph_of(lambda build, *xs: [build.concatenate(*xs, dimension=0)], *types)
    assert op_names(vjp_graph(graph, [1])) == ["slice"]


SYMBOLIC = {
    "broadcast": (
        lambda build, x, like: [
            build.broadcast_in_dim(
                x, shape=(2, *like.type.shape, 3), broadcast_dimensions=(0, 1, 2)
            )
        ],
        [(1, 1, N), (M, N)],
    ),
    "reshape": (
        lambda build, x: [build.reshape(x, shape=(x.type.shape[0] * x.type.shape[1],))],
        [(N, M)],
    ),
    "transpose": (lambda build, x: [build.transpose(x, permutation=(2, 0, 1))], [(N, 2, M)]),
    "reverse": (lambda build, x: [build.reverse(x, dimensions=(0,))], [(N, 2)]),
    "concatenate": (
        lambda build, x, y, z: [build.concatenate(x, y, z, dimension=1)],
        [(M, N), (M, 2), (M, N)],
    ),
}


@pytest.mark.parametrize("case", SYMBOLIC)
def test_gradients_of_symbolic_sizes(case: str) -> None:
    write, shapes = SYMBOLIC[case]
    types = [as_type(F32, shape) for shape in shapes]
    if case == "broadcast":
        types[1] = as_type("int32", shapes[1])
    check_symbolic_gradient(write, *types, n=3, m=2)
    check_symbolic_gradient(write, *types, n=1, m=1)

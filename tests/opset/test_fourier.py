"""fft: errors, symbolic sizes, gradients of any order."""

from __future__ import annotations

from typing import Any

import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.types import as_type, tensor_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.opset.samples import draw
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient

KINDS = ["FFT", "IFFT", "RFFT", "IRFFT"]


def infer(kind: str, dtype: str, shape: Any, *lengths: Any) -> Any:
    build = GraphBuilder()
    return build.fft(build.input(as_type(dtype, shape), "x"), fft_type=kind, fft_length=lengths)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("FFT", "float32"), ("IFFT", "float32"), ("RFFT", "complex64"),
                        ("IRFFT", "float64"), ("RFFT", "bfloat16"), ("RFFT", "int32")],
)  # fmt: skip
def test_each_transform_has_its_element_types(kind: str, dtype: str) -> None:
    with pytest.raises(DTypeError, match=f"operand 0 is {dtype}"):
        infer(kind, dtype, (4,), 4)


@pytest.mark.parametrize("lengths", [(), (2, 2, 2, 2)])
def test_transforms_are_over_one_to_three_axes(lengths: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="fft_length has"):
        infer("FFT", "complex64", (2, 2, 2, 2), *lengths)


@pytest.mark.parametrize(("kind", "length"), [("FFT", 5), ("RFFT", 3), ("IRFFT", 4), ("FFT", 0)])
def test_lengths_that_do_not_fit_are_refused(kind: str, length: int) -> None:
    dtype = "float32" if kind == "RFFT" else "complex64"
    with pytest.raises(ShapeError):
        infer(kind, dtype, (4 if length else 0,), length)


def test_a_transform_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="fft_type"):
        infer("DCT", "complex64", (4,), 4)


def test_half_a_spectrum_of_an_unknown_size() -> None:
    assert infer("RFFT", "float32", (N,), N).type == tensor_type(
        as_type("complex64").dtype, (N // 2 + 1,)
    )
    assert infer("IRFFT", "complex64", (N // 2 + 1,), N).type.shape == (N,)


@pytest.mark.parametrize("n", [1, 4, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_symbolic_sizes(kind: str, n: int) -> None:
    def write(build: Any, x: Any, signal: Any) -> list[Any]:
        # the length is that of the second operand: half a size does not say what it is half of
        lengths = (x.type.shape[1], signal.type.shape[0])
        return [build.fft(x, fft_type=kind, fft_length=lengths), build.negate(signal)]

    shape = (2, M, N // 2 + 1 if kind == "IRFFT" else N)
    dtype = "float32" if kind == "RFFT" else "complex64"
    check_symbolic_gradient(write, as_type(dtype, shape), as_type("float32", (N,)), n=n, m=3)


@pytest.mark.parametrize(
    ("kind", "order"), [("FFT", 1), ("IFFT", 1), ("RFFT", 1), ("RFFT", 2), ("IRFFT", 1)]
)
def test_gradients_hold_at_any_order(kind: str, order: int) -> None:
    dtype = "float64" if kind == "RFFT" else "complex128"
    size = 4 if kind == "IRFFT" else 6

    def write(build: Any, x: Any) -> list[Any]:
        made = build.fft(build.multiply(x, x), fft_type=kind, fft_length=(6,))
        powers = build.multiply(made, made)
        return [build.real(powers) if powers.type.dtype.is_complex else powers]

    with scoped_x64():
        graph = graph_of(write, as_type(dtype, (2, size)))
        check_gradients(graph, [draw(2, size, dtype=dtype)], [0], order)

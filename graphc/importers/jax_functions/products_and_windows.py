"""Equations of a jaxpr that are products, convolutions, reductions of windows, factorizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from jax import lax

from graphc.dtypes import BF16, BOOL, F32, DType
from graphc.importers.jax_functions.equation_table import EquationTable, Parameters, is_sharded
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.opset.sliding_windows.dimension_numbers import (
    DimensionNumbers,
    write_dimension_numbers,
)

PRODUCTS: Final = EquationTable()

_PRECISIONS: Final = {
    None: None,
    (lax.Precision.DEFAULT,) * 2: "default",
    (lax.Precision.HIGH,) * 2: "high",
    (lax.Precision.HIGHEST,) * 2: "highest",
}


_OF_BF16: Final = lax.DotAlgorithmPreset.BF16_BF16_F32


def _precision(
    p: Parameters, x: Sequence[Value], type_: TensorType
) -> dict[str, str | DType | None] | None:
    """How exactly a product is taken; None where no op says that, or it is sharded."""
    if is_sharded(p.get("out_sharding")) or x[0].type.dtype is not x[1].type.dtype:
        return None
    given = p["precision"]
    if given is _OF_BF16 and x[0].type.dtype is BF16 and type_.dtype is F32:
        given = None  # what is done to such operands anyway
    if (given is not None and not isinstance(given, tuple)) or given not in _PRECISIONS:
        return None
    preferred = None if type_.dtype is x[0].type.dtype else type_.dtype
    return {"precision": _PRECISIONS[given], "preferred_element_type": preferred}


def _widened(build: Builder, x: Value, dtype: DType) -> Value:
    """An operand as wide as a float type; as it is where it is wider, or as wide as another."""
    return build.convert(x, dtype=dtype) if x.type.dtype.itemsize < dtype.itemsize else x


@PRODUCTS.writes("dot_general")
def _dot(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    dtypes = {each.type.dtype for each in x}
    is_mixed = len(dtypes) == 2 and all(dtype.is_floating for dtype in dtypes)
    # an algorithm, which is no pair, has types of its own for operands
    has_no_algorithm = p["precision"] is None or isinstance(p["precision"], tuple)
    if is_mixed and has_no_algorithm and type_.dtype in dtypes:
        x = [_widened(build, each, type_.dtype) for each in x]
    precision = _precision(p, x, type_)
    if precision is None:
        return None
    (left, right), (left_batch, right_batch) = p["dimension_numbers"]
    return build.dot_general(
        *x,
        lhs_contracting=left,
        rhs_contracting=right,
        lhs_batching=left_batch,
        rhs_batching=right_batch,
        **precision,
    )


@PRODUCTS.writes("conv_general_dilated")
def _convolution(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    precision = _precision(p, x, type_)
    if precision is None:
        return None
    low, high = zip(*p["padding"], strict=True) if p["padding"] else ((), ())
    return build.convolution(
        *x,
        dimension_numbers=write_dimension_numbers(DimensionNumbers(*p["dimension_numbers"])),
        window_strides=p["window_strides"],
        padding_low=low,
        padding_high=high,
        lhs_dilation=p["lhs_dilation"],
        rhs_dilation=p["rhs_dilation"],
        feature_group_count=p["feature_group_count"],
        batch_group_count=p["batch_group_count"],
        **precision,
    )


def _window(p: Parameters, *names: str) -> dict[str, Any]:
    low, high = zip(*p["padding"], strict=True)
    given = {name: p[name] for name in ("window_dimensions", "window_strides", *names)}
    return {**given, "padding_low": low, "padding_high": high}


def _define_window_reductions() -> None:
    def define(name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            if type_.rank == 0 or type_.dtype is BOOL:
                return None
            window = _window(p, "base_dilation", "window_dilation")
            return getattr(build, name)(x[0], **window)

        PRODUCTS[name] = write

    for name in ("sum", "max", "min"):
        define(f"reduce_window_{name}")


_define_window_reductions()


@PRODUCTS.writes("select_and_scatter_add")
def _scatter_winners(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    return build.select_and_scatter_add(*x, select=p["select_prim"].name.upper(), **_window(p))


@PRODUCTS.writes("select_and_gather_add")
def _gather_winners(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    if any(step != 1 for name in ("base_dilation", "window_dilation") for step in p[name]):
        return None
    return build.select_and_gather_add(*x, select=p["select_prim"].name.upper(), **_window(p))


@PRODUCTS.writes("triangular_solve")
def _triangular_solve(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    if p["conjugate_a"] and not p["transpose_a"]:
        return None
    transpose = "ADJOINT" if p["conjugate_a"] else "TRANSPOSE"
    return build.triangular_solve(
        *x,
        left_side=p["left_side"],
        lower=p["lower"],
        transpose_a=transpose if p["transpose_a"] else "NO_TRANSPOSE",
        unit_diagonal=p["unit_diagonal"],
    )


@PRODUCTS.writes("lu")
def _lu(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Sequence[Value]:
    return build.lu(x[0])


@PRODUCTS.writes("qr")
def _qr(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Sequence[Value] | None:
    if p["pivoting"] or p.get("use_magma") is not None:
        return None
    return build.qr(x[0], full_matrices=p["full_matrices"])


@PRODUCTS.writes("svd")
def _svd(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | Sequence[Value] | None:
    if any(p.get(name) is not None for name in ("subset_by_index", "algorithm")):
        return None
    if not p["compute_uv"]:
        return build.svd(x[0], full_matrices=p["full_matrices"], compute_uv=False)
    left, values, right = build.svd(x[0], full_matrices=p["full_matrices"])
    return values, left, right


@PRODUCTS.writes("eigh")
def _eigh(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Sequence[Value] | None:
    is_plain = p["sort_eigenvalues"] and p.get("subset_by_index") is None
    if not is_plain or p.get("algorithm") is not None:
        return None
    values, vectors = build.eigh(x[0], lower=p["lower"])
    return vectors, values

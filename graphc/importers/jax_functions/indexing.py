"""Equations of a jaxpr that read or write computed positions, or look for some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jax import lax

from graphc.dtypes import as_dtype
from graphc.importers.jax_functions.equation_table import EquationTable, Parameters
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType

POSITIONS: Final = EquationTable()

_MODES: Final = {
    lax.GatherScatterMode.CLIP: "clip",
    lax.GatherScatterMode.FILL_OR_DROP: "fill",
    lax.GatherScatterMode.PROMISE_IN_BOUNDS: "promise_in_bounds",
}


@POSITIONS.writes("gather")
def _gather(build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType) -> Value | None:
    mode, numbers = _MODES.get(p["mode"]), p["dimension_numbers"]
    fill = p["fill_value"] if mode == "fill" else None
    if fill is not None and type_.dtype.is_inexact and fill != fill:
        fill = None  # NaN is what is filled in where nothing is said
    if mode is None or (fill is not None and float(np.real(fill)) != fill):
        return None
    return build.gather(
        *x,
        offset_dims=numbers.offset_dims,
        collapsed_slice_dims=numbers.collapsed_slice_dims,
        start_index_map=numbers.start_index_map,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.start_indices_batching_dims,
        slice_sizes=p["slice_sizes"],
        mode=mode,
        fill_value=None if fill is None else float(np.real(fill)),
        indices_are_sorted=p["indices_are_sorted"],
        unique_indices=p["unique_indices"],
    )


def _is_replacement(update: Any) -> bool:
    """Whether a scatter writes its updates; `x.at[i].apply(f)` writes f of what is there."""
    return update is None or (not update.eqns and update.outvars[0] is update.invars[1])


def _define_scatters() -> None:
    def define(name: str, computation: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            mode, numbers = _MODES.get(p["mode"]), p["dimension_numbers"]
            if mode is None or (computation == "set" and not _is_replacement(p["update_jaxpr"])):
                return None
            return build.scatter(
                *x,
                update_window_dims=numbers.update_window_dims,
                inserted_window_dims=numbers.inserted_window_dims,
                scatter_dims_to_operand_dims=numbers.scatter_dims_to_operand_dims,
                operand_batching_dims=numbers.operand_batching_dims,
                scatter_indices_batching_dims=numbers.scatter_indices_batching_dims,
                update_computation=computation,
                mode=mode,
                indices_are_sorted=p["indices_are_sorted"],
                unique_indices=p["unique_indices"],
            )

        POSITIONS[name] = write

    define("scatter", "set")
    define("scatter-add", "add")
    define("scatter-mul", "multiply")
    define("scatter-min", "minimum")
    define("scatter-max", "maximum")


_define_scatters()


@POSITIONS.writes("dynamic_slice")
def _dynamic_slice(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | None:
    return build.dynamic_slice(*x, slice_sizes=p["slice_sizes"])


@POSITIONS.writes("dynamic_update_slice")
def _dynamic_update_slice(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value:
    return build.dynamic_update_slice(*x)


def _define_places_of_extrema() -> None:
    def define(name: str) -> None:
        def write(
            build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
        ) -> Value | None:
            (axis,) = p["axes"]
            index_dtype = as_dtype(p["index_dtype"])
            return getattr(build, name)(x[0], axis=axis, index_dtype=index_dtype)

        POSITIONS[name] = write

    define("argmax")
    define("argmin")


_define_places_of_extrema()


@POSITIONS.writes("sort")
def _sort(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Value | Sequence[Value]:
    return build.sort(
        *x, dimension=p["dimension"], num_keys=p["num_keys"], is_stable=p["is_stable"]
    )


@POSITIONS.writes("top_k")
def _top_k(
    build: Builder, p: Parameters, x: Sequence[Value], type_: TensorType
) -> Sequence[Value] | None:
    is_last = p.get("axis", type_.rank - 1) == type_.rank - 1
    return build.top_k(x[0], k=p["k"]) if is_last else None

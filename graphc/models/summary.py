"""The table of a model's layers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc.layers.layer import Layer
from graphc.tracking import unique

if TYPE_CHECKING:
    from graphc.models.model import Model


def print_summary(
    model: Model,
    line_length: int | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the table, or hand it to `print_fn`; see `Model.summary`."""
    table = Table(box=rich.box.SQUARE, show_lines=True)
    for title in ("Layer (type)", "Output Shape"):
        table.add_column(title, overflow="fold")
    table.add_column("Param #", justify="right")
    if show_trainable:
        table.add_column("Trainable", justify="center")
    layers = list(model.layers)
    if layer_range is not None:
        names = [layer.name for layer in layers]
        first, last = (names.index(name) for name in layer_range)
        layers = layers[first : last + 1]
    for layer, depth in _rows(layers, expand_nested, 0):
        cells = [
            Text("└ " * depth + f"{layer.name} ({type(layer).__name__})"),
            Text(_output_shape(layer)),
            f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
        ]
        if show_trainable:
            cells.append("Y" if layer.trainable else "N")
        table.add_row(*cells)
    console = Console(width=line_length, file=io.StringIO() if print_fn else None)
    console.print(Text.assemble('Model: "', (model.name, "bold"), '"'))
    console.print(table)
    for line in _totals(model):
        console.print(Text(line))
    if print_fn is not None:
        print_fn(console.file.getvalue())  # type: ignore[attr-defined]


def _rows(layers: Sequence[Layer], expand: bool, depth: int) -> Iterator[tuple[Layer, int]]:
    for layer in layers:
        yield layer, depth
        if expand and hasattr(layer, "summary"):
            yield from _rows(layer.sublayers, expand, depth + 1)


def _output_shape(layer: Layer) -> str:
    if layer._first_call is None:
        return "?"
    shapes = [
        "(" + ", ".join([str(s) if isinstance(s, int) else "None" for s in tensor.shape])
        + ("," if tensor.ndim == 1 else "") + ")"
        for tensor in layer._first_call.results
    ]  # fmt: skip
    return ", ".join(shapes)


def _totals(model: Model) -> Iterator[str]:
    kept = model.optimizer.variables if model.compiled and model.optimizer is not None else []
    groups = {
        " Total params": unique([*model.weights, *kept]),
        " Trainable params": model.trainable_weights,
        " Non-trainable params": model.non_trainable_weights,
        " Optimizer params": kept,
    }
    for title, variables in groups.items():
        if variables or variables is not kept:
            size = sum(variable.type.size for variable in variables)
            taken = sum(variable.type.byte_size for variable in variables)
            yield f"{title}: {size:,} ({readable_bytes(taken)})"


def readable_bytes(size: float) -> str:
    """A number of bytes as people read it: "12.50 KB"."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"

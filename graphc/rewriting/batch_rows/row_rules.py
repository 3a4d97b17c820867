"""What each op does to the axis of samples.

A rule says nothing where row i of the results comes of row i of the operands alone. It names the
operands to be masked where an op adds all samples up, or finds the greatest of them. For anything
else it raises an error. Composites are judged by their decompositions, so none has a rule of its
own, and an op without a rule may touch no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from graphc.dimensions import Dim, product
from graphc.ir.node import Node
from graphc.opset.sliding_windows.dimension_numbers import read_dimension_numbers
from graphc.rewriting.batch_rows.row_axes import MixesSamplesError, RowAxes


class Mask(NamedTuple):
    """An operand of which the rows that are padding must not count.

    Attributes:
        operand: its position.
        filling: what stands in their place and changes nothing: "zero", "one", "every_bit",
            "lowest" or "highest".
    """

    operand: int
    filling: str


Rule = Callable[[RowAxes, Node], Sequence[Mask]]

FILLINGS: Final[Mapping[str, str]] = {
    "reduce_sum": "zero",
    "reduce_product": "one",
    "reduce_max": "lowest",
    "reduce_min": "highest",
    "reduce_and": "every_bit",
    "reduce_or": "zero",
    "reduce_xor": "zero",
}


def _keep(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """The types say it all: equal shapes, or sizes that move along with their axes."""
    return ()


def _untouched(axes: RowAxes, node: Node, *names: str) -> Sequence[Mask]:
    """Along the axes that attributes name, all rows meet."""
    for value in node.inputs:
        axis = axes.of(value)
        for name in names:
            named: Any = node.attributes[name]
            if axis is not None and axis in (named if isinstance(named, tuple) else (named,)):
                raise MixesSamplesError(f"{node.op.name} runs along the samples")
    return ()


def _require_fixed(axes: RowAxes, node: Node, *names: str, but: int | None = None) -> None:
    """Elements are not counted off by the size of the batch, along any other axis."""
    for name in names:
        given: Any = node.attributes[name]
        sizes: Sequence[Any] = [given] if given is None or isinstance(given, (int, Dim)) else given
        if any(axes.is_counted_in(size) for at, size in enumerate(sizes) if at != but):
            raise MixesSamplesError(f"{name} of {node.op.name} depends on the number of samples")


def _reduction(axes: RowAxes, node: Node) -> Sequence[Mask]:
    if axes.of(node.inputs[0]) in node.attributes["axes"]:
        return (Mask(0, FILLINGS[node.op.name]),)
    return ()


def _dot_general(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """A sum over samples where their axis is contracted; else it is a free or a batch axis."""
    if axes.of(node.inputs[0]) in node.attributes["lhs_contracting"]:
        return Mask(0, "zero"), Mask(1, "zero")
    return ()


def _reshape(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """Rows stay in order where as many elements lie before the axis as did."""
    (given,), (made,) = node.inputs, node.outputs
    before, after = axes.of(given), axes.of(made)
    if before is None or after is None:
        return ()
    if product(given.type.shape[:before]) != product(made.type.shape[:after]):
        raise MixesSamplesError("reshape puts samples among other elements")
    return ()


def _slice(axes: RowAxes, node: Node) -> Sequence[Mask]:
    axis = axes.of(node.inputs[0])
    _require_fixed(axes, node, "start_indices", "limit_indices", but=axis)
    if axis is None:
        return ()
    given = node.attributes
    first, end, stride = (given[n][axis] for n in ("start_indices", "limit_indices", "strides"))
    if (first, end, stride) != (0, node.inputs[0].type.shape[axis], 1):
        raise MixesSamplesError("slice takes some of the samples")
    return ()


def _pad(axes: RowAxes, node: Node) -> Sequence[Mask]:
    axis = axes.of(node.inputs[0])
    _require_fixed(axes, node, "low", "high")
    if axis is not None and any(node.attributes[n][axis] != 0 for n in ("low", "high", "interior")):
        raise MixesSamplesError("pad adds or takes samples")
    return ()


def _dynamic_slice(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """A window as long as the axis of samples can only begin at its beginning."""
    whole = node.inputs[0]
    window = node.inputs[1] if node.op.name == "dynamic_update_slice" else node.outputs[0]
    axis = axes.of(whole)
    if axes.of(window) != axis:
        raise MixesSamplesError(f"where {node.op.name} begins depends on the number of samples")
    if axis is not None and window.type.shape[axis] != whole.type.shape[axis]:
        raise MixesSamplesError(f"{node.op.name} takes some of the samples")
    return ()


def _gather(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """Rows of something shared; or of each sample its own, by batching axes or whole."""
    operand, indices = (axes.of(value) for value in node.inputs[:2])
    given = node.attributes
    _require_fixed(axes, node, "slice_sizes", but=operand)
    if operand is None:
        return ()
    pairs = zip(given["operand_batching_dims"], given["start_indices_batching_dims"], strict=True)
    whole = given["slice_sizes"][operand] == node.inputs[0].type.shape[operand]
    is_own = indices is not None and (operand, indices) in pairs
    if is_own or (indices is None and whole and operand not in given["start_index_map"]):
        return ()
    raise MixesSamplesError("gather takes samples by number")


def _scatter(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """Additions to something shared, by each sample some: padding adds nothing."""
    operand, indices, updates = (axes.of(value) for value in node.inputs)
    given = node.attributes
    if operand is None and indices is None and updates is None:
        return ()
    adds = operand is None and given["update_computation"] == "add"
    if adds and updates is not None and updates not in given["update_window_dims"]:
        return (Mask(2, "zero"),)
    raise MixesSamplesError("scatter puts samples where others may be")


def _window(axes: RowAxes, node: Node) -> Sequence[Mask]:
    given, axis = node.attributes, axes.of(node.inputs[0])
    _require_fixed(axes, node, "padding_low", "padding_high")
    if axis is None:
        return ()
    names = ("window_strides", "padding_low", "padding_high", "base_dilation", "window_dilation")
    moves = [given[name][axis] for name in names if given.get(name)]
    usual = [0 if "padding" in name else 1 for name in names if given.get(name)]
    if given["window_dimensions"][axis] != 1 or moves != usual:
        raise MixesSamplesError(f"the windows of {node.op.name} hold several samples")
    return ()


def _convolution(axes: RowAxes, node: Node) -> Sequence[Mask]:
    lhs, rhs = (axes.of(value) for value in node.inputs)
    _require_fixed(axes, node, "padding_low", "padding_high")
    numbers = read_dimension_numbers(node.attributes["dimension_numbers"])
    if rhs is not None or lhs != numbers.lhs[0] or node.attributes["batch_group_count"] != 1:
        raise MixesSamplesError("convolution sees the samples as something else than its batch")
    return ()


def _draw(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """The first rows are the same however many follow: an element's number hangs on its place."""
    if axes.of(node.outputs[0]) not in (None, 0):
        raise MixesSamplesError(f"what {node.op.name} draws depends on the number of samples")
    return ()


def _gradient(axes: RowAxes, node: Node) -> Sequence[Mask]:
    given = node.attributes
    cotangents = given["ys"] + given["xs"]
    ys = [*node.inputs[: given["ys"]], *node.inputs[cotangents : cotangents + given["grad_ys"]]]
    if any(axes.of(y) is not None for y in ys):
        raise MixesSamplesError("a gradient is taken of each sample's own numbers")
    return ()


def _loop(axes: RowAxes, node: Node) -> Sequence[Mask]:
    """A scan takes slices of one axis in turn, which must not be that of samples."""
    _require_fixed(axes, node, "length")
    carries = node.attributes["carries"] + (node.op.name == "counted_scan")
    scanned = node.inputs[carries : len(node.inputs) - node.attributes["invariants"]]
    made = node.outputs[node.attributes["carries"] :]
    if any(axes.of(value) == 0 for value in (*scanned, *made)):
        raise MixesSamplesError("a loop runs over the samples")
    return ()


def _while(axes: RowAxes, node: Node) -> Sequence[Mask]:
    _require_fixed(axes, node, "maximum")
    return ()


def _top_k(axes: RowAxes, node: Node) -> Sequence[Mask]:
    if axes.of(node.inputs[0]) == node.inputs[0].type.rank - 1:
        raise MixesSamplesError("top_k runs along the samples")
    return ()


def _along(*names: str) -> Rule:
    return lambda axes, node: _untouched(axes, node, *names)


RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(FILLINGS, _reduction),
    **dict.fromkeys(("iota", "broadcast_in_dim", "transpose", "bitcast_convert", "after"), _keep),
    **dict.fromkeys(("cond", "case", "custom_gradient", "dimension_size", "group"), _keep),
    **dict.fromkeys(("scan", "counted_scan"), _loop),
    **dict.fromkeys(("random_bits", "random_uniform", "random_normal"), _draw),
    **dict.fromkeys(("dynamic_slice", "dynamic_update_slice"), _dynamic_slice),
    **dict.fromkeys(("reduce_window_sum", "reduce_window_max", "reduce_window_min"), _window),
    "argmax": _along("axis"),
    "argmin": _along("axis"),
    "concatenate": _along("dimension"),
    "convolution": _convolution,
    "cumulative_log_sum_exp": _along("axis"),
    "cumulative_max": _along("axis"),
    "cumulative_min": _along("axis"),
    "cumulative_product": _along("axis"),
    "cumulative_sum": _along("axis"),
    "dot_general": _dot_general,
    "gather": _gather,
    "gradient": _gradient,
    "pad": _pad,
    "reshape": _reshape,
    "reverse": _along("dimensions"),
    "scatter": _scatter,
    "slice": _slice,
    "sort": _along("dimension"),
    "top_k": _top_k,
    "while_loop": _while,
}
"""By the names of ops; elementwise ops and composites need none."""

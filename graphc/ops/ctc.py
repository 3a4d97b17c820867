"""Sequences of labels whose positions are not known (CTC), under the names of keras.ops."""

from __future__ import annotations

from typing import Any, Literal

from graphc.dtypes import F32, I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import negative
from graphc.ops.broadcasting import apply, apply_many
from graphc.ops.casting import cast
from graphc.ops.comparison import equal, less, logical_and, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, inexact, to_tensor
from graphc.ops.reductions import argmax
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor


def ctc_loss(
    target: Any,
    output: Any,
    target_length: Any,
    output_length: Any,
    mask_index: int = 0,
    name: str | None = None,
) -> Tensor:
    """-log of the probability that logits emit a sequence of labels, at whatever positions.

    Repeats of a class and then the class `mask_index` are left out of what is emitted. Where there
    are too few positions for the labels, the loss is large (about 1e5) but finite, as in Keras.

    Args:
        target: integers[batch, labels].
        output: f[batch, positions, classes]: logits.
        target_length: integers[batch]: how many of the labels count.
        output_length: integers[batch]: how many of the positions count.
        mask_index: the class that stands for no label.
        name: of the result.

    Returns:
        f[batch], at least float32.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: labels or lengths are no integers.

    Source: Graves and others 2006, "Connectionist temporal classification".
    """
    graph = graph_of((target, output, target_length, output_length))
    labels, lengths, label_lengths = (
        to_tensor(each, None, graph) for each in (target, output_length, target_length)
    )
    logits = inexact(to_tensor(output, None, graph))
    return apply(
        "ctc_loss",
        logits,
        labels,
        lengths,
        label_lengths,
        blank=mask_index,
        name=name or "ctc_loss",
    )


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: Literal["greedy", "beam_search"] = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The labels that logits emit most probably: for each position its best class.

    Args:
        inputs: f[batch, positions, classes]: logits or probabilities.
        sequence_lengths: integers[batch]: how many of the positions count.
        strategy: "greedy". A beam search is not there yet, and refused.
        beam_width: of a beam search.
        top_paths: of a beam search; greedy finds one path.
        merge_repeated: whether a class that is repeated counts once.
        mask_index: the class that stands for no label.
        name: scope of the results.

    Returns:
        The labels, i32[1, batch, positions], -1 behind the last; and f[batch, 1]: minus the sum of
        the inputs of the classes chosen.

    Raises:
        ShapeError: the shapes do not fit.
        GraphcError: another strategy is asked for.
    """
    if strategy != "greedy":
        raise GraphcError(
            "ctc_decode() decodes greedily",
            given=f"strategy={strategy!r}",
            expected='strategy="greedy"',
            fix="run a beam search on the host, on the log_softmax of the logits",
            origin=capture_origin(),
        )
    scores = inexact(inputs)
    scores = cast_to(scores, F32) if scores.dtype.itemsize < F32.itemsize else scores
    lengths = cast(sequence_lengths, I32)
    if scores.ndim != 3 or lengths.ndim != 1:
        raise ShapeError(
            "ctc_decode() takes inputs and their lengths",
            given=f"{scores.value.type} and {lengths.value.type}",
            expected="[batch, positions, classes] and [batch]",
            origin=capture_origin(),
        )
    label = name or "ctc_decode"
    shape = scores.shape[:2]
    positions = apply("iota", dtype=I32, shape=shape, iota_dimension=1)
    counts = less(positions, expand_dims(lengths, -1))
    best = where(counts, argmax(scores, -1), mask_index)
    total = reduce_sum(where(counts, reduce_max(scores, -1), 0.0), 1, keepdims=True)
    is_label = apply("not", equal(best, mask_index))
    if merge_repeated:
        # beside the first stands -1, which is no class
        before = apply(
            "pad",
            best,
            constant_tensor(graph_of((best,)), -1, I32),
            low=(0, 1),
            high=(0, -1),
            interior=(0, 0),
        )
        is_label = logical_and(is_label, apply("not", equal(best, before)))
    kept = where(is_label, best, -1)
    # labels first, in their order: sorted by position, what is no label behind all positions
    place = where(is_label, positions, 2**31 - 1)
    _, labels = apply_many("sort", place, kept, dimension=1)
    return (
        expand_dims(labels, 0, name=f"{label}/labels"),
        negative(total, name=f"{label}/scores"),
    )

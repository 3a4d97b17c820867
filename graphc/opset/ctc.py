"""ctc_loss: how unlikely logits make a sequence of labels whose positions are not known.

Source: A. Graves and others, "Connectionist temporal classification", ICML 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import BOOL, F32, I32, DType
from graphc.errors import ShapeError
from graphc.ir.attributes import INTEGER as WHOLE
from graphc.ir.attributes import Schema
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, INTEGER, require_dtype, require_rank

Array = np.ndarray[Any, Any]

# The logarithm of a step that no alignment may take. As in Keras and optax: where no alignment
# exists, the loss is about this large for each such step, rather than infinite.
_FORBIDDEN: Final = -1e5
# Below any sum of those; less it, any number is itself.
_NOTHING: Final = -1e30

# --- ctc_loss -------------------------------------------------------------------------------------


def _computed_in(dtype: DType) -> DType:
    return dtype if dtype.itemsize >= F32.itemsize else F32


def _type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, FLOATING)
    for position in (1, 2, 3):
        require_dtype(call, position, INTEGER)
    logits = require_rank(call, 0, 3)
    require_rank(call, 1, 2)
    batch = logits.shape[0]
    for position, what in ((1, "labels"), (2, "logit_lengths"), (3, "label_lengths")):
        if position > 1:
            require_rank(call, position, 1)
        size = call.types[position].shape[0]
        batch = call.require_equal(batch, size, f"the numbers of examples of logits and {what}")
    blank: int = call.attributes["blank"]
    classes = logits.shape[2]
    if blank < 0 or (isinstance(classes, int) and blank >= classes):
        raise call.error(ShapeError, f"there is no class {blank}", f"one below {classes}")
    return tensor_type(_computed_in(dtype), (batch,))


def _log_sum(build: Builder, left: Value, right: Value) -> Value:
    """log(e^left + e^right) of finite numbers."""
    distance = build.negate(build.abs(build.subtract(left, right)))
    return build.add(build.maximum(left, right), build.log_plus_one(build.exponential(distance)))


def _added(build: Builder, blanks: Value, more: Value) -> Value:
    """Paths that are behind label n, with more that just came from label n - 1; log[B, N + 1]."""
    nothing = build.full(_NOTHING, more.type.dtype)
    shifted = build.pad(more, nothing, low=(0, 1), high=(0, 0), interior=(0, 0))
    return _log_sum(build, blanks, shifted)


def _without_last(build: Builder, blanks: Value, labels: Dimension) -> Value:
    batch = blanks.type.shape[0]
    return build.slice(blanks, start_indices=(0, 0), limit_indices=(batch, labels), strides=(1, 1))


def _step(dtype: DType, batch: Dimension, labels: Dimension) -> Graph:
    """One position: which paths end behind label n in a blank, and which in label n."""
    build = GraphBuilder()
    paths, wide = tensor_type(dtype, (batch, labels)), tensor_type(dtype, (batch, labels + 1))
    blanks, emitted = build.input(wide, "blanks"), build.input(paths, "emitted")
    log_label = build.input(paths, "log_label")
    log_blank = build.input(tensor_type(dtype, (batch,)), "log_blank")
    counts = build.input(tensor_type(BOOL, (batch,)), "counts")
    repeated = build.input(paths, "repeated")
    distinct = build.input(paths, "distinct")

    def along(value: Value, like: Value) -> Value:
        return build.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=(0,))

    # a label may follow another at once, unless it is the same
    ready = _added(build, blanks, build.add(emitted, repeated))
    entered = build.add(_without_last(build, ready, labels), log_label)
    next_emitted = _log_sum(build, entered, build.add(emitted, log_label))
    stayed = build.add(ready, along(log_blank, ready))
    left = build.add(build.add(emitted, along(log_blank, emitted)), distinct)
    next_blanks = _added(build, stayed, left)
    return build.finish(
        [
            build.select(along(counts, blanks), next_blanks, blanks),
            build.select(along(counts, emitted), next_emitted, emitted),
        ]
    )


def _one_hot(build: Builder, indices: Value, size: Dimension, dtype: DType) -> Value:
    """1 at the position of each index along a new last axis; nowhere for one outside."""
    shape = (*indices.type.shape, size)
    rank = indices.type.rank
    classes = build.iota(dtype=I32, shape=shape, iota_dimension=rank)
    given = build.broadcast_in_dim(indices, shape=shape, broadcast_dimensions=range(rank))
    return build.convert(build.compare(classes, given, direction="EQ"), dtype=dtype)


def _decomposition(build: Builder, call: OpCall, *operands: Value) -> Value:
    logits = operands[0]
    labels, logit_lengths, label_lengths = (
        each if each.type.dtype is I32 else build.convert(each, dtype=I32) for each in operands[1:]
    )
    dtype = call.result.dtype
    if logits.type.dtype is not dtype:
        logits = build.convert(logits, dtype=dtype)
    batch, steps, classes = logits.type.shape
    count = labels.type.shape[1]
    scores = build.log_softmax(logits, axis=2)
    scores = build.maximum(scores, build.full_like(scores, _NOTHING))  # 0 times -inf is NaN
    of_labels = build.dot_general(
        scores,
        _one_hot(build, labels, classes, dtype),
        lhs_batching=(0,),
        rhs_batching=(0,),
        lhs_contracting=(2,),
        rhs_contracting=(2,),
        precision="highest",  # it selects: rounded factors would round what is selected
    )
    blank: int = call.attributes["blank"]
    of_blank = build.slice(
        scores,
        start_indices=(0, 0, blank),
        limit_indices=(batch, steps, blank + 1),
        strides=(1, 1, 1),
    )
    times = build.iota(dtype=I32, shape=(steps, batch), iota_dimension=0)
    lengths = build.broadcast_in_dim(logit_lengths, shape=(steps, batch), broadcast_dimensions=(1,))
    repeated, distinct = _followers(build, labels, dtype)
    first = build.iota(dtype=I32, shape=(batch, count + 1), iota_dimension=1)
    forbidden = build.full(_FORBIDDEN, dtype, (batch, count + 1))
    is_start = build.compare(first, build.full_like(first, 0), direction="EQ")
    blanks, emitted = build.scan(
        build.select(is_start, build.full_like(forbidden, 0), forbidden),
        build.full(_FORBIDDEN, dtype, (batch, count)),
        build.transpose(of_labels, permutation=(1, 0, 2)),
        build.transpose(build.reshape(of_blank, shape=(batch, steps)), permutation=(1, 0)),
        build.compare(times, lengths, direction="LT"),
        repeated,
        distinct,
        carries=2,
        invariants=2,
        length=steps,
        regions=(_step(dtype, batch, count),),
    )
    final = _added(build, blanks, emitted)
    chosen = _one_hot(build, label_lengths, count + 1, dtype)
    is_end = build.compare(chosen, build.full_like(chosen, 1), direction="EQ")
    ends = build.select(is_end, final, build.full_like(final, 0))
    return build.negate(build.reduce_sum(ends, axes=(1,)))


def _followers(build: Builder, labels: Value, dtype: DType) -> tuple[Value, Value]:
    """What forbids to step from a label to the same label, and from it to a different one."""
    batch, count = labels.type.shape
    moved = build.pad(labels, build.full(0, I32), low=(0, -1), high=(0, 1), interior=(0, 0))
    position = build.iota(dtype=I32, shape=(batch, count), iota_dimension=1)
    size = build.dimension_size(labels, axis=1)
    sizes = build.broadcast_in_dim(size, shape=(batch, count), broadcast_dimensions=())
    follower = build.add(position, build.full_like(position, 1))
    is_same = build.and_(
        build.compare(labels, moved, direction="EQ"),
        build.compare(follower, sizes, direction="LT"),
    )
    zeros = build.full(0, dtype, (batch, count))
    forbidden = build.full_like(zeros, _FORBIDDEN)
    return build.select(is_same, forbidden, zeros), build.select(is_same, zeros, forbidden)


def _reference(
    call: OpCall, logits: Array, labels: Array, logit_lengths: Array, label_lengths: Array
) -> Array:
    """The same sums over paths, one example, one position and one label after another."""
    wide = np.asarray(logits, np.float64)
    shifted = wide - wide.max(axis=2, keepdims=True, initial=-np.inf)
    scores = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    blank = call.attributes["blank"]
    found = np.zeros(len(wide))
    for example, row in enumerate(labels):
        count = len(row)
        is_same = [n + 1 < count and row[n] == row[n + 1] for n in range(count)]
        blanks = np.array([0.0] + [_FORBIDDEN] * count)
        emitted = np.full(count, _FORBIDDEN)
        for time in range(min(int(logit_lengths[example]), wide.shape[1])):
            score = scores[example, time]
            ready = blanks.copy()
            for n in range(count):
                step = emitted[n] + (_FORBIDDEN if is_same[n] else 0)
                ready[n + 1] = np.logaddexp(blanks[n + 1], step)
            blanks = ready + score[blank]
            for n in range(count):
                step = emitted[n] + score[blank] + (0 if is_same[n] else _FORBIDDEN)
                blanks[n + 1] = np.logaddexp(blanks[n + 1], step)
                is_class = 0 <= row[n] < wide.shape[2]
                emitted[n] = np.logaddexp(ready[n], emitted[n])
                emitted[n] += score[row[n]] if is_class else 0
        end = int(label_lengths[example])
        if 0 <= end <= count:
            ends = np.logaddexp(blanks[end], emitted[end - 1]) if end else blanks[0]
            found[example] = -ends
    return found.astype(call.result.dtype.numpy)


def _cost(call: OpCall) -> Cost:
    batch, steps, classes = call.types[0].shape
    labels = call.types[1].shape[1]
    moved = 2 * call.types[0].byte_size
    cells = batch * steps * labels
    return Cost(cells * (2 * classes + 40) + call.types[0].size * 6, moved + cells * 16)


def _samples() -> list[Sample]:
    def sample(
        shape: tuple[int, int, int],
        labels: Sequence[Sequence[int]],
        logit_lengths: Sequence[int],
        label_lengths: Sequence[int],
        blank: int = 0,
        far: float = 1,
        differentiable: bool = True,
    ) -> Sample:
        whole = [np.array(each, np.int32) for each in (logit_lengths, label_lengths)]
        table = np.array(labels, np.int32).reshape(shape[0], -1)
        operands = (draw(*shape) * np.float32(far), table, *whole)
        return Sample(operands, {"blank": blank}, differentiable, rtol=1e-4)

    return [
        sample((2, 5, 4), [[1, 2], [3, 3]], [5, 4], [2, 2]),
        sample((3, 4, 3), [[0, 1, 1], [0, 0, 0], [1, 0, 0]], [4, 3, 1], [2, 0, 1], blank=2),
        sample((1, 2, 3), [[1, 1, 2]], [2], [3], differentiable=False),  # too short: no alignment
        sample((2, 3, 3), [[], []], [3, 0], [0, 0]),
        sample((1, 4, 3), [[1, 2]], [4], [2], far=500, differentiable=False),
    ]


CTC_LOSS = REGISTRY.register(
    OpSpec(
        name="ctc_loss",
        doc="-log of the probability that softmax(logits) emits the labels, repeats and blanks "
        "left out; operands: logits [batch, times, classes], labels [batch, labels], both lengths.",
        arity=4,
        attributes=Schema(blank=WHOLE),
        infer=_type,
        lower=ByDecomposition(),
        # the way back through the scan is the backward recursion of the paper
        gradient=ByDecomposition(),
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.COMPOSITE,
        decomposition=_decomposition,
    )
)

"""The loop over the steps of a sequence: a `scan`, or the steps written out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.dtypes import BOOL
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.recurrent.step_losses import StepLosses
from graphc.ops.bodies import describe, flatten, unflatten
from graphc.ops.comparison import not_equal, where
from graphc.ops.creation import zeros_like
from graphc.ops.joining import stack, unstack
from graphc.ops.loops import scan
from graphc.ops.reductions import any as any_of
from graphc.ops.shaping import expand_dims, flip, swapaxes
from graphc.ops.tensor import Tensor

Step = Callable[[Any, Any], tuple[Any, Sequence[Any]]]
"""Takes the inputs of a step and the states; gives the outputs and the new states."""


@dataclass(frozen=True)
class TimeLoop:
    """How a cell goes over a sequence.

    Attributes:
        step: one step of the cell.
        losses: what takes penalties out of the loop.
        reverse: whether the last step is the first; outputs stand in the order of the loop.
        unroll: whether the steps are written out.
        zero_output_for_mask: whether the output of a masked step is zero; it is that of the step
            before by default.
        keep_outputs: whether the outputs of all steps are wanted.
    """

    step: Step
    losses: StepLosses
    reverse: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False
    keep_outputs: bool = False

    def run(self, sequences: Tensor, states: list[Any], mask: Tensor | None) -> tuple[Any, Any]:
        """Go over a sequence.

        Args:
            sequences: [batch, steps, …].
            states: the first states, in any nesting.
            mask: bool[batch, steps] or bool[batch, steps, features]: which steps count; a step
                that does not leaves the states as they were.

        Returns:
            The outputs, [batch, steps, …] or those of the last step; and the last states.
        """
        inputs = swapaxes(sequences, 0, 1)
        counts = None if mask is None else _steps_that_count(mask)
        run = self._written_out if self.unroll else self._scanned
        outputs, after = run(inputs, states, counts)
        return swapaxes(outputs, 0, 1) if self.keep_outputs else outputs, after

    # -- a scan ----------------------------------------------------------------------------------

    def _scanned(self, inputs: Tensor, states: list[Any], counts: Tensor | None) -> Any:
        tree = flatten(states)[1]
        kept_in: list[int] = []

        def advance(before: list[Any], given: Any) -> Any:
            x, is_counted = given
            outputs, leaves = self._stepped(x, before, tree)
            if is_counted is not None:
                other = _zeros_or(outputs, before, self.zero_output_for_mask)
                same = [place for place, leaf in enumerate(leaves) if leaf is outputs]
                leaves = _chosen(is_counted, leaves, flatten(before)[0])
                # An output that is a state stays one node.
                is_state = same and not self.zero_output_for_mask
                is_state = is_state and other is flatten(before)[0][same[0]]
                outputs = leaves[same[0]] if is_state else _either(is_counted, outputs, other)
            kept_in[:] = [place for place, leaf in enumerate(leaves) if leaf is outputs][:1]
            is_kept = self.keep_outputs or not kept_in
            return unflatten(tree, leaves), (outputs if is_kept else None, self.losses.take())

        last, stacked = scan(advance, states, (inputs, counts), reverse=self.reverse)
        outputs, losses = stacked
        self.losses.give(losses)
        if self.keep_outputs:
            return (flip(outputs, 0) if self.reverse else outputs), last
        if kept_in:
            return flatten(last)[0][kept_in[0]], last
        return outputs[0 if self.reverse else -1], last

    # -- written out -----------------------------------------------------------------------------

    def _written_out(self, inputs: Tensor, states: list[Any], counts: Tensor | None) -> Any:
        number = inputs.shape[0]
        if not isinstance(number, int) or not number:
            raise ShapeError(
                "steps can be written out only when their number is known",
                given=f"{number} steps" if isinstance(number, int) else "an unknown number",
                expected="unroll=True with a sequence of at least one step",
                fix="unroll=False, or give the placeholder the number of steps",
                origin=capture_origin(),
            )
        tree = flatten(states)[1]
        slices: Iterable[Any] = zip(
            unstack(inputs), unstack(counts) if counts is not None else [None] * number, strict=True
        )
        made: list[Any] = []
        for x, is_counted in reversed(list(slices)) if self.reverse else slices:
            outputs, leaves = self._stepped(x, states, tree)
            if is_counted is not None:
                # As in Keras: zeros before the first step that counts, whatever the states are.
                other = made[-1] if made else zeros_like(outputs)
                outputs = _either(is_counted, outputs, other)
                leaves = _chosen(is_counted, leaves, flatten(states)[0])
            states = unflatten(tree, leaves)
            made.append(outputs)
        return (stack(made) if self.keep_outputs else made[-1]), states

    def _stepped(self, inputs: Any, states: Any, tree: Any) -> tuple[Any, list[Any]]:
        """The outputs of a step and the leaves of its new states."""
        outputs, after = self.step(inputs, states)
        leaves, found = flatten(list(after))
        if len(leaves) != tree.num_leaves:
            raise GraphcError(
                "a cell gives as many states as it takes",
                given=describe(found),
                expected=describe(tree),
                origin=capture_origin(),
            )
        return outputs, leaves


# -- masks -----------------------------------------------------------------------------------------


def _steps_that_count(mask: Tensor) -> Tensor:
    """bool[steps, batch] from a mask with or without features."""
    counts = mask if mask.dtype is BOOL else not_equal(mask, 0)
    if counts.ndim == 3:
        counts = any_of(counts, axis=-1)
    if counts.ndim != 2:
        raise ShapeError(
            "a mask of a sequence says for each step whether it counts",
            given=mask.value.type,
            expected="bool[batch, steps]",
            origin=capture_origin(),
        )
    return swapaxes(counts, 0, 1)


def _either(counts: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Each sample's new value where its step counts, else its old one."""
    if new.ndim != old.ndim:
        raise _no_output_before(new, old)
    return where(
        expand_dims(counts, list(range(1, new.ndim))) if new.ndim > 1 else counts, new, old
    )


def _chosen(counts: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> list[Tensor]:
    return [_either(counts, a, b) for a, b in zip(new, old, strict=True)]


def _zeros_or(outputs: Tensor, states: Sequence[Any], is_zero: bool) -> Tensor:
    """What a masked step gives: zeros, or the first state of the last cell, as in Keras."""
    if is_zero:
        return zeros_like(outputs)
    first = states[0]
    return states[-1][0] if isinstance(first, (list, tuple)) else first


def _no_output_before(outputs: Tensor, state: Tensor) -> ShapeError:
    return ShapeError(
        "a masked step gives the first state in place of an output, and that has another shape",
        given=f"outputs {outputs.value.type}, first state {state.value.type}",
        fix="zero_output_for_mask=True, or a cell whose first state is its output",
        origin=capture_origin(),
    )

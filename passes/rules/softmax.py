"""Stable forms of what is summed over exponentials: softmax, log_softmax, log_sum_exp.

Softmax does not change when a number is subtracted from a whole row, and log_sum_exp changes by
that number; the maximum is what people subtract. Rows are whatever the reduction runs over; what a
row is reduced to comes back by a broadcast over the reduced axes.

The numbers are those of finite rows. A row that holds plus infinity has no softmax (NaN in every
place), while `exp(x) / sum(exp(x))` is NaN in that place alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from graphc.dtypes import F32, DType
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import RuleCollector
from graphc.rewriting.terms import Operation, Term, attribute, op, variables
from passes.refusals import for_floats

_rules = RuleCollector("softmax")
_x, _m, _ct, _y, _n = variables("x", "m", "ct", "y", "n")
_AXES: Final = attribute("axes")
_AXIS: Final = attribute("axis")

_floats = for_floats("logarithms of complex numbers have branches")


def _over_rows(term: Term) -> Operation:
    """A row's number at each of its positions."""
    return op.broadcast_in_dim(term, broadcast_dimensions=attribute("kept")).named("repeated")


def _is_over_rows(match: Match, axes: Sequence[int]) -> bool:
    """Whether the broadcast that was matched runs over the reduced axes and nothing else."""
    rank = match["x"].type.rank
    kept = tuple(axis for axis in range(rank) if axis not in axes)
    return match.attribute("kept") == kept and match["repeated"].type.rank == rank


_OTHER_AXES: Final = "what is subtracted or divided by is not of the rows that are summed"


def _one_axis_over_rows(match: Match) -> str | None:
    axes = match.attribute("axes")
    if len(axes) != 1:
        return "softmax runs along one axis"
    return _over_summed_rows(match)


def _over_summed_rows(match: Match) -> str | None:
    if not _is_over_rows(match, match.attribute("axes")):
        return _OTHER_AXES
    return _floats(match)


# --- softmax --------------------------------------------------------------------------------------

_exp: Final = op.exponential(_x)
_sum_of_exp: Final = op.reduce_sum(_exp, axes=_AXES)


def _is_wide(dtype: DType) -> bool:
    return dtype.is_floating and dtype.itemsize >= F32.itemsize


_wide_sum_of_exp: Final = op.convert(
    op.reduce_sum(op.convert(_exp, dtype=attribute("wide", _is_wide)), axes=_AXES)
)
"""Of 16-bit floats: JAX sums them as float32."""


def _only_axis(match: Match) -> Any:
    return match.attribute("axes")[0]


_rules.add(
    "exponential_over_sum",
    "e^x / sum(e^x) is softmax(x).",
    (
        _exp / _over_rows(_sum_of_exp),
        _exp / _over_rows(_wide_sum_of_exp),
        _exp * _over_rows(1 / _sum_of_exp),
    ),
    op.softmax(_x, axis=_only_axis),
    "stabilises",
    _one_axis_over_rows,
)


def _maximum(match: Match) -> tuple[Value, Sequence[int]] | None:
    """The tensor whose maximum over some axes `m` is, and the axes."""
    node = match["m"].node
    if node.op.name == "stop_gradient":
        node = match.operands(match["m"])[0].node
    if node.op.name != "reduce_max":
        return None
    return match.editor.operands(node)[0], node.attributes["axes"]


def _subtracts_maximum(match: Match) -> str | None:
    found = _maximum(match)
    if found is None or found[0] is not match["x"]:
        return "what is subtracted is not the maximum of x"
    if match.attribute("axis") not in found[1] or not _is_over_rows(match, found[1]):
        return _OTHER_AXES
    return None


for _name in ("softmax", "log_softmax"):
    _rules.add(
        f"{_name}_of_shifted",
        f"{_name}(x - max(x)) is {_name}(x).",
        (op(_name, _x - _over_rows(_m), axis=_AXIS),),
        op(_name, _x, axis=_AXIS),
        "reassociates",
        _subtracts_maximum,
    )

_rules.add(
    "exponential_of_log_softmax",
    "e^log_softmax(x) is softmax(x).",
    (op.exponential(op.log_softmax(_x, axis=_AXIS).used_once()),),
    op.softmax(_x, axis=_AXIS),
    "reassociates",
)

# --- gradients of softmax -------------------------------------------------------------------------
#
# `w * (ct - sum(w * ct))` for the weights w = softmax(x), which are there anyway: JAX writes the
# gradient of a quotient, from the exponentials and their sum.


def _in_rows(term: Term) -> Operation:
    """A row's number at each of its positions, beside another such that is `_over_rows`."""
    return op.broadcast_in_dim(term, broadcast_dimensions=attribute("kept"))


def _summed(term: Term) -> Operation:
    return op.reduce_sum(term, axes=_AXES)


_weights: Final = op.softmax(_x, axis=_AXIS)


def _weights_of_rows(match: Match) -> str | None:
    if tuple(match.attribute("axes")) != (match.attribute("axis"),):
        return _OTHER_AXES
    return _over_summed_rows(match)


def _gradient(build: Builder, weights: Value, ct: Value, axis: int) -> Value:
    """The cotangent of a softmax's operand."""
    weighted = build.reduce_sum(build.multiply(weights, ct), axes=(axis,))
    kept = [each for each in range(ct.type.rank) if each != axis]
    rows = build.broadcast_in_dim(weighted, shape=ct.type.shape, broadcast_dimensions=kept)
    return build.multiply(weights, build.subtract(ct, rows))


def _gradient_of_quotient(total: Term) -> Operation:
    of_total = _summed(_ct * _in_rows(1 / (total * total)) * _exp)
    return (_ct / _over_rows(total) - _in_rows(of_total)) * _exp


@_rules.rewrite(
    "stabilises",
    _gradient_of_quotient(_sum_of_exp),
    _gradient_of_quotient(_wide_sum_of_exp),
    check=_one_axis_over_rows,
)
def gradient_of_exponential_over_sum(match: Match) -> Value:
    """The gradient of e^x / sum(e^x) is that of softmax(x)."""
    axis = _only_axis(match)
    return _gradient(match.build, match.build.softmax(match["x"], axis=axis), match["ct"], axis)


@_rules.rewrite(
    "reassociates",
    _ct * _weights - _over_rows(_summed(_ct * _weights)) * _weights,
    check=_weights_of_rows,
)
def gradient_of_softmax_as_difference(match: Match) -> Value:
    """Ct * w - sum(ct * w) * w is w * (ct - sum(w * ct)), for weights w that are a softmax."""
    axis: int = match.attribute("axis")
    return _gradient(match.build, match.build.softmax(match["x"], axis=axis), match["ct"], axis)


def _gradient_of_weights(over_rows: Callable[[Term], Operation]) -> Operation:
    return _weights * (_ct - over_rows(_summed(_weights * _ct)))


_again: Final = _gradient_of_weights(_in_rows)


@_rules.rewrite(
    "stabilises",
    _gradient_of_weights(_over_rows).named("gradient") + _in_rows(_summed(-_again) / _n) * _y,
    _gradient_of_weights(_over_rows).named("gradient") + _in_rows(-_summed(_again) / _n) * _y,
    check=_weights_of_rows,
)
def gradient_of_subtracted_maximum(match: Match) -> Value:
    """The gradient of a softmax sums to 0 over each row: nothing is left for what is subtracted."""
    return match["gradient"]


# --- log_softmax ----------------------------------------------------------------------------------

_rules.add(
    "log_of_softmax",
    "log(softmax(x)) is log_softmax(x).",
    (op.log(op.softmax(_x, axis=_AXIS)),),
    op.log_softmax(_x, axis=_AXIS),
    "stabilises",
)
_log_sum_exp: Final = op.log_sum_exp(_x, axes=_AXES)
_rules.add(
    "argument_minus_log_sum_exp",
    "x - log_sum_exp(x) is log_softmax(x).",
    (_x - _over_rows(_log_sum_exp), _x + _over_rows(-_log_sum_exp), _x + -_over_rows(_log_sum_exp)),
    op.log_softmax(_x, axis=_only_axis),
    "stabilises",
    _one_axis_over_rows,
)

# --- log_sum_exp ----------------------------------------------------------------------------------

_rules.add(
    "log_of_sum_of_exponentials",
    "log(sum(e^x)) is log_sum_exp(x).",
    (op.log(_sum_of_exp),),
    _log_sum_exp,
    "stabilises",
    _floats,
)


def _adds_what_was_subtracted(match: Match) -> str | None:
    found = _maximum(match)
    if found is None or found[0] is not match["x"]:
        return "what is subtracted is not the maximum of x"
    if tuple(found[1]) != match.attribute("axes") or not _is_over_rows(match, found[1]):
        return _OTHER_AXES
    return None


_rules.add(
    "log_sum_exp_of_shifted",
    "log_sum_exp(x - max(x)) + max(x) is log_sum_exp(x).",
    (op.log_sum_exp(_x - _over_rows(_m), axes=_AXES) + _m,),
    _log_sum_exp,
    "reassociates",
    _adds_what_was_subtracted,
)

SOFTMAX = _rules.rule_set()

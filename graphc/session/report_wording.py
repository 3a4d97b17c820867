"""What a compile report says in sentences: loops of layers, stacked variables, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_ROLLING: Final = "layer_rolling.roll: "
_SHOWN: Final = 3
_MOST_REASONS: Final = 8


def describe_rolling(
    loops: Sequence[Mapping[str, Any]], packs: Sequence[Sequence[str]]
) -> Iterator[str]:
    """The loops of repeated layers, and the variables that are kept stacked for them.

    Args:
        loops: what the pass that rolls says of each.
        packs: the names of packs of variables, by graph.
    """
    for loop in loops:
        yield _describe_loop(loop)
    for names in packs:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"kept stacked between runs, a row per layer: {', '.join(names[:_SHOWN])}{more}"


def _describe_loop(loop: Mapping[str, Any]) -> str:
    period = loop["period"]
    of_layers = f" of {period} layers each (period {period})" if period > 1 else ""
    line = f" ({loop['line']})" if loop.get("line") else ""
    return (
        f"loop {loop['name'] or 'without a name'}{line}: "
        f"{loop['iterations']} iterations{of_layers}, "
        f"{loop['body nodes']} nodes instead of {loop['nodes before']}; "
        f"from one to the next {_values(loop['carried'])}, "
        f"different in each and stacked {_values(loop['scanned'])}, "
        f"the same in all {_values(loop['invariant'])}, "
        f"kept of each {_values(loop['stacked results'])}"
    )


def _values(count: int) -> str:
    return f"{count} value{'' if count == 1 else 's'}"


def describe_refusals(refused: Mapping[str, int]) -> Iterator[str]:
    """Why rules were not applied; first, what is in no loop of layers, and why.

    Args:
        refused: "pass.rule: reason" to how often.
    """
    reasons = [each.removeprefix(_ROLLING) for each in refused if each.startswith(_ROLLING)]
    if reasons:
        yield "in no loop of layers:"
        yield from (f"- {reason}" for reason in reasons[:_MOST_REASONS])
        if len(reasons) > _MOST_REASONS:
            yield f"- and {len(reasons) - _MOST_REASONS} more, in report.refused"
    for each, count in refused.items():
        if not each.startswith(_ROLLING):
            yield f"refused {each}{f' ×{count}' if count > 1 else ''}"

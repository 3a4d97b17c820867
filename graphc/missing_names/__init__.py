"""What people look for in graphc or in one of its modules, and where it is."""

from __future__ import annotations

import sys
from typing import Any, Final

from graphc.errors import did_you_mean
from graphc.missing_names.tensorflow_names import PLACES, SENTENCES

_HOLDERS: Final = ("ops", "nn", "random", "layers", "utils", "optimizers", "models", "callbacks")


def missing_name(module: Any, name: str) -> AttributeError:
    """The error for a name that a module does not have; says where the thing is, if anywhere."""
    full = module.__name__
    if name.startswith("__"):  # what Python and its tools ask for
        return AttributeError(f"module {full!r} has no attribute {name!r}")
    own = full.partition(".")[2]
    return AttributeError(
        f"module {full!r} has no attribute {name!r}; {_hint(module, own, name)}",
        name=name,
        obj=module,
    )


def _hint(module: Any, own: str, name: str) -> str:
    # what belongs to another module is found there, too: nn.conv2d is looked for in ops
    for table in (own, "", *PLACES):
        place = PLACES.get(table, {}).get(name)
        if place is not None:
            return f"it is graphc.{place}"
    if name in SENTENCES:
        return SENTENCES[name]
    whole = sys.modules["graphc"]
    if not name.startswith("_"):
        for each in _HOLDERS:
            if each != own and name in dir(getattr(whole, each, None)):
                return f"it is graphc.{each}.{name}"
        if own and name in dir(whole):
            return f"it is graphc.{name}"
    return did_you_mean(name, getattr(module, "__all__", None) or _public(module))


def _public(module: Any) -> list[str]:
    return [name for name in dir(module) if not name.startswith("_")]

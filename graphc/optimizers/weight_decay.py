"""Which variables decay."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphc.ops.variable import Variable


class Exclusions:
    """Variables that are left out, listed or by what is found in their names.

    Args:
        variables: these.
        patterns: regular expressions.
    """

    def __init__(
        self, variables: Iterable[Variable] | None = None, patterns: Iterable[str] | None = None
    ) -> None:
        self._listed = set(variables or ())
        names = sorted(set(patterns or ()))
        self._names = re.compile("|".join(names)) if names else None

    def __contains__(self, variable: Variable) -> bool:
        in_names = self._names is not None and self._names.search(variable.name) is not None
        return in_names or variable in self._listed

"""What a pass is, as text: its class, its options, its rules, and the code of those.

Caches of compiled programs are keyed by it, so two passes that could give different graphs must
differ here. A function counts with its byte code: editing a rule's check is editing the pass.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from types import CellType, CodeType, MethodType
from typing import Any, cast

import numpy as np


def fingerprint(value: object) -> str:
    """A text that is equal for equal passes, options and rules, in every process."""
    return _text(value, ())


_Callers = tuple[object, ...]


def _text(value: object, callers: _Callers) -> str:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    if isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, (tuple, list)):
        items = cast("Sequence[object]", value)
        return f"({', '.join(_text(item, callers) for item in items)})"
    if isinstance(value, (set, frozenset)):
        members = cast("AbstractSet[object]", value)
        return f"{{{', '.join(sorted(_text(item, callers) for item in members))}}}"
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        texts = sorted(f"{_text(k, callers)}: {_text(v, callers)}" for k, v in pairs.items())
        return f"{{{', '.join(texts)}}}"
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[Any, Any]", value)
        digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        return f"{array.dtype}{array.shape} {digest}"
    if isinstance(value, type):
        return _qualified_name(value)
    if dataclasses.is_dataclass(value):
        fields = [
            f"{field.name}={_text(getattr(value, field.name), callers)}"
            for field in dataclasses.fields(value)
        ]
        return f"{_qualified_name(type(value))}({', '.join(fields)})"
    if callable(value):
        return _function(value, callers)
    if type(value).__repr__ is object.__repr__:  # it would show an address
        return _qualified_name(type(value))
    return repr(value)


def _qualified_name(value: Any) -> str:
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{getattr(value, '__module__', '?')}.{name}"


def _function(function: Callable[..., Any], callers: _Callers) -> str:
    name = _qualified_name(function)
    if any(function is caller for caller in callers):  # it refers to itself
        return name
    callers = (*callers, function)
    if isinstance(function, partial):
        bound = _text((function.func, function.args, function.keywords), callers)
        return f"partial {bound}"
    if isinstance(function, MethodType):
        return f"{_function(function.__func__, callers)} of {_text(function.__self__, callers)}"
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return name
    cells: tuple[CellType, ...] = getattr(function, "__closure__", None) or ()
    closed = ", ".join(_text(_content(cell), callers) for cell in cells)
    defaults = _text(getattr(function, "__defaults__", None), callers)
    digest = hashlib.sha256(_code_bytes(code)).hexdigest()[:16]
    return f"{name} {digest} {defaults} ({closed})"


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _code_bytes(code: CodeType) -> bytes:
    constants = [
        _code_bytes(item).hex() if isinstance(item, CodeType) else _text(item, ())
        for item in code.co_consts
    ]
    return code.co_code + "\0".join([*constants, *code.co_names]).encode()

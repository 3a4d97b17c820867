"""Classes and functions of users that files may name: handed over for a while, or registered.

Nothing is found by module paths: a name in a file means what is here, or nothing.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin

T = TypeVar("T")

_registered: Final[dict[str, Any]] = {}
_names: Final[dict[Any, str]] = {}
_scopes: ContextVar[tuple[Mapping[str, Any], ...]] = ContextVar("custom_objects", default=())
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted_objects", default=None)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """A decorator: files may name this class or function, which is found without being given.

    Args:
        package: of the thing; in files it is written before its name: "Custom>Linear".
        name: of the thing; its own by default.

    Raises:
        GraphcError: it is a class without `get_config()`.
    """

    def register(thing: T) -> T:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise GraphcError(
                f"the class {thing.__name__!r} cannot be written into a file",
                expected="a get_config() that gives the arguments of its constructor",
                origin=capture_origin(),
            )
        own: str = name or getattr(thing, "__name__", type(thing).__name__)
        full = f"{package}>{own}"
        _registered[full] = thing
        _names[thing] = full
        return thing

    return register


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Files may name these classes and functions inside the block.

    Args:
        custom_objects: classes and functions by name.
    """
    token = _scopes.set((custom_objects, *_scopes.get()))
    try:
        yield
    finally:
        _scopes.reset(token)


def get_registered_name(obj: Any) -> str:
    """What a class or function is called in files: "package>name" if it is registered."""
    meant = getattr(obj, "stands_for", obj)  # a subclass of Model that is functional as well
    return _names.get(meant, getattr(meant, "__name__", str(meant)))


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The user's class or function of this name: handed over, in a scope around, or registered.

    Args:
        name: as files hold it; that of a registered thing may stand without its package.
        custom_objects: what was handed over, if anything.
        module_objects: what is asked last.

    Returns:
        None where there is none.
    """
    short = name.rpartition(">")[2]
    for mapping in (custom_objects or {}, *_scopes.get(), _registered):
        for key in (name, short):
            if key in mapping:
                return mapping[key]
    found = [thing for full, thing in _registered.items() if full.rpartition(">")[2] == name]
    return found[0] if len(found) == 1 else (module_objects or {}).get(name)


def get_custom_objects() -> dict[str, Any]:
    """All that are registered, by name; a name that is added here is found from then on."""
    return _registered


def note_object(name: str, thing: Any) -> None:
    """Tell the innermost `noted_objects` block that data name a class or function."""
    noted = _noted.get()
    if noted is not None:
        noted[name] = thing


@contextlib.contextmanager
def noted_objects() -> Iterator[dict[str, Any]]:
    """Gathers what `serialize` names inside the block: enough to make the same again."""
    found: dict[str, Any] = {}
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)

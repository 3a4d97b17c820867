"""Objects that the arguments of their constructor describe: by name, as plain data, and back.

Layers, initializers, regularizers, losses, … are named by strings ("adam", "l2"), written into
model files and made again from them. Nothing else than a class of a registry, or one that the
caller hands over, is ever made from data: no module is imported, no code is run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

import numpy as np

from graphc.custom_objects import get_registered_name, get_registered_object, note_object
from graphc.dtypes import DType
from graphc.errors import GraphcError, ModelFileError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.naming import snake_case

C = TypeVar("C", bound="Configurable")

REGISTRIES: Final[dict[str, Registry]] = {}
"""By kind: "layers", "initializers", …, as Keras names the modules."""


class Registry:
    """What strings of one kind mean.

    Args:
        kind: "layers", "losses", …

    Attributes:
        by_name: classes and functions under every name they have.
        shown_names: of a function, the name that it is written under.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.by_name: dict[str, Any] = {}
        self.shown_names: dict[Any, str] = {}
        REGISTRIES[kind] = self

    def add(self, thing: Any, *names: str) -> None:
        """Let names mean a class or a function; it is written under the first."""
        for name in names:
            self.by_name[name] = thing
        self.shown_names.setdefault(thing, names[0])

    def find(self, name: str) -> Any:
        """The class or function of this name.

        Raises:
            GraphcError: there is none.
        """
        found = self.by_name.get(name)
        if found is None:
            raise GraphcError(
                f"there is no {self.singular} {name!r}",
                fix=did_you_mean(name, self.by_name),
                origin=capture_origin(),
            )
        return found

    def makeable(self, identifier: str | type) -> Any:
        """The function of this name, or the class, which can be made without arguments.

        Raises:
            GraphcError: there is none, or it needs arguments.
        """
        found = self.find(identifier) if isinstance(identifier, str) else identifier
        needed = _needed_arguments(found) if isinstance(found, type) else []
        if needed:
            given = ", ".join(f"{name}=…" for name in needed)
            raise GraphcError(
                f"the {self.singular} {found.__name__!r} needs {' and '.join(needed)}",
                given=repr(identifier),
                expected="an object made with them",
                fix=f"graphc.{self.kind}.{found.__name__}({given})",
                origin=capture_origin(),
            )
        return found

    @property
    def singular(self) -> str:
        """What one of the kind is called."""
        return {"losses": "loss"}.get(self.kind, self.kind.removesuffix("s").replace("_", " "))

    def get(self, identifier: Any) -> Any:
        """What an identifier means, as Keras's `get` functions take it.

        Args:
            identifier: a name, data that `serialize` made, a class, an object, a function, or
                None, which stays None.

        Raises:
            GraphcError: it means nothing of this kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        found = self.makeable(identifier) if isinstance(identifier, (str, type)) else identifier
        if isinstance(found, type):
            found = found()
        if not (callable(found) or isinstance(found, Configurable)):
            raise GraphcError(
                f"this is no {self.singular}",
                given=repr(found)[:200],
                expected=f"a name such as {next(iter(self.by_name), None)!r}, an object, "
                "or a function",
                origin=capture_origin(),
            )
        return found

    def deserialize(
        self, config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None
    ) -> Any:
        """What a name means or data describes, as Keras's `deserialize` functions take it.

        Args:
            config: a name, or what `serialize` gave, Keras's own form of functions included.
            custom_objects: further classes and functions by name.

        Raises:
            GraphcError: there is none of that name, or none that is so described.
        """
        if _is_function(config):
            if config.get("is_own"):
                return _function_of(config, custom_objects)
            config = config["config"]
        if isinstance(config, str):
            own = get_registered_object(config, custom_objects)
            return self.find(config) if own is None else own
        return deserialize(config, self.kind, custom_objects)


def _needed_arguments(made: type) -> list[str]:
    """The arguments of a constructor that have no defaults."""
    parameters = list(inspect.signature(made.__init__).parameters.values())[1:]
    varying = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return [p.name for p in parameters if p.default is p.empty and p.kind not in varying]


class Configurable:
    """What its class and the arguments of its constructor describe in full.

    A subclass names a `kind` to begin a registry, and further `names` beside its own: the class's
    name, and the same in small letters. Only graphc's own classes are put into registries.
    """

    registry: ClassVar[Registry]
    _given: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(
        cls, kind: str | None = None, names: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if kind is not None:
            cls.registry = Registry(kind)
        elif cls.__module__.partition(".")[0] == "graphc" and not cls.__name__.startswith("_"):
            cls.registry.add(cls, cls.__name__, snake_case(cls.__name__), *names)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._given = args, kwargs
        return made

    def __init__(self) -> None:
        """Takes nothing; without this a subclass would take anything, and say nothing."""

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, defaults included, as plain data.

        Raises:
            GraphcError: an argument cannot be written, such as a function without a name.
        """
        args, kwargs = self._given
        # not that of the class, which may be `__new__`'s
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        config: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                config |= {key: serialize(item) for key, item in value.items()}
            elif kind is not inspect.Parameter.VAR_POSITIONAL:
                config[name] = serialize(value)
        return config

    @classmethod
    def from_config(cls: type[C], config: Mapping[str, Any]) -> C:
        """One made with these arguments, as `get_config` gave them."""
        return cls(**{name: deserialize(value) for name, value in config.items()})


def serialize(thing: Any) -> Any:
    """An argument as plain data: numbers, strings, lists and dictionaries.

    Raises:
        GraphcError: it cannot be written.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, Configurable):
        name = get_registered_name(type(thing))
        described = {"class_name": name, "config": thing.get_config()}
        note_object(name, type(thing))
        return {"kind": type(thing).registry.kind, **described}
    if isinstance(thing, DType):
        return str(thing)
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, np.ndarray):
        return {"array": thing.tolist(), "dtype": str(thing.dtype)}
    if isinstance(thing, Mapping):
        return {str(key): serialize(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [serialize(item) for item in thing]
    for registry in REGISTRIES.values():
        try:
            name = registry.shown_names.get(thing)
        except TypeError:  # not hashable
            break
        if name is not None:
            return name if not isinstance(thing, type) else {"class": name, "kind": registry.kind}
    if inspect.isfunction(thing) and thing.__name__ != "<lambda>":
        name = get_registered_name(thing)
        note_object(name, thing)
        described = {"class_name": "function", "config": name}
        # Without the mark a file would be read with another function of the same name.
        is_taken = any(name in registry.by_name for registry in REGISTRIES.values())
        return described | ({"is_own": True} if is_taken else {})
    raise GraphcError(
        "this cannot be written into a file",
        given=repr(thing)[:200],
        expected="plain data, objects of graphc, or functions that have a name",
        fix="write a named function (def), or a subclass with get_config(), and hand it over when "
        "loading",
        origin=capture_origin(),
    )


def deserialize(
    data: Any,
    kind: str | None = None,
    custom_objects: Mapping[str, Callable[..., Any]] | None = None,
) -> Any:
    """What `serialize` described; plain data stays what it is.

    Args:
        data: what `serialize` gave, or Keras's own form with a "module".
        kind: what is expected, if anything.
        custom_objects: further classes by name.

    Raises:
        ModelFileError: it describes nothing that can be made.
    """
    if isinstance(data, list):
        return [deserialize(item, None, custom_objects) for item in data]
    if isinstance(data, Configurable) or not isinstance(data, Mapping):
        return data
    if set(data) == {"array", "dtype"}:
        return np.asarray(data["array"], data["dtype"])
    if "class" in data and set(data) == {"class", "kind"}:
        return _registry_of(data, kind).find(data["class"])
    if _is_function(data):
        return _function_of(data, custom_objects)
    if "class_name" not in data:
        return {key: deserialize(value, None, custom_objects) for key, value in data.items()}
    name, config = data["class_name"], data.get("config")
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise ModelFileError(
            "this describes no object",
            given=repr(data)[:200],
            expected='{"class_name": "…", "config": {…}}',
            origin=capture_origin(),
        )
    given = get_registered_object(name, custom_objects)
    if given is None:
        registry = _registry_of(data, kind)
        given = registry.by_name.get(name)
        if not (isinstance(given, type) and issubclass(given, Configurable)):
            raise ModelFileError(
                f"there is no {registry.singular} {name!r}",
                fix=f"{did_you_mean(name, registry.by_name)} Give your own classes in "
                f'custom_objects={{"{name}": …}}',
                origin=capture_origin(),
            )
    try:
        made = {key: deserialize(value, None, custom_objects) for key, value in config.items()}
        return given(**made) if not hasattr(given, "from_config") else given.from_config(made)
    except ModelFileError:
        raise  # it tells of what is inside
    except (TypeError, ValueError) as problem:
        raise ModelFileError(
            f"the description of {name!r} does not fit",
            given=repr(dict(config))[:200],
            fix=str(problem).splitlines()[0],
            origin=capture_origin(),
        ) from problem


def _is_function(data: Any) -> bool:
    if not isinstance(data, Mapping) or data.get("class_name") != "function":
        return False
    return isinstance(data.get("config"), str)


def _function_of(
    data: Mapping[str, Any], custom_objects: Mapping[str, Callable[..., Any]] | None
) -> Any:
    name = data["config"]
    found = get_registered_object(name, custom_objects)
    if found is None and not data.get("is_own"):
        named = [r.by_name[name] for r in REGISTRIES.values() if name in r.by_name]
        found = named[0] if named and not isinstance(named[0], type) else None
    if not callable(found):
        raise ModelFileError(
            f"there is no function {name!r}",
            fix=f'give your own functions in custom_objects={{"{name}": …}}',
            origin=capture_origin(),
        )
    return found


def _registry_of(data: Mapping[str, Any], kind: str | None) -> Registry:
    named = str(data.get("kind") or str(data.get("module", "")).rpartition(".")[2] or kind)
    found = REGISTRIES.get(named)
    if found is None and named == "keras":  # what stands in no module of its own there
        holding = [r for r in REGISTRIES.values() if data.get("class_name") in r.by_name]
        found = holding[0] if holding else None
    if found is None:
        raise ModelFileError(
            f"there are no {named!r}",
            fix=did_you_mean(named, REGISTRIES),
            origin=capture_origin(),
        )
    return found

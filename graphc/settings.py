"""Process-wide settings, each with an environment variable and a context manager.

`settings.floatx.get()` reads, `.set(value)` changes the process, and
`with settings.override(floatx="float64"):` changes it for this thread and block only.

| setting | environment variable | default | meaning |
|---|---|---|---|
| floatx | GRAPHC_FLOATX | float32 | the float that Python numbers and layers take |
| epsilon | GRAPHC_EPSILON | 1e-7 | the fuzz factor of `K.epsilon()` |
| image_data_format | GRAPHC_IMAGE_DATA_FORMAT | channels_last | layout of image layers |
| dtype_policy | GRAPHC_DTYPE_POLICY | none | element types of layers; `floatx` if none |
| verify_passes | GRAPHC_VERIFY_PASSES | stage | the verifier runs after each pass, stage or never |
| fold_bytes | GRAPHC_FOLD_BYTES | 65536 | the largest constant that folding may make |
| cache_dir | GRAPHC_CACHE_DIR | none | the folder that keeps compiled programs, if any |
| rewrite_cap | GRAPHC_REWRITE_CAP | 64 | rewrites per node after which a rule set is looping |
| kept_sizes | GRAPHC_KEPT_SIZES | 256 | sizes that a program stays compiled for; 0: all |
| check_numerics | GRAPHC_CHECK_NUMERICS | false | runs find the first node that makes a NaN |
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
_UNSET: Final = object()


class Setting(Generic[T]):
    """One setting: a process value and a value per context that shadows it."""

    def __init__(self, name: str, default: T, parse: Callable[[Any], T]) -> None:
        self.name = name
        self._parse = parse
        self._value: T = parse(os.environ.get(f"GRAPHC_{name.upper()}", default))
        self._override: ContextVar[Any] = ContextVar(f"graphc.{name}", default=_UNSET)

    def get(self) -> T:
        override = self._override.get()
        return self._value if override is _UNSET else override

    def set(self, value: object) -> None:
        """Change it for the process; a value it does not take raises `ValueError`."""
        self._value = self._parse(value)

    @contextlib.contextmanager
    def as_(self, value: object) -> Iterator[None]:
        token = self._override.set(self._parse(value))
        try:
            yield
        finally:
            self._override.reset(token)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"given {value!r}, expected one of {', '.join(choices)}")
        return str(value)

    return parse


def _positive_float(value: Any) -> float:
    number = float(value)
    if not number > 0:
        raise ValueError(f"given {value!r}, expected a number above 0")
    return number


def _truth(value: Any) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False, "": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError(f"given {value!r}, expected true or false")
    return found


def _size(value: Any) -> int:
    number = int(value)
    if number < 0:
        raise ValueError(f"given {value!r}, expected a whole number of at least 0")
    return number


floatx: Final = Setting("floatx", "float32", _one_of("bfloat16", "float16", "float32", "float64"))
epsilon: Final = Setting("epsilon", 1e-7, _positive_float)
image_data_format: Final = Setting(
    "image_data_format", "channels_last", _one_of("channels_last", "channels_first")
)
dtype_policy: Final = Setting("dtype_policy", "", str)
verify_passes: Final = Setting("verify_passes", "stage", _one_of("pass", "stage", "never"))
fold_bytes: Final = Setting("fold_bytes", 65536, _size)
rewrite_cap: Final = Setting("rewrite_cap", 64, _size)
cache_dir: Final = Setting("cache_dir", "", str)
kept_sizes: Final = Setting("kept_sizes", 256, _size)
check_numerics: Final = Setting("check_numerics", False, _truth)

ALL: Final[dict[str, Setting[Any]]] = {
    setting.name: setting
    for setting in (
        floatx,
        epsilon,
        image_data_format,
        dtype_policy,
        verify_passes,
        fold_bytes,
        rewrite_cap,
        cache_dir,
        kept_sizes,
        check_numerics,
    )
}


@contextlib.contextmanager
def override(**values: object) -> Iterator[None]:
    """Change settings for this thread and block: `with override(floatx="float64"): ...`."""
    unknown = sorted(set(values) - set(ALL))
    if unknown:
        raise ValueError(f"unknown settings {unknown}; there are {', '.join(ALL)}")
    with contextlib.ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(ALL[name].as_(value))
        yield

"""Python's cyclic garbage collector, held back while passes make many nodes at once.

Values and nodes refer to each other, so every collection walks all of them; building 10,000 nodes
sets off several. Nothing is leaked: what became garbage is collected afterwards.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Generator

_LOCK = threading.Lock()
_paused = 0
_was_enabled = False


@contextlib.contextmanager
def paused_collection() -> Generator[None]:
    """No cyclic garbage collection inside the block; blocks may nest and overlap in threads."""
    global _paused, _was_enabled
    with _LOCK:
        if _paused == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _LOCK:
            _paused -= 1
            if _paused == 0 and _was_enabled:
                gc.enable()

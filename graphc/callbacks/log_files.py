"""Files that callbacks add to while a model is trained, and what is said when the disk refuses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin


@contextlib.contextmanager
def written_by(callback: object, path: str | os.PathLike[str]) -> Iterator[None]:
    """Have what the disk refuses inside the block told of, with the callback and the file.

    The training ends there; the model keeps what it has learned.

    Raises:
        GraphcError: the file cannot be made or written.
    """
    try:
        yield
    except OSError as problem:
        name = type(callback).__name__
        raise GraphcError(
            f"{name} cannot write its file: {problem.strerror or problem}",
            given=os.fspath(path),
            expected="a folder that may be written, with room",
            fix="make room, choose another place or leave the callback out. Nothing is lost: the "
            "model and its optimizer are as after their last step, so save it, or go on with "
            "fit(..., initial_epoch=...)",
            origin=capture_origin(),
        ) from problem

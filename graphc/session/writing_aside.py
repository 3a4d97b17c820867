"""Files that are written whole or not at all: aside, flushed to the disk, then renamed.

A crash at any byte leaves the previous file as it was.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin


def write_aside(
    path: str | os.PathLike[str], content: bytes, what: str, error: type[GraphcError]
) -> None:
    """Put content into a file in place of what is there.

    Args:
        path: of the file.
        content: all of it.
        what: what the file is called in errors.
        error: what is raised.

    Raises:
        GraphcError: (`error`) the disk refused; what was there before is still there.
    """
    target = Path(path)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as problem:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise error(
            f"the {what} could not be written: {problem.strerror}",
            given=str(target),
            fix="make room or choose another place; the previous file is untouched",
            origin=capture_origin(),
        ) from problem

"""A file of a few members: a zip archive without compression, read with limits.

Members are looked up by name and read into memory: nothing is ever unpacked to a path.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from graphc.errors import ModelFileError
from graphc.ir.origin import capture_origin
from graphc.session.writing_aside import write_aside

_TEXT_LIMIT: Final = 64 << 20
"""Bytes of a member that is text."""


def write_archive(path: str | os.PathLike[str], members: Mapping[str, bytes]) -> None:
    """Write members into one file, whole or not at all.

    Raises:
        ModelFileError: the disk refused; what was there before is still there.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            # A fixed time makes equal models equal files.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    write_aside(path, buffer.getvalue(), "model file", ModelFileError)


def read_archive(path: str | os.PathLike[str], format_: str) -> tuple[dict[str, Any], Members]:
    """The description in a file, and its other members.

    Args:
        path: of the file.
        format_: what its description must say it is.

    Raises:
        ModelFileError: there is no such file, or it is damaged or of another kind.
    """
    members = Members(path)
    try:
        description = json.loads(members.text("config.json"))
    except (ValueError, RecursionError) as problem:
        raise damaged(path, f"its description cannot be read ({problem})") from problem
    if not isinstance(description, dict) or description.get("format") != format_:
        raise damaged(path, f"it is no file of the kind {format_!r}")
    return description, members


class Members:
    """The members of an archive.

    Args:
        path: of the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        try:
            self._content = Path(path).read_bytes()
        except OSError as problem:
            raise ModelFileError(
                f"the file cannot be read: {problem.strerror}",
                given=str(path),
                origin=capture_origin(),
            ) from problem

    def bytes(self, name: str, limit: int | None = None) -> bytes:
        """One member; at most as long as the whole file."""
        most = len(self._content) if limit is None else min(limit, len(self._content))
        try:
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                found = archive.getinfo(name)
                if found.compress_type != zipfile.ZIP_STORED or found.file_size > most:
                    raise damaged(self.path, f"its member {name!r} is compressed or too long")
                return archive.read(found)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, RuntimeError,
                NotImplementedError, OverflowError) as problem:  # fmt: skip
            raise damaged(self.path, f"its member {name!r} cannot be read") from problem

    def text(self, name: str) -> str:
        """One member as text.

        Raises:
            ValueError: it is no text.
        """
        return self.bytes(name, _TEXT_LIMIT).decode("utf-8")


def damaged(path: str | os.PathLike[str], why: str) -> ModelFileError:
    """The error for a file that cannot be used."""
    return ModelFileError(
        f"this file is damaged, or of another kind: {why}", given=str(path), origin=capture_origin()
    )

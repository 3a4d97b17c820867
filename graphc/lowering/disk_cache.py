"""Compiled programs kept on disk between processes.

The files hold machine code, so the folder must be one that only the user can write. Each file
starts with the hash of what follows: a damaged one is a miss, never an error, never code that runs.
Files are written aside and renamed, so a crash leaves nothing half written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import threading
from pathlib import Path

from graphc.errors import GraphcError


class DiskCache:
    """A folder of compiled programs.

    Attributes:
        directory: where they are.
        hits: how many look-ups found a program.
        misses: how many did not.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """Open or make the folder.

        Raises:
            GraphcError: others than the user can write to it.
        """
        self.directory = Path(directory).expanduser()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.directory.stat()
        if hasattr(os, "getuid") and (
            found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        ):
            raise GraphcError(
                "the program cache holds machine code, and others can write to its folder",
                given=f"{self.directory} (mode {stat.filemode(found.st_mode)})",
                expected="a folder that belongs to you and that only you can write",
                fix=f"chmod 700 {self.directory}, or choose another cache_dir",
            )
        self.hits = 0
        self.misses = 0
        self._lock = threading.Lock()

    def _path(self, key: str) -> Path:
        return self.directory / f"{hashlib.sha256(key.encode()).hexdigest()}.xla"

    def get(self, key: str) -> bytes | None:
        """The program of that key, or None."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            content = b""
        digest, program = content[:32], content[32:]
        found = bool(program) and hashlib.sha256(program).digest() == digest
        with self._lock:
            self.hits += found
            self.misses += not found
        return program if found else None

    def put(self, key: str, value: bytes) -> None:
        """Keep a program; a full disk or a read-only folder costs the cache, not the run."""
        with contextlib.suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self.directory, suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(hashlib.sha256(value).digest() + value)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._path(key))
            except OSError:
                os.unlink(name)
                raise

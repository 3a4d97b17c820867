"""Files that TensorBoard reads: records with checksums around Event protobufs.

The format of records is TensorFlow's `tensorflow/core/lib/io/record_writer.h`, that of their
content `event.proto` and `summary.proto`; the few fields that are needed are written by hand.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

_VERSION: Final = "brain.Event:2"
_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, reversed


def _table() -> list[int]:
    table: list[int] = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE: Final = _table()


def crc32c(content: bytes) -> int:
    """The checksum of RFC 3720."""
    state = 0xFFFFFFFF
    for byte in content:
        state = state >> 8 ^ _TABLE[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF


def _masked(content: bytes) -> bytes:
    """The checksum as records hold it: turned and moved, so that sums of sums differ."""
    plain = crc32c(content)
    return struct.pack("<I", ((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content: bytes) -> bytes:
    """A record: length, its checksum, content, its checksum."""
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _bytes_field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _double_field(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def scalar_value(tag: str, value: float) -> bytes:
    """A `Summary.Value` that is a number."""
    number = _varint(2 << 3 | 5) + struct.pack("<f", value)
    return _bytes_field(1, tag.encode()) + number


def histogram_value(tag: str, array: np.ndarray[Any, Any], buckets: int = 30) -> bytes:
    """A `Summary.Value` that is a `HistogramProto`; what is not finite is left out."""
    numbers = np.asarray(array, np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    counts, limits = np.histogram(numbers, buckets) if numbers.size else (np.zeros(1), np.zeros(2))
    least, most = (numbers.min(), numbers.max()) if numbers.size else (0.0, 0.0)
    fields = [least, most, numbers.size, numbers.sum(), np.square(numbers).sum()]
    histogram = b"".join(_double_field(n, float(value)) for n, value in enumerate(fields, 1))
    histogram += _bytes_field(6, np.asarray(limits[1:], "<f8").tobytes())
    histogram += _bytes_field(7, np.asarray(counts, "<f8").tobytes())
    return _bytes_field(1, tag.encode()) + _bytes_field(5, histogram)


class EventFile:
    """One file of events in a folder, which is made when needed.

    Args:
        folder: what TensorBoard calls a run.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        directory = Path(folder)
        directory.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}"
        number = 0
        while (directory / f"{name}.{number}.v2").exists():
            number += 1
        self.path = directory / f"{name}.{number}.v2"
        self._file = self.path.open("xb")
        self._write(_bytes_field(3, _VERSION.encode()), now)

    def add(self, step: int, *values: bytes) -> None:
        """Write values of a step."""
        summary = b"".join(_bytes_field(1, value) for value in values)
        self._write(_varint(2 << 3) + _varint(step) + _bytes_field(5, summary), time.time())

    def _write(self, fields: bytes, now: float) -> None:
        self._file.write(record(_double_field(1, now) + fields))

    def flush(self) -> None:
        """Let readers see what was written."""
        self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        self._file.close()

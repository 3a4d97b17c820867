"""Graphs in files of text: reading them, the arrays that they name by hash, and writing results."""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import ml_dtypes
import numpy as np

from graphc.errors import GraphcError, ParseError
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.origin import Origin
from graphc.ir.parser import parse
from graphc.tools.printing import excerpt

Array = np.ndarray[Any, Any]

STANDARD_INPUT: Final = "-"
_LARGEST_TEXT: Final = 2**28  # bytes: a text of this size holds millions of nodes


def add_graph_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that reads one graph."""
    parser.add_argument("file", metavar="FILE", help="a graph in text form; - is standard input")
    add_constants_argument(parser)


def add_constants_argument(parser: argparse.ArgumentParser) -> None:
    """The arrays that text names by their hash only."""
    parser.add_argument(
        "--constants",
        metavar="FILE.npz",
        help="arrays that the text names by hash (sha256:…), under any names",
    )


def read_graph(file: str, constants: str | None = None) -> Graph:
    """The graph in a file.

    Args:
        file: a path, or "-".
        constants: an .npz file of the arrays that the text names by hash.

    Raises:
        ParseError: the text is malformed; says file, line and column.
        GraphcError: a file is missing, too large, or not text.
    """
    arrays = read_arrays(constants) if constants else []
    text = _read_text(file)
    try:
        return parse(text, arrays)
    except ParseError as error:
        line = (error.context or "").partition("\n")[0]
        error.context = excerpt(line, error.column)
        error.origin = Origin(file, error.line, "<graph>")
        raise


def _read_text(file: str) -> str:
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(_LARGEST_TEXT + 1)
        else:
            with open(file, "rb") as opened:
                content = opened.read(_LARGEST_TEXT + 1)
    except OSError as problem:
        raise GraphcError(
            f"the file cannot be read: {problem.strerror}",
            given=file,
            expected='the text form of a graph, as session.dump(path="…") writes it',
        ) from problem
    if len(content) > _LARGEST_TEXT:
        raise GraphcError(
            "the file is too large for the text of a graph",
            given=file,
            expected=f"at most {_LARGEST_TEXT:,} bytes",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise GraphcError(
            f"the file is not text: byte {problem.start} is no UTF-8",
            given=file,
            expected='the text form of a graph, as session.dump(path="…") writes it',
        ) from problem


def read_arrays(file: str) -> list[Array]:
    """Every array of an .npz file.

    Raises:
        GraphcError: it is missing or damaged, or holds Python objects.
    """
    loaded = _load(file, "numpy.savez")
    if isinstance(loaded, np.ndarray):
        return [loaded]
    try:
        with loaded:
            return [_with_known_type(loaded[name], file) for name in loaded.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise _unreadable(file, problem, "numpy.savez") from problem


def read_array(file: str) -> Array:
    """The array of an .npy file.

    Raises:
        GraphcError: it is missing or damaged, or holds Python objects or several arrays.
    """
    loaded = _load(file, "numpy.save")
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise GraphcError(
            "the file holds several arrays", given=file, expected="one, as numpy.save writes it"
        )
    return loaded


def _load(file: str, writer: str) -> Any:
    try:
        loaded = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise _unreadable(file, problem, writer) from problem
    return _with_known_type(loaded, file) if isinstance(loaded, np.ndarray) else loaded


def _unreadable(file: str, problem: Exception, writer: str) -> GraphcError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return GraphcError(
        f"the file of arrays cannot be read: {reason}",
        given=file,
        expected=f"what {writer} writes of numbers; pickled objects are never loaded",
    )


def _with_known_type(array: Array, file: str) -> Array:
    """NumPy's files forget the names of bfloat16 and float8; only one of them has two bytes."""
    if array.dtype.kind != "V":
        return array
    if array.dtype.itemsize == 2 and array.dtype.names is None:
        return array.view(ml_dtypes.bfloat16)
    raise GraphcError(
        "the file holds an array whose element type NumPy's format does not keep",
        given=f"{file}: {array.dtype}",
        fix="save it as float32, which holds every float8 exactly",
    )


def detached_digests(graph: Graph) -> list[str]:
    """The hashes of constants whose elements nobody has handed over."""
    found = [
        value.digest
        for node in graph.walk()
        for value in node.attributes.values()
        if isinstance(value, Literal) and value.is_detached
    ]
    return list(dict.fromkeys(found))


def refuse_detached(graph: Graph, file: str) -> None:
    """Refuse to compute with constants whose elements nobody has handed over.

    Raises:
        GraphcError: there are some; says their hashes.
    """
    digests = detached_digests(graph)
    if not digests:
        return
    shown = ", ".join(f"sha256:{digest}" for digest in digests[:4])
    raise GraphcError(
        f"{file} names {len(digests)} constants by their hash only",
        given=shown + (", …" if len(digests) > 4 else ""),
        expected="their elements",
        fix="numpy.savez the arrays in a file, and add --constants FILE.npz",
    )


def write_text(path: str, text: str) -> None:
    """Write a text file.

    Raises:
        GraphcError: the disk refused.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise unwritable(path, problem) from problem


def unwritable(path: str, problem: OSError) -> GraphcError:
    """The error of a file that cannot be written."""
    return GraphcError(
        f"the file cannot be written: {problem.strerror or problem}",
        given=path,
        fix="choose another place with -o",
    )

"""Graphs in files: their text, large constants by content, and the values of variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from graphc.errors import GraphcError, ModelFileError
from graphc.files.archive import Members, damaged, read_archive, write_archive
from graphc.files.model_files import FORMAT as MODEL_FORMAT
from graphc.files.model_files import load_model, save_model
from graphc.files.weight_files import decode_values, encode_values, refuse_existing
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.origin import capture_origin
from graphc.ir.parser import parse
from graphc.layers.layer import Layer
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.importing import import_graph
from graphc.ops.variable import Variable
from graphc.session.checkpoint import decode_arrays, encode_arrays

FORMAT: Final = "graphc-graph-1"


def save(graph_or_model: Any, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a graph or a model into one file: text and arrays, never code.

    Args:
        graph_or_model: a `graphc.Graph`, written with the values that its variables have in its
            session; a frozen graph, such as `model.to_graph()`, `program.graph("canonical")` or
            what `graphc.parse` gave; or a model, for which this is `model.save`.
        path: of the file; "step.graphc" for example.
        overwrite: whether a file that is there is replaced.

    Raises:
        ModelFileError: the file is there, or the disk refused; what was there is there still.
        GraphcError: it is neither a graph nor a model.
    """
    if isinstance(graph_or_model, Layer) and hasattr(graph_or_model, "compile"):
        save_model(graph_or_model, path, overwrite)
        return
    if not isinstance(graph_or_model, (Graph, DataflowGraph)):
        raise GraphcError(
            "only graphs and models are saved by graphc.save",
            given=repr(graph_or_model)[:200],
            expected="a graphc.Graph, a frozen graph such as program.graph(stage), or a model",
            fix="session.save(path) writes the values of variables",
            origin=capture_origin(),
        )
    refuse_existing(path, overwrite)
    description: dict[str, Any] = {"format": FORMAT}
    members: dict[str, bytes] = {}
    frozen = graph_or_model
    if isinstance(graph_or_model, DataflowGraph):
        frozen = graph_or_model.freeze()
        variables = list(graph_or_model.variables.values())
        description["variables"] = [
            {"name": variable.name, "trainable": variable.trainable} for variable in variables
        ]
        members["variables.safetensors"] = encode_values(variables)
    text = str(frozen)
    arrays = {literal.digest: literal.array for literal in _literals(frozen, text)}
    members["constants.safetensors"] = encode_arrays(arrays)
    content = json.dumps(description, indent=1).encode()
    write_archive(path, {"config.json": content, "graph.txt": text.encode(), **members})


def _literals(graph: Any, text: str) -> list[Literal]:
    """The constants that the text names by their content only."""
    found = [
        value
        for node in graph.walk()
        for value in node.attributes.values()
        if isinstance(value, Literal)
    ]
    return [literal for literal in found if f"sha256:{literal.digest}" in text]


def load(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """What `graphc.save` wrote: a graph of the same kind, or a model.

    A `graphc.Graph` comes back with its variables and their values: tensors are found by name, and
    `graphc.Session(graph=loaded)` runs it. A model is made as by `graphc.load_model`.

    Args:
        path: of the file.
        custom_objects: your own classes and functions, of models, by name.

    Raises:
        ModelFileError: there is no such file, or it is damaged.
    """
    if _kind(path) == MODEL_FORMAT:
        return load_model(path, custom_objects)
    description, members = read_archive(path, FORMAT)
    try:
        constants = decode_arrays(members.bytes("constants.safetensors"))
        frozen = parse(members.text("graph.txt"), constants.values())
        if "variables" not in description:
            return frozen
        values = dict(decode_values(members.bytes("variables.safetensors")))
        made = DataflowGraph()
        with made.as_default():
            for each in description["variables"]:
                Variable(values[each["name"]], bool(each["trainable"]), name=each["name"])
        return import_graph(frozen, made)
    except ModelFileError:
        raise
    except (Exception, RecursionError) as problem:
        why = str(problem).splitlines()[0] if str(problem) else repr(problem)
        raise damaged(path, why) from problem


def _kind(path: str | os.PathLike[str]) -> Any:
    """What the description of a file says that it is; None where that cannot be read."""
    try:
        return json.loads(Members(path).text("config.json")).get("format")
    except (ValueError, AttributeError, RecursionError):
        return None

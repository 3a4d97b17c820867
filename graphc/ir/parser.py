"""Reading the text form back: `parse(str(graph))` prints the same text.

Text is data: it can name registered ops only, constants by value or by the hash of arrays that the
caller hands over, and every declared type is checked against the op's type rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from graphc.dimensions import parse_dimension
from graphc.dtypes import as_dtype
from graphc.errors import GraphcError, ParseError
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph
from graphc.ir.lexing import split_list, split_top_level
from graphc.ir.literal import Literal, as_literal
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint, OpSpec
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import TensorType, tensor_type
from graphc.ir.versions import upgrade

_HEADER: Final = re.compile(r"graphc opset (\d+)$")
_INPUT: Final = re.compile(r'input (%\d+) : (.+?) (feed|state|argument) (".*")$')
_NODE: Final = re.compile(r"((?:%\d+(?:, )?)*) ?= ([A-Za-z_][\w.]*)\(([^()]*)\)(.*)$")
_OPENING: Final = re.compile(r"([A-Za-z_]\w*) \{$")
_UPDATE: Final = re.compile(r'update (".*") = (%\d+)$')
_REQUIRE: Final = re.compile(r"require (.+) == (.+)$")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"$')
_DEEPEST: Final = 100


def parse_type(text: str) -> TensorType:
    """The type that "f32[n, 10]" names.

    Raises:
        ValueError: it names none.
    """
    name, bracket, _ = text.partition("[")
    if not bracket:
        raise ValueError(f"expected a type such as f32[2, 3], got {text!r}")
    sizes = [parse_dimension(size) for size in split_list(text[len(name) :])]
    return tensor_type(as_dtype(name), tuple(sizes))


def parse(text: str, constants: Iterable[Any] = (), registry: OpRegistry = REGISTRY) -> Graph:
    """The graph that a text describes.

    Args:
        text: what `str(graph)` gave, or what a person wrote in that form.
        constants: arrays that the text names by their content hash.
        registry: the ops it may name.

    Raises:
        ParseError: the text is malformed, names an unknown op, or declares a type that the op does
            not give; says line and column.
    """
    literals = {literal.digest: literal for literal in map(as_literal, constants)}
    return _Parser(text, literals, registry).parse()


class _Parser:
    def __init__(self, text: str, literals: dict[str, Literal], registry: OpRegistry) -> None:
        self.lines = text.splitlines()
        self.position = -1
        self.literals = literals
        self.registry = registry
        self.version = 0

    def error(self, message: str, at: str = "", fix: str | None = None) -> ParseError:
        line = self.lines[self.position] if 0 <= self.position < len(self.lines) else ""
        column = line.find(at) + 1 if at and at in line else len(line) - len(line.lstrip()) + 1
        number = min(max(self.position, 0), max(len(self.lines) - 1, 0)) + 1
        return ParseError(message, line=number, column=column, text=line, fix=fix)

    def advance(self) -> str:
        """The next line that holds something, without its indentation."""
        while self.position + 1 < len(self.lines):
            self.position += 1
            line = self.lines[self.position].strip()
            if line and not line.startswith("//"):
                return line
        raise self.error("the text ends too early", fix="close every graph with }")

    def parse(self) -> Graph:
        first = self.advance()
        header = _HEADER.match(first)
        if header is None:
            raise self.error("expected the line `graphc opset 1`", first)
        self.version = int(header[1])
        try:
            upgrade(("", {}), self.version)
        except ValueError as problem:
            raise self.error(str(problem), header[1]) from None
        opening = self.advance()
        if opening != "graph {":
            raise self.error("expected `graph {`", opening)
        graph = self.graph(0)
        rest = [line for line in self.lines[self.position + 1 :] if line.strip()]
        if rest:
            self.position = self.lines.index(rest[0], self.position + 1)
            raise self.error("text after the end of the graph")
        return graph

    def graph(self, depth: int) -> Graph:
        """A graph, after its opening line, up to its closing brace."""
        if depth > _DEEPEST:
            raise self.error(f"regions nest more than {_DEEPEST} deep")
        nodes: list[Node] = []
        build = Builder(nodes.append, self.registry)
        values: dict[str, Value] = {}
        inputs: list[Value] = []
        outputs: list[Value] | None = None
        updates: dict[str, Value] = {}
        constraints: list[Constraint] = []
        while (line := self.advance()) != "}":
            if outputs is not None and not line.startswith("update "):
                raise self.error("only updates may follow the return")
            if line.startswith("input "):
                inputs.append(self.input(line, build, values))
            elif line.startswith("%") or line.startswith("="):
                self.node(line, build, values, depth)
            elif line.startswith("require "):
                constraints.append(self.constraint(line))
            elif line == "return" or line.startswith("return "):
                outputs = [self.value(name, values) for name in split_top_level(line[6:].strip())]
            elif match := _UPDATE.match(line):
                updates[self.quoted(match[1])] = self.value(match[2], values)
            else:
                raise self.error("expected an input, a node, require, return, update or }", line)
        if outputs is None:
            raise self.error("a graph needs a return line before its closing brace")
        return Graph(inputs, [*outputs, *updates.values()], nodes, tuple(updates), constraints)

    def value(self, name: str, values: dict[str, Value]) -> Value:
        found = values.get(name)
        if found is None:
            raise self.error(f"{name} is used before it is defined", name)
        return found

    def define(
        self, names: list[str], outputs: tuple[Value, ...], values: dict[str, Value]
    ) -> None:
        for name, value in zip(names, outputs, strict=True):
            if name in values:
                raise self.error(f"{name} is defined twice", name)
            values[name] = value

    def quoted(self, text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            raise self.error(f"{text} is not a quoted string", text) from None
        return str(value)

    def type(self, text: str) -> TensorType:
        try:
            return parse_type(text)
        except (ValueError, GraphcError) as problem:
            raise self.error(str(problem), text) from None

    def input(self, line: str, build: Builder, values: dict[str, Value]) -> Value:
        match = _INPUT.match(line)
        if match is None:
            raise self.error('expected `input %0 : f32[2] feed "name"`', line)
        value = build.input(self.type(match[2]), self.quoted(match[4]), match[3])
        self.define([match[1]], (value,), values)
        return value

    def constraint(self, line: str) -> Constraint:
        match = _REQUIRE.match(line)
        if match is None:
            raise self.error("expected `require n == m`", line)
        try:
            return Constraint(parse_dimension(match[1]), parse_dimension(match[2]))
        except ValueError as problem:
            raise self.error(str(problem), match[1]) from None

    def node(self, line: str, build: Builder, values: dict[str, Value], depth: int) -> None:
        match = _NODE.match(line)
        if match is None:
            raise self.error("expected `%2 = op(%0, %1) {attribute=value} : type`", line)
        names = [name for name in match[1].split(", ") if name]
        operands = tuple([self.value(name, values) for name in split_top_level(match[3])])
        attribute_texts, declared, node_name = self.tail(match[4])
        try:
            op_name, attribute_texts = upgrade((match[2], attribute_texts), self.version)
        except ValueError as problem:
            raise self.error(str(problem), match[2]) from None
        op = self.registry.find(op_name)
        if op is None:
            raise self.error(
                f"there is no op named {op_name!r}", op_name, self.registry.suggestion(op_name)
            )
        here = self.position
        regions = self.regions(op, depth)
        after, self.position = self.position, here
        build.name = node_name
        try:
            attributes = op.attributes.make(self.attributes(op, attribute_texts), op_name)
            made = build.make(op, operands, attributes, regions)
        except GraphcError as problem:
            if isinstance(problem, ParseError):
                raise
            raise self.error(str(problem), op_name) from None
        types = [value.type for value in made.outputs]
        if types != declared:
            raise self.error(f"the text declares {declared}, but {op_name} gives {types}", " : ")
        if len(names) != len(types):
            raise self.error(f"{op_name} gives {len(types)} values, {len(names)} are named")
        self.define(names, made.outputs, values)
        self.position = after

    def tail(self, text: str) -> tuple[dict[str, str], list[TensorType], str]:
        """What follows the operands: `{attributes} : types "name"`."""
        head = text.strip()
        node_name = ""
        if quoted := _QUOTED.search(head):
            # a name stands after the types; a quote inside the attributes does not end the line
            node_name = self.quoted(quoted[0])
            head = head[: quoted.start()].strip()
        texts: dict[str, str] = {}
        try:
            if head.startswith("{"):
                body, _, head = _matching_brace(head)
                for item in split_top_level(body):
                    name, _, value = item.partition("=")
                    texts[name.strip()] = value.strip()
            colon, _, type_text = head.strip().partition(" ")
            if colon != ":":
                raise ValueError("expected ` : ` and the types of the results")
            if type_text.startswith("("):
                type_texts = split_top_level(type_text.strip()[1:-1])
            else:
                type_texts = [type_text]
        except ValueError as problem:
            raise self.error(str(problem), text.strip()) from None
        return texts, [self.type(item) for item in type_texts], node_name

    def attributes(self, op: OpSpec, texts: dict[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in texts.items():
            field = op.attributes.fields.get(name)
            if field is None:
                known = ", ".join(op.attributes.fields) or "none"
                raise self.error(f"{op.name} has no attribute {name!r}; it has {known}", name)
            try:
                value = field.kind.parse(text)
            except (ValueError, TypeError, KeyError, OverflowError, GraphcError) as problem:
                raise self.error(f"attribute {name!r}: {problem}", text) from None
            if isinstance(value, Literal) and value.is_detached:
                value = self.literals.get(value.digest, value)
            values[name] = value
        return values

    def regions(self, op: OpSpec, depth: int) -> tuple[Graph, ...]:
        """The regions that stand below a node's line."""
        regions: list[Graph] = []
        while op.region_names:
            here = self.position
            following = next((line.strip() for line in self.lines[here + 1 :] if line.strip()), "")
            opening = _OPENING.match(following)
            if opening is None:
                break
            self.advance()
            if opening[1] != op.region_name(len(regions)):
                raise self.error(
                    f"expected the region {op.region_name(len(regions))!r} of {op.name}", opening[1]
                )
            regions.append(self.graph(depth + 1))
        return tuple(regions)


def _matching_brace(text: str) -> tuple[str, str, str]:
    """What stands in the braces at the start, "}", and the rest; quotes and brackets count."""
    depth, quoted, position = 0, False, 0
    while position < len(text):
        character = text[position]
        if quoted:
            position += character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "{[(":
            depth += 1
        elif character in "}])":
            depth -= 1
            if depth == 0:
                return text[1:position], "}", text[position + 1 :]
        position += 1
    raise ValueError("a brace is not closed")

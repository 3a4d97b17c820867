"""Reading the text form back: `parse(str(graph))` prints the same text.

Text is data: it can name registered ops only, constants by value or by the hash of arrays that the
caller hands over, and every declared type is checked against the op's type rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from graphc.dimensions import Dimension, parse_dimension
from graphc.dtypes import as_dtype
from graphc.errors import GraphcError, ParseError
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph
from graphc.ir.lexing import closing_brace, split_list, split_top_level
from graphc.ir.literal import Literal, as_literal
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint, OpSpec
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import TensorType, tensor_type
from graphc.ir.versions import upgrade

_HEADER: Final = re.compile(r"graphc opset (\d{1,9})$")
_INPUT: Final = re.compile(r'input (?=.*"$)(%\d+) : (.+?) (feed|state|argument) (".*")$')
_PACK: Final = re.compile(r'(input .+? state "(?:[^"\\]|\\.)*") of (\[".*"\])$')
_NODE: Final = re.compile(r"((?:%\d+(?:, )?)*) ?= ([A-Za-z_][\w.]*)\(([^()]*)\)(.*)$")
_OPENING: Final = re.compile(r"([A-Za-z_]\w*) \{$")
_UPDATE: Final = re.compile(r'update (".*") = (%\d+)$')
_REQUIRE: Final = re.compile(r"require (.+?) == (.+)$")
_DEEPEST: Final = 100
_LARGEST_CONSTANTS: Final = 2**31  # bytes of all constants together: text may not ask for more


class _Tail(NamedTuple):
    """What follows the operands of a node: `{attributes} : types "name"`, and where."""

    attributes: dict[str, str]
    types: list[TensorType]
    name: str
    types_at: int


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
        self.constant_bytes = 0

    def find(self, at: str, start: int = 0) -> int:
        """Where a word stands in the current line, counted without its indentation."""
        line = self.lines[self.position].strip() if self.lines else ""
        left = r"(?<!\w)" if re.match(r"\w", at) else ""
        right = r"(?!\w)" if re.search(r"\w$", at) else ""
        found = re.compile(left + re.escape(at) + right).search(line, start) if at else None
        return start if found is None else found.start()

    def error(
        self, message: str, at: str = "", fix: str | None = None, start: int = 0
    ) -> ParseError:
        """An error in the current line, at the word `at` that stands at `start` or after it."""
        line = self.lines[self.position] if self.lines else ""
        column = len(line) - len(line.lstrip()) + self.find(at, start) + 1
        return ParseError(
            message, line=max(self.position, 0) + 1, column=column, text=line, fix=fix
        )

    def following(self) -> int:
        """The number of the next line that holds something."""
        for number in range(self.position + 1, len(self.lines)):
            line = self.lines[number].strip()
            if line and not line.startswith("//"):
                return number
        return len(self.lines)

    def advance(self) -> str:
        """The next line that holds something, without its indentation."""
        following = self.following()
        if following == len(self.lines):
            self.position = len(self.lines) - 1
            raise self.error("the text ends too early", fix="close every graph with }")
        self.position = following
        return self.lines[following].strip()

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
        following = self.following()
        if following < len(self.lines):
            self.position = following
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
                outputs = self.operands(line[6:], values, 6)
            elif match := _UPDATE.match(line):
                variable = self.quoted(match[1], match.start(1))
                if variable in updates:
                    raise self.error(f"{match[1]} is updated twice", match[1])
                updates[variable] = self.value(match[2], values, match.start(2))
            else:
                raise self.error("expected an input, a node, require, return, update or }", line)
        if outputs is None:
            raise self.error("a graph needs a return line before its closing brace")
        return Graph(inputs, [*outputs, *updates.values()], nodes, tuple(updates), constraints)

    def value(self, name: str, values: dict[str, Value], start: int) -> Value:
        found = values.get(name)
        if found is not None:
            return found
        if not name.startswith("%"):
            raise self.error(f"expected a value such as %0, got {name!r}", name, start=start)
        raise self.error(f"{name} is used before it is defined", name, start=start)

    def split(self, text: str, start: int) -> list[str]:
        """The parts between commas."""
        try:
            return split_top_level(text.strip())
        except ValueError as problem:
            raise self.error(str(problem), start=start) from None

    def operands(self, text: str, values: dict[str, Value], start: int) -> list[Value]:
        start += len(text) - len(text.lstrip())
        return [self.value(name, values, start) for name in self.split(text, start)]

    def define(
        self, names: list[str], outputs: tuple[Value, ...], values: dict[str, Value]
    ) -> None:
        for name, value in zip(names, outputs, strict=True):
            if name in values:
                raise self.error(f"{name} is defined twice", name)
            values[name] = value

    def quoted(self, text: str, start: int) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            raise self.error(f"{text} is not a quoted string", text, start=start) from None
        return str(value)

    def type(self, text: str, start: int) -> TensorType:
        try:
            return parse_type(text)
        except (ValueError, GraphcError) as problem:
            raise self.error(str(problem), text, start=start) from None

    def input(self, line: str, build: Builder, values: dict[str, Value]) -> Value:
        pack = _PACK.match(line)
        match = _INPUT.match(line if pack is None else pack[1])
        if match is None:
            raise self.error('expected `input %0 : f32[2] feed "name"`', line)
        type_ = self.type(match[2], match.start(2))
        members: list[str] = []
        if pack is not None:
            quoted = split_list(pack[2])
            members = [self.quoted(name, pack.start(2)) for name in quoted]
        value = build.input(type_, self.quoted(match[4], match.start(4)), match[3], members)
        self.define([match[1]], (value,), values)
        return value

    def constraint(self, line: str) -> Constraint:
        match = _REQUIRE.match(line)
        if match is None:
            raise self.error("expected `require n == m`", line)
        return Constraint(
            self.dimension(match[1], match.start(1)), self.dimension(match[2], match.start(2))
        )

    def dimension(self, text: str, start: int) -> Dimension:
        try:
            return parse_dimension(text)
        except ValueError as problem:
            raise self.error(str(problem), start=start) from None

    def node(self, line: str, build: Builder, values: dict[str, Value], depth: int) -> None:
        match = _NODE.match(line)
        if match is None:
            raise self.error("expected `%2 = op(%0, %1) {attribute=value} : type`", line)
        names = [name for name in match[1].split(", ") if name]
        operands = tuple(self.operands(match[3], values, match.start(3)))
        tail = self.tail(match[4], match.start(4))
        try:
            op_name, attribute_texts = upgrade((match[2], tail.attributes), self.version)
        except ValueError as problem:
            raise self.error(str(problem), match[2]) from None
        op = self.registry.find(op_name)
        if op is None:
            raise self.error(
                f"there is no op named {op_name!r}", match[2], self.registry.suggestion(op_name)
            )
        if op_name == "input":
            raise self.error(
                "an input has a line of its own form", fix='input %0 : f32[2] feed "x"'
            )
        here = self.position
        regions = self.regions(op, depth)
        after, self.position = self.position, here
        build.name = tail.name
        given = self.attributes(op, attribute_texts, match.start(4))
        try:
            attributes = op.attributes.make(given, op_name)
            made = build.make(op, operands, attributes, regions)
        except GraphcError as problem:
            problem.origin = None  # the place in the text says it
            raise self.error(str(problem), match[2]) from None
        types = [value.type for value in made.outputs]
        if types != tail.types:
            raise self.error(
                f"the text declares {tail.types}, but {op_name} gives {types}", start=tail.types_at
            )
        if len(names) != len(types):
            raise self.error(f"{op_name} gives {len(types)} values, {len(names)} are named")
        self.define(names, made.outputs, values)
        self.position = after

    def tail(self, text: str, start: int) -> _Tail:
        """What follows the operands, which starts at `start` in the line."""
        texts: dict[str, str] = {}
        opening = len(text) - len(text.lstrip())
        after = 0
        if text.startswith("{", opening):
            try:
                closing = closing_brace(text, opening)
            except ValueError as problem:
                raise self.error(str(problem), start=start + opening) from None
            for item in self.split(text[opening + 1 : closing], start + opening):
                name, equals, value = item.partition("=")
                name = name.strip()
                if not equals or name in texts:
                    problem = "stands twice" if equals else "has no value"
                    raise self.error(f"attribute {name!r} {problem}", name, start=start + opening)
                texts[name] = value.strip()
            after = closing + 1
        # types hold no quotes, so that the first one opens the name
        head, quote, name = text[after:].partition('"')
        types_at = start + after + len(head) - len(head.lstrip())
        colon, _, type_text = head.strip().partition(" ")
        if colon != ":":
            raise self.error("expected ` : ` and the types of the results", start=types_at)
        if type_text.startswith("(") and type_text.endswith(")"):
            type_texts = self.split(type_text[1:-1], types_at)
        else:
            type_texts = [type_text]
        types = [self.type(item, types_at) for item in type_texts]
        node_name = self.quoted(quote + name, start + after) if quote else ""
        return _Tail(texts, types, node_name, types_at)

    def attributes(self, op: OpSpec, texts: dict[str, str], start: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in texts.items():
            field = op.attributes.fields.get(name)
            if field is None:
                known = ", ".join(op.attributes.fields) or "none"
                raise self.error(
                    f"{op.name} has no attribute {name!r}; it has {known}", name, start=start
                )
            try:
                value = field.kind.parse(text)
            except (ValueError, TypeError, KeyError, OverflowError, GraphcError) as problem:
                at = self.find(name, start)
                raise self.error(f"attribute {name!r}: {problem}", text, start=at) from None
            values[name] = self.literal(value, start) if isinstance(value, Literal) else value
        return values

    def literal(self, value: Literal, start: int) -> Literal:
        """A constant with the elements that the caller handed over for its hash."""
        if value.is_detached:
            return self.literals.get(value.digest, value)
        self.constant_bytes += value.array.nbytes
        if self.constant_bytes > _LARGEST_CONSTANTS:
            raise self.error("the constants of this text ask for too much memory", start=start)
        return value

    def regions(self, op: OpSpec, depth: int) -> tuple[Graph, ...]:
        """The regions that stand below a node's line."""
        regions: list[Graph] = []
        while op.region_names:
            following = self.following()
            opening = _OPENING.match("".join(self.lines[following : following + 1]).strip())
            if opening is None:
                break
            self.advance()
            if opening[1] != op.region_name(len(regions)):
                raise self.error(
                    f"expected the region {op.region_name(len(regions))!r} of {op.name}", opening[1]
                )
            regions.append(self.graph(depth + 1))
        return tuple(regions)

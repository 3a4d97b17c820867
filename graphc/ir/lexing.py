"""Splitting text at top-level commas and at closing braces, brackets and quotes respected."""

from __future__ import annotations


def split_top_level(text: str, separator: str = ",") -> list[str]:
    """The parts of "a, (b, c), d" between separators outside brackets and quotes.

    Raises:
        ValueError: brackets or quotes are not balanced.
    """
    parts: list[str] = []
    depth, start, position, quoted = 0, 0, 0, False
    while position < len(text):
        character = text[position]
        if quoted:
            if character == "\\":
                position += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
        position += 1
    if depth != 0 or quoted:
        raise ValueError(f"brackets or quotes are not balanced in {text!r}")
    last = text[start:].strip()
    return [*parts, last] if last or parts else parts


def split_list(text: str) -> list[str]:
    """The items of "[a, (b, c), d]".

    Raises:
        ValueError: it is not a list in brackets.
    """
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        raise ValueError(f"expected a list in brackets, got {text!r}")
    return split_top_level(inner[1:-1])


def closing_brace(text: str, opening: int) -> int:
    """The position of the brace that closes the one at `opening`.

    Raises:
        ValueError: there is none.
    """
    depth, quoted, position = 0, False, opening
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
                return position
        position += 1
    raise ValueError("a brace is not closed")

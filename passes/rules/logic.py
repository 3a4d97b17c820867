"""Identities of bits and truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.rewriting.match import Match
from graphc.rewriting.rules import Equation, RuleCollector
from graphc.rewriting.terms import Splat, Tensor

_rules = RuleCollector("logic")


def _all_bits(match: Match) -> str | None:
    number: Any = match.number("c")
    return None if number == np.invert(np.zeros_like(number)) else "not all bits are set"


def _no_bits(match: Match) -> str | None:
    return "some bit is set" if match.number("c") else None


@_rules.equation("exact")
def not_not(x: Tensor) -> Equation:
    """Not not x is x."""
    return ~~x, x


@_rules.equation("exact")
def and_with_itself(x: Tensor) -> Equation:
    """X and x is x."""
    return x & x, x


@_rules.equation("exact")
def or_with_itself(x: Tensor) -> Equation:
    """X or x is x."""
    return x | x, x


@_rules.equation("exact")
def xor_with_itself(x: Tensor) -> Equation:
    """X xor x has no bit."""
    return x ^ x, 0


@_rules.equation("exact", _all_bits)
def and_with_all(x: Tensor, c: Splat) -> Equation:
    """X and true is x."""
    return x & c, x


@_rules.equation("exact", _no_bits)
def and_with_none(x: Tensor, c: Splat) -> Equation:
    """X and false is false."""
    return x & c, c


@_rules.equation("exact", _all_bits)
def or_with_all(x: Tensor, c: Splat) -> Equation:
    """X or true is true."""
    return x | c, c


@_rules.equation("exact", _no_bits)
def or_with_none(x: Tensor, c: Splat) -> Equation:
    """X or false is x."""
    return x | c, x


@_rules.equation("exact", _no_bits)
def xor_with_none(x: Tensor, c: Splat) -> Equation:
    """X xor false is x."""
    return x ^ c, x


@_rules.equation("exact", _all_bits)
def xor_with_all(x: Tensor, c: Splat) -> Equation:
    """X xor true is not x."""
    return x ^ c, ~x


LOGIC = _rules.rule_set()

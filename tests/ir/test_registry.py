"""The registry of ops: closed, without doubles, and helpful about names."""

from __future__ import annotations

from dataclasses import replace

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.errors import GraphcError
from graphc.ir.op import ByDecomposition, Trait
from graphc.ir.registry import REGISTRY, OpRegistry


def small() -> OpRegistry:
    registry = OpRegistry()
    for name in ("tanh", "sine", "cosine"):
        registry.register(REGISTRY[name])
    return registry


def test_ops_are_found_by_name_in_the_order_of_registration() -> None:
    registry = small()
    assert [op.name for op in registry] == ["tanh", "sine", "cosine"]
    assert len(registry) == 3
    assert "sine" in registry
    assert "tan" not in registry
    assert registry["sine"] is registry.find("sine") is REGISTRY["sine"]
    assert registry.find("tan") is None


def test_registering_gives_the_op_back_and_refuses_a_second_of_its_name() -> None:
    registry = small()
    another = replace(REGISTRY["tanh"], name="tanh2")
    assert registry.register(another) is another
    with pytest.raises(GraphcError, match="'tanh' is registered already"):
        registry.register(REGISTRY["tanh"])
    assert registry["tanh"] is REGISTRY["tanh"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tan", "did you mean 'tanh'?"),
        ("consine", "did you mean 'cosine' or 'sine'?"),
        ("", "there are: tanh, sine, cosine"),
        ("unheard_of", "there are: tanh, sine, cosine"),
    ],
)
def test_an_unknown_name_is_answered_with_known_ones(name: str, words: str) -> None:
    with pytest.raises(GraphcError, match=f"no op named '{name}'") as caught:
        small()[name]
    assert words in str(caught.value)


def test_an_empty_registry_says_so() -> None:
    assert OpRegistry().suggestion("tanh") == "there are none"


def test_an_op_may_be_registered_while_the_others_are_walked() -> None:
    registry = small()
    for op in registry:
        registry.register(replace(op, name=f"{op.name}_again"))
    assert len(registry) == 6


@pytest.mark.parametrize(
    "changes",
    [{"traits": Trait.COMPOSITE}, {"decomposition": lambda build, call, x: x}],
)
def test_a_composite_has_a_decomposition_and_nothing_else_has(changes) -> None:
    with pytest.raises(ValueError, match="tanh: a composite has a decomposition"):
        replace(REGISTRY["tanh"], **changes)
    both = {"traits": Trait.COMPOSITE, "decomposition": lambda build, call, x: x}
    assert replace(REGISTRY["tanh"], lower=ByDecomposition(), **both).has(Trait.COMPOSITE)

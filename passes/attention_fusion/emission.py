"""The op in place of what was found, in the layout that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dimensions import Dimension
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from passes.attention_fusion.axis_atoms import Axes, reshaped
from passes.attention_fusion.products import Found, NearMissError, Part, Roles


def emit(build: Builder, found: Found, shape: Sequence[Dimension]) -> Value:
    """The attention, as a tensor of the shape of what it replaces."""
    roles = found.roles
    result = build.attention(*_operands(build, found), **_attributes(found))
    order = [*roles.examples, *roles.queries, *roles.heads, *roles.value_size]
    return as_written(build, found, result, order, found.result, shape)


def emit_gradient(build: Builder, found: Found, ct: Part) -> list[tuple[Value, list[int]]]:
    """The cotangents of query, key and value, each with its atoms in order.

    Args:
        build: makes the nodes.
        found: the attention.
        ct: the cotangent of its result.
    """
    roles = found.roles
    groups = (roles.examples, roles.queries, roles.heads, roles.value_size)
    results = build.attention_gradient(
        *_operands(build, found),
        found.atoms.arrange(build, ct.value, ct.axes, groups),
        **_attributes(found),
    )
    return list(zip(results, gradient_orders(roles), strict=False))


def gradient_orders(roles: Roles) -> list[list[int]]:
    """The atoms of the cotangents of query, key and value, in the order of the op."""
    return [
        [*roles.examples, *roles.queries, *roles.heads, *roles.size],
        [*roles.examples, *roles.keys, *roles.key_heads, *roles.size],
        [*roles.examples, *roles.keys, *roles.key_heads, *roles.value_size],
    ]


def as_written(
    build: Builder,
    found: Found,
    result: Value,
    order: Sequence[int],
    axes: Axes,
    shape: Sequence[Dimension],
) -> Value:
    """A result of the op in the layout that was written.

    Args:
        build: makes the nodes.
        found: the attention.
        result: of the op.
        order: its atoms.
        axes: those of what it replaces.
        shape: of what it replaces.
    """
    atoms = found.atoms
    order = atoms.flat([order])
    result = reshaped(build, result, atoms.sizes(order))
    wanted = atoms.flat(axes)
    permutation = [order.index(atom) for atom in wanted]
    if permutation != sorted(permutation):
        result = build.transpose(result, permutation=permutation)
    return reshaped(build, result, shape)


def _operands(build: Builder, found: Found) -> list[Value]:
    """Query, key, value and, where there are any, bias and mask, as the op takes them."""
    atoms, roles = found.atoms, found.roles

    def arranged(part: Part, *groups: Sequence[int]) -> Value:
        return atoms.arrange(build, part.value, part.axes, groups)

    extras = (_bias(build, found), _mask(build, found))
    return [
        arranged(found.query, roles.examples, roles.queries, roles.heads, roles.size),
        arranged(found.key, roles.examples, roles.keys, roles.key_heads, roles.size),
        arranged(found.value, roles.examples, roles.keys, roles.key_heads, roles.value_size),
        *[extra for extra in extras if extra is not None],
    ]


def _attributes(found: Found) -> dict[str, Any]:
    return {"scale": found.scale, "precision": found.precision, **hidden_places(found)}


def hidden_places(found: Found) -> dict[str, Any]:
    """The attributes that say which keys are hidden, and how.

    Raises:
        NearMissError: the op cannot say it.
    """
    masks, number = found.masks, found.logits.hidden_logit
    if number is None:
        return {}
    attributes: dict[str, Any] = {"hidden_logit": number, "is_causal": masks.after == 0}
    if masks.before is not None or (masks.after or 0) > 0:
        before = masks.before
        if before is None:
            before = found.atoms.size(found.roles.queries[0])
        after = masks.after
        if after is None:
            after = found.atoms.size(masks.key)
        if not isinstance(before, int) or not isinstance(after, int):
            raise NearMissError("keys are hidden by distance, and nobody knows how many there are")
        attributes["local_window_size"] = (before, after)
    return attributes


def _extra(build: Builder, found: Found, value: Value, axes: Any) -> Value:
    """A bias or a mask, with four axes: 1 where it does not vary."""
    roles = found.roles
    value, axes = found.atoms.bare(value, axes)
    groups = (roles.examples, [*roles.key_heads, *roles.group], roles.queries, roles.keys)
    return found.atoms.arrange(build, value, axes, groups)


def _bias(build: Builder, found: Found) -> Value | None:
    biases: list[Value] = []
    for added in found.logits.added:
        bias = _extra(build, found, added.value, added.axes)
        if added.factor != 1:
            bias = build.multiply(bias, build.full_like(bias, added.factor))
        biases.append(bias)
    return _joined(build, biases, build.add)


def _mask(build: Builder, found: Found) -> Value | None:
    masks: list[Value] = []
    for condition in found.masks.conditions:
        mask = _extra(build, found, condition.value, condition.axes)
        masks.append(mask if condition.holds else build.not_(mask))
    return _joined(build, masks, build.and_)


def _joined(
    build: Builder, values: Sequence[Value], join: Callable[[Value, Value], Value]
) -> Value | None:
    """Several of them as one, repeated to a common shape."""
    if not values:
        return None
    shape = tuple(
        [
            next((size for size in sizes if size != 1), 1)
            for sizes in zip(*[value.type.shape for value in values], strict=True)
        ]
    )
    found: Value | None = None
    for value in values:
        if value.type.shape != shape:
            value = build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=range(4))
        found = value if found is None else join(found, value)
    return found

"""Random keys of JAX as the words that they are made of.

The op set has no type for keys: a key is u32[2] (or as many words as its generator has), an array
of keys has one axis more. An equation on keys runs JAX's own primitive between wrapping and
unwrapping, so the numbers are JAX's. Keys of Threefry are wrapped as keys of graphc's generator,
which draws the same bits with one kernel, where JAX's loop over rounds has several.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final, cast

import jax
import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.opset.random.generator import GENERATOR, OF_JAX

_JAX: Final = cast(Any, jax)  # much of it has no types


def is_key(aval: Any) -> bool:
    """Whether an array holds random keys."""
    dtype = getattr(aval, "dtype", None)
    if dtype is None or isinstance(dtype, np.dtype):
        return False
    return _JAX.dtypes.issubdtype(dtype, _JAX.dtypes.prng_key)


def key_words(aval: Any) -> Any:
    """The array of words that an array of keys is made of, as a shape and element type."""
    return _JAX.eval_shape(_JAX.random.key_data, _JAX.ShapeDtypeStruct(aval.shape, aval.dtype))


def words_of(array: Any) -> np.ndarray[Any, Any]:
    """An array; of random keys, their words."""
    return np.asarray(_JAX.random.key_data(array) if is_key(array) else array)


def key_generator(aval: Any) -> Any:
    """What `jax.random.wrap_key_data` takes as `impl` for keys of this type."""
    found: list[Any] = []

    def look(keys: Any) -> Any:
        found.append(_JAX.random.key_impl(keys))
        return _JAX.random.key_data(keys)

    _JAX.eval_shape(look, _JAX.ShapeDtypeStruct(aval.shape, aval.dtype))
    return found[0]


def has_keys(equation: Any) -> bool:
    """Whether an equation takes or gives keys."""
    variables = (*equation.invars, *equation.outvars)
    return any(is_key(variable.aval) for variable in variables)


def write_key_equation(build: Builder, equation: Any, operands: Sequence[Value]) -> list[Value]:
    """An equation on keys: one `jax_primitive` that wraps words, runs it, and unwraps keys."""
    if equation.primitive.name in ("random_wrap", "random_unwrap"):
        return list(operands)
    parameters = tuple(sorted(equation.params.items()))
    types = tuple([(v.aval.shape, v.aval.dtype) for v in equation.invars])
    # the flag says which bits a Threefry key gives; graphc's generator has those of True alone
    same_bits: bool = _JAX.config.jax_threefry_partitionable
    try:
        call = _call_on_words(equation.primitive, parameters, types, same_bits)
    except TypeError:  # a parameter is no key of a memo
        call = _call_on_words.__wrapped__(equation.primitive, parameters, types, same_bits)
    made = build.jax_primitive(*operands, primitive=call.primitive, parameters=dict(call.params))
    return [made] if isinstance(made, Value) else list(made)


@functools.lru_cache(maxsize=1024)
def _call_on_words(
    primitive: Any,
    parameters: tuple[tuple[str, Any], ...],
    types: tuple[tuple[Any, Any], ...],
    own_threefry: bool,
) -> Any:
    """The call of a primitive on words in place of keys; one for all equal equations.

    So equations that are equal in JAX are equal nodes, which layers that draw need to be rolled.
    """
    avals = [_JAX.ShapeDtypeStruct(*type_) for type_ in types]
    kinds = [key_generator(aval) if is_key(aval) else None for aval in avals]
    if own_threefry:
        kinds = [GENERATOR if kind == OF_JAX else kind for kind in kinds]
    given_parameters = primitive.get_bind_params(dict(parameters))

    def run(*arrays: Any) -> list[Any]:
        given = [
            array if kind is None else _JAX.random.wrap_key_data(array, impl=kind)
            for array, kind in zip(arrays, kinds, strict=True)
        ]
        results = primitive.bind(*given, **given_parameters)
        listed = results if primitive.multiple_results else [results]
        return [_JAX.random.key_data(r) if is_key(r) else r for r in listed]

    specs = [key_words(aval) if is_key(aval) else aval for aval in avals]
    (call,) = _JAX.make_jaxpr(_JAX.jit(run))(*specs).jaxpr.eqns
    return call

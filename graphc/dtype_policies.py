"""Element types of layers, under the names of `keras.dtype_policies`."""

from graphc.configurable import serialize as serialize
from graphc.layers.dtype_policy import DTypePolicy as DTypePolicy
from graphc.layers.dtype_policy import get as get

FloatDTypePolicy = DTypePolicy

deserialize = DTypePolicy.registry.deserialize

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

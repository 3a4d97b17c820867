"""Random numbers from keys: Threefry-2x32, counted as JAX counts in its partitionable form."""

from graphc.opset.random import draws, keys

__all__ = ["draws", "keys"]

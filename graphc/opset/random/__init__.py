"""Random numbers from keys: Threefry-2x32, counted as JAX counts in its partitionable form."""

from graphc.opset.random import counts, draws, dropout, gamma, keys

__all__ = ["counts", "draws", "dropout", "gamma", "keys"]

"""Floor 2: the op set. One op is one block in one file; importing this package registers them all."""

from graphc.opset import elementwise, intents, state, structure

__all__ = ["elementwise", "intents", "state", "structure"]

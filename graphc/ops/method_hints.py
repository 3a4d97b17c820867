"""Methods that tensors of NumPy, JAX, PyTorch or TensorFlow have, and what stands for them here."""

from __future__ import annotations

from typing import Final

_FUNCTIONS: Final = frozenset(
    (
        *("mean", "sum", "max", "min", "prod", "std", "var", "all", "any", "argmax", "argmin"),
        *("argsort", "cumsum", "cumprod", "clip", "conj", "diagonal", "dot", "ravel", "repeat"),
        *("reshape", "round", "sort", "squeeze", "swapaxes", "take", "trace", "transpose"),
        *("nonzero", "exp", "log", "sqrt", "matmul"),
    )
)
_OTHERS: Final = {
    "astype": "ops.cast(x, dtype)",
    "T": "ops.transpose(x)",
    "flatten": "ops.reshape(x, (-1,))",
    "copy": "ops.copy(x)",
    "item": "x.numpy().item()",
    "tolist": "x.numpy().tolist()",
    "size": "ops.size(x)",
    "get_shape": "x.shape, a tuple",
    "set_shape": "a placeholder says its shape when it is made; ops.reshape(x, shape)",
    "assign": "graphc.Variable(x), which has it",
    "detach": "graphc.stop_gradient(x)",
    "view": "ops.reshape(x, shape)",
    "permute": "ops.transpose(x, axes)",
    "cpu": "x.numpy()",
    "block_until_ready": "x.numpy()",
}


def method_hint(name: str) -> str:
    """What stands for a method that tensors do not have, as the end of a sentence; or nothing."""
    found = f"ops.{name}(x, …)" if name in _FUNCTIONS else _OTHERS.get(name)
    return "" if found is None else f"; write {found}"

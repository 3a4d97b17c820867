"""What people look for in `graphc` itself, as in `tf`, and where it is."""

from __future__ import annotations

from typing import Any, Final

from graphc.errors import did_you_mean

_FROM_TENSORFLOW: Final = {
    **{f"reduce_{name}": f"ops.{name}" for name in ("mean", "sum", "max", "min", "prod", "all")},
    **{f"random_{name}": f"random.{name}" for name in ("normal", "uniform", "shuffle")},
    "truncated_normal": "random.truncated_normal",
    "set_random_seed": "utils.set_random_seed, or Session(seed=…)",
    "InteractiveSession": "Session, and session.as_default()",
    "get_variable": "Variable",
    "variable_scope": "name_scope",
    "assign": "Variable.assign",
    "concat": "ops.concatenate",
    "add_n": "ops.add, or sum(list)",
    "identity": "ops.copy",
    "train": "optimizers, and Session.save and restore for what a Saver did",
    "summary": "callbacks.TensorBoard",
    "GradientTape": "gradients(loss, variables)",
    "function": "Session.make_callable, or graphc.jit for a function of JAX",
}
_HOLDERS: Final = ("ops", "nn", "random", "layers", "utils", "optimizers", "models", "callbacks")


def missing_name(module: Any, name: str) -> AttributeError:
    """The error for a name that the package does not have; says where the thing is, if anywhere."""
    place = _FROM_TENSORFLOW.get(name)
    if place is None:
        holding = [each for each in _HOLDERS if name in dir(getattr(module, each, None))]
        place = f"{holding[0]}.{name}" if holding and not name.startswith("_") else None
    hint = did_you_mean(name, module.__all__) if place is None else f"it is graphc.{place}"
    return AttributeError(
        f"module {module.__name__!r} has no attribute {name!r}; {hint}", name=name, obj=module
    )

"""Functions with a gradient of their own: `custom_gradient`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax.tree_util

from graphc.dimensions import equal
from graphc.dtypes import TOKEN
from graphc.errors import GradientError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.bodies import Body, flatten, line_of, unflatten
from graphc.ops.context import pushed_graph
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that says itself what its gradient is, as TensorFlow's and Keras's decorator.

        @graphc.custom_gradient
        def log1pexp(x):
            e = ops.exp(x)
            return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    Derivatives of higher order differentiate what `grad_fn` computes. In forward mode the gradient
    is transposed, which takes one that is linear in what comes from above.

    Args:
        f: takes tensors in any nesting; keyword arguments are handed on as they are. It gives a
            pair: its results, in any nesting, and `grad_fn`. That takes one cotangent per result
            (None for a result that is an integer) and gives one gradient per argument, None for no
            gradient. Where `f` reads trainable variables, `grad_fn` is also called with
            `variables=`, a list of them, and gives a pair: the gradients of the arguments, and a
            list of those of the variables.

    Returns:
        A function of the same arguments that gives the results.

    Raises:
        GraphcError: `f` gives no pair, or assigns variables.
        GradientError: the number of gradients is wrong, or the type of one; or `f` reads trainable
            variables and `grad_fn` does not take `variables`. Names the line of `grad_fn`.
    """

    @functools.wraps(f)
    @undone_on_failure
    def call(*args: Any, **keywords: Any) -> Any:
        return _Application(f, args, keywords).results()

    return call


class _Application:
    """One call of a decorated function."""

    def __init__(
        self, function: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]
    ) -> None:
        leaves, self.tree = flatten(tuple(args))
        graph = graph_of([leaf for leaf in leaves if isinstance(leaf, (Tensor, Variable))])
        self.function = function
        self.graph = graph
        self.operands = [to_tensor(leaf, None, graph) for leaf in leaves]
        self.grad_fn: Callable[..., Any] = function

        def run(arguments: Sequence[Tensor]) -> Any:
            given = function(*unflatten(self.tree, arguments), **keywords)
            if not isinstance(given, (tuple, list)) or len(given) != 2 or not callable(given[1]):
                raise GraphcError(
                    "a function with its own gradient gives a pair: its results, and a function",
                    given=f"{type(given).__name__} from the function at {line_of(function)}",
                    fix="return result, grad_fn",
                    origin=capture_origin(),
                )
            self.grad_fn = given[1]
            return given[0]

        self.body = Body(function, graph, [t.value.type for t in self.operands], run)

    def results(self) -> Any:
        body, operands = self.body, self.operands
        outputs = body.tensors()
        self._refuse_effects(outputs)
        read = self._trainable_variables()
        upstream = [
            body.graph.add_input(t.value.type, f"cotangent/{i}") if t.dtype.is_inexact else None
            for i, t in enumerate(outputs)
        ]
        own, of_variables = self._gradients(upstream, read)
        self._refuse_effects(outputs)
        captures = body.graph.captures
        reads = dict(body.graph.plain_reads)
        inner = [*body.arguments, *captures.values(), *reads.values()]
        by_variable = {v.name: g for v, g in zip(read, of_variables, strict=True)}
        given = [*own, *[None] * len(captures), *[by_variable.get(name) for name in reads]]
        first_capture = len(operands)
        known = {variable.name for variable in read}
        asked = [
            *range(first_capture, first_capture + len(captures)),
            *[
                i
                for i, name in enumerate(reads, first_capture + len(captures))
                if name not in known
            ],
        ]
        op = REGISTRY["custom_gradient"]
        attributes = op.attributes.make(
            {"gradients": [i for i, g in enumerate(given) if g is not None], "unknown": asked},
            op.name,
        )
        inputs = [tensor.value for tensor in inner]
        cotangents = [tensor.value for tensor in upstream if tensor is not None]
        body.graph.finalize()
        regions = (
            slice_graph(body.graph, [t.value for t in outputs], inputs),
            slice_graph(
                body.graph, [g.value for g in given if g is not None], [*inputs, *cotangents]
            ),
        )
        variables = [body.graph.variables[name].plain_read(self.graph) for name in reads]
        name = getattr(self.function, "__name__", "custom_gradient").strip("<>")
        made = self.graph.add(op, [*operands, *captures, *variables], attributes, regions, name)
        return unflatten(body.tree, made)

    def _refuse_effects(self, outputs: Sequence[Tensor]) -> None:
        if self.body.effects() or any(tensor.dtype is TOKEN for tensor in outputs):
            raise GraphcError(
                "a function with its own gradient only computes",
                given=f"an assignment or operation in the function at {self.body.line}",
                fix="assign outside of it, and hand values through",
                origin=capture_origin(),
            )

    def _trainable_variables(self) -> list[Variable]:
        """The variables that the function reads, of which somebody may want gradients."""
        graph = self.body.graph
        found = [graph.variables[name] for name in graph.plain_reads]
        return [v for v in found if v.trainable and v.dtype.is_inexact]

    def _gradients(
        self, upstream: Sequence[Tensor | None], read: Sequence[Variable]
    ) -> tuple[list[Tensor | None], list[Tensor | None]]:
        """What `grad_fn` gives for the arguments, and for the variables."""
        line = line_of(self.grad_fn)
        keywords: dict[str, Any] = {}
        if read:
            if not _takes_variables(self.grad_fn):
                raise GradientError(
                    "the function reads trainable variables, and its grad_fn does not take them",
                    given=f"{', '.join(repr(v.name) for v in read)}; the grad_fn at {line}",
                    expected="grad_fn(*upstream, variables=None), which gives (gradients of the "
                    "arguments, gradients of the variables)",
                    fix="take variables=, or hand the variables over as arguments",
                    origin=capture_origin(),
                )
            keywords["variables"] = list(read)
        with pushed_graph(self.body.graph):
            given = self.grad_fn(*upstream, **keywords)
            of_variables: Any = []
            if read:
                if not isinstance(given, (tuple, list)) or len(given) != 2:
                    raise GradientError(
                        "a grad_fn that takes variables gives a pair",
                        given=f"{type(given).__name__} from the grad_fn at {line}",
                        expected="(gradients of the arguments, gradients of the variables)",
                        origin=capture_origin(),
                    )
                given, of_variables = given
            types = [tensor.value.type for tensor in self.operands]
            own = self._checked(given, types, "arguments")
            return own, self._checked(of_variables, [v.type for v in read], "variables")

    def _checked(self, given: Any, types: Sequence[Any], what: str) -> list[Tensor | None]:
        line = line_of(self.grad_fn)
        found = jax.tree_util.tree_flatten(given, is_leaf=lambda leaf: leaf is None)[0]
        if len(found) != len(types):
            raise GradientError(
                f"the number of gradients is not that of the {what}",
                given=f"{len(found)} from the grad_fn at {line}",
                expected=f"{len(types)}, None where there is no gradient",
                origin=capture_origin(),
            )
        checked: list[Tensor | None] = []
        for position, (leaf, type_) in enumerate(zip(found, types, strict=True)):
            if leaf is None or not type_.dtype.is_inexact:
                checked.append(None)
                continue
            tensor = to_tensor(leaf, type_.dtype, self.body.graph)
            own = tensor.value.type
            fits = own.rank == type_.rank and all(
                equal(mine, theirs) is not False
                for mine, theirs in zip(own.shape, type_.shape, strict=True)
            )
            if own.dtype is not type_.dtype or not fits:
                raise GradientError(
                    f"gradient {position} of the {what} has another type than what it belongs to",
                    given=f"{own} from the grad_fn at {line}",
                    expected=type_,
                    fix="cast it with ops.cast"
                    if own.dtype is not type_.dtype
                    else "sum over the axes that were broadcast, or broadcast it",
                    origin=capture_origin(),
                )
            graph = self.body.graph
            checked.append(tensor if tensor.graph is graph else graph.capture(tensor))
        return checked


def _takes_variables(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin says nothing about itself
        return False
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)

"""What an op is: every facet of it in one object.

One op is one block in one file of `graphc/opset/`: name, attribute schema, type rule, lowering to
JAX, gradient rule, NumPy reference, cost, traits, a line of documentation and samples. A facet that
an op does not have is declared (`NoGradient("…")`), never absent.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphc.dimensions import Dimension, equal, format_dimension
from graphc.errors import GraphcError, ShapeError
from graphc.ir.attributes import NO_ATTRIBUTES, Attributes, Schema
from graphc.ir.types import TensorType

if TYPE_CHECKING:
    from graphc.ir.builder import Builder
    from graphc.ir.graph import Graph
    from graphc.ir.node import Value


class Trait(enum.Flag):
    """What passes may take for granted about an op."""

    NONE = 0
    ELEMENTWISE = enum.auto()  # result[i] depends on operands[i] alone
    COMMUTATIVE = enum.auto()  # the two operands may change places
    ROW_WISE = enum.auto()  # row i of the result depends on row i of the operands alone
    SHAPE_MOVE = enum.auto()  # moves or repeats elements, computes nothing
    REDUCTION = enum.auto()
    CONTRACTION = enum.auto()  # a matrix product or convolution: what dominates a program's time
    COMPOSITE = enum.auto()  # defined by its decomposition
    REGION = enum.auto()  # runs closed graphs
    INTENT = enum.auto()  # stands for nodes that a later pass writes
    EFFECT = enum.auto()  # reads or writes state; gone after `functional`
    RANDOM = enum.auto()  # draws from a key
    BARRIER = enum.auto()  # nothing is merged, moved or matched through it
    HOST = enum.auto()  # never reaches XLA


@dataclass(frozen=True)
class Constraint:
    """Two sizes that must be equal when symbols get values; checked at feed."""

    left: Dimension
    right: Dimension

    def __str__(self) -> str:
        return f"{format_dimension(self.left)} == {format_dimension(self.right)}"


class OpCall:
    """An op applied to operand types: everything that a facet may look at.

    Attributes:
        op: the op.
        types: operand types.
        attributes: its attributes.
        regions: its closed graphs.
        constraints: equations between sizes that the type rule could not decide.
        wanted: for a gradient rule: which operands need a cotangent; None where all do.
        given: for a gradient rule: which results have one, the others' being zeros; None where all.
    """

    __slots__ = (
        "_results",
        "attributes",
        "constraints",
        "given",
        "op",
        "regions",
        "types",
        "wanted",
    )

    def __init__(
        self,
        op: OpSpec,
        types: tuple[TensorType, ...],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
        results: tuple[TensorType, ...] | None = None,
    ) -> None:
        self.op = op
        self.types = types
        self.attributes = attributes
        self.regions = regions
        self.constraints: list[Constraint] = []
        self.wanted: tuple[bool, ...] | None = None
        self.given: tuple[bool, ...] | None = None
        self._results = results

    @property
    def results(self) -> tuple[TensorType, ...]:
        """The types of the results, by the op's type rule."""
        if self._results is None:
            types = self.op.infer(self)
            self._results = (types,) if isinstance(types, TensorType) else tuple(types)
        return self._results

    @property
    def result(self) -> TensorType:
        """The type of the only result."""
        (only,) = self.results
        return only

    def wants(self, operand: int) -> bool:
        """Whether a gradient rule has to give a cotangent of an operand."""
        if self.wanted is None:
            return self.types[operand].dtype.is_inexact
        return self.wanted[operand]

    def has_cotangent(self, result: int) -> bool:
        """Whether the cotangent of a result is more than a zero put in its place."""
        if self.given is None:
            return self.results[result].dtype.is_inexact
        return self.given[result]

    def require_equal(self, left: Dimension, right: Dimension, what: str) -> Dimension:
        """The size that two sizes must share; an undecided pair becomes a checked constraint.

        Raises:
            ShapeError: they can never be equal.
        """
        if left is right or left == right:
            return left
        if equal(left, right) is False:
            raise self.error(ShapeError, f"{what} must be equal", f"{left} and {right}")
        self.constraints.append(Constraint(left, right))
        return left if isinstance(left, int) else right if isinstance(right, int) else left

    def error(
        self, kind: type[GraphcError], problem: str, expected: object = None, fix: str | None = None
    ) -> GraphcError:
        """An error that shows the op with its operand types and attributes."""
        operands = ", ".join(str(type_) for type_ in self.types)
        given = f"{self.op.name}({operands})"
        if self.attributes:
            schema = self.op.attributes.fields
            texts = [f"{n}={schema[n].kind.format(v)}" for n, v in self.attributes.items()]
            given += " {" + ", ".join(texts) + "}"
        return kind(f"{self.op.name}: {problem}", given=given, expected=expected, fix=fix)


class Cost(NamedTuple):
    """What an op costs: floating-point operations, and bytes read and written."""

    flops: Dimension
    bytes: Dimension


@dataclass(frozen=True)
class NoGradient:
    """The results do not depend on the operands in a differentiable way; says why.

    Attributes:
        reason: why.
        is_error: the derivative exists, but is not to be had here: asking for it is an error,
            where otherwise the path just ends.
    """

    reason: str
    is_error: bool = False


@dataclass(frozen=True)
class ZeroGradient:
    """Differentiable almost everywhere with derivative zero, as `floor`."""


@dataclass(frozen=True)
class ByDecomposition:
    """The facet is that of the op's decomposition."""


@dataclass(frozen=True)
class NotLowered:
    """The op never reaches XLA; says which stage removes it."""

    reason: str


@dataclass(frozen=True)
class PrimitiveLowering:
    """One JAX primitive: its equation can be written without tracing.

    Attributes:
        primitive: the JAX primitive.
        parameters: gives the equation's parameters.
        fixed: the parameters, where they are the same for every call.
    """

    primitive: Any
    parameters: Callable[[OpCall], dict[str, Any]]
    fixed: dict[str, Any] | None = None


@dataclass(frozen=True)
class TracedLowering:
    """A function of JAX arrays, traced once per attributes and types.

    Attributes:
        function: takes the call, then one array per operand; gives an array or a tuple of them.
    """

    function: Callable[..., Any]


@dataclass(frozen=True)
class RegionLowering:
    """A region op: `function(call, bodies, *operands)`.

    Attributes:
        function: `bodies` are the regions as functions of JAX arrays that give a list of arrays.
    """

    function: Callable[..., Any]


@dataclass(frozen=True)
class InlineLowering:
    """The op's only region, in place."""


Lowering = (
    InlineLowering
    | PrimitiveLowering
    | TracedLowering
    | RegionLowering
    | ByDecomposition
    | NotLowered
)


@dataclass(frozen=True)
class Recomputed:
    """What a gradient rule gives that computes the op anew, with more results beside its own.

    Attributes:
        results: stand for the op's results from now on, so that nothing is computed twice.
        cotangents: one per operand, or None where none exists.
    """

    results: Sequence[Value]
    cotangents: Sequence[Value | None]


class Forward(NamedTuple):
    """What a rule of forward differentiation gives.

    Attributes:
        results: stand for the op's results: these themselves, or the same computed anew together
            with their tangents, so that nothing is computed twice.
        tangents: one per result, or None where it is zero.
    """

    results: Sequence[Value]
    tangents: Sequence[Value | None]


TangentRule = Callable[
    [
        "Builder",
        OpCall,
        Sequence["Value"],
        Sequence["Value"],
        Sequence["Value | None"],
    ],
    Forward,
]
"""`rule(build, call, operands, results, tangents)` takes one tangent per operand, None for zero."""

GradientRule = Callable[
    ["Builder", OpCall, Sequence["Value"], Sequence["Value"], Sequence["Value"]],
    "Sequence[Value | None] | Recomputed",
]
"""`rule(build, call, operands, results, cotangents)` gives one cotangent per operand, or None
where none exists. Cotangents follow JAX's convention for complex numbers (no conjugation). A rule
may ask `call.wants(operand)` and `call.has_cotangent(result)` to save work."""
Gradient = GradientRule | NoGradient | ZeroGradient | ByDecomposition
Decomposition = Callable[..., "Value | tuple[Value, ...]"]
"""`decomposition(build, call, *operands)` gives the results in terms of other ops."""


@dataclass(frozen=True)
class Sample:
    """One input on which the contract test tries an op.

    Attributes:
        operands: NumPy arrays.
        attributes: as a caller writes them.
        differentiable: whether finite differences are well defined here.
        make_regions: builds the regions of a region op.
        rtol: relative tolerance against reference and JAX, in float32 terms.
    """

    operands: tuple[np.ndarray[Any, Any], ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    differentiable: bool = True
    make_regions: Callable[[], tuple[Graph, ...]] | None = None
    rtol: float = 1e-5


@dataclass(frozen=True, eq=False)
class OpSpec:
    """An op with every facet.

    Attributes:
        name: StableHLO's where it has the op.
        doc: one line.
        attributes: the schema.
        arity: number of operands, or None where it varies.
        infer: the type rule: a call to its result types.
        lower: how it becomes JAX.
        gradient: the reverse-mode rule, or why there is none.
        tangent: the forward-mode rule; None for the transpose of the gradient rule.
        reference: the same in NumPy: `reference(call, *arrays)`; region ops also take
            `bodies` as a keyword.
        cost: FLOPs and bytes; by default from traits and types.
        traits: what passes may assume.
        decomposition: a composite in terms of other ops.
        region_names: what the text form calls the regions.
        samples: inputs for the contract test.
        since: version of the op set that introduced it.
    """

    name: str
    doc: str
    infer: Callable[[OpCall], TensorType | Sequence[TensorType]]
    lower: Lowering
    gradient: Gradient
    reference: Callable[..., Any] | ByDecomposition | NotLowered
    samples: Callable[[], Sequence[Sample]]
    arity: int | None
    attributes: Schema = field(default_factory=Schema)
    traits: Trait = Trait.NONE
    tangent: TangentRule | None = None
    cost: Callable[[OpCall], Cost] | None = None
    decomposition: Decomposition | None = None
    region_names: tuple[str, ...] = ()
    since: int = 1
    type_memo: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False)
    _trait_bits: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_trait_bits", self.traits.value)
        composite = Trait.COMPOSITE in self.traits
        if composite != (self.decomposition is not None):
            raise ValueError(f"{self.name}: a composite has a decomposition, and nothing else has")

    def has(self, trait: Trait) -> bool:
        """Whether it has any of these traits; asked of every node, and flags are slow in Python."""
        return self._trait_bits & trait.value != 0

    def region_name(self, position: int) -> str:
        """What the text form calls a region; the last name serves all that follow."""
        return self.region_names[min(position, len(self.region_names) - 1)]

    def cost_of(self, call: OpCall) -> Cost:
        """FLOPs and bytes of one call; one operation per result element unless declared."""
        if self.cost is not None:
            return self.cost(call)
        elements: Dimension = 0
        for type_ in call.results:
            elements = elements + type_.size
        moved: Dimension = 0
        for type_ in (*call.types, *call.results):
            moved = moved + type_.byte_size
        return Cost(0 if self.has(Trait.SHAPE_MOVE) else elements, moved)

    def __repr__(self) -> str:
        return f"OpSpec({self.name})"

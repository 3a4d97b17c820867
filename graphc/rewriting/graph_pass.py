"""The pass protocol: a pass is a frozen value; its fields are its options.

    @dataclass(frozen=True)
    class DropTaps(GraphPass):
        name: ClassVar[str] = "drop_taps"

        def apply(self, graph: Graph, context: PassContext) -> PassResult:
            editor = GraphEditor(graph)
            for node in graph.nodes:
                if node.op.name == "tap":
                    editor.replace(node.output, node.inputs[0])
            return PassResult.of(editor)

A pass never changes the graph it is given: it edits a copy, freezes it once, and says where the old
values went, so that fetches survive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

from graphc.ir.editor import UNCHANGED, GraphEditor, ValueMap
from graphc.ir.graph import Graph
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.rewriting.pack_layout import PackLayout
from graphc.rewriting.rules import Numerics
from graphc.rewriting.trace import RewriteTrace


@dataclass
class PassContext:
    """What a pass may need to know beyond its graph.

    Attributes:
        sizes: symbols that have got values (from `specialised` on).
        platform: "cpu", "gpu" or "tpu".
        registry: the ops that may be made.
        trace: what fired where, and what was refused why.
        memo: what is remembered while a graph goes through a pipeline, such as bodies of loops
            that are known to be in normal form.
        packs: which variables are kept stacked.
        memory: how much memory to save; None where there is no budget.
    """

    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    platform: str = "cpu"
    registry: OpRegistry = REGISTRY
    trace: RewriteTrace = field(default_factory=RewriteTrace)
    memo: dict[object, Any] = field(default_factory=dict[object, Any])
    packs: PackLayout = field(default_factory=PackLayout)
    memory: MemoryGoal | None = None

    @property
    def has_to_save(self) -> bool:
        """Whether less memory must be taken than the last attempt took, at the price of time."""
        return self.memory is not None and self.memory.remove > 0


@dataclass(frozen=True)
class PassResult:
    """What a pass gives back.

    Attributes:
        graph: the new graph; the very same object when nothing changed.
        changed: whether anything did.
        values: where the values of the old graph are in the new one.
        details: what the report shows of the pass, as plain data.
    """

    graph: Graph
    changed: bool
    values: ValueMap = UNCHANGED
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def unchanged(cls, graph: Graph) -> PassResult:
        return cls(graph, changed=False)

    @classmethod
    def of(cls, editor: GraphEditor, details: Mapping[str, Any] | None = None) -> PassResult:
        """Freeze an editor."""
        graph, values = editor.freeze()
        return cls(graph, True, values, details or {})


@dataclass(frozen=True)
class GraphPass(ABC):
    """A transformation of graphs.

    Attributes:
        name: the one string that dumps, reports and `Pipeline.without` use.
        required: whether a pipeline without it cannot lower what people build.
        idempotent: whether a second run would find nothing: the manager then does without it.
        effect_on_numbers: what it does to them; `Session.verify` holds it to that. A pass of rules
            is held to what its rules say.
    """

    name: ClassVar[str]
    required: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False
    effect_on_numbers: ClassVar[Numerics] = "reassociates"

    @abstractmethod
    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        """Transform a graph."""

    def options(self) -> dict[str, Any]:
        """The options that are not at their default, for tables."""
        found: dict[str, Any] = {}
        for option in fields(self):
            value = getattr(self, option.name)
            factory = option.default_factory
            default = option.default if factory is MISSING else factory()
            if default is MISSING or value != default:
                found[option.name] = value
        return found

    def __call__(self, graph: Graph, context: PassContext | None = None) -> PassResult:
        return self.apply(graph, context or PassContext())

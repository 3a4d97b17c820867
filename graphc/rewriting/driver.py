"""The worklist that applies rule sets, several at a time, until no rule fires.

Nodes are visited operands first. Where a rule fires, the nodes that it made and those whose
operands changed are visited again at once; a last sweep over the whole graph confirms that nothing
is left. A node on which nothing can match costs one look into a table keyed by its op and the ops
that made its operands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

import graphc.settings as settings
from graphc.errors import GraphcError, PassError
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec
from graphc.ir.origin import UNKNOWN
from graphc.ir.registry import OpRegistry
from graphc.rewriting.graph_pass import PassContext, PassResult
from graphc.rewriting.match import Match, MatchScope, OperandMaker
from graphc.rewriting.pattern import Pattern, compile_pattern
from graphc.rewriting.rules import RewriteRule, RuleSet

# Users of a node with more users than this are left to the sweep that confirms.
_MANY_USERS: Final = 64
_MOST_MAKERS: Final = 3


@dataclass(frozen=True, eq=False)
class Entry:
    """One pattern of one rule, compiled.

    Attributes:
        pass_name: the rule set's name.
        rule: the rule.
        pattern: what matches.
        tag: `pass.rule`, for origins and errors.
    """

    pass_name: str
    rule: RewriteRule
    pattern: Pattern
    tag: str


_Key: TypeAlias = tuple[OperandMaker, ...]
"""A node's op and the makers of its operands; of many operands, the op alone."""


class RuleProgram:
    """Rule sets compiled together: which patterns to try at which node.

    Attributes:
        depth: how many ops the deepest pattern looks at, on a path.
        roots: the ops at which some pattern starts.
        table: the patterns to try, by the op of a node and the makers of its operands.
    """

    def __init__(self, sets: Sequence[RuleSet], registry: OpRegistry) -> None:
        self.entries: dict[OpSpec, list[Entry]] = {}
        self.table: dict[_Key, tuple[Entry, ...]] = {}
        self.depth = 1
        for rules in sets:
            for rule in rules:
                for term in rule.patterns:
                    pattern = compile_pattern(term, registry)
                    entry = Entry(rules.name, rule, pattern, f"{rules.name}.{rule.name}")
                    self.entries.setdefault(pattern.root, []).append(entry)
                    self.depth = max(self.depth, pattern.depth)
        self.roots = frozenset(self.entries)

    def candidates(self, op: OpSpec, key: _Key) -> tuple[Entry, ...]:
        """What to try at a node with this op and these makers of operands."""
        makers = key[1:]
        found = [
            entry for entry in self.entries[op] if not makers or entry.pattern.may_match(makers)
        ]
        self.table[key] = made = tuple(found)
        return made


@lru_cache(maxsize=64)
def compile_rules(sets: tuple[RuleSet, ...], registry: OpRegistry) -> RuleProgram:
    """Compile rule sets, once."""
    return RuleProgram(sets, registry)


@dataclass(frozen=True)
class _Step:
    """How a node came about: by which rule, from which node, after how many rewrites."""

    tag: str
    parent: Node
    generation: int


@dataclass
class _Memory:
    """What one run of a pipeline remembers of a rule program.

    Attributes:
        bodies: bodies of region ops, and what they became.
        refused: what was refused, so that it is told once.
    """

    bodies: dict[Graph, Graph] = field(default_factory=dict[Graph, Graph])
    refused: set[tuple[Node, RewriteRule]] = field(default_factory=set[tuple[Node, RewriteRule]])


class _Worklist:
    """One graph being rewritten to a fixpoint."""

    def __init__(
        self, graph: Graph, program: RuleProgram, context: PassContext, memory: _Memory
    ) -> None:
        self.graph = graph
        self.program = program
        self.context = context
        self.memory = memory
        self.editor = GraphEditor(graph, context.registry)
        self.scope = MatchScope(self.editor)
        self.fired: Counter[tuple[str, str]] = Counter()
        self.changes = 0
        self.steps: dict[Node, _Step] = {}
        self.pending: list[Node] = []
        self.nodes: Sequence[Node] = graph.nodes
        self.positions: dict[Node, int] | None = None
        self.position = 0
        cap = settings.rewrite_cap.get()
        # A rule that pushes a node through others moves it at most as far as the graph is long.
        self.most_generations = cap + len(graph.nodes)
        self.most_changes = cap * (len(graph.nodes) + 1)

    def run(self) -> None:
        before = -1
        while self.changes != before:
            before = self.changes
            self.sweep()
            if self.changes != before:
                self.nodes = self.editor.order()
                self.positions = None
                self.scope.forget()

    def sweep(self) -> None:
        roots = self.program.roots
        for position, node in enumerate(self.nodes):
            if node.regions:
                self.position = position
                node = self.visit_regions(node)
            if node.op in roots:
                entries = self.entries(node)
                if entries:
                    self.position = position
                    self.visit(node, entries)
                    while self.pending:
                        self.revisit(self.pending.pop())

    def revisit(self, node: Node) -> None:
        if node.regions:
            node = self.visit_regions(node)
        if node.op in self.program.roots:
            self.visit(node, self.entries(node))

    def entries(self, node: Node) -> tuple[Entry, ...]:
        """The patterns to try at a node."""
        op, operands, maker = node.op, self.scope.operands(node), self.scope.maker
        count = len(operands)
        if count == 1:
            key = (op, maker(operands[0]))
        elif count == 2:
            key = (op, maker(operands[0]), maker(operands[1]))
        elif count <= _MOST_MAKERS:
            key = (op, *[maker(value) for value in operands])
        else:
            key = (op,)
        found = self.program.table.get(key)
        return self.program.candidates(op, key) if found is None else found

    def visit(self, node: Node, entries: tuple[Entry, ...]) -> None:
        """Apply the first rule that matches and does not refuse."""
        is_alive = not self.changes
        for entry in entries:
            registers = entry.pattern.match(node, self.scope)
            if registers is None:
                continue
            is_alive = is_alive or not self.editor.is_dead(node)
            if not is_alive:
                return
            match = Match(node, entry.pattern.names, registers, self.scope)
            if self.try_rule(node, entry, match):
                return

    def try_rule(self, node: Node, entry: Entry, match: Match) -> bool:
        rule, build = entry.rule, self.editor.build
        made: Sequence[Node] = ()
        news: tuple[Value, ...] = ()
        try:
            reason = None if rule.check is None else rule.check(match)
            if reason is None:
                made_before = len(self.editor.new_nodes)
                with build.located(node.origin.with_rule(entry.tag), node.name):
                    results = rule.rewrite(match)
                news = (results,) if isinstance(results, Value) else tuple(results)
                made = self.editor.new_nodes[made_before:]
        except Exception as error:
            raise _failure(entry, node, error) from error
        if reason is None:
            reason = self.misfit(entry, node, news)
        if reason is not None:
            self.refuse(entry, node, reason, made)
            return False
        self.context.trace.fire(entry.pass_name, rule.name, node)
        self.fired[entry.pass_name, rule.name] += 1
        self.note(entry, node, made)
        self.replace(node, news, made)
        return True

    def refuse(self, entry: Entry, node: Node, reason: str, made: Sequence[Node]) -> None:
        for new in reversed(made):
            self.editor.forget(new)
        if reason and (node, entry.rule) not in self.memory.refused:
            self.memory.refused.add((node, entry.rule))
            self.context.trace.refuse(entry.pass_name, entry.rule.name, reason)

    def misfit(self, entry: Entry, node: Node, news: tuple[Value, ...]) -> str | None:
        """Why results cannot stand for a node's, where that is the graph's doing."""
        if len(news) != len(node.outputs):
            raise _failure(entry, node, None, f"gave {len(news)} values for {len(node.outputs)}")
        for old, new in zip(node.outputs, news, strict=True):
            if old.type is new.type:
                continue
            is_similar = old.type.dtype is new.type.dtype and old.type.rank == new.type.rank
            if is_similar and not (old.type.is_static and new.type.is_static):
                return f"cannot prove that {new.type} is {old.type}"
            raise _failure(entry, node, None, f"gave {new.type} for {old.type}")
        if all(
            old is self.editor.resolve(new) for old, new in zip(node.outputs, news, strict=True)
        ):
            raise _failure(entry, node, None, "gave back the node that it was to replace")
        return None

    def note(self, entry: Entry, node: Node, made: Sequence[Node]) -> None:
        """Remember where new nodes come from, and see rules that loop."""
        step = self.steps.get(node)
        generation = 1 if step is None else step.generation + 1
        following = _Step(entry.tag, node, generation)
        for new in made:
            self.steps[new] = following
            if any(operand.node is node for operand in new.inputs):
                raise _failure(entry, node, None, "built its result on the node it was to replace")
        if generation > self.most_generations or self.changes > self.most_changes:
            raise self.looping(following, node)

    def looping(self, step: _Step, node: Node) -> PassError:
        tags: Counter[str] = Counter()
        here: _Step | None = step
        for _ in range(settings.rewrite_cap.get() + 2):
            if here is None:
                break
            tags[here.tag] += 1
            here = self.steps.get(here.parent)
        again = [tag for tag, count in tags.items() if count > 1] or list(tags)
        return PassError(
            f"rules undo or feed each other: {', '.join(sorted(again))}",
            given=f"{step.generation} rewrites in one place, {self.changes} in all",
            expected=f"at most {self.most_generations} and {self.most_changes}",
            fix="give one of them a check, or leave it out: pipeline.without(...); a graph that "
            "needs more rewrites needs a higher settings.rewrite_cap",
            origin=None if node.origin is UNKNOWN else node.origin,
        )

    def replace(self, node: Node, news: tuple[Value, ...], made: Sequence[Node]) -> None:
        """Put new values in place of a node's; its users and what was made are visited next."""
        editor = self.editor
        if self.positions is None:
            self.positions = {each: index for index, each in enumerate(self.nodes)}
        positions, position = self.positions, self.position
        moved: dict[Node, None] = {}
        # What the sweep has not come to yet, it will come to: users come after what they use.
        for old, new in zip(node.outputs, news, strict=True):
            for user in editor.users(old):
                if positions.get(user, -1) <= position:
                    moved[user] = None
            if editor.resolve(new) is not old:
                editor.replace(old, new)
        self.changes += 1
        level = list(moved)
        for _ in range(self.program.depth - 2):
            above = [
                user
                for reached in level
                if sum(map(editor.count_users, reached.outputs)) <= _MANY_USERS
                for value in reached.outputs
                for user in editor.users(value)
                if user not in moved and positions.get(user, -1) <= position
            ]
            if not above:
                break
            moved.update(dict.fromkeys(above))
            level = above
        self.pending += reversed(moved)
        self.pending += reversed(made)

    def visit_regions(self, node: Node) -> Node:
        """Rewrite the bodies of a region op; the node is made anew only if one changed."""
        if self.changes and self.editor.is_dead(node):
            return node
        regions = tuple([self.body(region) for region in node.regions])
        if regions == node.regions:
            return node
        with self.editor.build.located(node.origin, node.name):
            made = self.editor.build.make(
                node.op, self.editor.operands(node), node.attributes, regions
            )
        self.replace(node, made.outputs, ())
        return made

    def body(self, region: Graph) -> Graph:
        made = self.memory.bodies.get(region)
        if made is None:
            inner = _Worklist(region, self.program, self.context, self.memory)
            inner.run()
            self.fired.update(inner.fired)
            made = inner.editor.freeze()[0] if inner.changes else region
            self.memory.bodies[region] = self.memory.bodies[made] = made
        return made


def _failure(
    entry: Entry, node: Node, error: BaseException | None, problem: str | None = None
) -> PassError:
    if problem is None:
        problem = error.message if isinstance(error, GraphcError) else repr(error)
        problem = f"failed: {problem}"
    return PassError(
        f"the rule {entry.tag} {problem}",
        given=f"{node.op.name} {node.name!r}: {', '.join(str(v.type) for v in node.outputs)}",
        origin=None if node.origin is UNKNOWN else node.origin,
        fix=f"leave the pass out: pipeline.without({entry.pass_name!r})",
    )


def rewrite_jointly(graph: Graph, sets: Sequence[RuleSet], context: PassContext) -> PassResult:
    """Apply rule sets together until no rule of any of them fires, in bodies of regions too.

    Args:
        graph: the graph.
        sets: the rule sets, most urgent first: where two rules match one node, the first wins.
        context: its trace notes what fires and what is refused.

    Returns:
        The result; its details count the firings as `"set.rule"`.

    Raises:
        PassError: a rule failed, gave a value of another type, or rules loop; names them.
    """
    program = compile_rules(tuple(sets), context.registry)
    memory: _Memory = context.memo.setdefault(program, _Memory())
    work = _Worklist(graph, program, context, memory)
    work.run()
    if not work.changes:
        return PassResult.unchanged(graph)
    fired: dict[str, Any] = {f"{name}.{rule}": n for (name, rule), n in sorted(work.fired.items())}
    return PassResult.of(work.editor, fired)

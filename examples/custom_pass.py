"""Two passes of one's own in a session's pipeline: a set of rules, and a pass that edits graphs.

The rules turn divisions by powers of two into products, and say why they leave other divisions
alone. The pass caps the argument of every exponential, in the bodies of loops too.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import graphc
import passes
from graphc.rewriting import GraphPass, PassResult, RuleCollector, RulePass
from graphc.rewriting.terms import op, splats, variables
from passes.region_rewriting import NodeReplacement

SHORT = bool(os.environ.get("GRAPHC_EXAMPLE_SHORT"))

(x,), (c,) = variables("x"), splats("c")
divisions = RuleCollector("divisions")


def is_inexact_reciprocal(match):
    """The check of the rule: a reason to leave a match alone, for reports, or None."""
    if not match.type.dtype.is_floating:
        return "integers have no reciprocal"
    divisor = float(match.number("c"))
    fraction, exponent = math.frexp(divisor)
    if abs(fraction) != 0.5:
        return "the divisor is no power of two, so its reciprocal is rounded"
    if not -100 < exponent < 100 or match.type.dtype.name not in ("float32", "float64"):
        return "the reciprocal may leave the range of the element type"
    return None


@divisions.rewrite("exact", op.divide(x, c), check=is_inexact_reciprocal)
def divide_by_power_of_two(match):
    """A division by 2^n is a product with 2^-n, bit by bit."""
    return match.build.multiply(match["x"], match.full(1 / match.number("c")))


@dataclass(frozen=True)
class CappedExponentials(GraphPass):
    """Puts `minimum(…, limit)` under every exponential: a lie, but a finite one.

    A pass is a value: its fields are its options, and they are part of every cache key.

    Attributes:
        limit: the largest exponent; e^88 still is a float32.
    """

    name: ClassVar[str] = "capped_exponentials"

    limit: float = 88.0

    def apply(self, graph, context):
        capped = NodeReplacement(context.registry, "exponential", self._cap)
        editor = capped.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"capped": len(capped.found)})

    def _cap(self, editor, node):
        (argument,) = editor.operands(node)
        with editor.build.located(node.origin.with_rule(self.name), node.name):
            limit = editor.build.full_like(argument, self.limit)
            smaller = editor.build.minimum(argument, limit)
            editor.replace(node.output, editor.build.exponential(smaller))


def show_rules():
    """What the rule made, and why it did not fire elsewhere."""
    pipeline = passes.default_pipeline().after("algebra", RulePass(divisions.rule_set()))
    with graphc.Graph().as_default(), graphc.Session(pipeline=pipeline) as session:
        feed = graphc.placeholder("float32", [None], name="x")
        halves, thirds = feed / 2, feed / 3
        values = np.random.default_rng(0).normal(size=3 if SHORT else 1000).astype(np.float32)
        found = session.run([halves, thirds], {feed: values})
        assert np.array_equal(found[0], values / 2)
        print(session.dump([halves, thirds], stage="canonical"))
        report = session.compile([halves, thirds]).report()
        for title, counts in (("fired", report.fired), ("refused", report.refused)):
            for name, count in counts.items():
                if name.startswith("divisions."):
                    print(f"{title} {name} ×{count}")


def show_pass():
    """The same graph under three pipelines, and what the report says of the pass."""
    default = passes.default_pipeline()
    for title, pipeline in (
        ("without it  ", default),
        ("limit 88    ", default.after("composed", CappedExponentials())),
        ("limit 10    ", default.after("composed", CappedExponentials(limit=10.0))),
    ):
        with graphc.Graph().as_default(), graphc.Session(pipeline=pipeline) as session:
            feed = graphc.placeholder("float32", [2], name="x")
            tower = graphc.while_loop(
                lambda i, value: i < 2,
                lambda i, value: (i + 1, graphc.ops.exp(value)),
                (0, feed),
            )[1]
            print(title, session.run(tower, {feed: [0.0, 5.0]}))
            rows = session.compile(tower).report().passes
    print([(row.stage, row.name, row.details) for row in rows if "capped" in row.name])


if __name__ == "__main__":
    show_rules()
    show_pass()

"""Floor 3: the engine of rewriting. The rules themselves are in `passes/`.

graph_pass          the pass protocol: GraphPass, PassContext, PassResult
trace               what fired where, what was refused why
terms               the expressions that rules are written in
pattern             terms compiled to matchers
match               what a matcher found
splats              constants that hold one number at every position
rules               RewriteRule, RuleSet: named rules with reasons and declared numerics
rule_pass           a rule set as a pass
driver              applies rule sets to a fixpoint with a worklist; names rules that loop
pipeline            named stages of passes, as a value
step_repetition     a step made a loop of steps
batch_rows          samples of a batch that do not count
packed_fetches      results that come stacked
stream_keys         keys of random numbers that the host makes
flat_draws          initial values of several shapes out of one hash
step_form           all of these, as what is asked of a program
fingerprint         what a pass is, as text for cache keys
manager             runs a pipeline, times and verifies passes, says who broke what
pipeline_run        what a pipeline made of a graph
"""

from graphc.rewriting import pattern
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RewriteRule, RuleCollector, RuleSet

__all__ = [
    "GraphPass",
    "PassContext",
    "PassManager",
    "PassResult",
    "Pipeline",
    "RewriteRule",
    "RuleCollector",
    "RulePass",
    "RuleSet",
    "Stage",
    "pattern",
]

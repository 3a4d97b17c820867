"""Floor 3: the engine of rewriting. The rules themselves are in `passes/`.

graph_pass   the pass protocol: GraphPass, PassContext, PassResult
trace        what fired where, what was refused why
pattern      the pattern language
rules        RewriteRule, RuleSet: named rules with reasons and declared numerics
driver       applies rule sets to a fixpoint with a worklist; names rules that loop
pipeline     named stages of passes, as a value
manager      runs a pipeline, times and verifies passes, says who broke what
"""

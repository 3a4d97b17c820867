"""Floor 3: programs that watch themselves while they run.

numerics_checks  a pass after which a program finds the first node that makes an infinity or a NaN
peaks            how large the numbers of a value are, and what that says of them
numerics_table   what the number that such a program gives means: a node, an iteration, an error
"""

"""`Session.verify`: the NumPy reference against every pass, and XLA against both.

stage_runs      numbers of a graph at any stage: NumPy in float64 and as declared, and XLA
differences     are two results the same, exactly or within a tolerance
rule_search     which rule of a step that breaks numbers is to blame
verification    one program, step by step
verify_report   what was found: a table, a dictionary, an error
"""

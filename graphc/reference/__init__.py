"""Floor 3: the NumPy reference. A graph run node by node, to check what XLA computes.

evaluator   graphs and calls on NumPy arrays
widening    the same graph with every float as float64
"""

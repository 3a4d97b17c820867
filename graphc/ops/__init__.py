"""Floor 4: the functions people call. NumPy's semantics under keras.ops' names.

    context, dataflow, tensor, variable   the graph under construction and its handles
    conversion, broadcasting              operands: promotion and broadcasting, written out as nodes
    sources, grouping, gradients          constants, placeholders; operations; gradient intents
    operators                             Python's operators on tensors
"""

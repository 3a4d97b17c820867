"""Floor 5: models and graphs in files: text, JSON and safetensors; data only, never code.

archive        a zip file of a few known members, with limits
model_files    whole models: configuration, weights, the state of the optimizer, readable IR
weight_files   weights alone
keras_weights  weights that Keras wrote
graph_files    graphs as text and constants
"""

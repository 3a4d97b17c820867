"""Layers made of what other libraries define.

jax_layer   a function of JAX, whose parameters are weights of the layer
flax_layer  a module of Flax
refused     modules of PyTorch and programs of TensorFlow, which say what to do instead
"""

"""Layers that are there for training: noise and penalties."""

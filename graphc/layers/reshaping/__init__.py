"""Layers that move, repeat, pad and cut elements."""

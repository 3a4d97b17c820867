"""Layers that bring features to a mean and a spread."""

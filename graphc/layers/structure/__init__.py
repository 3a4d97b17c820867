"""Layers that pass data on, mark it, or hold a function or another layer."""

"""Layers of several inputs that come to one."""

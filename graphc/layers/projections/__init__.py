"""Layers whose weights are a linear map, beside Dense."""

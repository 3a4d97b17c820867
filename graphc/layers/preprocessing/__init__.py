"""Layers that prepare data: `numbers`, `images`, `sounds` and `text`."""

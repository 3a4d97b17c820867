"""Recurrent layers: cells, the loop over the steps of a sequence, and wrappers."""

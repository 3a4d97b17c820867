"""Floor 4: the passes and rules that the engine in `graphc.rewriting` runs."""

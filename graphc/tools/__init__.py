"""Floor 5: the command line, and what it shows."""

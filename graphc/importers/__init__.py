"""Floor 4: graphs that exist elsewhere become graphs of this op set."""

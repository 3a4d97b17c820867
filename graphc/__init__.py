"""graphc: a declarative graph compiler on XLA."""

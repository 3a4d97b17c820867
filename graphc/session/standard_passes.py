"""The pipeline of a session that is given none."""

from __future__ import annotations

from graphc.rewriting.pipeline import Pipeline


def default_pipeline() -> Pipeline:
    """The passes of `passes.default_pipeline()`."""
    # The only import of `passes` in graphc: at the top it would make `import passes` circular.
    from passes.pipelines import default_pipeline as make

    return make()

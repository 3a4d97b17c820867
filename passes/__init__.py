"""Floor 4: the passes, and the pipeline that a session runs by default.

`pipelines.py` is the one list of them. The engine that runs them is `graphc.rewriting`.
"""

from passes.pipelines import default_pipeline

__all__ = ["default_pipeline"]

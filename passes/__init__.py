"""Floor 4: the passes, and the pipeline that a session runs by default.

`pipelines` is the one list of them, stage by stage; the engine that runs them is
`graphc.rewriting`. A package is a pass of several modules, `rules` holds the equations that
`algebra`, `shape_simplification` and `stabilisation` run, and a module is a pass or a piece that
several of them share.
"""

from passes.pipelines import default_pipeline

__all__ = ["default_pipeline"]

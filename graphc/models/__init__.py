"""Floor 5: models, thin builders of graph nodes that can be trained.

model       what all models share
functional  `Model(inputs, outputs)`: replaying repeats it on other tensors
sequential  layers in a row
layer_order the order of layers, and so of weights
summary     the table of layers
cloning     models made again, with weights of their own
"""

from graphc.files.model_files import load_model, save_model
from graphc.models.cloning import clone_model, model_from_json
from graphc.models.functional import Functional
from graphc.models.model import Model
from graphc.models.sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

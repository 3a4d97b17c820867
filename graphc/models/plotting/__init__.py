"""Pictures of models: boxes of layers, their places, and DOT, SVG or pixels made of them."""

from graphc.models.plotting.model_picture import ModelPicture as ModelPicture
from graphc.models.plotting.model_picture import model_to_dot as model_to_dot
from graphc.models.plotting.model_picture import plot_model as plot_model

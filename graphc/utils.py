"""What Keras keeps in `keras.utils`, under its names."""

from graphc.backend import is_keras_tensor, standardize_dtype
from graphc.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from graphc.models.plotting import model_to_dot, plot_model
from graphc.preparation.batch_parts import pack_x_y_sample_weight, unpack_x_y_sample_weight
from graphc.preparation.described_objects import (
    deserialize_keras_object,
    serialize_keras_object,
)
from graphc.preparation.labels import normalize, to_categorical
from graphc.preparation.py_dataset import PyDataset
from graphc.preparation.seeds import clear_session, set_random_seed
from graphc.preparation.sequences import pad_sequences, timeseries_dataset_from_array
from graphc.preparation.splitting import split_dataset

CustomObjectScope = custom_object_scope
Sequence = PyDataset

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

"""What differs from Keras's names and signatures, and why."""

from __future__ import annotations

_PIPELINE = "makes a tf.data pipeline; `fit` takes arrays and any iterable of batches"
_VERBOSE = "verbose= says how much is told"
_ALIKE = "methods of one registry, whose argument is given by its place"
_PICTURE = "needs a library for image files; imageio, Pillow or matplotlib give arrays"

# Family, names that have one reason in common, the reason.
ABSENT: dict[str, dict[str, str]] = {
    "layers": {
        "MaxNumBoundingBoxes": "boxes are not moved with images; ops.pad fills them up",
    },
    "callbacks": {
        "OrbaxCheckpoint": "BackupAndRestore and ModelCheckpoint write files of graphc's own",
        "RemoteMonitor": "sends metrics over the network; a LambdaCallback can",
    },
    "utils": {
        "audio_dataset_from_directory image_dataset_from_directory": _PIPELINE,
        "text_dataset_from_directory FeatureSpace": _PIPELINE,
        "array_to_img img_to_array load_img save_img": _PICTURE,
        "disable_interactive_logging enable_interactive_logging": _VERBOSE,
        "is_interactive_logging_enabled": _VERBOSE,
        "Progbar": "callbacks.ProgbarLogger is told by `fit`",
        "Config": "a dictionary does",
        "get_file": "downloads",
        "get_source_inputs": "Model.inputs",
    },
    "config": {
        "disable_interactive_logging enable_interactive_logging": _VERBOSE,
        "is_interactive_logging_enabled": _VERBOSE,
        "disable_flash_attention enable_flash_attention": "a pass chooses, and can be left out",
        "is_flash_attention_enabled": "a pass chooses, and can be left out",
        "disable_traceback_filtering enable_traceback_filtering": "errors name the user's line",
        "is_traceback_filtering_enabled": "errors name the user's line",
        "enable_unsafe_deserialization": "no code is ever run from files",
        "is_nnx_enabled": "there are no modules of Flax inside",
        "max_epochs max_steps_per_epoch set_max_epochs set_max_steps_per_epoch": "arguments of fit",
        "set_backend": "there is one",
    },
}

# Arguments of Keras that are not taken.
LACKING: dict[str, dict[str, str]] = {
    "losses.deserialize": {"name": _ALIKE},
    "losses.serialize": {"loss": _ALIKE},
    "metrics.serialize": {"metric": _ALIKE},
    "regularizers.serialize": {"regularizer": _ALIKE},
    "constraints.serialize": {"constraint": _ALIKE},
    "initializers.serialize": {"initializer": _ALIKE},
    "activations.serialize": {"activation": _ALIKE},
    "callbacks.ReduceLROnPlateau": {"*VAR_KEYWORD": "holds arguments that Keras refuses"},
    "random.SeedGenerator": {"*VAR_KEYWORD": "names a back end"},
}

# Arguments that are taken beyond Keras's; `name=` of functions is everywhere.
EXTRA: dict[str, dict[str, str]] = {
    "losses.deserialize": {"config": _ALIKE},
    "losses.serialize": {"thing": _ALIKE},
    "metrics.serialize": {"thing": _ALIKE},
    "regularizers.serialize": {"thing": _ALIKE},
    "constraints.serialize": {"thing": _ALIKE},
    "initializers.serialize": {"thing": _ALIKE},
    "activations.serialize": {"thing": _ALIKE},
    "layers.LayerNormalization": {"rms_scaling": "one of Keras's further arguments"},
    "callbacks.ProgbarLogger": {"console": "where it writes"},
}
